"""What a reindex changed: the new index against the old one, by outcome, status and field."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from archive.captures.deletions import DeletionJudge, Status
from archive.index.database import Index, IndexUnusableError, index_file, shown_index
from archive.index.dialect import is_postgres
from archive.index.schema import articles, revisions
from archive.model.article import Quality
from archive.model.visit_policy import GONE_REASONS, GONE_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

#: Columns of ``revisions`` that are no field of an article.
_NO_FIELDS = frozenset(
    {
        "id",
        "article",
        "number",
        "current",
        "capture_id",
        "captured_at",
        "content_key",
        "change",
        # Within a minute these depend on the order in which revisions were entered, and by whom.
        "search_position",
        "search_spill",
    }
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
FROM {{new}}captures AS now {{join}} {{old}}captures AS was ON was.record_id = now.record_id
WHERE {_WAS} <> {_IS} GROUP BY 1, 2, 3
"""  # noqa: S608  (our own words)
_IN_ONE = f"""
SELECT was.outlet, {_WAS}, '{_NO_CAPTURE}', count(*), min(was.url)
FROM {{old}}captures AS was LEFT JOIN {{new}}captures AS now ON now.record_id = was.record_id
WHERE now.id IS NULL GROUP BY 1, 2
UNION ALL
SELECT now.outlet, '{_NO_CAPTURE}', {_IS}, count(*), min(now.url)
FROM {{new}}captures AS now LEFT JOIN {{old}}captures AS was ON was.record_id = now.record_id
WHERE was.id IS NULL GROUP BY 1, 3
"""  # noqa: S608  (our own words)
#: Both revisions that were read from one capture, in the old and in the new index.
_PAIRS = """
FROM {new}revisions AS now {join} {new}captures AS again ON again.id = now.capture_id
{join} {old}captures AS shown ON shown.record_id = again.record_id
{join} {old}revisions AS was ON was.capture_id = shown.id
"""
#: In a file: articles that versions before the confirmation of deletions called deleted, for which
#: one look sufficed.
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


@dataclass(frozen=True, slots=True)
class IndexPair:
    """A new and an old index that one connection reads; ``new`` and ``old`` stand before tables.

    ``few`` is whether the new one holds only some of the captures. What is missing in it is then no
    difference, and each of its rows is looked up in the old one.
    """

    connection: Connection
    new: str = "main."
    old: str = "old."
    few: bool = False

    def rows(self, query: str, **values: object) -> Sequence[Any]:
        """Return the rows of a query, as the database has their values."""
        names = {"new": self.new, "old": self.old, "join": "CROSS JOIN" if self.few else "JOIN"}
        return self.connection.execute(text(query.format(**names)), values).all()

    def has_column(self, table: str, name: str) -> bool:
        """Return whether a table of the old index has a column: an earlier version had not all."""
        if is_postgres(self.connection):
            return True
        rows = self.connection.exec_driver_sql(f"PRAGMA old.table_info({table})")
        return name in {row[1] for row in rows}

    def value(self, row: str, name: str) -> str:
        """Return a column as it is compared: PostgreSQL compares no JSON, and none with a text."""
        column = f"{row}.{name}"
        return f"CAST({column} AS TEXT)" if is_postgres(self.connection) else column

    def differ(self, name: str) -> str:
        """Return the condition that a column of two rows, ``was`` and ``now``, differs."""
        differs = "IS DISTINCT FROM" if is_postgres(self.connection) else "IS NOT"
        return f"{self.value('was', name)} {differs} {self.value('now', name)}"

    def empty(self, row: str, name: str) -> str:
        """Return the condition that a column of a row has no value."""
        return f"(coalesce({self.value(row, name)}, '') IN ('', '[]'))"


def compare_indexes(new: str, old: str) -> list[Difference]:
    """Return what differs between two indexes of one archive, in files or in one database.

    Captures are compared by the ids of their records, articles by their ids, and the fields of
    those revisions that were read from the same capture. The status of an article in the old index
    is what the version that made it said.

    :raises ComparisonError: one of them is damaged.
    """
    try:
        with _pair_of(new, old) as pair:
            outcomes = sorted(_of_all_outlets(outcome_differences(pair)))
            fields = _of_all_outlets(field_differences(pair))
            return [*outcomes, *fields, *_statuses(pair, new, old)]
    except (IndexUnusableError, SQLAlchemyError, ValueError) as error:
        raise ComparisonError(
            f"{shown_index(old)} cannot be compared with the new index: {error}"
        ) from error


def number_of_generic(url: str) -> int:
    """Return the number of articles in an index that no layout has read.

    :raises ComparisonError: it is damaged.
    """
    number = "SELECT count(DISTINCT article) FROM revisions WHERE quality = :generic"
    try:
        with _read(url) as connection:
            columns = inspect(connection).get_columns("revisions")
            if "quality" not in {column["name"] for column in columns}:
                return 0  # a version that read none has made it
            found = connection.scalar(text(number), {"generic": Quality.GENERIC.value})
    except (IndexUnusableError, SQLAlchemyError) as error:
        raise ComparisonError(f"{shown_index(url)} cannot be read: {error}") from error
    return int(found or 0)


@contextmanager
def _pair_of(new: str, old: str) -> Iterator[IndexPair]:
    path = index_file(old)
    with _read(new) as connection:
        if path is None:
            from archive.index.postgres.schemas import quoted, schema_of

            schemas = [f"{quoted(schema_of(url))}." for url in (new, old)]
            yield IndexPair(connection, schemas[0], schemas[1])
        else:
            connection.exec_driver_sql("ATTACH DATABASE ? AS old", (_read_only(path),))
            yield IndexPair(connection)


@contextmanager
def _read(url: str) -> Iterator[Connection]:
    """Connect to an index, which may be a file of any version."""
    path = index_file(url)
    if path is None:
        with Index(url, read_only=True, brief=True) as index, index.reading() as connection:
            yield connection
        return
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(_read_only(path), uri=True),
        poolclass=NullPool,
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _read_only(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=ro"


def outcome_differences(pair: IndexPair) -> Iterator[OutletDifference]:
    """Yield what became of captures in the new index that became something else in the old one."""
    for query in (_IN_BOTH,) if pair.few else (_IN_BOTH, _IN_ONE):
        for outlet, before, after, number, url in pair.rows(query):
            yield OutletDifference(outlet, Difference("outcome", before, after, number), url)


def field_differences(pair: IndexPair) -> Iterator[OutletDifference]:
    """Yield the fields of new revisions that differ in the old ones, read from one capture."""
    for name in FIELDS:
        if not pair.has_column("revisions", name):
            continue
        counts = pair.rows(
            f"SELECT again.outlet, {pair.empty('was', name)}, {pair.empty('now', name)}, count(*),"
            f" min(again.url) {_PAIRS} WHERE {pair.differ(name)} GROUP BY 1, 2, 3"
        )
        for outlet, was_empty, is_empty, number, url in counts:
            before, after = _WORDS[bool(was_empty), bool(is_empty)]
            yield OutletDifference(outlet, Difference(name, before, after, number), url)


def field_examples(
    pair: IndexPair, outlet: str, difference: Difference, limit: int
) -> Sequence[Any]:
    """Return address, old and new value of some revisions that a difference of a field counts."""
    name = difference.what
    was_empty, is_empty = next(
        empty for empty, words in _WORDS.items() if words == (difference.before, difference.after)
    )
    query = (
        f"SELECT again.url, was.{name}, now.{name} {_PAIRS}"
        f" WHERE {pair.differ(name)} AND again.outlet = :outlet"
        f" AND {pair.empty('was', name)} = :was AND {pair.empty('now', name)} = :now LIMIT :most"
    )
    return pair.rows(query, outlet=outlet, was=was_empty, now=is_empty, most=limit)


def _of_all_outlets(found: Iterable[OutletDifference]) -> list[Difference]:
    """Return the differences with the numbers of all outlets together, fields in their order."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        counts[one.difference.what, one.difference.before, one.difference.after] += (
            one.difference.number
        )
    return [Difference(*key, number) for key, number in counts.items()]


def _statuses(pair: IndexPair, new: str, old: str) -> Iterator[Difference]:
    if pair.has_column("frontier", "gone_at"):
        before = _judged(old)
    else:
        rows = pair.rows(_DELETED_BY_ONE_LOOK)
        before = dict.fromkeys(((outlet, article_id) for outlet, article_id in rows), "deleted")
    after = _judged(new)
    counts: Counter[tuple[str, str]] = Counter()
    for outlet, article_id in before.keys() | after.keys():
        in_both = pair.rows(
            "SELECT 1 FROM {new}articles AS now JOIN {old}articles AS was"
            " ON was.outlet = now.outlet AND was.article_id = now.article_id"
            " WHERE now.outlet = :outlet AND now.article_id = :article_id",
            outlet=outlet,
            article_id=article_id,
        )
        if in_both:
            name = (outlet, article_id)
            published = str(Status.PUBLISHED)
            counts[before.get(name, published), after.get(name, published)] += 1
    for (was, now), number in sorted(counts.items()):
        if was != now:
            yield Difference("status", was, now, number)


def _judged(url: str) -> dict[tuple[str, str], str]:
    """Return the status of the articles of an index that are missing or deleted, by id."""
    found: dict[tuple[str, str], str] = {}
    with _read(url) as connection:
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
    return found
