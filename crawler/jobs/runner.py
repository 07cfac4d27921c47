"""One run of a job in its own process: started, watched, stopped at its limit, and recorded."""

from __future__ import annotations

import json
import logging
import math
import os
import select
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.index.leases import RENEWAL, Lease
from archive.runs.history import run_record
from archive.runs.job_runs import Claim, claim, end, set_log
from archive.runs.record import Ending
from crawler import VERSION
from crawler.cli.parent_process import RUN_ID_VARIABLE, SETTINGS_VARIABLE
from crawler.cli.verbs import command_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from archive.index.database import Index
    from archive.runs.record import RunRecord
    from crawler.jobs.due import Order
    from crawler.jobs.logs import Logs
    from crawler.jobs.signals import Stop

_log = logging.getLogger(__name__)
#: Seconds that a run has to end by itself after SIGTERM.
GRACE = 60.0
#: Seconds between attempts to write the end of a run into the index.
_RETRY = 10.0


@dataclass(frozen=True, kw_only=True)
class RunnerContext:
    """What all runs of a scheduler share: the index, the log folder, and settings passed on.

    ``patience`` is for how many seconds the end of a run is tried to be written.
    """

    index: Index
    logs: Logs
    settings: Mapping[str, str]
    patience: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that has ended, and how many seconds it took."""

    order: Order
    record: RunRecord
    seconds: float

    def __str__(self) -> str:
        """Return the run as one line of text."""
        record = self.record
        totals: Counter[str] = Counter()
        for counts in record.counts.values():
            totals.update(counts)
        counted = ", ".join(f"{number} {outcome}" for outcome, number in totals.items())
        how = str(record.ending)
        if record.ending is not Ending.SUCCEEDED:
            how += f" (exit {record.exit_code})"
        line = f"{record.job}: {how} in {self.seconds:.0f} s: {counted or 'nothing counted'}"
        if self.order.since is not None:
            line += f", caught up since {self.order.since}"
        if record.log:
            line += f"; {record.log}"
        return line


def run_job(order: Order, context: RunnerContext, stop: Stop) -> FinishedRun | None:
    """Run a job to its end; return None if another process was faster or is running it.

    Any process on any machine may call this. The run ends when ``stop`` is requested, at its time
    limit, or when the calling process ends.

    :raises IndexUnusableError: the index can't be written; the run was not started.
    """
    run = claim(context.index, _claim_of(order), datetime.now(UTC))
    if run is None:
        return None
    began = monotonic()
    log, file = context.logs.open(order)
    if log:
        _write(lambda: set_log(context.index, run.run_id, log))
    with file:
        process = _start(order, context, run.run_id, file)
        ending, code = Ending.FAILED, None
        if process is not None:
            ending, code = _attend(process, order, context.index, run.run_id, stop)
    if not _write_end(context, run.run_id, ending, code, stop):
        ending = Ending.CRASHED
    ended = replace(
        run,
        under_way=False,
        ended_at=datetime.now(UTC),
        ending=ending,
        exit_code=code,
        log=log,
        counts=_counts(context.index, run.run_id),
    )
    return FinishedRun(order=order, record=ended, seconds=monotonic() - began)


def _write_end(
    context: RunnerContext, run_id: str, ending: Ending, code: int | None, stop: Stop
) -> bool:
    """Write the end of a run, again and again; return False if that is given up.

    Until it is written the job counts as running and nothing can repeat it. Where this process ends
    without it, the run has crashed, as the next scheduler finds.
    """
    deadline = monotonic() + context.patience
    while not _write(lambda: end(context.index, run_id, ending, code, datetime.now(UTC))):
        if monotonic() >= deadline:
            _log.error("run %s: its end could not be written; it will be repeated.", run_id)
            return False
        if stop.wait(min(_RETRY, max(0.0, deadline - monotonic()))):
            return False
    return True


def _claim_of(order: Order) -> Claim:
    job = order.job
    return Claim(
        job=job.name,
        due_at=order.due_at,
        attempt=order.attempt,
        verb=job.verb,
        outlet=job.outlet,
        arguments=order.words,
        version=VERSION,
        leases=job.leases,
    )


def _start(
    order: Order, context: RunnerContext, run_id: str, output: IO[str]
) -> subprocess.Popen[bytes] | None:
    """Start the run's process with its output in a file; if that fails, log it and return None."""
    job = order.job
    # In the environment and not in the arguments, which every user of the machine can list: an
    # INDEX_URL or ALERT_URL may hold a password.
    settings = {**context.settings, **dict(job.settings)}
    own = {RUN_ID_VARIABLE: run_id, SETTINGS_VARIABLE: json.dumps(settings)}
    try:
        return subprocess.Popen(  # noqa: S603  (our own command line)
            [*command_line(), job.verb, *order.words],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own},
            # Ctrl-C at a terminal signals the whole process group; a run gets one signal from here.
            process_group=0,
        )
    except OSError as error:
        _log.error("%s: %s could not be started (%s).", job.name, job.verb, error.strerror)
    except ValueError as error:  # an argument that the locale can't encode
        _log.error("%s: %s could not be started (%s).", job.name, job.verb, error)
    return None


def _attend(
    process: subprocess.Popen[bytes], order: Order, index: Index, run_id: str, stop: Stop
) -> tuple[Ending, int | None]:
    """Wait for the end of the process; return how it ended, and its exit code."""
    with process:
        lease = Lease(index, order.job.leases[0], run_id)
        ending = _watch(process, lease, order.job.time_limit.total_seconds(), stop)
    code = process.returncode
    if ending is not None:
        return ending, code
    return (Ending.SUCCEEDED if code == 0 else Ending.FAILED), code


def _watch(
    process: subprocess.Popen[bytes], lease: Lease, limit: float, stop: Stop
) -> Ending | None:
    """Wait for the process and renew its lease; return why it was stopped, None if it was not."""
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
            if ending is None and (stop.requested or monotonic() >= deadline):
                ending = Ending.STOPPED if stop.requested else Ending.TIMED_OUT
                waiting.unregister(stop)
                process.send_signal(signal.SIGTERM)
                deadline = monotonic() + GRACE
            elif monotonic() >= deadline:
                process.kill()
                # Even a killed process stays while a disk does not answer.
                deadline = monotonic() + GRACE
            _write(lease.renew)
    finally:
        os.close(child)


def _counts(index: Index, run_id: str) -> dict[str, dict[str, int]]:
    """Return what the run counted, by outlet and outcome; nothing if the index can't be read."""
    try:
        with index.reading() as connection:
            found = run_record(connection, run_id, datetime.now(UTC))
    except IndexUnusableError as error:
        _log.error("%s", error)
        return {}
    return found.counts if found is not None else {}


def _write(work: Callable[[], None]) -> bool:
    """Write to the index; log the reason and return False if that fails."""
    try:
        work()
    except IndexUnusableError as error:
        _log.error("%s", error)
        return False
    return True
