"""The newest hits of a full-text query, and their number, in the time of those that are asked for.

SQLite walks the hits by their positions, see `archive.index.search.position`, from the newest on.
The order is that of publication, the newest first, those of one time by their revisions' ids, and
those without a time last.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from archive.index.search.match import but_not, match_of
from archive.index.search.position import (
    first_of,
    last_of,
    minute_at,
    minute_of,
    minute_of_stored,
    untimed,
)
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from archive.index.search.hit import Hit
    from archive.index.search.match import Match
    from archive.index.search.query import Query

#: Rows that are held against a filter at once, at first and at most.
_FEW, _MANY = 64, 4096


class Row(NamedTuple):
    """A hit at its position; the time is as SQLite has it."""

    position: int
    id: int
    published_at: str | None


class _Filter(NamedTuple):
    """The documents of another table of FTS5's that match, to be kept or to be left out."""

    table: str
    expression: str
    is_kept: bool


class Conditions(NamedTuple):
    """The hits to walk through, as SQL: a table of FTS5's, named ``hit``, and conditions.

    Of these hits only those remain that pass the filters.
    """

    table: str
    where: list[str]
    values: dict[str, str | int]
    filters: list[_Filter]


def newest_ids(
    connection: Connection, query: Query, limit: int, before: Hit | None = None
) -> list[int]:
    """Return the ids of the revisions that match the query, in order, at most ``limit``.

    With ``before``, only those that come after that hit in the order.
    """
    asked = conditions_of(match_of(query))
    add_days(asked, connection, query)
    if before is not None:
        _add_place(asked, connection, before)
    statement = text(
        f"SELECT hit.rowid, revisions.id, revisions.published_at FROM {timed_hits(asked)}"  # noqa: S608  (our own words)
        " ORDER BY hit.rowid DESC"
    )
    with connection.execute(statement, asked.values) as found:
        rows = _passing(connection, map(Row._make, found), asked.filters)
        return [row.id for row in islice(in_order(rows), limit)]


def number_of_hits(connection: Connection, query: Query, most: int | None = None) -> int:
    """Return how many documents match the query; ``most`` if there are more."""
    asked = conditions_of(match_of(query))
    add_days(asked, connection, query)
    hits = timed_hits(asked) if query.since or query.until else untimed_hits(asked)
    if asked.filters:
        statement = text(f"SELECT hit.rowid FROM {hits} ORDER BY hit.rowid DESC")  # noqa: S608  (our own words)
        with connection.execute(statement, asked.values) as found:
            rows = _passing(connection, (Row(row[0], 0, None) for row in found), asked.filters)
            return sum(1 for _ in islice(rows, most))
    limit = "" if most is None else f" LIMIT {most:d}"
    statement = text(f"SELECT count(*) FROM (SELECT 1 FROM {hits}{limit})")  # noqa: S608  (our own words)
    return connection.scalar(statement, asked.values) or 0


def conditions_of(match: Match) -> Conditions:
    """Return the condition that a document matches.

    Words are walked through, and single characters only where there are none: fewer documents have
    a word, as a rule.
    """
    filters: list[_Filter] = []
    if match.required:
        table, other = "search", "search_characters"
        wanted = but_not(match.required, match.excluded)
        if match.characters:
            filters.append(_Filter(other, match.characters, is_kept=True))
        others = match.excluded_characters
    else:
        table, other = "search_characters", "search"
        wanted = but_not(match.characters, match.excluded_characters)
        others = match.excluded
    if others:
        filters.append(_Filter(other, others, is_kept=False))
    return Conditions(table, [f"hit.{table} MATCH :match"], {"match": wanted}, filters)


def add_filters(asked: Conditions) -> None:
    """Make conditions of the filters, for a statement that reads all hits.

    The plus sign keeps SQLite from asking the other table for each hit.
    """
    for number, (table, expression, is_kept) in enumerate(asked.filters):
        documents = f"SELECT rowid FROM {table} WHERE {table} MATCH :filter_{number}"  # noqa: S608  (our own tables)
        asked.where.append(f"+hit.rowid {'' if is_kept else 'NOT '}IN ({documents})")
        asked.values[f"filter_{number}"] = expression


def _passing(
    connection: Connection, rows: Iterator[Row], filters: Sequence[_Filter]
) -> Iterator[Row]:
    """Yield the rows that pass the filters; rows come by position, from the last one on.

    Of the other table the documents are asked for that lie between the first and the last one of
    some rows: of a few at first, since they may be enough.
    """
    if not filters:
        yield from rows
        return
    size = _FEW
    while some := list(islice(rows, size)):
        span = {"lowest": some[-1].position, "highest": some[0].position}
        for table, expression, is_kept in filters:
            statement = text(
                f"SELECT rowid FROM {table} WHERE {table} MATCH :filter"  # noqa: S608  (our own tables)
                " AND rowid BETWEEN :lowest AND :highest ORDER BY rowid DESC"
            )
            found = set(connection.scalars(statement, {"filter": expression, **span}))
            some = [row for row in some if (row.position in found) is is_kept]
        yield from some
        size = min(2 * size, _MANY)


def add_days(asked: Conditions, connection: Connection, query: Query) -> None:
    """Add the condition that a hit was published on the days of the query."""
    if query.since:
        begin = datetime.combine(query.since, time(), KST)
        asked.where.append("hit.rowid >= :lowest AND revisions.published_at >= :since")
        asked.values.update({"lowest": first_of(minute_of(begin)), "since": _stored(begin)})
    if query.until:
        end = datetime.combine(query.until + timedelta(1), time(), KST)
        asked.where.append("hit.rowid <= :highest AND revisions.published_at < :end")
        asked.values.update({"highest": last_of(connection, minute_of(end)), "end": _stored(end)})
        if not query.since:  # those without a time are of no day
            asked.where.append("hit.rowid >= :lowest")
            asked.values["lowest"] = first_of(0)


def _add_place(asked: Conditions, connection: Connection, before: Hit) -> None:
    """Add the condition that a hit comes after another one in the order."""
    if before.published_at is None:
        asked.where.append("hit.rowid < :begin")
        asked.values["begin"] = untimed(before.id)
        return
    asked.where.append(
        "hit.rowid <= :begin AND (revisions.published_at < :at OR revisions.published_at IS NULL"
        " OR (revisions.published_at = :at AND revisions.id > :id))"
    )
    asked.values["begin"] = last_of(connection, minute_of(before.published_at))
    asked.values.update({"at": _stored(before.published_at), "id": before.id})


def timed_hits(asked: Conditions) -> str:
    """Return the hits with their revisions, behind FROM."""
    return (
        f"{asked.table} AS hit CROSS JOIN revisions ON revisions.search_position = hit.rowid"
        f" WHERE {' AND '.join(asked.where)}"
    )


def untimed_hits(asked: Conditions) -> str:
    """Return the hits alone, behind FROM."""
    return f"{asked.table} AS hit WHERE {' AND '.join(asked.where)}"


def _stored(moment: datetime) -> str:
    """Return a time as SQLite has it: texts of one form, in the order of the times."""
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(" ", timespec="microseconds")


def in_order(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield rows in the order of hits; they come by position, from the last one on.

    A row lies in its minute or in a later one. So all rows of a minute are there as soon as one
    comes that lies in an earlier one.
    """
    held: dict[int, list[Row]] = {}
    minutes: list[int] = []  # those that are held, negative: a heap yields the least
    for row in rows:
        here = minute_at(row.position)
        while minutes and -minutes[0] > here:
            yield from _sorted(held.pop(-heappop(minutes)))
        if row.published_at is None:
            yield row
            continue
        minute = minute_of_stored(row.published_at)
        if minute not in held:
            held[minute] = []
            heappush(minutes, -minute)
        held[minute].append(row)
    while minutes:
        yield from _sorted(held.pop(-heappop(minutes)))


def _sorted(rows: list[Row]) -> list[Row]:
    rows.sort(key=lambda row: row.id)
    return sorted(rows, key=lambda row: row.published_at or "", reverse=True)
