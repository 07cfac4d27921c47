"""Rounds: look at what is due, begin it as far as there is room, and hear how it ended."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.index.leases import held
from archive.runs.job_runs import end_crashed, past
from crawler.jobs.due import due
from crawler.jobs.runner import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from crawler.jobs.due import Order
    from crawler.jobs.job import Job
    from crawler.jobs.runner import House, Run
    from crawler.jobs.signals import Bell, Stop

_log = logging.getLogger(__name__)


class Rounds:
    """Runs the jobs that fall due, ``at_once`` at a time; use as a context manager, which waits for those begun.

    ``done`` is told of each run that ended, ``bell`` is rung then. ``stop`` ends them all.
    """

    def __init__(
        self, house: House, at_once: int, stop: Stop, bell: Bell, done: Callable[[Run], None]
    ) -> None:
        self._house, self._at_once, self._stop, self._bell, self._done = (
            house,
            at_once,
            stop,
            bell,
            done,
        )
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="run")
        self._under_way: dict[str, tuple[Job, Future[Run | None]]] = {}
        #: Whether the index let every run that was tried be begun.
        self.all_begun = True

    def __enter__(self) -> Rounds:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.ask()
        self._threads.shutdown()
        self.collect()

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    def collect(self) -> None:
        """Tell of the runs that have ended."""
        for name, (_, future) in list(self._under_way.items()):
            if not future.done():
                continue
            del self._under_way[name]
            try:
                run = future.result()
            except IndexUnusableError as error:
                _log.error("%s could not be begun: %s", name, error)
                self.all_begun = False
                continue
            if run is not None:
                self._done(run)

    def go(self, jobs: Sequence[Job]) -> set[str]:
        """Begin what is due, as far as there is room; give the names of the jobs begun.

        :raises IndexUnusableError: the index can't be read or written.
        """
        self.collect()
        begun: set[str] = set()
        # A run takes its leases when its thread comes to it; another job of its outlet waits for
        # its end until then.
        taken = {lease for job, _ in self._under_way.values() for lease in job.leases}
        for order in self.due(jobs, datetime.now(UTC)):
            if self._stop.asked or len(self._under_way) >= self._at_once:
                break
            if not taken.isdisjoint(order.job.leases):
                continue
            taken.update(order.job.leases)
            _log.info(
                "%s: attempt %s at what fell due %s", order.job.name, order.attempt, order.due_at
            )
            future = self._threads.submit(perform, order, self._house, self._stop)
            self._under_way[order.job.name] = (order.job, future)
            future.add_done_callback(lambda _: self._bell.ring())
            begun.add(order.job.name)
        return begun

    def due(self, jobs: Sequence[Job], now: datetime) -> list[Order]:
        """What is to be run now and is in nobody's hands, the longest overdue first.

        :raises IndexUnusableError: the index can't be read or written.
        """
        index = self._house.index
        for run_id in end_crashed(index, now):
            _log.warning(
                "run %s was lost with the process that answered for it; it is taken up again",
                run_id,
            )
        orders: list[Order] = []
        with index.reading() as connection:
            for job in jobs:
                if job.name in self._under_way or any(
                    held(connection, name, now) for name in job.leases
                ):
                    continue
                order = due(job, past(connection, job.name, now), now)
                if order is not None:
                    orders.append(order)
        return sorted(orders, key=lambda order: order.due_at)
