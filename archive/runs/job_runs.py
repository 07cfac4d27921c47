"""Runs of jobs: claimed by one process, marked as ended, and looked up for the next attempt."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, text, update

from archive.index.dialect import insert_missing
from archive.index.schema import leases, runs
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.leases import held, take
from archive.index.writers.parts import RUNS, lease_part, run_part
from archive.index.writers.process_identity import is_gone, is_here, this_process
from archive.runs.record import FAILURES, Ending, RunRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from archive.index.database import Index

#: Number of attempts in `Past`: more failures in a row are not distinguished.
_RECENT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A job's runs: the latest ``attempts``, newest first; the last success; and the first run.

    ``failed`` is the number of failures since the last success, ``first_failed`` the earliest of
    them.
    """

    attempts: tuple[RunRecord, ...] = ()
    succeeded: RunRecord | None = None
    first: RunRecord | None = None
    failed: int = 0
    first_failed: RunRecord | None = None

    @property
    def last(self) -> RunRecord | None:
        """The latest attempt."""
        return self.attempts[0] if self.attempts else None


def past(connection: Connection, job: str, until: datetime) -> Past:
    """Return a job's runs for what was due by ``until``.

    Runs for later moments, which a clock that was ahead has left, are ignored.
    """
    query = select(runs).where(runs.c.job == job, runs.c.due_at <= until)
    earliest_first = (runs.c.due_at, runs.c.attempt)
    latest = query.order_by(runs.c.due_at.desc(), runs.c.attempt.desc())
    succeeded = _first(connection, latest.where(runs.c.ending == Ending.SUCCEEDED))
    found = Past(
        attempts=tuple(map(RunRecord.from_row, connection.execute(latest.limit(_RECENT)))),
        succeeded=succeeded,
        first=_first(connection, query.order_by(*earliest_first)),
    )
    if found.last is None or found.last.ending is Ending.SUCCEEDED:
        return found  # the common case: nothing has failed since
    failures = query.where(runs.c.ending.in_(FAILURES))
    if succeeded is not None:
        later_attempt = runs.c.attempt > succeeded.attempt
        failures = failures.where(
            runs.c.due_at >= succeeded.due_at,
            or_(runs.c.due_at > succeeded.due_at, later_attempt),
        )
    return replace(
        found,
        failed=connection.scalar(failures.with_only_columns(func.count())) or 0,
        first_failed=_first(connection, failures.order_by(*earliest_first)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A run to start: a job's command with its arguments, for the moment ``due_at``.

    ``leases`` must be free, and are taken.
    """

    job: str
    due_at: datetime
    attempt: int
    verb: str
    outlet: str
    arguments: Sequence[str]
    version: str
    leases: Sequence[str]


@repeated_on_conflict
def claim(index: Index, wanted: Claim, now: datetime) -> RunRecord | None:
    """Write a new run and take its leases; return None if another process was faster or holds one.

    :raises IndexUnusableError: the index can't be written.
    """
    run = RunRecord(
        run_id=uuid.uuid4().hex,
        verb=wanted.verb,
        outlet=wanted.outlet,
        arguments=tuple(wanted.arguments),
        job=wanted.job,
        due_at=wanted.due_at,
        attempt=wanted.attempt,
        host=socket.gethostname(),
        version=wanted.version,
        holder=this_process(),
        started_at=now,
        under_way=True,
    )
    row = {column.name: getattr(run, column.name) for column in _CLAIMED}
    with index.writing(*map(lease_part, wanted.leases)) as connection:
        if held(connection, wanted.leases, now) is not None:
            return None
        values = row | {"id": run.run_id, "arguments": list(run.arguments)}
        if not connection.execute(insert_missing(connection, runs).values(values)).rowcount:
            return None  # another process claimed it and ended it in the meantime
        # A crawl takes the leases of the outlet and its hosts over, as the same run.
        take(connection, wanted.leases, run.run_id, now)
    return run


@repeated_on_conflict
def set_log(index: Index, run_id: str, log: str) -> None:
    """Write the path of a run's log.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.writing(run_part(run_id)) as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(log=log))


@repeated_on_conflict
def end(index: Index, run_id: str, ending: Ending, exit_code: int | None, now: datetime) -> None:
    """Write how a run ended, and free its leases. The process that started it writes last.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.writing(run_part(run_id)) as connection:
        facts = {"ending": ending, "exit_code": exit_code, "ended_at": now}
        connection.execute(update(runs).where(runs.c.id == run_id).values(facts))
        connection.execute(delete(leases).where(leases.c.run_id == run_id))


@repeated_on_conflict
def end_crashed(index: Index, now: datetime) -> dict[str, str]:
    """Mark the runs whose process has died as crashed; return the job of each id, "" of none.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.reading() as connection:
        if not _dead(connection, now):
            return {}
    with index.writing(RUNS) as connection:
        dead = _dead(connection, now)
        connection.execute(
            update(runs)
            .where(runs.c.id.in_(list(dead)))
            .values(ending=Ending.CRASHED, ended_at=now)
        )
        connection.execute(delete(leases).where(leases.c.run_id.in_(list(dead))))
    return dead


def _dead(connection: Connection, now: datetime) -> dict[str, str]:
    columns = (runs.c.id, runs.c.holder, runs.c.host, runs.c.job)
    going = connection.execute(select(*columns).where(_UNENDED)).all()
    return {row.id: row.job for row in going if is_dead(connection, row, now)}


def is_dead(connection: Connection, row: Any, now: datetime) -> bool:
    """Return whether no process is alive that would write the end of an unended run.

    ``row`` has the columns id, holder and host.
    """
    if is_here(row.holder) and not is_gone(row.holder):
        return False
    # The crawl has a lease of its own, and may outlive the scheduler that started it for a while.
    names = connection.scalars(select(leases.c.name).where(leases.c.run_id == row.id)).all()
    if names:
        return held(connection, names, now) is None
    # or of this machine, before it was restarted
    return is_here(row.holder) or row.host == socket.gethostname()


#: Columns that a claim writes besides those of another name or type.
_CLAIMED = tuple(
    runs.c[name]
    for name in (
        "verb",
        "outlet",
        "job",
        "due_at",
        "attempt",
        "host",
        "version",
        "holder",
        "started_at",
        "counts",
    )
)
#: Literal text, as in the partial index over these rows: a bound value would not match the index.
#: Rows without a holder are of older versions; how their runs ended is unknown.
_UNENDED = (
    text("ending = ''") & (runs.c.holder != "") & or_(runs.c.ended_at.is_(None), runs.c.job != "")
)


def _first(connection: Connection, query: Select[Any]) -> RunRecord | None:
    row = connection.execute(query.limit(1)).one_or_none()
    return RunRecord.from_row(row) if row is not None else None
