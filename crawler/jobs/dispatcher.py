"""Start the jobs that are due, a limited number at a time, and report the runs that have ended."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.runs.job_runs import end_crashed, past
from crawler.cli.output.times import kst_minute
from crawler.jobs.due import due, held_by
from crawler.jobs.runner import run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from crawler.jobs.due import Order
    from crawler.jobs.job import Job
    from crawler.jobs.runner import FinishedRun, RunnerContext
    from crawler.jobs.signals import Stop, WakeUp

_log = logging.getLogger(__name__)


class Dispatcher:
    """Runs jobs that are due, ``at_once`` at a time.

    It is a context manager that waits for the runs at its end. Each ended run is passed to
    ``ended`` by the thread that calls `dispatch`; ``wake_up`` is set when a run ends. ``stop`` ends
    all runs.
    """

    def __init__(
        self,
        context: RunnerContext,
        at_once: int,
        stop: Stop,
        wake_up: WakeUp,
        ended: Callable[[FinishedRun], None],
    ) -> None:
        self._context = context
        self._at_once = at_once
        self._stop = stop
        self._wake_up = wake_up
        self._ended = ended
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="run")
        self._running: dict[str, tuple[Job, Future[FinishedRun | None]]] = {}
        #: Whether the index accepted the start of every run so far.
        self.all_started = True

    def __enter__(self) -> Dispatcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.request()
        self._threads.shutdown()
        self.collect()

    @property
    def idle(self) -> bool:
        """Whether no run is going on."""
        return not self._running

    def collect(self) -> None:
        """Report the runs that have ended."""
        for name, (_, future) in list(self._running.items()):
            if not future.done():
                continue
            del self._running[name]
            try:
                run = future.result()
            except IndexUnusableError as error:
                _log.error("%s could not be started: %s", name, error)
                self.all_started = False
                continue
            if run is not None:
                self._ended(run)

    def dispatch(self, jobs: Sequence[Job]) -> set[str]:
        """Start what is due, up to the limit; return the names of the jobs started.

        :raises IndexUnusableError: the index can't be read or written.
        :raises MemoryError: there is no memory for the thread of a run.
        """
        self.collect()
        started: set[str] = set()
        # A run takes its leases when its thread begins; until then this set keeps other jobs of
        # its outlet waiting.
        taken = {lease for job, _ in self._running.values() for lease in job.leases}
        for order in self.due(jobs, datetime.now(UTC)):
            if self._stop.requested or len(self._running) >= self._at_once:
                break
            if not taken.isdisjoint(order.job.leases):
                continue
            taken.update(order.job.leases)
            self._start(order)
            started.add(order.job.name)
        return started

    def due(self, jobs: Sequence[Job], now: datetime) -> list[Order]:
        """Return what is due and not running anywhere, the longest overdue first.

        :raises IndexUnusableError: the index can't be read or written.
        """
        index = self._context.index
        for run_id in end_crashed(index, now):
            _log.warning("run %s crashed with the process that ran it; it is repeated", run_id)
        orders: list[Order] = []
        with index.reading() as connection:
            for job in jobs:
                if job.name in self._running or held_by(connection, job, now) is not None:
                    continue
                order = due(job, past(connection, job.name, now), now)
                if order is not None:
                    orders.append(order)
        return sorted(orders, key=lambda order: order.due_at)

    def _start(self, order: Order) -> None:
        _log.info(
            "%s: starting attempt %s (scheduled for %s)",
            order.job.name,
            order.attempt,
            kst_minute(order.due_at),
        )
        try:
            future = self._threads.submit(run_job, order, self._context, self._stop)
        except RuntimeError as error:  # the executor's only one that is not closed
            raise MemoryError("no memory for a thread") from error
        self._running[order.job.name] = (order.job, future)
        future.add_done_callback(lambda _: self._wake_up.set())
