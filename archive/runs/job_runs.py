"""The history of runs: what was taken up, by whom, and how it ended."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from archive.index.leases import held, take
from archive.index.process_identity import is_gone, is_here, this_process
from archive.index.schema import leases, runs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from archive.index.database import Index

#: Attempts looked back at: more failures in a row are not told apart.
_RECENT = 50


class Ending(StrEnum):
    """How a run ended. ``stopped`` and ``crashed`` say nothing of the work: it is taken up again."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    CRASHED = "crashed"


#: Endings by which nothing was found wrong and nothing was done to the end.
INTERRUPTED = frozenset({Ending.STOPPED, Ending.CRASHED})
#: Endings by which the work failed.
FAILURES = frozenset({Ending.FAILED, Ending.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of a job: the ``attempt``-th at what fell due at ``due_at``. ``ending`` is None while it goes on.

    ``counts`` are numbers by outlet and outcome, ``log`` is a path or ``""``, ``exit_code`` is None
    if nobody saw one.
    """

    run_id: str
    job: str
    due_at: datetime
    attempt: int
    arguments: tuple[str, ...]
    holder: str
    started_at: datetime
    ended_at: datetime | None
    ending: Ending | None
    exit_code: int | None
    log: str
    counts: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A job's runs: the last ``attempts``, the latest first; the last that ``succeeded``; the ``first`` of all.

    ``failed`` is how many failed since then, ``first_failed`` the first of them.
    """

    attempts: tuple[Attempt, ...] = ()
    succeeded: Attempt | None = None
    first: Attempt | None = None
    failed: int = 0
    first_failed: Attempt | None = None


def past(connection: Connection, job: str, until: datetime) -> Past:
    """A job's runs for what fell due by ``until``: what a clock that was ahead has left is not the past."""
    query = select(runs).where(runs.c.job == job, runs.c.due_at <= until)
    latest = query.order_by(runs.c.due_at.desc(), runs.c.attempt.desc())
    done = connection.execute(
        latest.where(runs.c.ending == Ending.SUCCEEDED).limit(1)
    ).one_or_none()
    first = connection.execute(query.order_by(runs.c.due_at, runs.c.attempt).limit(1)).one_or_none()
    attempts = tuple(map(_attempt, connection.execute(latest.limit(_RECENT))))
    found = Past(
        attempts=attempts,
        succeeded=_attempt(done) if done is not None else None,
        first=_attempt(first) if first is not None else None,
    )
    if not attempts or attempts[0].ending is Ending.SUCCEEDED:
        return found  # as mostly: nothing has failed since
    failures = query.where(runs.c.ending.in_(FAILURES))
    if done is not None:
        failures = failures.where(
            runs.c.due_at >= done.due_at,
            or_(runs.c.due_at > done.due_at, runs.c.attempt > done.attempt),
        )
    first_failed = connection.execute(
        failures.order_by(runs.c.due_at, runs.c.attempt).limit(1)
    ).one_or_none()
    return replace(
        found,
        failed=connection.scalar(failures.with_only_columns(func.count())) or 0,
        first_failed=_attempt(first_failed) if first_failed is not None else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is to be run: a job's verb with its words, for what fell due at ``due_at``.

    ``leases`` must be free for it, and are taken.
    """

    job: str
    due_at: datetime
    attempt: int
    verb: str
    outlet: str
    arguments: Sequence[str]
    version: str
    leases: Sequence[str]


def attempt_of(connection: Connection, run_id: str) -> Attempt | None:
    """A job's run by its id."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return _attempt(row) if row is not None else None


def take_up(index: Index, claim: Claim, now: datetime) -> str | None:
    """Begin a run; its id, or None where another process was faster or is at it.

    :raises IndexUnusableError: the index can't be written.
    """
    run_id = uuid.uuid4().hex
    with index.writing() as connection:
        if any(held(connection, name, now) for name in claim.leases):
            return None
        try:
            connection.execute(
                insert(runs).values(
                    id=run_id,
                    verb=claim.verb,
                    outlet=claim.outlet,
                    arguments=list(claim.arguments),
                    job=claim.job,
                    due_at=claim.due_at,
                    attempt=claim.attempt,
                    host=socket.gethostname(),
                    version=claim.version,
                    holder=this_process(),
                    started_at=now,
                    counts={},
                )
            )
        except IntegrityError:  # it was taken up, and given up, while we looked
            return None
        for name in claim.leases:  # the crawl itself takes the outlet's over, as the same run
            take(connection, name, run_id, now)
    return run_id


def note_log(index: Index, run_id: str, log: str) -> None:
    """Say where a run's log lies.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.writing() as connection:
        connection.execute(update(runs).where(runs.c.id == run_id).values(log=log))


def end(index: Index, run_id: str, ending: Ending, exit_code: int | None, now: datetime) -> None:
    """Say how a run ended, and free what it held. The process that started it has the last word.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.writing() as connection:
        facts = {"ending": ending, "exit_code": exit_code, "ended_at": now}
        connection.execute(update(runs).where(runs.c.id == run_id).values(facts))
        connection.execute(delete(leases).where(leases.c.run_id == run_id))


def end_crashed(index: Index, now: datetime) -> list[str]:
    """Mark the runs whose process is dead as crashed; give their ids.

    :raises IndexUnusableError: the index can't be written.
    """
    with index.reading() as connection:
        if not _dead(connection, now):
            return []
    with index.writing() as connection:
        dead = _dead(connection, now)
        connection.execute(
            update(runs).where(runs.c.id.in_(dead)).values(ending=Ending.CRASHED, ended_at=now)
        )
        connection.execute(delete(leases).where(leases.c.run_id.in_(dead)))
    return dead


def _dead(connection: Connection, now: datetime) -> list[str]:
    going = connection.execute(select(runs.c.id, runs.c.holder, runs.c.host).where(_GOING)).all()
    return [row.id for row in going if is_dead(connection, row, now)]


def is_dead(connection: Connection, row: Any, now: datetime) -> bool:
    """Whether nobody lives who would write down how an unended run ended; of the row ``id, holder, host``."""
    if is_here(row.holder) and not is_gone(row.holder):
        return False
    # The crawl itself has a lease, too, and may be ending still when the scheduler that began it is
    # gone.
    names = connection.scalars(select(leases.c.name).where(leases.c.run_id == row.id)).all()
    if names:
        return not any(held(connection, name, now) for name in names)
    # or of this machine, before it was started anew
    return is_here(row.holder) or row.host == socket.gethostname()


#: In words of the index over them, which no bound value would match. Rows of older versions have no
#: holder; how their runs ended is not known.
_GOING = (
    text("ending = ''") & (runs.c.holder != "") & or_(runs.c.ended_at.is_(None), runs.c.job != "")
)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        run_id=row.id,
        job=row.job,
        due_at=row.due_at,
        attempt=row.attempt,
        arguments=tuple(row.arguments),
        holder=row.holder,
        started_at=row.started_at,
        ended_at=row.ended_at,
        ending=Ending(row.ending) if row.ending else None,
        exit_code=row.exit_code,
        log=row.log,
        counts=row.counts,
    )
