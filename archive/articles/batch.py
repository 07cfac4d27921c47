"""Write a batch so that one item at which our own code fails costs only itself.

Our own code may fail at a value that nobody thought of, or the database refuse it. Then the batch
is undone and written in halves, until the items at fault are alone. Nothing is done twice where
nothing is wrong.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import insert
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
)

from archive.articles.ingest import ArticleWriter
from archive.captures.rows import known_records
from archive.index.database import IndexUnusableError
from archive.index.rows.row_ids import free_ids
from archive.index.schema import captures
from archive.model.errors import SegmentError
from archive.model.outcome import internal_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from archive.articles.ingest_model import CaptureEntry
    from archive.model.outcome import Verdict

_log = logging.getLogger(__name__)
#: What the database says of a value. Its other errors are of the disk, the file or a lock.
_OF_VALUES = (DataError, IntegrityError, InterfaceError, ProgrammingError)
#: What the next capture would meet as well.
_OF_ALL = (DBAPIError, IndexUnusableError, SegmentError, OSError, MemoryError)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a capture, and the id of its row; None if not even the row could be stored.

    ``is_set_aside`` is whether it could not be entered as it was read.
    """

    verdict: Verdict
    capture_id: int | None
    is_set_aside: bool = False


def is_of_record(error: Exception) -> bool:
    """Return whether an error comes of one record, not of the disk or the database."""
    if isinstance(error, IndexUnusableError) and isinstance(error.__cause__, DBAPIError):
        error = error.__cause__
    return isinstance(error, _OF_VALUES) or not isinstance(error, _OF_ALL)


def in_halves(
    items: Sequence[_T],
    write: Callable[[Sequence[_T]], None],
    set_aside: Callable[[_T, Exception], None],
) -> Exception | None:
    """Write items in their order; an item at which an error of a record is raised is set aside.

    ``write`` must leave nothing of what it was given if it raises. Return the error if one was
    raised and no item was at fault when it was alone, else None.
    """
    first: Exception | None = None
    is_found = False
    parts = [items]
    while parts:
        part = parts.pop()
        try:
            write(part)
        except Exception as error:  # any bug, named by `set_aside` or returned
            if not is_of_record(error):
                raise
            first = first or error
            if len(part) > 1:
                half = len(part) // 2
                parts += [part[half:], part[:half]]
                continue
            _log.debug("set aside: %s", part, exc_info=error)
            set_aside(part[0], error)
            is_found = True
    return None if is_found else first


def enter_captures(connection: Connection, entries: Sequence[CaptureEntry]) -> list[Entered]:
    """Enter captures in their order; return what became of each.

    A capture at which anything fails is entered as ``failed/internal_error``, without an article.

    :raises DBAPIError: the database cannot be written, or takes no row at all.
    """
    entered: list[Entered] = []

    def write(part: Sequence[CaptureEntry]) -> None:
        with _savepoint(connection):
            written = enter(connection, part)
        entered.extend(written)

    def set_aside(entry: CaptureEntry, error: Exception) -> None:
        unread = replace(entry, article=None, verdict=internal_error(error))
        entered.append(enter_unread(connection, unread))

    met = in_halves(entries, write, set_aside)
    if met is not None:
        _log.error("a bug while captures were entered; at the second try it was gone", exc_info=met)
    return entered


def enter(connection: Connection, entries: Sequence[CaptureEntry]) -> list[Entered]:
    """Enter captures in their order; return what became of each. Whoever calls it undoes errors."""
    writer = ArticleWriter(connection)
    writer.load(entries)
    entered = [Entered(*writer.enter(entry)) for entry in entries]
    writer.write()
    return entered


def enter_unread(connection: Connection, entry: CaptureEntry) -> Entered:
    """Enter a capture that has a verdict and no article, by nothing but the INSERT of its row.

    :raises DBAPIError: the database cannot be written, or takes no row at all.
    """
    verdict = entry.verdict
    assert verdict is not None, "an entry without an article has a verdict"
    if entry.known_id is not None:
        return Entered(verdict, entry.known_id, is_set_aside=True)
    row = entry.capture | {
        "id": next(free_ids(connection, captures)),
        "outcome": str(verdict.outcome),
        "reason": str(verdict.reason or ""),
        "revision_id": entry.known_revision,
    }
    try:
        with _savepoint(connection):
            made = connection.execute(insert(captures).values(row)).inserted_primary_key
    except Exception as error:  # the caller reports the verdict
        if not is_of_record(error) or _is_refused(connection, entry, error):
            raise
        _log.debug("%s has no row", entry.capture["url"], exc_info=error)
        return Entered(verdict, None, is_set_aside=True)
    return Entered(verdict, made[0] if made is not None else None, is_set_aside=True)


def _is_refused(connection: Connection, entry: CaptureEntry, error: Exception) -> bool:
    """Return whether the index takes no row, though it has none of a record of that id."""
    record_id = entry.capture.get("record_id", "")
    return isinstance(error, DBAPIError) and not known_records(connection, [record_id])


@contextmanager
def _savepoint(connection: Connection) -> Iterator[None]:
    """Undo what was written in the block if an error of a record is raised in it."""
    connection.exec_driver_sql("SAVEPOINT batch")
    try:
        yield
    except Exception as error:  # raised again, after what was written is undone
        if is_of_record(error):
            connection.exec_driver_sql("ROLLBACK TO batch")
            connection.exec_driver_sql("RELEASE batch")
        raise
    connection.exec_driver_sql("RELEASE batch")
