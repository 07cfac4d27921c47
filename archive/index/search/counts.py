"""How many hits of a full-text query there are, by outlet and by time of publication."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.search.match import match_of
from archive.index.search.newest_hits import (
    add_filters,
    conditions_of,
    number_of_hits,
    untimed_hits,
)
from archive.index.search.position import FIRST, SLOTS
from archive.model.times import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from archive.index.search.newest_hits import Conditions
    from archive.index.search.query import Query

#: Positions of a day, the day of the first position, and a day behind all others.
_OF_DAY = SLOTS * 24 * 60
_FIRST_DAY = EARLIEST.date()
_LAST_DAY = date(9998, 12, 31)
#: The most days, and the most months, that are counted one by one.
_DAYS, _MONTHS = 62, 60
#: So many hits are looked up one by one to count them by outlet.
_FEW = 1000


class Unit(StrEnum):
    """What a period of `Period` is."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """The hits of a day, month or year, KST; ``first`` and ``last`` are its days, inclusive."""

    first: date
    last: date
    hits: int


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods from the first hit with a time to the last one, those without hits too."""

    unit: Unit
    periods: tuple[Period, ...]


def hits_by_outlet(
    connection: Connection, query: Query, outlets: Iterable[str], most: int
) -> dict[str, int]:
    """Return how many hits each of the outlets has, those without any left out.

    It is ``most`` where there are more.
    """
    wanted = [outlet for outlet in outlets if query.outlet in ("", outlet)]
    if number_of_hits(connection, query, _FEW + 1) <= _FEW:
        counts = _numbers_of_few(connection, query)
        counts = {outlet: min(most, counts[outlet]) for outlet in wanted if outlet in counts}
    else:
        counts = dict(zip(wanted, _numbers(connection, query, wanted, most), strict=True))
    return {outlet: number for outlet, number in counts.items() if number}


def _numbers_of_few(connection: Connection, query: Query) -> dict[str, int]:
    """Return the number of hits by outlet, from the articles that the hits are of."""
    asked = conditions_of(match_of(query))
    add_filters(asked)
    statement = text(
        "SELECT articles.outlet AS outlet, count(*) AS number"  # noqa: S608  (our own words)
        f" FROM (SELECT hit.rowid AS position FROM {untimed_hits(asked)}{_days_of(query)}) AS found"
        " CROSS JOIN revisions ON revisions.search_position = found.position"
        " JOIN articles ON articles.id = revisions.article GROUP BY articles.outlet"
    )
    rows = connection.execute(statement, asked.values)
    return {row.outlet: row.number for row in rows}


def _numbers(
    connection: Connection, query: Query, outlets: Sequence[str], most: int
) -> Iterable[int]:
    """Return the number of hits of each outlet, by one statement for all.

    As many as are asked for are read of each, in the lists of full-text search alone. A query with
    filters is counted otherwise, see `number_of_hits`.
    """
    values: dict[str, str | int] = {"most": most}
    parts = []
    for number, outlet in enumerate(outlets):
        asked = conditions_of(match_of(replace(query, outlet=outlet)))
        if asked.filters:
            return [number_of_hits(connection, replace(query, outlet=one), most) for one in outlets]
        values[f"match_{number}"] = asked.values["match"]
        asked.where[0] = asked.where[0].replace(":match", f":match_{number}")
        hits = f"SELECT 1 FROM {untimed_hits(asked)}{_days_of(query)} LIMIT :most"  # noqa: S608  (our own words)
        parts.append(f"SELECT count(*) FROM ({hits})")  # noqa: S608  (as above)
    if not parts:
        return []
    return connection.scalars(text(" UNION ALL ".join(parts)), values).all()


def hits_by_period(connection: Connection, query: Query) -> Periods:
    """Return the hits by day, or by month or year where they lie far apart.

    A hit counts for the time that its position stands for: articles share a minute's positions,
    and only where more than 90,000 are of one day does one of them count for the next.
    """
    asked = conditions_of(match_of(query))
    add_filters(asked)
    since, until = query.since or _FIRST_DAY, query.until or _LAST_DAY
    ends = _ends(connection, asked, since, until)
    if ends is None:
        return Periods(Unit.DAY, ())
    first, last = ends
    unit = _unit(first, last)
    periods = [(begin, _end(begin, unit)) for begin in _begins(first, last, unit)]
    # The first and the last one may reach beyond the days that are asked for.
    spans = [(max(begin, since), min(end, until)) for begin, end in periods]
    count = _by_day if asked.filters else _by_span
    hits = count(connection, asked, spans)
    return Periods(unit, tuple(Period(*ends, n) for ends, n in zip(periods, hits, strict=True)))


def days_of(query: Query) -> tuple[int, int]:
    """Return the first position of the days of a query, and the first one behind them."""
    since, until = query.since or _FIRST_DAY, query.until or _LAST_DAY
    return _first_position(since), _first_position(until) + _OF_DAY


def periods_of(hits: Mapping[int, int]) -> Periods:
    """Return the periods of hits that are counted by day, the first day being 0."""
    if not hits:
        return Periods(Unit.DAY, ())
    first, last = (_FIRST_DAY + timedelta(day) for day in (min(hits), max(hits)))
    unit = _unit(first, last)
    counts = dict.fromkeys(_begins(first, last, unit), 0)
    for day, number in hits.items():
        counts[_begin(_FIRST_DAY + timedelta(day), unit)] += number
    return Periods(unit, tuple(Period(one, _end(one, unit), n) for one, n in counts.items()))


def _days_of(query: Query) -> str:
    """Return the condition that a hit is of the days of the query, ``""`` without days."""
    if query.since is None and query.until is None:
        return ""
    return _of_days(query.since or _FIRST_DAY, query.until or _LAST_DAY)


def _of_days(first: date, last: date) -> str:
    """Return the condition that a hit is of these days, inclusive.

    There may be only one for each end: of two, SQLite would walk by either.
    """
    begin, end = _first_position(first), _first_position(last) + _OF_DAY
    return f" AND hit.rowid >= {begin} AND hit.rowid < {end}"


def _first_position(day: date) -> int:
    return FIRST + max(0, (day - _FIRST_DAY).days) * _OF_DAY


def _ends(
    connection: Connection, asked: Conditions, since: date, until: date
) -> tuple[date, date] | None:
    """Return the days of the first hit and of the last one."""
    found = []
    for order in ("", " DESC"):
        statement = text(
            f"SELECT hit.rowid FROM {untimed_hits(asked)}{_of_days(since, until)}"  # noqa: S608  (our own words)
            f" ORDER BY hit.rowid{order} LIMIT 1"
        )
        position = connection.scalar(statement, asked.values)
        if position is None:
            return None
        found.append(_FIRST_DAY + timedelta((position - FIRST) // _OF_DAY))
    return found[0], found[1]


def _by_span(
    connection: Connection, asked: Conditions, spans: Sequence[tuple[date, date]]
) -> Sequence[int]:
    """Return the number of hits of each span of days: a third of the time that GROUP BY takes."""
    statement = " UNION ALL ".join(
        f"SELECT count(*) FROM {untimed_hits(asked)}{_of_days(*span)}"  # noqa: S608  (our own words)
        for span in spans
    )
    return connection.scalars(text(statement), asked.values).all()


def _by_day(
    connection: Connection, asked: Conditions, spans: Sequence[tuple[date, date]]
) -> Sequence[int]:
    """Return the same, for a query with filters, which would be asked anew for each span."""
    statement = text(
        f"SELECT (hit.rowid - {FIRST}) / {_OF_DAY} AS day, count(*)"  # noqa: S608  (our own words)
        f" FROM {untimed_hits(asked)}{_of_days(spans[0][0], spans[-1][1])} GROUP BY day"
    )
    begins = [first for first, _ in spans]
    counts = [0] * len(spans)
    for day, number in connection.execute(statement, asked.values):
        counts[bisect_right(begins, _FIRST_DAY + timedelta(day)) - 1] += number
    return counts


def _unit(first: date, last: date) -> Unit:
    if (last - first).days < _DAYS:
        return Unit.DAY
    months = (last.year - first.year) * 12 + last.month - first.month
    return Unit.MONTH if months < _MONTHS else Unit.YEAR


def _begin(day: date, unit: Unit) -> date:
    if unit is Unit.DAY:
        return day
    return day.replace(day=1) if unit is Unit.MONTH else day.replace(month=1, day=1)


def _next(begin: date, unit: Unit) -> date:
    if unit is Unit.DAY:
        return begin + timedelta(1)
    if unit is Unit.MONTH:
        return (begin + timedelta(31)).replace(day=1)
    return begin.replace(year=begin.year + 1)


def _end(begin: date, unit: Unit) -> date:
    return _next(begin, unit) - timedelta(1)


def _begins(first: date, last: date, unit: Unit) -> Iterable[date]:
    begin = _begin(first, unit)
    while begin <= last:
        yield begin
        begin = _next(begin, unit)
