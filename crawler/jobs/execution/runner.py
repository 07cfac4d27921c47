"""One run of a job: started, watched, stopped at its limit, and recorded."""

from __future__ import annotations

import logging
import math
import select
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.index.writers.leases import RENEWAL, LeaseLostError, Leases
from archive.runs.history import run_record
from archive.runs.job_runs import Claim, claim, end, set_log
from archive.runs.record import Ending
from crawler import VERSION
from crawler.jobs.execution.own_process import OwnProcesses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archive.index.database import Index
    from archive.runs.record import RunRecord
    from crawler.jobs.due import Order
    from crawler.jobs.execution.logs import Logs
    from crawler.jobs.execution.own_process import Execution, Executor
    from crawler.jobs.execution.shared_process import SharedProcesses
    from crawler.jobs.signals import Stop

_log = logging.getLogger(__name__)
#: Seconds that a run has to end by itself after SIGTERM.
GRACE = 60.0
#: Seconds between attempts to write the end of a run into the index.
_RETRY = 10.0


@dataclass(frozen=True, kw_only=True)
class RunnerContext:
    """What all runs of a scheduler share: the index, the log folder, and settings passed on.

    ``patience`` is for how many seconds the end of a run is tried to be written. ``shared`` are the
    processes for crawls that share one, None if each run has its own.
    """

    index: Index
    logs: Logs
    settings: Mapping[str, str]
    patience: float = math.inf
    shared: SharedProcesses | None = None

    def executor_of(self, order: Order) -> Executor:
        """Return what executes a run."""
        if self.shared is not None and self.shared.takes(order):
            return self.shared
        return OwnProcesses(self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that has ended, and how many seconds it took."""

    order: Order
    record: RunRecord
    seconds: float

    def __str__(self) -> str:
        """Return the run as one line of text."""
        record = self.record
        counted = ", ".join(f"{number} {outcome}" for outcome, number in record.totals.items())
        how = str(record.ending)
        if record.ending is not Ending.SUCCEEDED and record.exit_code is not None:
            how += f" (exit {record.exit_code})"
        line = f"{record.job}: {how} in {self.seconds:.0f} s: {counted or 'nothing counted'}"
        if record.recovered_of_others:
            line += f", recovered {record.recovered_of_others} of other outlets"
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
        execution = context.executor_of(order).start(order, run.run_id, log, file)
        ending, code = Ending.FAILED, None
        if execution is not None:
            ending, code = _attend(execution, order, context.index, run.run_id, stop)
    if not _write_end(context, run.run_id, ending, code, stop):
        ending = Ending.CRASHED
    # Only now: a store that does not answer keeps no lease.
    kept = context.logs.keep(order) if log else ""
    if kept and _write(lambda: set_log(context.index, run.run_id, kept)):
        log = kept
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


def _attend(
    execution: Execution, order: Order, index: Index, run_id: str, stop: Stop
) -> tuple[Ending, int | None]:
    """Wait for the end of the run; return how it ended, and its exit code."""
    try:
        lease = Leases(index, order.job.leases[:1], run_id)
        ending = _watch(execution, lease, order.job.time_limit.total_seconds(), stop)
    finally:
        code, crashed = execution.close()
    if ending is not None:
        return ending, code
    if crashed:
        return Ending.CRASHED, code
    return (Ending.SUCCEEDED if code == 0 else Ending.FAILED), code


def _watch(execution: Execution, lease: Leases, limit: float, stop: Stop) -> Ending | None:
    """Wait for the run and renew its lease; return why it was stopped, None if it was not.

    It is stopped, too, if the lease is lost: another process has taken this one for dead.
    """
    ending: Ending | None = None
    deadline = monotonic() + limit
    waiting = select.poll()
    ended = execution.fileno()
    waiting.register(ended, select.POLLIN)
    waiting.register(stop, select.POLLIN)
    while True:
        rest = deadline - monotonic()
        ready = {fd for fd, _ in waiting.poll(max(0.0, min(rest, RENEWAL)) * 1000)}
        if ended in ready:
            return ending
        if ending is None:
            ending = _why_to_stop(lease, deadline, stop)
            if ending is not None:
                waiting.unregister(stop)
                execution.stop()
                deadline = monotonic() + GRACE
            continue
        if monotonic() >= deadline:
            execution.kill()
            # Even a killed process stays while a disk does not answer.
            deadline = monotonic() + GRACE
        _is_lost(lease)


def _why_to_stop(lease: Leases, deadline: float, stop: Stop) -> Ending | None:
    """Return why a run has to be stopped, None if it may go on; its lease is then renewed."""
    if stop.requested:
        return Ending.STOPPED
    if monotonic() >= deadline:
        return Ending.TIMED_OUT
    return Ending.STOPPED if _is_lost(lease) else None


def _is_lost(lease: Leases) -> bool:
    """Renew a lease; return whether this process holds it no more."""
    try:
        _write(lease.renew)
    except LeaseLostError as error:
        _log.error("%s", error)
        return True
    return False


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
