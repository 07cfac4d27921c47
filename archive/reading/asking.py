"""What a caller asks for as a query: the text of one, an outlet, days of publication."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from archive.index.search.query import Query, QueryError, parse_query, with_sites
from archive.model.times import parse_day
from archive.reading.errors import UnknownOutletError
from archive.runs.history import outlets_seen

if TYPE_CHECKING:
    from archive.reading.source import Source


def query_of(
    source: Source, text: str, outlet: str, since: date | str | None, until: date | str | None
) -> Query:
    """Return the query for the articles that are asked for; without a text, for all of them.

    :raises QueryError: the text is no query, or contradicts another argument.
    :raises ValueError: a day is none.
    :raises UnknownOutletError: the archive holds nothing of that outlet.
    """
    query = parse_query(text) if text.strip() else Query((), quality=None)
    first, last = day_of(since), day_of(until)
    for name, ours, theirs in (
        ("outlet", query.outlet, outlet),
        ("since", query.since, first),
        ("until", query.until, last),
    ):
        if ours and theirs and ours != theirs:
            raise QueryError(f"{name} is {ours} in the query and {theirs} beside it")
    query = replace(
        query,
        outlet=query.outlet or outlet,
        since=query.since or first,
        until=query.until or last,
    )
    if query.outlet:
        check_outlet(source, query.outlet)
    return with_sites(query)


def day_of(value: date | str | None) -> date | None:
    """Return a day given as a date or as ``2023-09-01``.

    :raises ValueError: it is none, or a moment, which is no day.
    """
    if isinstance(value, datetime):
        raise ValueError(f"{value} is a moment; give the day: {value:%Y-%m-%d}")
    return parse_day(value) if isinstance(value, str) else value


def check_outlet(source: Source, name: str) -> None:
    """Raise UnknownOutletError if the index holds nothing of an outlet of that name."""
    with source.reading() as (connection, _):
        known = outlets_seen(connection)
    if name in known:
        return
    close = get_close_matches(name.casefold(), known, n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    held = f"it holds {', '.join(known)}" if known else "it holds no article yet"
    raise UnknownOutletError(f"this archive holds nothing of an outlet {name!r}{meant}; {held}")
