"""Enter a batch of captures into the index; one that can't be entered is set aside, not the batch.

Our own code may fail at a value that nobody thought of, or the database refuse it. Then the batch
is undone and entered in halves, until the captures at fault are alone. Nothing is done twice where
nothing is wrong.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
)

from archive.articles.captures import known_records
from archive.articles.ingest import ArticleWriter
from archive.index.database import IndexUnusableError
from archive.model.errors import SegmentError
from archive.model.outcome import internal_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from archive.articles.ingest_model import CaptureEntry
    from archive.model.outcome import Verdict

_log = logging.getLogger(__name__)
#: What the database says of a value. Its other errors are of the disk, the file or a lock.
_OF_VALUES = (DataError, IntegrityError, InterfaceError, ProgrammingError)
#: What the next capture would meet as well.
_OF_ALL = (DBAPIError, IndexUnusableError, SegmentError, OSError, MemoryError)


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
    return isinstance(error, _OF_VALUES) or not isinstance(error, _OF_ALL)


def enter_captures(connection: Connection, entries: Sequence[CaptureEntry]) -> list[Entered]:
    """Enter captures in their order; return what became of each.

    A capture at which anything fails is entered as ``failed/internal_error``, without an article.

    :raises DBAPIError: the database cannot be written, or takes no row at all.
    """
    if not entries:
        return []
    try:
        return _enter(connection, entries)
    except Exception as error:  # any bug at one capture, which is stored and named below
        if not is_of_record(error):
            raise
        if len(entries) == 1:
            return [_set_aside(connection, entries[0], error)]
    half = len(entries) // 2
    return [
        *enter_captures(connection, entries[:half]),
        *enter_captures(connection, entries[half:]),
    ]


def _enter(connection: Connection, entries: Sequence[CaptureEntry]) -> list[Entered]:
    with _savepoint(connection):
        writer = ArticleWriter(connection)
        writer.load(entries)
        entered = [Entered(*writer.enter(entry)) for entry in entries]
        writer.write()
    return entered


def _set_aside(connection: Connection, entry: CaptureEntry, error: Exception) -> Entered:
    """Enter a capture without what could not be stored of it."""
    verdict = internal_error(error)
    _log.debug("%s: set aside", entry.capture["url"], exc_info=error)
    try:
        (entered,) = _enter(connection, [replace(entry, article=None, verdict=verdict)])
    except Exception as second:  # the caller reports the verdict of the first
        if not is_of_record(second) or _is_refused(connection, entry, second):
            raise
        return Entered(verdict, None, is_set_aside=True)
    return replace(entered, is_set_aside=True)


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
