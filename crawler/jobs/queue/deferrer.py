"""The scheduler's side of the queue: what is due is deferred, and what has ended is reported."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from archive.runs.queue import queued
from crawler.cli.output.times import kst_minute
from crawler.jobs.due import Order
from crawler.jobs.due_now import due_now
from crawler.jobs.execution.runner import FinishedRun
from crawler.jobs.queue.message import secret_settings
from crawler.jobs.queue.procrastinate_queue import JobQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from archive.index.database import Index
    from archive.runs.job_runs import Past
    from archive.runs.record import RunRecord
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)
#: An outlet is young for so long after its first run. What it published before is in its lists for
#: a while only, so it comes before the others.
YOUNG = timedelta(days=14)
#: Priorities: of crawls of young outlets, of other crawls, of other commands.
_YOUNG, _CRAWL, _OTHER = 2, 1, 0


class Deferrer:
    """Defers jobs that are due to the queue of an index, for workers to run.

    It is used as a `Dispatcher` is, and each run that has ended, wherever it ran, is passed to
    ``ended`` by the thread that calls `dispatch`; not those that had ended before the first call.

    :raises IndexUnusableError: the index is a file, or the queue can't be used.
    """

    def __init__(self, index: Index, ended: Callable[[FinishedRun], None]) -> None:
        self._index = index
        self._ended = ended
        self._queue = JobQueue(index)
        self._last: dict[str, RunRecord | None] = {}
        self._told: set[str] = set()
        self.idle = True
        self.all_started = True

    def __enter__(self) -> Deferrer:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: what is deferred is run by workers."""

    def dispatch(self, jobs: Sequence[Job]) -> set[str]:
        """Defer what is due and not in the queue; return the names of the jobs deferred.

        :raises IndexUnusableError: the index can't be read or written.
        """
        now = datetime.now(UTC)
        orders, pasts = due_now(self._index, jobs, now)
        self._report(jobs, pasts)
        with self._index.reading() as connection:
            waiting = {lock.partition(" ")[0] for lock in queued(connection)}
        locks = lock_names(jobs)
        deferred: set[str] = set()
        for order in orders:
            name = order.job.name
            if name in waiting:
                continue
            self._tell_secrets(order.job)
            if self._queue.defer(order, locks[name], priority(order.job, pasts[name], now)):
                _log.info("%s: deferred (scheduled for %s)", name, kst_minute(order.due_at))
                deferred.add(name)
        return deferred

    def _report(self, jobs: Sequence[Job], pasts: Mapping[str, Past]) -> None:
        """Pass on the last run of each job that has ended since the call before."""
        for job in jobs:
            if job.name not in pasts:
                continue  # it is running
            last = pasts[job.name].last
            known = self._last.get(job.name)
            is_first = job.name not in self._last
            self._last[job.name] = last
            if is_first or last is None or last.ending is None or last.due_at is None:
                continue
            if known is not None and known.run_id == last.run_id and known.ending is not None:
                continue
            order = Order(job=job, due_at=last.due_at, attempt=last.attempt)
            ended_at = last.ended_at or last.started_at
            seconds = (ended_at - last.started_at).total_seconds()
            self._ended(FinishedRun(order=order, record=last, seconds=seconds))

    def _tell_secrets(self, job: Job) -> None:
        """Log once which of a job's settings do not travel."""
        secret = secret_settings(job)
        if not secret or job.name in self._told:
            return
        self._told.add(job.name)
        _log.warning(
            "%s: %s may hold a password and is not sent to the workers; set it in their "
            "environment",
            job.name,
            ", ".join(secret),
        )


def priority(job: Job, past: Past, now: datetime) -> int:
    """Return the priority of a job; those of a higher one are run first."""
    if not job.outlet:
        return _OTHER
    is_young = past.first is None or now - past.first.started_at < YOUNG
    return _YOUNG if is_young else _CRAWL


def lock_names(jobs: Sequence[Job]) -> dict[str, str]:
    """Return the lock of each job: the same for jobs that hosts connect, also over other jobs.

    Jobs with different locks need no lease in common.
    """
    parent: dict[str, str] = {}

    def root(lease: str) -> str:
        while parent.setdefault(lease, lease) != lease:
            lease = parent[lease]
        return lease

    for job in jobs:
        roots = {root(lease) for lease in job.leases}
        parent.update(dict.fromkeys(roots, min(roots)))
    return {job.name: root(job.leases[0]) for job in jobs}
