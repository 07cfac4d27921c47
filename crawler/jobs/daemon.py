"""The scheduler: it wakes when a job is due, when a run ends, on a signal, and every few seconds."""

from __future__ import annotations

import logging
import math
import select
import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.model.errors import describe_os_error
from archive.model.program import PROGRAM
from archive.runs.job_runs import Ending
from crawler.cli.base import discard_output
from crawler.jobs.config import JobsFileError, read_jobs
from crawler.jobs.dispatcher import Rounds
from crawler.jobs.signals import Bell, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from crawler.jobs.job import Job
    from crawler.jobs.runner import House, Run

_log = logging.getLogger(__name__)
#: Seconds between looks that nobody asked for: at a jobs file that changed, at a scheduler that
#: died, at a clock that jumped, and at a job whose turn it was while another process was at it.
TICK = 10.0
#: And at least so long, whatever the clock says.
_SHORTEST = 0.1


class Daemon:
    """Runs the jobs of a file, for months. ``done`` is told of each run that ended; ``watch`` looks around."""

    def __init__(
        self,
        path: Path,
        house: House,
        at_once: int,
        done: Callable[[Run], None],
        watch: Callable[[Sequence[Job]], None],
    ) -> None:
        self._path, self._house, self._at_once, self._done, self._watch = (
            path,
            house,
            at_once,
            done,
            watch,
        )
        self._stop, self._bell = Stop(), Bell()
        self._reload = False
        self._seen = (0, 0, 0)
        self._trouble = ""
        self._wait = TICK

    def run(self, jobs: Sequence[Job], state: tuple[int, int, int]) -> None:
        """Run jobs until SIGTERM or Ctrl-C; then the runs under way are asked to end, and waited for.

        ``state`` is the file's from before they were read: to open an index may take minutes, and
        the file may change.
        """
        self._seen = state
        with (
            self._signals(),
            Rounds(self._house, self._at_once, self._stop, self._bell, self._done) as rounds,
        ):
            waiting = select.poll()
            for bell in (self._stop, self._bell):
                waiting.register(bell, select.POLLIN)
            while not self._stop.asked:
                jobs = self._reloaded(jobs)
                self._wait = TICK
                self._try(lambda: self._round(rounds, jobs))  # noqa: B023  (called before jobs changes)
                waiting.poll(self._wait * 1000)
                self._bell.silence()
        _log.info("stopped")

    def _round(self, rounds: Rounds, jobs: Sequence[Job]) -> None:
        # Computed before the round begins, so that a job that becomes due meanwhile ends the wait.
        self._wait = max(_SHORTEST, min(TICK, seconds_to_next(jobs, datetime.now(UTC))))
        rounds.go(jobs)
        self._watch(jobs)

    def _reloaded(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """The jobs of the file, if it has changed and is right; else those there are."""
        state = state_of(self._path)
        if state == self._seen and not self._reload:
            return jobs
        self._seen, self._reload = state, False
        try:
            new = read_jobs(self._path)
        except JobsFileError as error:
            for sentence in error.sentences:
                _log.error("%s", sentence)
            _log.error("The jobs there were go on.")
            return jobs
        _log.info("%s: %s jobs", self._path, len(new))
        return new

    def _try(self, work: Callable[[], None]) -> None:
        """Do it; if the index can't be used say so once, and leave it to the next tick. Runs under way go on."""
        try:
            work()
        except IndexUnusableError as error:
            if str(error) != self._trouble:
                _log.error("%s It is tried again every %s seconds.", error, int(TICK))
            self._trouble = str(error)
        else:
            self._trouble = ""

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def hear(number: int, _: object) -> None:
            if number == signal.SIGHUP:
                self._reload = True
                self._bell.ring()
            else:
                self._stop.ask()

        kept = {
            number: signal.signal(number, hear)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)


def seconds_to_next(jobs: Sequence[Job], now: datetime) -> float:
    """Return the seconds from ``now`` to the next moment at which a job is due; infinity if there is none."""
    moments = (job.rhythm.next(now) for job in jobs)
    return min(
        ((moment - now).total_seconds() for moment in moments if moment is not None),
        default=math.inf,
    )


def state_of(path: Path) -> tuple[int, int, int]:
    """What tells a changed file from the one that was read."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def once(
    jobs: Sequence[Job], house: House, at_once: int, watch: Callable[[Sequence[Job]], None]
) -> int:
    """Run what is due; 1 if any of it failed, was stopped, or could not be begun or printed.

    Prints a line a run, and nothing where nothing is due.

    :raises IndexUnusableError: the index can't be read or written.
    """
    stop, bell = Stop(), Bell()
    ended: list[Run] = []
    unprinted = ""

    def done(run: Run) -> None:
        ended.append(run)
        nonlocal unprinted
        try:
            print(run, flush=True)
        except OSError as error:  # that ends no run
            discard_output()
            if not isinstance(error, BrokenPipeError):  # else the reader has seen enough
                unprinted = describe_os_error("the file that the output goes to", error)

    kept = {
        number: signal.signal(number, lambda *_: stop.ask())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        with Rounds(house, at_once, stop, bell, done) as rounds:
            waiting = select.poll()
            for one in (stop, bell):
                waiting.register(one, select.POLLIN)
            left = list(jobs)
            while not stop.asked:
                begun = rounds.go(left)
                left = [job for job in left if job.name not in begun]
                if rounds.idle:
                    break
                waiting.poll()
                bell.silence()
        watch(jobs)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    if not ended and not stop.asked and sys.stdout.isatty():
        print("nothing is due")
    if stop.asked:
        print(
            f"{PROGRAM} schedule: stopped. What was under way is taken up again by the next one.",
            file=sys.stderr,
        )
    if unprinted:
        print(f"{PROGRAM} schedule: {unprinted}", file=sys.stderr)
    return (
        1
        if unprinted
        or stop.asked
        or not rounds.all_begun
        or any(run.ending is not Ending.SUCCEEDED for run in ended)
        else 0
    )
