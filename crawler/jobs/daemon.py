"""The scheduler: it works when a job is due, a run ends, on a signal, and every few seconds."""

from __future__ import annotations

import logging
import math
import select
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.model.errors import describe_os_error
from archive.model.program import PROGRAM
from archive.runs.record import Ending
from crawler.cli.output.plural import counted
from crawler.cli.output.standard_streams import discard_output
from crawler.jobs.config import JobsFileError, read_jobs
from crawler.jobs.dispatcher import Dispatcher
from crawler.jobs.signals import Stop, WakeUp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType
    from typing import TypeAlias

    from crawler.jobs.dispatcher import Dispatching
    from crawler.jobs.execution.runner import FinishedRun, RunnerContext
    from crawler.jobs.job import Job

    MakeDispatching: TypeAlias = Callable[
        [RunnerContext, int, Stop, WakeUp, Callable[[FinishedRun], None]], Dispatching
    ]

_log = logging.getLogger(__name__)
#: Seconds between rounds at most: for a jobs file that changed, a scheduler that died, a clock that
#: jumped, or a job that another process was running when it was due.
TICK = 10.0
#: Seconds for which a single round tries to write the end of a run.
_PATIENCE = 60.0
#: Seconds between rounds at least.
_SHORTEST = 0.1


class Daemon:
    """Runs the jobs of a file, or defers them, until it is stopped.

    Each ended run is passed to ``ended``; ``watch`` is called with the jobs after every round.
    ``dispatching`` makes what sees to the jobs that are due; ``pictures`` is as for `read_jobs`.
    """

    def __init__(
        self,
        path: Path,
        context: RunnerContext,
        at_once: int,
        ended: Callable[[FinishedRun], None],
        watch: Callable[[Sequence[Job]], None],
        dispatching: MakeDispatching = Dispatcher,
        *,
        pictures: bool = False,
    ) -> None:
        self._path, self._pictures = path, pictures
        self._dispatching = dispatching
        self._context = context
        self._at_once = at_once
        self._ended = ended
        self._watch = watch
        self._stop, self._wake_up = Stop(), WakeUp()
        self._reload = False
        self._state = (0, 0, 0)
        self._problem = ""
        self._wait = TICK

    def run(self, jobs: Sequence[Job], state: tuple[int, int, int]) -> None:
        """Run jobs until SIGTERM or Ctrl-C; then ask the running ones to end, and wait for them.

        ``state`` is `state_of` the file before the jobs were read: opening the index may take
        minutes, in which the file may change.
        """
        self._state = state
        with (
            self._handled_signals(),
            self._dispatching(
                self._context, self._at_once, self._stop, self._wake_up, self._ended
            ) as dispatcher,
        ):
            waiting = select.poll()
            for event in (self._stop, self._wake_up):
                waiting.register(event, select.POLLIN)
            while not self._stop.requested:
                jobs = self._reloaded(jobs)
                self._round(dispatcher, jobs)
                waiting.poll(self._wait * 1000)
                self._wake_up.clear()
        _log.info("stopped")

    def _round(self, dispatcher: Dispatching, jobs: Sequence[Job]) -> None:
        """Start what is due. If the index can't be used, log that once; the next round retries."""
        # Computed before the round begins, so that a job that becomes due meanwhile ends the wait.
        self._wait = max(_SHORTEST, min(TICK, seconds_to_next(jobs, datetime.now(UTC))))
        try:
            dispatcher.dispatch(jobs)
            self._watch(jobs)
        except IndexUnusableError as error:
            if str(error) != self._problem:
                _log.error("%s It is tried again every %s seconds.", error, int(TICK))
            self._problem = str(error)
        else:
            self._problem = ""

    def _reloaded(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Return the jobs of the file if it has changed and is valid, else ``jobs``."""
        state = state_of(self._path)
        if state == self._state and not self._reload:
            return jobs
        self._state, self._reload = state, False
        try:
            new = read_jobs(self._path, pictures=self._pictures)
        except JobsFileError as error:
            for sentence in error.sentences:
                _log.error("%s", sentence)
            _log.error("The jobs read before stay in use.")
            return jobs
        _log.info("%s: %s", self._path, counted(len(new), "job"))
        return new

    @contextmanager
    def _handled_signals(self) -> Iterator[None]:
        def handle(number: int, _: object) -> None:
            if number == signal.SIGHUP:
                self._reload = True
                self._wake_up.set()
            else:
                self._stop.request()

        with _handling(handle, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            yield


@contextmanager
def _handling(
    handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals
) -> Iterator[None]:
    """Handle signals by ``handler``, and by the handlers before from then on."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def seconds_to_next(jobs: Sequence[Job], now: datetime) -> float:
    """Return the seconds from ``now`` until the next job is due; infinity if none ever is."""
    moments = (job.schedule.next(now) for job in jobs)
    seconds = [(moment - now).total_seconds() for moment in moments if moment is not None]
    return min(seconds, default=math.inf)


def state_of(path: Path) -> tuple[int, int, int]:
    """Return a file's time, size and inode, by which a change is seen; zeros if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def once(
    jobs: Sequence[Job],
    context: RunnerContext,
    at_once: int,
    watch: Callable[[Sequence[Job]], None],
) -> int:
    """Run what is due, and print a line per run; return the exit status.

    It is 1 if a run failed or was stopped, or could not be started or printed.

    :raises IndexUnusableError: the index can't be read or written.
    """
    return _Once(context, at_once).run(jobs, watch)


class _Once:
    """One round: each job that is due runs once."""

    def __init__(self, context: RunnerContext, at_once: int) -> None:
        # cron starts the next one; the daemon alone may wait for the index for days
        self._context = replace(context, patience=_PATIENCE)
        self._at_once = at_once
        self._stop, self._wake_up = Stop(), WakeUp()
        self._runs: list[FinishedRun] = []
        self._unprinted = ""

    def run(self, jobs: Sequence[Job], watch: Callable[[Sequence[Job]], None]) -> int:
        with _handling(lambda *_: self._stop.request(), signal.SIGTERM, signal.SIGINT):
            all_started = self._dispatch(jobs)
            watch(jobs)
        self._print_rest()
        failed = any(run.record.ending is not Ending.SUCCEEDED for run in self._runs)
        return int(failed or self._stop.requested or bool(self._unprinted) or not all_started)

    def _dispatch(self, jobs: Sequence[Job]) -> bool:
        """Run what is due until nothing is left; return whether every run could be started."""
        with Dispatcher(
            self._context, self._at_once, self._stop, self._wake_up, self._print
        ) as dispatcher:
            waiting = select.poll()
            for event in (self._stop, self._wake_up):
                waiting.register(event, select.POLLIN)
            left = list(jobs)
            while not self._stop.requested:
                started = dispatcher.dispatch(left)
                left = [job for job in left if job.name not in started]
                if dispatcher.idle:
                    break
                waiting.poll()
                self._wake_up.clear()
        return dispatcher.all_started

    def _print(self, run: FinishedRun) -> None:
        """Print a run; a full disk or a closed pipe does not end the other runs."""
        self._runs.append(run)
        try:
            print(run, flush=True)
        except BrokenPipeError:
            discard_output()
        except OSError as error:
            discard_output()
            self._unprinted = describe_os_error("the file that the output goes to", error)

    def _print_rest(self) -> None:
        """Print that nothing was due, that the round was stopped, or that output is missing."""
        if not self._runs and not self._stop.requested and sys.stdout.isatty():
            print("nothing is due")
        if self._stop.requested:
            print(
                f"{PROGRAM} schedule: stopped. Interrupted runs are repeated by the next one.",
                file=sys.stderr,
            )
        if self._unprinted:
            print(f"{PROGRAM} schedule: {self._unprinted}", file=sys.stderr)
