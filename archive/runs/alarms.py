"""The table of alarms: each is raised once by any process, and delivered until it is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select, update

from archive.index.schema import alarms

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Row


class AlarmKind(StrEnum):
    """What is wrong; the subjects are a job, three times an outlet, an archive, and a folder."""

    JOB_FAILED = "job_failed"
    SILENT = "silent"
    DRIFT = "drift"
    BLOCKED = "blocked"
    UNVERIFIED = "unverified"
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm; ``ended_at`` is None while it is open. ``fields`` are those that drifted."""

    id: int
    kind: AlarmKind
    subject: str
    sentence: str
    began_at: datetime
    ended_at: datetime | None
    notified_at: datetime | None
    resolved_notified_at: datetime | None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The cause of an alarm that may have to be raised."""

    kind: AlarmKind
    subject: str
    sentence: str
    began_at: datetime
    fields: tuple[str, ...] = ()


def open_alarms(connection: Connection) -> list[Alarm]:
    """Return the alarms that are open, the oldest first."""
    return _alarms(connection, alarms.c.ended_at.is_(None))


def past_alarms(connection: Connection, kind: AlarmKind, subject: str) -> list[Alarm]:
    """Return the resolved alarms of a kind and subject, the oldest first."""
    return _alarms(
        connection,
        alarms.c.kind == kind,
        alarms.c.subject == subject,
        alarms.c.ended_at.is_not(None),
    )


def last_past_alarms(connection: Connection, most: int) -> list[Alarm]:
    """Return the resolved alarms that were raised last, at most so many, the latest first."""
    query = select(alarms).where(alarms.c.ended_at.is_not(None)).order_by(alarms.c.id.desc())
    return list(map(_alarm, connection.execute(query.limit(most))))


def undelivered(connection: Connection, since: datetime) -> list[Alarm]:
    """Return the alarms that ALERT_URL has not accepted, or not their end.

    Those resolved before ``since`` are left out.
    """
    incomplete = alarms.c.notified_at.is_(None) | (
        alarms.c.ended_at.is_not(None) & alarms.c.resolved_notified_at.is_(None)
    )
    return _alarms(
        connection, incomplete, or_(alarms.c.ended_at.is_(None), alarms.c.ended_at >= since)
    )


def raise_alarm(connection: Connection, cause: Cause) -> bool:
    """Open an alarm within the caller's write transaction; return False if the same one is open.

    Drifts of an outlet are the same if they have a field in common.
    """
    same = (
        alarms.c.kind == cause.kind,
        alarms.c.subject == cause.subject,
        alarms.c.ended_at.is_(None),
    )
    for one in _alarms(connection, *same):
        if not cause.fields or set(cause.fields) & set(one.fields):
            return False
    connection.execute(
        insert(alarms).values(
            kind=cause.kind,
            subject=cause.subject,
            sentence=cause.sentence,
            began_at=cause.began_at,
            fields=" ".join(cause.fields),
        )
    )
    return True


def end_alarm(connection: Connection, alarm: Alarm, now: datetime) -> bool:
    """Resolve an alarm within the caller's write transaction; return False if it is already."""
    its = update(alarms).where(alarms.c.id == alarm.id, alarms.c.ended_at.is_(None))
    # The clock may have been set back since the alarm began.
    return bool(connection.execute(its.values(ended_at=max(now, alarm.began_at))).rowcount)


def mark_delivered(connection: Connection, alarm: Alarm, now: datetime, *, over: bool) -> None:
    """Write that ALERT_URL accepted an alarm, or with ``over`` its end."""
    column = alarms.c.resolved_notified_at if over else alarms.c.notified_at
    connection.execute(update(alarms).where(alarms.c.id == alarm.id).values({column: now}))


def _alarms(connection: Connection, *which: Any) -> list[Alarm]:
    return list(map(_alarm, connection.execute(select(alarms).where(*which).order_by(alarms.c.id))))


def _alarm(row: Row[Any]) -> Alarm:
    return Alarm(
        id=row.id,
        kind=AlarmKind(row.kind),
        subject=row.subject,
        sentence=row.sentence,
        began_at=row.began_at,
        ended_at=row.ended_at,
        notified_at=row.notified_at,
        resolved_notified_at=row.resolved_notified_at,
        fields=tuple(row.fields.split()),
    )
