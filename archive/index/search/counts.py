"""How many hits of a full-text query there are, by outlet and by time of publication."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.search.match import match_of
from archive.index.search.newest_hits import (
    add_days,
    add_filters,
    conditions_of,
    number_of_hits,
    timed_hits,
    untimed_hits,
)
from archive.index.search.position import FIRST, SLOTS, minute_at
from archive.model.times import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from archive.index.search.newest_hits import Conditions
    from archive.index.search.query import Query

#: Minutes of a day, and the day of the first minute.
_DAY = 24 * 60
_FIRST_DAY = EARLIEST.date()
#: The most days, and the most months, that are counted one by one.
_DAYS, _MONTHS = 62, 60


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
    counts = dict(zip(wanted, _numbers(connection, query, wanted, most), strict=True))
    return {outlet: number for outlet, number in counts.items() if number}


def _numbers(
    connection: Connection, query: Query, outlets: Sequence[str], most: int
) -> Iterable[int]:
    """Return the number of hits of each outlet, by one statement for all: each takes long to begin.

    A query with filters is counted otherwise, see `number_of_hits`.
    """
    values: dict[str, str | int] = {"most": most}
    parts = []
    for number, outlet in enumerate(outlets):
        asked = conditions_of(match_of(replace(query, outlet=outlet)))
        add_days(asked, connection, query)
        if asked.filters:
            return [number_of_hits(connection, replace(query, outlet=one), most) for one in outlets]
        values |= asked.values
        values[f"match_{number}"] = values.pop("match")
        asked.where[0] = asked.where[0].replace(":match", f":match_{number}")
        hits = f"SELECT 1 FROM {_hits(asked, query)} LIMIT :most"  # noqa: S608  (our own words)
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
    add_days(asked, connection, query)
    add_filters(asked)
    asked.where.append(f"hit.rowid >= {FIRST}")
    ends = _ends(connection, asked, query)
    if ends is None:
        return Periods(Unit.DAY, ())
    first, last = ends
    unit = _unit(first, last)
    counts = dict.fromkeys(_begins(first, last, unit), 0)
    for day, number in _by_day(connection, asked, query):
        counts[_begin(day, unit)] += number
    return Periods(
        unit, tuple(Period(begin, _end(begin, unit), hits) for begin, hits in counts.items())
    )


def _hits(asked: Conditions, query: Query) -> str:
    return timed_hits(asked) if query.since or query.until else untimed_hits(asked)


def _ends(connection: Connection, asked: Conditions, query: Query) -> tuple[date, date] | None:
    """Return the days of the first hit and of the last one."""
    found = []
    for order in ("", " DESC"):
        statement = text(
            f"SELECT hit.rowid FROM {_hits(asked, query)} ORDER BY hit.rowid{order} LIMIT 1"  # noqa: S608  (our own words)
        )
        position = connection.scalar(statement, asked.values)
        if position is None:
            return None
        found.append(_day_of(minute_at(position)))
    return found[0], found[1]


def _day_of(minute: int) -> date:
    return _FIRST_DAY + timedelta(minute // _DAY)


def _by_day(connection: Connection, asked: Conditions, query: Query) -> Iterable[tuple[date, int]]:
    """Yield days with their numbers of hits."""
    # The first minute is the first of a day in KST.
    statement = text(
        f"SELECT (hit.rowid - {FIRST}) / {SLOTS * _DAY} AS day, count(*)"  # noqa: S608  (our own words)
        f" FROM {_hits(asked, query)} GROUP BY day"
    )
    for day, number in connection.execute(statement, asked.values):
        yield _FIRST_DAY + timedelta(day), number


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
