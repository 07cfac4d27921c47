"""The scheduler's clock: APScheduler, which knows when each job falls due, with its store in the index.

Whether anything is to be run is told by the history of runs (`crawler.jobs.due`), so that a second
scheduler, a clock that jumps or a moment that is told twice starts nothing twice.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import ConflictingIdError, JobLookupError
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.base import BaseScheduler

from archive.index.schema import schedule
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.index.database import Index
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)


def tell(name: str) -> None:
    """Say that a job falls due. The store keeps this function by its name."""
    _log.debug("%s falls due", name)


class Clock(BaseScheduler):  # type: ignore[misc]  # ships no types
    """Sleeps as long as nothing falls due. It has no thread: `look` is called when its time has come, or sooner."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._unset: Sequence[Job] | None = None
        with index.lending() as engine:
            store = SQLAlchemyJobStore(engine=engine, tablename=schedule.name)
        # What was missed while nobody looked is told once.
        defaults = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        super().__init__(
            jobstores={"default": store},
            executors={"default": DebugExecutor()},
            job_defaults=defaults,
            timezone=KST,
        )

    def set(self, jobs: Sequence[Job]) -> None:
        """Know these jobs and no others; where they can't be set now, `look` does it first.

        :raises IndexUnusableError: the index can't be written.
        """
        self._unset = jobs
        with self._index.lending():
            if not self.running:
                self.start()
            # Without reading them: the rows are pickles, and an index may be of somebody else's
            # making.
            self.remove_all_jobs()
            for job in jobs:
                # another scheduler is setting the same
                with suppress(JobLookupError, ConflictingIdError):
                    self.add_job(
                        tell,
                        job.rhythm.trigger,
                        [job.name],
                        id=job.name,
                        name=job.name,
                        replace_existing=True,
                    )
        self._unset = None

    def look(self) -> float:
        """Tell of what falls due, and give the seconds until something does again, by the time of day as it is now.

        :raises IndexUnusableError: the index can't be read or written.
        """
        if self._unset is not None:
            self.set(self._unset)  # else rows would be read that may not be ours
        try:
            with self._index.lending():
                wait: float | None = self._process_jobs()
        except JobLookupError:  # another scheduler has begun just now, and set the jobs anew
            return 0.0
        return self.max_wait if wait is None else wait

    #: Seconds, where nothing will ever fall due.
    max_wait = 3600.0

    def wakeup(self) -> None:
        """Nothing: whoever changes the jobs looks at once."""

    def shutdown(self, wait: bool = True) -> None:
        """Tell nothing more; the store keeps the jobs."""
        if self.running:
            super().shutdown(wait)

    def start(self, *args: Any, **kwargs: Any) -> None:
        """Begin; APScheduler's own word for it."""
        super().start(*args, **kwargs)
