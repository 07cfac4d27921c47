"""The place that an archive is restored to: a folder, or a bucket of S3."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Protocol

from archive.backup.index_place import has_digest
from archive.backup.inventory import MARK
from archive.model.errors import StoreMissingError
from archive.model.files import read_regular
from archive.segments.files.atomic_files import rename_new, sync_folder
from archive.segments.names import final_name, is_open, is_segment
from archive.segments.s3.store import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archive.backup.file_copy import FileDigest
    from archive.segments.s3.bucket import Bucket
    from archive.segments.store import Store


class ArchivePlace(Protocol):
    """Where an archive is restored to; its files are first copied to ``folder``.

    Methods raise OSError where the place cannot be read or written.
    """

    folder: Path

    def mark(self) -> str | None:
        """Return the mark of a restore that has not finished, None if there is none."""

    def begin(self, mark: str) -> None:
        """Mark the place: a restore is under way."""

    def end(self) -> None:
        """Remove the mark."""

    def present(self) -> set[str]:
        """Return the names of the files that are there, the mark among them."""

    def missing_bytes(self, files: Iterable[FileDigest]) -> int:
        """Return how many bytes ``folder`` must have free for these files of the archive."""

    def has(self, name: str, digest: FileDigest) -> bool:
        """Return whether a file of that name and content is there."""

    def put(self, part: Path, name: str) -> None:
        """Put a file there that lies whole in ``folder``."""


def place_of_archive(store: Store) -> ArchivePlace:
    """Return the place of a store."""
    return _Bucket(store) if isinstance(store, S3Store) else _Folder(store.spool)


class _Folder:
    """A folder, to which files are copied beside their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mark(self) -> str | None:
        """See `ArchivePlace.mark`."""
        path = self.folder / MARK
        return read_regular(path).decode("utf-8", "replace") if path.exists() else None

    def begin(self, mark: str) -> None:
        """See `ArchivePlace.begin`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / MARK).open("x", encoding="utf-8") as file:
            file.write(mark)
        sync_folder(self.folder)

    def end(self) -> None:
        """See `ArchivePlace.end`."""
        (self.folder / MARK).unlink()
        sync_folder(self.folder)

    def present(self) -> set[str]:
        """See `ArchivePlace.present`."""
        return {path.name for path in self._files()} - {"lost+found"}

    def missing_bytes(self, files: Iterable[FileDigest]) -> int:
        """See `ArchivePlace.missing_bytes`."""
        kept = sum(path.stat().st_size for path in self._files() if path.is_file())
        return sum(file.size for file in files) - kept

    def has(self, name: str, digest: FileDigest) -> bool:
        """See `ArchivePlace.has`."""
        return has_digest(self.folder / name, digest)

    def put(self, part: Path, name: str) -> None:
        """See `ArchivePlace.put`."""
        target = self.folder / name
        target.unlink(missing_ok=True)  # a damaged one of an interrupted call
        rename_new(part, target)

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.exists() else []


class _Bucket:
    """A bucket, to which files are uploaded from the spool; open segments stay in the spool."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self.folder = store.spool

    def mark(self) -> str | None:
        """See `ArchivePlace.mark`."""
        try:
            return self._bucket.read(MARK)[0].decode("utf-8", "replace")
        except StoreMissingError:
            return None

    def begin(self, mark: str) -> None:
        """See `ArchivePlace.begin`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._bucket.put(MARK, mark.encode())

    def end(self) -> None:
        """See `ArchivePlace.end`."""
        self._bucket.delete(MARK)

    def present(self) -> set[str]:
        """See `ArchivePlace.present`."""
        opened = [path.name for path in self._files() if is_segment(path.name)]
        return {one.name for one in self._bucket.entries()} | {*opened}

    def missing_bytes(self, files: Iterable[FileDigest]) -> int:
        """See `ArchivePlace.missing_bytes`: one file at a time, and those that stay here."""
        return max((file.size for file in files), default=0)

    def has(self, name: str, digest: FileDigest) -> bool:
        """See `ArchivePlace.has`."""
        if is_open(name):
            return has_digest(self.folder / name, digest)
        head = self._bucket.find(name)
        if head is None or head.size != digest.size:
            return False
        # of one in parts it is not known: it is compared when it is uploaded again
        return head.sha256 == base64.b64encode(bytes.fromhex(digest.sha256)).decode()

    def put(self, part: Path, name: str) -> None:
        """See `ArchivePlace.put`."""
        if is_open(name):
            target = self.folder / name
            target.unlink(missing_ok=True)
            rename_new(part, target)
            self._store.begin_segment(final_name(name))
        else:
            self._store.upload(part, name)

    @property
    def _bucket(self) -> Bucket:
        return self._store.bucket

    def _files(self) -> list[Path]:
        return list(self.folder.iterdir()) if self.folder.exists() else []
