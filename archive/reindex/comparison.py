"""What a reindex changed: the new index against the old one, by outcome, status and field."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from archive.articles.deletions import DeletionJudge, Status
from archive.index.schema import articles, revisions
from archive.model.visit_policy import GONE_REASONS, GONE_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Columns of ``revisions`` that are no field of an article.
_NO_FIELDS = frozenset(
    {"id", "article", "number", "current", "capture_id", "captured_at", "content_key", "change"}
)
#: Articles whose status is computed at once.
_MANY = 10_000
#: How a field is called in both indexes, by whether it was and is empty. An empty one may be null
#: or an empty text.
_WORDS = {
    (True, True): ("empty", "empty"),
    (True, False): ("empty", "filled"),
    (False, True): ("filled", "empty"),
    (False, False): ("filled", "another"),
}
_OUTCOMES = """
SELECT coalesce(was.outcome || CASE was.reason WHEN '' THEN '' ELSE '/' || was.reason END, ''),
    coalesce(now.outcome || CASE now.reason WHEN '' THEN '' ELSE '/' || now.reason END, ''),
    count(*)
FROM old.captures AS was LEFT JOIN main.captures AS now ON now.record_id = was.record_id
GROUP BY 1, 2
UNION ALL
SELECT '', now.outcome || CASE now.reason WHEN '' THEN '' ELSE '/' || now.reason END, count(*)
FROM main.captures AS now LEFT JOIN old.captures AS was ON was.record_id = now.record_id
WHERE was.id IS NULL GROUP BY 2
"""
#: Both revisions that were read from one capture, in the old and in the new index.
_PAIRS = """
FROM old.revisions AS was JOIN old.captures AS shown ON shown.id = was.capture_id
JOIN main.captures AS again ON again.record_id = shown.record_id
JOIN main.revisions AS now ON now.capture_id = again.id
"""
#: Articles that versions before the confirmation of deletions called deleted: one look sufficed.
_DELETED_BY_ONE_LOOK = f"""
WITH gone AS (
    SELECT url, captured_at FROM old.captures WHERE time_known AND (
        status IN ({", ".join(map(str, sorted(GONE_STATUSES)))})
        OR reason IN ({", ".join(f"'{reason}'" for reason in sorted(GONE_REASONS))}))
), seen AS (
    SELECT version.article AS article, max(shown.captured_at) AS at
    FROM old.captures AS shown JOIN old.revisions AS version ON version.id = shown.revision_id
    WHERE shown.time_known GROUP BY version.article
)
SELECT DISTINCT one.outlet, one.article_id FROM old.articles AS one
LEFT JOIN seen ON seen.article = one.id
JOIN gone ON gone.url = one.url OR gone.url IN (
    SELECT alias FROM old.aliases WHERE article = one.id
    AND NOT EXISTS (SELECT 1 FROM old.captures AS own WHERE own.url = one.url))
WHERE gone.captured_at > coalesce(seen.at, '')
"""  # noqa: S608  (our own words)


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """How many captures, articles or revisions changed alike.

    ``what`` is ``outcome``, ``status`` or the name of a field; of a field ``before`` and ``after``
    are ``empty``, ``filled`` or ``another``.
    """

    what: str
    before: str
    after: str
    number: int


class ComparisonError(Exception):
    """The two indexes cannot be compared; the message says why."""


def compare_indexes(new: Path, old: Path) -> list[Difference]:
    """Return what differs between two indexes of one archive.

    Captures are compared by the ids of their records, articles by their ids, and the fields of
    those revisions that were read from the same capture. The status of an article in the old index
    is what the version that made it said.

    :raises ComparisonError: one of them is damaged.
    """
    try:
        with closing(sqlite3.connect(_read_only(new), uri=True)) as connection:
            connection.execute("ATTACH DATABASE ? AS old", (_read_only(old),))
            found = [*_outcomes(connection), *_fields(connection)]
            return [*found, *_statuses(connection, new, old)]
    except (sqlite3.Error, SQLAlchemyError, ValueError) as error:
        raise ComparisonError(f"{old} cannot be compared with the new index: {error}") from error


def _read_only(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro"


def _outcomes(connection: sqlite3.Connection) -> Iterator[Difference]:
    for before, after, number in sorted(connection.execute(_OUTCOMES)):
        if before != after:
            yield Difference("outcome", before or "no capture", after or "no capture", number)


def _fields(connection: sqlite3.Connection) -> Iterator[Difference]:
    there = {row[1] for row in connection.execute("PRAGMA old.table_info(revisions)")}
    for column in revisions.columns:
        name = column.name
        if name in _NO_FIELDS or name not in there:
            continue
        counts = connection.execute(
            f"SELECT coalesce(was.{name}, '') IN ('', '[]'),"
            f" coalesce(now.{name}, '') IN ('', '[]'), count(*)"
            f" {_PAIRS} WHERE was.{name} IS NOT now.{name} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        for was_empty, is_empty, number in counts:
            before, after = _WORDS[bool(was_empty), bool(is_empty)]
            yield Difference(name, before, after, number)


def _statuses(connection: sqlite3.Connection, new: Path, old: Path) -> Iterator[Difference]:
    columns = {row[1] for row in connection.execute("PRAGMA old.table_info(frontier)")}
    if "gone_at" in columns:
        before = _judged(old)
    else:
        rows = connection.execute(_DELETED_BY_ONE_LOOK)
        before = dict.fromkeys(((outlet, article_id) for outlet, article_id in rows), "deleted")
    after = _judged(new)
    counts: Counter[tuple[str, str]] = Counter()
    for outlet, article_id in before.keys() | after.keys():
        in_both = connection.execute(
            "SELECT 1 FROM main.articles AS now JOIN old.articles AS was"
            " ON was.outlet = now.outlet AND was.article_id = now.article_id"
            " WHERE now.outlet = ? AND now.article_id = ?",
            (outlet, article_id),
        )
        if in_both.fetchone():
            pair = (outlet, article_id)
            published = str(Status.PUBLISHED)
            counts[before.get(pair, published), after.get(pair, published)] += 1
    for (was, now), number in sorted(counts.items()):
        if was != now:
            yield Difference("status", was, now, number)


def _judged(path: Path) -> dict[tuple[str, str], str]:
    """Return the status of the articles of an index that are missing or deleted, by id."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(_read_only(path), uri=True),
        poolclass=NullPool,
    )
    found: dict[tuple[str, str], str] = {}
    with engine.connect() as connection:
        judge = DeletionJudge(connection)
        query = select(articles.c.id, articles.c.outlet, articles.c.article_id)
        rows = iter(connection.execute(query).all())
        while some := list(islice(rows, _MANY)):
            deletions = judge.deletions({row.id for row in some})
            found |= {
                (row.outlet, row.article_id): str(deletions[row.id].status)
                for row in some
                if row.id in deletions
            }
    engine.dispose()
    return found
