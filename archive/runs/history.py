"""Runs as the history tells of them: whose, when, what they counted and how they ended."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from archive.index.schema import articles, runs
from archive.runs.job_runs import is_dead
from archive.runs.record import Ending, RunRecord, is_unended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

#: Runs that began so long before a period are looked at too: they may have gone on into it.
LONGEST = timedelta(days=7)


def run_record(connection: Connection, run_id: str, now: datetime) -> RunRecord | None:
    """The run of that id."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return _record(connection, row, now) if row is not None else None


def last_run(
    connection: Connection, outlet: str, now: datetime, ending: Ending | None = None
) -> RunRecord | None:
    """The outlet's last crawl, or its last that ended so. By the index over outlet and start."""
    query = select(runs).where(
        runs.c.outlet == outlet, runs.c.verb == "crawl", runs.c.started_at <= now
    )
    if ending is not None:
        query = query.where(runs.c.ending == ending)
    row = connection.execute(query.order_by(runs.c.started_at.desc()).limit(1)).one_or_none()
    return _record(connection, row, now) if row is not None else None


def first_crawl(connection: Connection, outlet: str) -> datetime | None:
    """When the outlet's first crawl began. By the index over outlet and start."""
    query = select(runs.c.started_at).where(runs.c.outlet == outlet, runs.c.verb == "crawl")
    found: datetime | None = connection.scalar(query.order_by(runs.c.started_at).limit(1))
    return found


def whole_verification(
    connection: Connection, since: datetime, now: datetime, but: Collection[str] = ()
) -> bool:
    """Whether one that left nothing out began since then and found nothing; those of the jobs ``but`` don't count.

    By the index over outlet and start.
    """
    query = select(runs.c.arguments).where(
        runs.c.outlet == "",
        runs.c.verb == "verify",
        runs.c.ending == Ending.SUCCEEDED,
        runs.c.job.not_in(but),
        runs.c.started_at > since,
        runs.c.started_at <= now,
    )
    return any(not arguments for arguments in connection.scalars(query))


def runs_between(
    connection: Connection,
    begin: datetime | None,
    end: datetime | None,
    now: datetime,
    outlet: str = "",
    limit: int | None = None,
) -> list[RunRecord]:
    """The last ``limit`` runs that went on between two moments, the latest first.

    By the index over the start, or over outlet and start: of what began before ``begin``, a week's
    runs are looked at.
    """
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id)
    if outlet:
        query = query.where(runs.c.outlet == outlet)
    if end is not None:
        query = query.where(runs.c.started_at < end)
    if begin is not None:
        query = query.where(
            runs.c.started_at >= begin - LONGEST,
            or_(runs.c.started_at >= begin, runs.c.ended_at > begin, runs.c.ended_at.is_(None)),
        )
    found: list[RunRecord] = []
    for row in connection.execute(query.execution_options(yield_per=200)):
        record = _record(connection, row, now)
        # Of a run that has no end and does not go on it is not known that it reached into the
        # period.
        if begin is None or row.started_at >= begin or row.ended_at is not None or record.under_way:
            found.append(record)
        if len(found) == limit:
            break
    return found


def outlets_seen(connection: Connection) -> list[str]:
    """Every outlet that was ever crawled, or has articles. A look-up in an index for each, however many rows it has."""
    return sorted(
        {*_distinct(connection, runs.c.outlet), *_distinct(connection, articles.c.outlet)} - {""}
    )


def _distinct(connection: Connection, column: Any) -> Iterator[str]:
    """The values of an index's first column, each found by itself: SQLite's DISTINCT would read all of it."""
    value: str | None = connection.scalar(select(func.min(column)))
    while value is not None:
        yield value
        value = connection.scalar(select(func.min(column)).where(column > value))


def _record(connection: Connection, row: Row[Any], now: datetime) -> RunRecord:
    return RunRecord.from_row(row, crashed=is_unended(row) and is_dead(connection, row, now))


def summed(records: Sequence[RunRecord], outlet: str = "") -> dict[str, int]:
    """What runs counted together, by outcome; of one outlet, or of all."""
    total: dict[str, int] = {}
    for record in records:
        for name, table in record.counts.items():
            if not outlet or name == outlet:
                for outcome, number in table.items():
                    total[outcome] = total.get(outcome, 0) + number
    return dict(sorted(total.items()))
