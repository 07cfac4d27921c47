"""One run of a job, in a process of its own: begun, watched, ended in time, and written down."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.index.leases import RENEWAL, Lease
from archive.runs.job_runs import Claim, Ending, attempt_of, end, note_log, take_up
from crawler import VERSION
from crawler.cli.main import command_line
from crawler.cli.parent_process import RUN_ID_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archive.index.database import Index
    from crawler.jobs.due import Order
    from crawler.jobs.logs import Logs
    from crawler.jobs.signals import Stop

_log = logging.getLogger(__name__)
#: Seconds a run has to end by itself when it is asked to.
GRACE = 60.0
#: Seconds between tries to tell the index how a run ended.
_AGAIN = 10.0


@dataclass(frozen=True, kw_only=True)
class House:
    """What all runs of a scheduler have in common: the index, the place of their logs, and settings handed on."""

    index: Index
    logs: Logs
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that has ended; ``exit_code`` is None if it could not be started.

    ``counts`` are numbers by outcome, ``log`` is a path or ``""``.
    """

    order: Order
    run_id: str
    ending: Ending
    exit_code: int | None
    log: str
    seconds: float
    counts: Mapping[str, int]

    def __str__(self) -> str:
        """The run in a line."""
        counts = (
            ", ".join(f"{number} {outcome}" for outcome, number in self.counts.items())
            or "nothing counted"
        )
        missed = f", caught up since {self.order.since}" if self.order.since is not None else ""
        how = (
            self.ending
            if self.ending is Ending.SUCCEEDED
            else f"{self.ending} (exit {self.exit_code})"
        )
        return (
            f"{self.order.job.name}: {how} in {self.seconds:.0f} s: {counts}{missed}"
            + f"; {self.log}" * bool(self.log)
        )


def perform(order: Order, house: House, stop: Stop) -> Run | None:
    """Run a job to its end; None where another process was faster, or is at it.

    This is all that running a job is: whoever calls it, on whatever machine, does the same. The run
    ends with ``stop``, with its time limit, or with the process that called this.

    :raises IndexUnusableError: the index can't be written; the run was not begun.
    """
    job = order.job
    claim = Claim(
        job=job.name,
        due_at=order.due_at,
        attempt=order.attempt,
        verb=job.verb,
        outlet=job.outlet,
        arguments=order.words,
        version=VERSION,
        leases=job.leases,
    )
    run_id = take_up(house.index, claim, datetime.now(UTC))
    if run_id is None:
        return None
    began = monotonic()
    settings = {**house.settings, **dict(job.settings)}
    words = [
        job.verb,
        *order.words,
        *(word for pair in settings.items() for word in ("-s", "=".join(pair))),
    ]
    log, file = house.logs.open(order)
    if log:
        _told(lambda: note_log(house.index, run_id, log))
    ending: Ending | None = Ending.FAILED
    code = None
    with file:
        try:
            process = subprocess.Popen(  # noqa: S603  (our own command line)
                [*command_line(), *words],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, RUN_ID_VARIABLE: run_id},
                # Ctrl-C at a terminal goes to every process of the group; a run hears it from us,
                # once.
                process_group=0,
            )
        except (OSError, ValueError) as error:  # no memory; a word that this locale can't write
            why = error.strerror if isinstance(error, OSError) else error
            _log.error("%s: %s could not be started (%s).", job.name, job.verb, why)
        else:
            with process:
                lease = Lease(house.index, job.leases[0], run_id)
                ending = _watch(process, lease, job.time_limit.total_seconds(), stop)
            code = process.returncode
    ending = ending or (Ending.SUCCEEDED if code == 0 else Ending.FAILED)
    # Until it is told, the job counts as under way, and nobody could take it up: so it is told when
    # that is possible.
    while not _told(
        lambda: end(house.index, run_id, ending, code, datetime.now(UTC))
    ) and not stop.wait(_AGAIN):
        pass
    return Run(
        order=order,
        run_id=run_id,
        ending=ending,
        exit_code=code,
        log=log,
        seconds=monotonic() - began,
        counts=_counts(house.index, run_id),
    )


def _watch(
    process: subprocess.Popen[bytes], lease: Lease, limit: float, stop: Stop
) -> Ending | None:
    """Wait for the end of a run; why it was made to end, None where it ended by itself."""
    ending: Ending | None = None
    deadline = monotonic() + limit
    waiting = select.poll()
    child = os.pidfd_open(process.pid)
    try:
        waiting.register(child, select.POLLIN)
        waiting.register(stop, select.POLLIN)
        while True:
            rest = deadline - monotonic()
            ready = {fd for fd, _ in waiting.poll(max(0.0, min(rest, RENEWAL)) * 1000)}
            if child in ready:
                return ending
            if ending is None and (stop.asked or monotonic() >= deadline):
                ending = Ending.STOPPED if stop.asked else Ending.TIMED_OUT
                waiting.unregister(stop)
                process.send_signal(signal.SIGTERM)
                deadline = monotonic() + GRACE
            elif monotonic() >= deadline:
                process.kill()
                # a disk that does not answer keeps even a killed process
                deadline = monotonic() + GRACE
            _told(lease.renew)
    finally:
        os.close(child)


def _counts(index: Index, run_id: str) -> Mapping[str, int]:
    """What became of the run's inputs, over all outlets."""
    counts: Counter[str] = Counter()
    try:
        with index.reading() as connection:
            attempt = attempt_of(connection, run_id)
    except IndexUnusableError as error:
        _log.error("%s", error)
        return counts
    for table in attempt.counts.values() if attempt is not None else ():
        counts.update(table)
    return counts


def _told(write: Callable[[], None]) -> bool:
    """Write to the index; whether it could be. If not, the log says why."""
    try:
        write()
    except IndexUnusableError as error:
        _log.error("%s", error)
        return False
    return True
