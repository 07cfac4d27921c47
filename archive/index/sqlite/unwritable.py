"""Reading of an index where nothing can be written: on a read-only or a full disk.

SQLite reads an index in WAL mode only with a file of shared memory beside it, which it cannot make
there. Without a write-ahead log the file alone is whole and is read as immutable; with one, both
are copied to the folder for temporary files and read there.
"""

from __future__ import annotations

import shutil
import sqlite3
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

from archive.model.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable

#: What SQLite says where it cannot make, or write to, the files beside an index.
_SIGNS = ("unable to open", "readonly", "disk is full", "disk I/O")
_LOG = "-wal"


def is_unwritable(error: BaseException | None) -> bool:
    """Return whether an error of SQLite may mean that nothing can be written beside the index."""
    return any(sign in str(error) for sign in _SIGNS)


class UnwritableIndex:
    """An index that is only read; `connect` opens it as it was when this object was made."""

    def __init__(self, path: Path) -> None:
        """Copy the index if it has a write-ahead log.

        :raises OSError: it cannot be read, or there is no room for the copy.
        """
        self._folder: TemporaryDirectory[str] | None = None
        self._source = self._path = path
        self._state = _state_of(path)
        log = path.with_name(path.name + _LOG)
        if log.exists() and log.stat().st_size:
            self._folder = TemporaryDirectory(prefix="sacho-index-")
            copy = Path(self._folder.name, "index.sqlite3")
            try:
                _copy(path, copy)
                _copy(log, copy.with_name(copy.name + _LOG))
            except BaseException:
                self._folder.cleanup()
                raise
            self._path = copy

    def is_outdated(self) -> bool:
        """Return whether the index was written, replaced or deleted since."""
        return _state_of(self._source) != self._state

    @property
    def connect(self) -> Callable[[], sqlite3.Connection]:
        """A function that returns a new connection."""
        return partial(
            sqlite3.connect, self.uri, uri=True, isolation_level=None, check_same_thread=False
        )

    @property
    def uri(self) -> str:
        """The name by which SQLite opens it."""
        mode = "immutable=1" if self._folder is None else "mode=rw"
        return f"file:{quote(str(self._path))}?{mode}"

    def close(self) -> None:
        """Delete the copy, if there is one."""
        if self._folder is not None:
            self._folder.cleanup()


def _state_of(path: Path) -> tuple[tuple[int, int, int] | None, ...]:
    """Return what changes with an index: of it and of its log the inode, length and time."""
    return tuple(_state_of_file(path.with_name(path.name + ending)) for ending in ("", _LOG))


def _state_of_file(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _copy(source: Path, copy: Path) -> None:
    with open_regular(source) as file, copy.open("xb") as out:
        shutil.copyfileobj(file, out)
