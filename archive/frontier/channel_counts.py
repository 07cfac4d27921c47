"""Which channels discovered an outlet's articles, and how many each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.dialect import from_json, one_of, stored_json
from archive.index.schema import frontier

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class ChannelCounts:
    """How many of some ``articles`` each channel named first, and how many it named at all."""

    articles: int
    first: Mapping[str, int]
    named: Mapping[str, int]


def discovered_by(
    connection: Connection, outlet: str, run_ids: Collection[str], most: int
) -> ChannelCounts:
    """Return by which channels these runs discovered articles of the outlet.

    At most so many of the articles are counted. The query uses the index over outlet and run.
    """
    discovered = (
        select(stored_json(frontier.c.channels).label("channels"))
        .where(frontier.c.outlet == outlet, one_of(frontier.c.discovered_run, run_ids))
        .limit(most)
        .subquery()
    )
    query = select(discovered.c.channels, func.count().label("number"))
    first: Counter[str] = Counter()
    named: Counter[str] = Counter()
    articles = 0
    for row in connection.execute(query.group_by(discovered.c.channels)):
        articles += row.number
        channels = from_json(row.channels)
        for channel in channels[:1]:
            first[channel] += row.number
        for channel in channels:
            named[channel] += row.number
    return ChannelCounts(articles, dict(first), dict(named.most_common()))
