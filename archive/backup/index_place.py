"""Where the index of a backup is restored to: a file, or a database that holds no rows yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from archive.backup.file_copy import FileDigest
from archive.backup.index_snapshot import build_of_copy
from archive.index.copy import copy_index, has_rows
from archive.index.database import (
    Index,
    file_url,
    index_exists,
    index_file,
    shown_index,
)
from archive.index.rows.row_ids import build_of
from archive.model.errors import BackupError
from archive.segments.files.atomic_files import rename_new
from archive.segments.files.measure import measure

if TYPE_CHECKING:
    from pathlib import Path

_SIDE_FILES = ("-wal", "-shm", "-journal")


class IndexPlace(Protocol):
    """Where an index is restored to; its file is first copied to ``folder``."""

    folder: Path

    def size(self) -> int:
        """Return how many bytes in ``folder`` an earlier call has restored."""

    def is_restored(self, source: Path, digest: FileDigest | None, *, resumed: bool) -> bool:
        """Return whether an earlier call has restored this index.

        :raises BackupError: there is another one.
        :raises IndexUnusableError: the place cannot be read.
        """

    def put(self, part: Path) -> None:
        """Put the index there that lies, whole, at a path in ``folder``.

        :raises IndexUnusableError: it cannot be written, or is of another version.
        :raises OSError: it cannot be renamed.
        """


def place_of(index_url: str, archive: Path) -> IndexPlace:
    """Return the place that an INDEX_URL names; ``archive`` is the folder of the segments."""
    path = index_file(index_url)
    return _Database(index_url, archive) if path is None else _File(path)


class _File:
    """A file that becomes the one in the backup, byte for byte."""

    def __init__(self, path: Path) -> None:
        self._path, self.folder = path, path.parent

    def size(self) -> int:
        """See `IndexPlace.size`."""
        return self._path.stat().st_size if self._path.is_file() else 0

    def is_restored(
        self,
        source: Path,  # noqa: ARG002  (the digest suffices)
        digest: FileDigest | None,
        *,
        resumed: bool,
    ) -> bool:
        """See `IndexPlace.is_restored`."""
        found = False
        for ending in (*_SIDE_FILES, ""):
            path = self._path.with_name(self._path.name + ending)
            if not path.exists():
                continue
            found = resumed and not ending and has_digest(path, digest)
            if not found:
                raise BackupError(
                    f"{path} exists already, and no file is ever overwritten. Move it away, or name"
                    " another file in INDEX_URL."
                )
        return found

    def put(self, part: Path) -> None:
        """See `IndexPlace.put`."""
        rename_new(part, self._path)


class _Database:
    """A database of a server, to which all rows are copied in one transaction."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self.folder = url, folder

    def size(self) -> int:
        """See `IndexPlace.size`."""
        return 0

    def is_restored(
        self,
        source: Path,
        digest: FileDigest | None,  # noqa: ARG002  (it has no bytes of the file)
        *,
        resumed: bool,
    ) -> bool:
        """See `IndexPlace.is_restored`."""
        if not index_exists(self._url):
            return False
        with Index(self._url, read_only=True) as index, index.reading() as rows:
            if not has_rows(rows):
                return False
            if resumed and build_of(rows) == build_of_copy(source):
                return True
        raise BackupError(
            f"{shown_index(self._url)} has rows already, and none is ever overwritten. Name an"
            " empty database in INDEX_URL."
        )

    def put(self, part: Path) -> None:
        """See `IndexPlace.put`; an index of an older schema is upgraded on the way."""
        try:
            with Index(file_url(part), lasting=False) as source, Index(self._url) as target:
                copy_index(source, target)
        finally:
            delete_side_files(part)


def has_digest(path: Path, digest: FileDigest | None) -> bool:
    """Return whether there is a file with that content."""
    return path.exists() and FileDigest(*measure(path)) == digest


def delete_side_files(index: Path) -> None:
    """Delete the files beside an index in a file that nobody has open.

    A process that was killed leaves them, and SQLite would take them for those of a newer file of
    that name.
    """
    for ending in _SIDE_FILES:
        index.with_name(index.name + ending).unlink(missing_ok=True)
