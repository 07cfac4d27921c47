"""The run history: runs by id, by outlet and by period, with those that crashed marked."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from archive.index.dialect import one_of
from archive.index.schema import articles, runs
from archive.runs.job_runs import is_dead
from archive.runs.record import Ending, RunRecord, is_unended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from archive.runs.cursor import RunPlace

#: The arguments of a command that lets workers do all of its work.
_WORKERS_ALONE = re.compile(r"--workers[= ]\d+", re.ASCII)
#: How long before a period a run may have begun to be found as under way in it.
LONGEST = timedelta(days=7)


def run_record(connection: Connection, run_id: str, now: datetime) -> RunRecord | None:
    """Return the run of that id; None if there is none."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return _record(connection, row, now) if row is not None else None


def last_run(
    connection: Connection, outlet: str, now: datetime, ending: Ending | None = None
) -> RunRecord | None:
    """Return the outlet's last crawl, or its last with this ending; None if there is none.

    The query uses the index over outlet and start.
    """
    query = select(runs).where(
        runs.c.outlet == outlet, runs.c.verb == "crawl", runs.c.started_at <= now
    )
    if ending is not None:
        query = query.where(runs.c.ending == ending)
    row = connection.execute(query.order_by(runs.c.started_at.desc()).limit(1)).one_or_none()
    return _record(connection, row, now) if row is not None else None


def crawled_until(
    connection: Connection, outlets: Collection[str], but: str, now: datetime
) -> datetime | None:
    """Return when the last crawl of these outlets ended, besides the run ``but``; None without one.

    Of a crawl whose end is not written, as after a kill, that may be now. Crawls that ended more
    than `LONGEST` ago are not looked for. The query uses the index over outlet and start.
    """
    query = select(runs.c.ended_at).where(
        one_of(runs.c.outlet, outlets),
        runs.c.verb == "crawl",
        runs.c.id != but,
        runs.c.started_at > now - LONGEST,
    )
    ends = [end or now for end in connection.scalars(query)]
    return max(ends, default=None)


def first_crawl(connection: Connection, outlet: str) -> datetime | None:
    """Return when the outlet's first crawl began; None if there was none.

    The query uses the index over outlet and start.
    """
    query = select(runs.c.started_at).where(runs.c.outlet == outlet, runs.c.verb == "crawl")
    found: datetime | None = connection.scalar(query.order_by(runs.c.started_at).limit(1))
    return found


def whole_verification(
    connection: Connection, since: datetime, now: datetime, but: Collection[str] = ()
) -> bool:
    """Return whether a complete verification began since then and had no findings.

    Those of the jobs ``but`` do not count. The query uses the index over outlet and start.
    """
    query = select(runs.c.arguments).where(
        runs.c.outlet == "",
        runs.c.verb == "verify",
        runs.c.ending == Ending.SUCCEEDED,
        runs.c.job.not_in(but),
        runs.c.started_at > since,
        runs.c.started_at <= now,
    )
    return any(map(_is_whole, connection.scalars(query)))


def _is_whole(arguments: Sequence[str]) -> bool:
    """Return whether a verification with these arguments is complete: workers may do its parts."""
    if not arguments:
        return True
    return _WORKERS_ALONE.fullmatch(" ".join(arguments)) is not None


def runs_between(
    connection: Connection,
    begin: datetime | None,
    end: datetime | None,
    now: datetime,
    outlet: str = "",
    limit: int | None = None,
    before: RunPlace | None = None,
) -> list[RunRecord]:
    """Return the last ``limit`` runs that went on between two moments, the latest first.

    With ``before``, only those that come after that place in this order. The query uses the index
    over the start, or over outlet and start. Of the runs that began before ``begin``, those of
    `LONGEST` are read.
    """
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id)
    if outlet:
        query = query.where(runs.c.outlet == outlet)
    if end is not None:
        query = query.where(runs.c.started_at < end)
    if before is not None:
        at, run_id = before
        query = query.where(
            runs.c.started_at <= at, or_(runs.c.started_at < at, runs.c.id > run_id)
        )
    if begin is not None:
        query = query.where(
            runs.c.started_at >= begin - LONGEST,
            or_(runs.c.started_at >= begin, runs.c.ended_at > begin, runs.c.ended_at.is_(None)),
        )
    found: list[RunRecord] = []
    with connection.execute(query.execution_options(yield_per=200)) as rows:
        for row in rows:
            record = _record(connection, row, now)
            is_known = row.ended_at is not None or record.under_way
            # Whether a run of which neither is so reached the period is unknown.
            if begin is None or row.started_at >= begin or is_known:
                found.append(record)
            if len(found) == limit:
                break
    return found


def outlets_seen(connection: Connection) -> list[str]:
    """Return every outlet that was ever crawled or has articles, by one index look-up for each."""
    return sorted(
        {*_distinct(connection, runs.c.outlet), *_distinct(connection, articles.c.outlet)} - {""}
    )


def _distinct(connection: Connection, column: Any) -> Iterator[str]:
    """Yield the values of an index's first column. SQLite's DISTINCT would read the whole index."""
    least = select(func.min(column).label("value")).cte(recursive=True)
    following = select(func.min(column)).where(column > least.c.value).scalar_subquery()
    values = least.union_all(select(following).where(least.c.value.is_not(None)))
    yield from connection.scalars(select(values.c.value).where(values.c.value.is_not(None)))


def _record(connection: Connection, row: Row[Any], now: datetime) -> RunRecord:
    return RunRecord.from_row(row, crashed=is_unended(row) and is_dead(connection, row, now))


def summed(records: Sequence[RunRecord], outlet: str = "") -> dict[str, int]:
    """Return the summed counts of runs by outcome; of one outlet, or of all."""
    total: Counter[str] = Counter()
    for record in records:
        for name, counts in record.counts.items():
            if outlet in ("", name):
                total.update(counts)
    return dict(sorted(total.items()))
