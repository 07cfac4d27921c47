"""What a reindex would change: captures read again, entered into an index in memory, compared.

The index in memory holds the articles of one chunk at a time. The old index is only read, and not
kept open between chunks.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from sqlalchemy import MetaData, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from archive.index.copy import rows_of
from archive.index.database import IndexUnusableError, index_file
from archive.index.dialect import one_of
from archive.index.errors import describe_database_error
from archive.index.rows.bulk import insert_rows
from archive.index.schema import Instant, articles, captures, refused, revisions
from archive.index.sqlite.database import BUSY_TIMEOUT, attached_name, engine_in_memory
from archive.model.article import KST
from archive.model.visit_policy import READ
from archive.reindex.builder import batches, ingest, join_revisits
from archive.reindex.comparison import (
    IndexPair,
    field_differences,
    field_examples,
    outcome_differences,
)
from archive.reindex.scaffold import CREATE_SCAFFOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from archive.index.database import Index
    from archive.reindex.builder import ReadCapture, ReindexFinding
    from archive.reindex.comparison import OutletDifference
    from archive.reindex.selection import Chunk

#: Examples kept of each kind of change.
EXAMPLES = 3
#: Characters of a value in an example, and of them before the first difference.
_SHOWN, _BEFORE = 72, 16
#: The outcome of a capture that shows an article. Which of an article's captures was the first with
#: a revision depends on the order in which they were entered, so it is no change.
_STORED = "stored"
#: Tables of the old index that are copied from a server.
_OLD = MetaData()
for _table in (captures, revisions, articles):  # the last for the foreign key of another
    _table.to_metadata(_OLD, schema="old")
_KINDS = {("empty", "filled"): "filled", ("filled", "empty"): "emptied"}


@dataclass(frozen=True, slots=True)
class Change:
    """A kind of change: ``before`` and ``after`` are outcomes.

    Of a field ``what`` is its name, ``before`` is ``""`` and ``after`` is ``filled``, ``emptied``
    or ``changed``.
    """

    outlet: str
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Example:
    """A capture with a change: its address, and excerpts of the field's values."""

    url: str
    before: str = ""
    after: str = ""


class Trial:
    """Counts what would change in ``changes``, with some ``examples`` each; a context manager."""

    def __init__(self, index: Index) -> None:
        self.changes: Counter[Change] = Counter()
        self.examples: dict[Change, list[Example]] = {}
        self._index = index
        self._is_file = index_file(index.url) is not None
        self._engine = engine_in_memory()
        with self._compared() as connection:
            for statement in CREATE_SCAFFOLD:
                connection.execute(text(statement))
            if self._is_file:
                connection.execute(text("INSERT INTO main.refused SELECT * FROM old.refused"))
            else:
                with index.reading() as rows:
                    insert_rows(connection, refused, rows_of(rows, select(refused)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def add(self, chunk: Chunk, read: Sequence[ReadCapture]) -> list[ReindexFinding]:
        """Count what a chunk changes; return a finding for each capture that could not be entered.

        :raises IndexUnusableError: the old index cannot be read.
        """
        findings: list[ReindexFinding] = []
        with self._compared() as connection:
            connection.exec_driver_sql("BEGIN")
            if not self._is_file:
                self._copy_old(connection, chunk)
            for batch in batches(read):
                findings += ingest(connection, batch)
            join_revisits(connection)
            unselected = ~one_of(captures.c.record_id, chunk.selected)
            connection.execute(delete(captures).where(unselected))
            self._count(IndexPair(connection, few=True))
            connection.exec_driver_sql("ROLLBACK")
        return findings

    @contextmanager
    def _compared(self) -> Iterator[Connection]:
        """Yield the connection to the index in memory, with the old index attached as ``old``."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
                name = attached_name(self._index.database) if self._is_file else ":memory:"
                connection.exec_driver_sql("ATTACH DATABASE ? AS old", (name,))
                yield connection
                connection.exec_driver_sql("DETACH DATABASE old")
        except (DBAPIError, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise IndexUnusableError(
                f"{self._index.url}: {describe_database_error(cause)}"
            ) from error

    def _copy_old(self, connection: Connection, chunk: Chunk) -> None:
        """Copy from a server what is compared of a chunk."""
        selected = one_of(captures.c.record_id, chunk.selected)
        shown = select(revisions).join(captures, captures.c.id == revisions.c.capture_id)
        with self._index.reading() as rows:
            found = {
                "captures": rows_of(rows, select(captures).where(selected)),
                "revisions": rows_of(rows, shown.where(selected)),
            }
        for name, column in (("captures", "record_id"), ("revisions", "capture_id")):
            connection.exec_driver_sql(
                f"CREATE TABLE old.{name} AS SELECT * FROM main.{name} WHERE false"  # noqa: S608  (our own tables)
            )
            connection.exec_driver_sql(f"CREATE INDEX old.by_{column} ON {name} ({column})")
            if found[name]:
                connection.execute(insert(_OLD.tables[f"old.{name}"]), found[name])

    def _count(self, pair: IndexPair) -> None:
        for found in outcome_differences(pair):
            change = Change(
                found.outlet,
                "outcome",
                _grouped(found.difference.before),
                _grouped(found.difference.after),
            )
            if change.before != change.after:
                self._add(change, found.difference.number, [Example(found.url)])
        for found in field_differences(pair):
            words = (found.difference.before, found.difference.after)
            if words == ("empty", "empty"):  # a null and an empty text
                continue
            kind = _KINDS.get(words, "changed")
            change = Change(found.outlet, found.difference.what, "", kind)
            self._add(change, found.difference.number, [])
            self._add_examples(pair, change, found)

    def _add(self, change: Change, number: int, examples: list[Example]) -> None:
        self.changes[change] += number
        kept = self.examples.setdefault(change, [])
        kept += examples[: EXAMPLES - len(kept)]

    def _add_examples(self, pair: IndexPair, change: Change, found: OutletDifference) -> None:
        """Keep examples of a field's change, if there are not enough yet."""
        missing = EXAMPLES - len(self.examples[change])
        if missing <= 0:
            return
        rows = field_examples(pair, found.outlet, found.difference, missing)
        for url, was, now in rows:
            before, after = _excerpts(_shown(change.what, was), _shown(change.what, now))
            self.examples[change].append(Example(url, before, after))


def _grouped(outcome: str) -> str:
    return _STORED if outcome in READ else outcome


def _shown(field: str, value: object) -> str:
    """Return a value of the index as a person reads it: times as ISO 8601 in KST."""
    if value is None:
        return ""
    if isinstance(revisions.c[field].type, Instant):
        moment = datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
        return moment.astimezone(KST).isoformat()
    return "" if value == "[]" else str(value)


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Return both texts from shortly before their first difference on, shortened."""
    pairs = enumerate(zip(before, after, strict=False))
    same = next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, same - _BEFORE)
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(value: str, start: int) -> str:
    if len(value) <= _SHOWN:
        return value
    first = "…" if start else ""
    last = "…" if len(value) > start + _SHOWN else ""
    return f"{first}{value[start : start + _SHOWN]}{last}"
