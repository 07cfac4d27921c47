"""The index and the segments that are read from, for several threads and beside writers.

No connection is kept between uses: an open one would keep a reindex from replacing the index. If
the file is another one than before, the index is opened anew.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from archive.captures.rows import capture_of_record
from archive.index.database import Index, index_file
from archive.index.rows.row_ids import build_of
from archive.reading.errors import ArchiveClosedError
from archive.segments.lookup import RecordError, parse_record, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from archive.model.exchange import Location
    from archive.segments.store import Store
    from archive.warc.record_parser import Record

    #: What a file is told from another one of its name by; None if there is none.
    File = tuple[int, int] | None


class Snapshot(NamedTuple):
    """A read transaction. The ids of rows hold as long as ``file`` is the same."""

    connection: Connection
    file: File


class Source:
    """An index and the store of the segments it refers to, only read."""

    def __init__(self, store: Store, index_url: str) -> None:
        """Open the index.

        :raises IndexUnusableError: there is none, or it can't be used.
        """
        self.store = store
        self.index_url = index_url
        self._path = index_file(index_url)
        self._lock = Lock()
        self._is_closed = False
        self._file = self._file_now()
        self._index = Index(index_url, read_only=True, brief=True)

    def __reduce__(self) -> tuple[type[Source], tuple[Store, str]]:
        """Let objects of an archive be sent to another process, where it is opened anew."""
        return Source, (self.store, self.index_url)

    def __deepcopy__(self, _: object) -> Source:
        """Return itself: `dataclasses.asdict` copies all that an object holds."""
        return self

    def close(self) -> None:
        """Close the index; every later use raises ArchiveClosedError."""
        with self._lock:
            self._is_closed = True
            self._index.close()

    def check_open(self) -> None:
        """Raise ArchiveClosedError if it was closed."""
        if self._is_closed:
            raise ArchiveClosedError

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """Begin a read transaction: everything read in it is of one moment.

        :raises ArchiveClosedError: the archive is closed.
        :raises IndexUnusableError: the index can't be used, for instance because it was deleted.
        """
        while True:
            index, file = self._current()
            with index.reading() as connection:
                if self._path is None:  # a reindex replaces the tables at any moment
                    yield Snapshot(connection, (0, build_of(connection)))
                    return
                # A reindex may replace the file just when it is opened.
                if file == self._file_now():
                    yield Snapshot(connection, file)
                    return

    def record(self, location: Location) -> tuple[Record, bytes]:
        """Return the record at a location, or where it has been moved to since, and its bytes.

        A take-down rewrites segments, and so moves the records of other articles.

        :raises RecordError: it is missing or damaged.
        """
        self.check_open()
        try:
            return self._record_at(location)
        except RecordError:
            moved = self._moved(location)
            if moved == location:
                raise
            return self._record_at(moved)

    def _record_at(self, location: Location) -> tuple[Record, bytes]:
        data = read_bytes(self.store, location)
        return parse_record(data, location), data

    def _moved(self, location: Location) -> Location:
        """Return where the index says that a record lies now.

        :raises RecordError: it has no such record any more.
        """
        with self.reading() as (connection, _):
            found = capture_of_record(connection, location.record_id)
        if found is None:
            raise RecordError(
                f"Record {location.record_id} is no longer in the archive: its article was removed."
            )
        return found.location

    def _current(self) -> tuple[Index, File]:
        """Return the index, opened anew if its file is another one."""
        with self._lock:
            self.check_open()
            file = self._file_now()
            if file is None or file != self._file:
                fresh = Index(self.index_url, read_only=True, brief=True)
                self._index.close()
                self._index, self._file = fresh, file
            return self._index, self._file

    def _file_now(self) -> File:
        if self._path is None:
            return 0, 0
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
