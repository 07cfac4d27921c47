"""Start the jobs that are due, a limited number at a time, and report the runs that have ended."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, Self

from archive.index.database import IndexUnusableError
from crawler.cli.output.times import kst_minute
from crawler.jobs.due_now import due_now
from crawler.jobs.execution.runner import run_job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from crawler.jobs.due import Order
    from crawler.jobs.execution.runner import FinishedRun, RunnerContext
    from crawler.jobs.job import Job
    from crawler.jobs.signals import Stop, WakeUp

_log = logging.getLogger(__name__)


class Dispatching(Protocol):
    """What a scheduler asks, at every round, to see to the jobs that are due."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for what was begun."""

    def dispatch(self, jobs: Sequence[Job]) -> set[str]:
        """See to what is due; return the names of the jobs that were begun or deferred.

        :raises IndexUnusableError: the index can't be read or written.
        """


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
        for order in self._due(jobs):
            if self._stop.requested or len(self._running) >= self._at_once:
                break
            if not taken.isdisjoint(order.job.leases):
                continue
            taken.update(order.job.leases)
            self._start(order)
            started.add(order.job.name)
        return started

    def _due(self, jobs: Sequence[Job]) -> list[Order]:
        return due_now(self._context.index, jobs, datetime.now(UTC), self._running).orders

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
