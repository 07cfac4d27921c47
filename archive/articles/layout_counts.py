"""Which layouts read an outlet's newest articles, and how many each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.dialect import from_json, one_of, stored_json
from archive.index.fulltext import newest_ids
from archive.index.schema import revisions
from archive.index.search.query import Query
from archive.model.article import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class LayoutCounts:
    """How many of some ``articles`` each layout read; ``generic``: those that none did.

    An article that several layouts read counts for each of them.
    """

    articles: int
    layouts: Mapping[str, int]
    generic: int


def layouts_of_newest(connection: Connection, outlet: str, most: int) -> LayoutCounts:
    """Return by which layouts the outlet's newest articles were read, at most so many."""
    ids = newest_ids(connection, Query((), outlet=outlet, quality=None), most)
    what = (stored_json(revisions.c.layouts).label("layouts"), revisions.c.quality)
    query = select(*what, func.count().label("number")).where(one_of(revisions.c.id, ids))
    layouts: Counter[str] = Counter()
    generic = 0
    for row in connection.execute(query.group_by(*what)):
        if row.quality == Quality.GENERIC:
            generic += row.number
            continue
        for name in from_json(row.layouts):
            layouts[name] += row.number
    return LayoutCounts(len(ids), dict(layouts.most_common()), generic)
