"""The hits of a full-text query that are most about its terms, by FTS5's own BM25.

Every hit is scored: 0.2 us each, where the newest ones are found without reading the others. As the
index keeps no lengths of documents, a term counts as often as it occurs, in a long text as in a
short one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.search.match import match_of
from archive.index.search.newest_hits import (
    add_days,
    add_filters,
    conditions_of,
    timed_hits,
    untimed_hits,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from archive.index.search.query import Query

#: A term in the headlines counts as so many in the body; facets choose, and score nothing.
_SCORE = "bm25(search, 4.0, 1.0, 0.0)"


def best_ids(connection: Connection, query: Query, limit: int) -> list[int]:
    """Return the ids of the revisions that match best, at most ``limit``; equal ones newest first.

    The query must have a word: where a single character stands is not kept.
    """
    asked = conditions_of(match_of(query))
    add_days(asked, connection, query)
    add_filters(asked)
    hits = timed_hits(asked) if query.since or query.until else untimed_hits(asked)
    best = (
        f"SELECT hit.rowid AS position, {_SCORE} AS score FROM {hits}"  # noqa: S608  (our own words)
        " ORDER BY score, position DESC LIMIT :limit"
    )
    statement = text(
        f"SELECT revisions.id FROM ({best}) AS best"  # noqa: S608  (as above)
        " CROSS JOIN revisions ON revisions.search_position = best.position"
        " ORDER BY score, revisions.published_at DESC, revisions.id"
    )
    return list(connection.scalars(statement, {**asked.values, "limit": limit}))
