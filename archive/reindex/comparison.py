"""What a reindex changed: the new index against the old one, by outcome, status and field."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from archive.articles.deletions import DeletionJudge, Status
from archive.index.schema import articles, revisions
from archive.model.article import Quality
from archive.model.visit_policy import GONE_REASONS, GONE_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: Columns of ``revisions`` that are no field of an article.
_NO_FIELDS = frozenset(
    {"id", "article", "number", "current", "capture_id", "captured_at", "content_key", "change"}
)
#: The fields of an article, in the order of the index.
FIELDS = tuple(column.name for column in revisions.columns if column.name not in _NO_FIELDS)
_NO_CAPTURE = "no capture"
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
#: What became of a capture, in the old and in the new index.
_WAS = "was.outcome || CASE was.reason WHEN '' THEN '' ELSE '/' || was.reason END"
_IS = "now.outcome || CASE now.reason WHEN '' THEN '' ELSE '/' || now.reason END"
_IN_BOTH = f"""
SELECT now.outlet, {_WAS}, {_IS}, count(*), min(now.url)
FROM main.captures AS now {{join}} old.captures AS was ON was.record_id = now.record_id
WHERE {_WAS} <> {_IS} GROUP BY 1, 2, 3
"""  # noqa: S608  (our own words)
_IN_ONE = f"""
SELECT was.outlet, {_WAS}, '{_NO_CAPTURE}', count(*), min(was.url)
FROM old.captures AS was LEFT JOIN main.captures AS now ON now.record_id = was.record_id
WHERE now.id IS NULL GROUP BY 1, 2
UNION ALL
SELECT now.outlet, '{_NO_CAPTURE}', {_IS}, count(*), min(now.url)
FROM main.captures AS now LEFT JOIN old.captures AS was ON was.record_id = now.record_id
WHERE was.id IS NULL GROUP BY 1, 3
"""  # noqa: S608  (our own words)
#: Both revisions that were read from one capture, in the old and in the new index.
_PAIRS = """
FROM main.revisions AS now {join} main.captures AS again ON again.id = now.capture_id
{join} old.captures AS shown ON shown.record_id = again.record_id
{join} old.revisions AS was ON was.capture_id = shown.id
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


@dataclass(frozen=True, slots=True)
class OutletDifference:
    """The captures or revisions of an outlet that changed alike, and the address of one."""

    outlet: str
    difference: Difference
    url: str


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
            outcomes = sorted(_of_all_outlets(outcome_differences(connection)))
            fields = _of_all_outlets(field_differences(connection))
            return [*outcomes, *fields, *_statuses(connection, new, old)]
    except (sqlite3.Error, SQLAlchemyError, ValueError) as error:
        raise ComparisonError(f"{old} cannot be compared with the new index: {error}") from error


def number_of_generic(index: Path) -> int:
    """Return the number of articles in an index that no layout has read.

    :raises ComparisonError: it is damaged.
    """
    try:
        with closing(sqlite3.connect(_read_only(index), uri=True)) as connection:
            columns = {row[1] for row in connection.execute("PRAGMA table_info(revisions)")}
            if "quality" not in columns:  # a version that read none has made it
                return 0
            (number,) = connection.execute(
                "SELECT count(DISTINCT article) FROM revisions WHERE quality = ?",
                (Quality.GENERIC.value,),
            ).fetchone()
    except sqlite3.Error as error:
        raise ComparisonError(f"{index} cannot be read: {error}") from error
    return int(number)


def _read_only(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro"


def outcome_differences(
    connection: sqlite3.Connection, *, few: bool = False
) -> Iterator[OutletDifference]:
    """Yield what became of captures in ``main`` that became something else in ``old``.

    ``few`` is whether ``main`` holds only some of the captures: what is missing in it is then none.
    """
    queries = [_IN_BOTH.format(join=_join(few=few))]
    if not few:
        queries.append(_IN_ONE)
    for query in queries:
        for outlet, before, after, number, url in connection.execute(query).fetchall():
            yield OutletDifference(outlet, Difference("outcome", before, after, number), url)


def field_differences(
    connection: sqlite3.Connection, *, few: bool = False
) -> Iterator[OutletDifference]:
    """Yield the fields of revisions in ``main`` that differ in ``old``, read from one capture.

    ``few`` is whether ``main`` holds only some of them.
    """
    pairs = _PAIRS.format(join=_join(few=few))
    there = {row[1] for row in connection.execute("PRAGMA old.table_info(revisions)")}
    for name in FIELDS:
        if name not in there:
            continue
        counts = connection.execute(
            f"SELECT again.outlet, {_empty('was', name)}, {_empty('now', name)}, count(*),"
            f" min(again.url) {pairs} WHERE was.{name} IS NOT now.{name} GROUP BY 1, 2, 3"
        )
        for outlet, was_empty, is_empty, number, url in counts.fetchall():
            before, after = _WORDS[bool(was_empty), bool(is_empty)]
            yield OutletDifference(outlet, Difference(name, before, after, number), url)


def field_examples(
    connection: sqlite3.Connection, outlet: str, difference: Difference, limit: int
) -> list[tuple[str, object, object]]:
    """Return address, old and new value of some revisions that a difference of a field counts.

    ``main`` holds only some of the captures. The values are as SQLite has them.
    """
    name = difference.what
    was_empty, is_empty = next(
        empty for empty, words in _WORDS.items() if words == (difference.before, difference.after)
    )
    query = (
        f"SELECT again.url, was.{name}, now.{name} {_PAIRS.format(join=_join(few=True))}"
        f" WHERE was.{name} IS NOT now.{name} AND again.outlet = ?"
        f" AND {_empty('was', name)} = ? AND {_empty('now', name)} = ? LIMIT ?"
    )
    return connection.execute(query, (outlet, was_empty, is_empty, limit)).fetchall()


def _join(*, few: bool) -> str:
    """Return how the tables are joined; of few new rows, each is looked up in the old index."""
    return "CROSS JOIN" if few else "JOIN"


def _empty(row: str, name: str) -> str:
    return f"(coalesce({row}.{name}, '') IN ('', '[]'))"


def _of_all_outlets(found: Iterable[OutletDifference]) -> list[Difference]:
    """Return the differences with the numbers of all outlets together, fields in their order."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        counts[one.difference.what, one.difference.before, one.difference.after] += (
            one.difference.number
        )
    return [Difference(*key, number) for key, number in counts.items()]


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
        rows = connection.execute(query.execution_options(yield_per=_MANY))
        for some in rows.partitions():
            deletions = judge.deletions({row.id for row in some})
            found |= {
                (row.outlet, row.article_id): str(deletions[row.id].status)
                for row in some
                if row.id in deletions
            }
    engine.dispose()
    return found
