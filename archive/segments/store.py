"""The store: where the files of an archive lie, and the only way in which readers come at them.

`Store` is what every store can do; `FolderStore` is a folder of the local disk. Segments are known
by their final names, closed or open.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from archive.model.files import check_regular, open_regular
from archive.segments.names import archive_folder, final_name, is_open, is_segment, open_name

if TYPE_CHECKING:
    from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment in a store: its final name, its size in bytes, and when it was last changed.

    ``changed`` is in seconds since 1970. An open one is still being written, or was left open by a
    writer that was killed.
    """

    name: str
    size: int
    changed: float
    is_open: bool


class Store(Protocol):
    """The files of one archive. A store can be sent to another process.

    Names are those of files in the archive itself, final names for segments. Errors are `OSError`;
    `describe_os_error` makes a sentence of one and of what `place` returns.
    """

    def place(self, name: str = "") -> str:
        """Return how sentences name a file, or the archive itself."""

    def exists(self) -> bool:
        """Return whether there is an archive, an empty one too."""

    def names(self) -> tuple[list[str], list[str]]:
        """Return the final names of closed and of open segments, sorted; none without an archive.

        :raises OSError: it cannot be read.
        """

    def segments(self) -> list[StoredSegment]:
        """Return all segments, in any order.

        :raises FileNotFoundError: there is no archive.
        :raises OSError: it cannot be read, or has something else under the name of a segment.
        """

    def find(self, name: str) -> StoredSegment | None:
        """Return a segment, or None if there is none of that name.

        :raises OSError: that cannot be found out.
        """

    def open(self, name: str) -> BinaryIO:
        """Open a segment for reading and seeking, without a buffer.

        :raises OSError: it does not exist or cannot be read.
        """

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a segment; fewer than ``length`` only if it ends before.

        :raises OSError: it does not exist or cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FolderStore:
    """An archive in a folder of a local file system."""

    folder: Path

    def place(self, name: str = "") -> str:
        """Return the path of a file, or of the folder."""
        return str(self.folder / name)

    def exists(self) -> bool:
        """Return whether the folder exists."""
        return self.folder.exists()

    def names(self) -> tuple[list[str], list[str]]:
        """Return the final names of closed and of open segments, sorted; none without a folder."""
        try:
            found = [path.name for path in self.folder.iterdir() if is_segment(path.name)]
        except (FileNotFoundError, NotADirectoryError):
            return [], []
        closed = sorted(name for name in found if not is_open(name))
        return closed, sorted(final_name(name) for name in found if is_open(name))

    def segments(self) -> list[StoredSegment]:
        """Return all segments; one that is closed meanwhile is listed once, as open or as closed.

        :raises FileNotFoundError: there is no such folder.
        :raises OSError: the folder cannot be read, or a link or a pipe has the name of a segment.
        """
        found: dict[str, StoredSegment] = {}
        try:
            for path in self.folder.iterdir():
                if is_segment(path.name):
                    one = _stored(path)
                    found[one.name] = one
        except FileNotFoundError:
            if not self.folder.exists():
                raise
            return self.segments()  # a writer closed one meanwhile
        return list(found.values())

    def find(self, name: str) -> StoredSegment | None:
        """Return a segment, or None if there is none of that name."""
        # its writer may close, and so rename, it between the first two attempts
        for path in self._paths(name):
            try:
                return _stored(path)
            except FileNotFoundError:
                continue
        return None

    def open(self, name: str) -> BinaryIO:
        """Open a segment for reading and seeking, without a buffer; no link is followed."""
        first, *others = self._paths(name)
        try:
            return open_regular(first)
        except FileNotFoundError as error:
            missing = error
        for path in others:
            try:
                return open_regular(path)
            except FileNotFoundError:
                continue
        raise missing

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a segment; fewer than ``length`` only if it ends before."""
        with self.open(name) as file:
            file.seek(offset)
            return file.read(length)

    def _paths(self, name: str) -> tuple[Path, Path, Path]:
        """Return where to look for a segment, in this order: its writer may close it meanwhile."""
        path = self.folder / name
        return path, path.with_name(open_name(name)), path


#: What functions that read an archive take: a store, or the path of a folder.
StoreOrFolder: TypeAlias = Store | Path | str


def store_at(url: str) -> Store:
    """Return the store that ARCHIVE_URL names.

    :raises SegmentError: it names none that this version can read.
    """
    return FolderStore(Path(archive_folder(url)))


def store_of(archive: StoreOrFolder) -> Store:
    """Return the store itself, or that of a folder."""
    return FolderStore(Path(archive)) if isinstance(archive, (str, Path)) else archive


def _stored(path: Path) -> StoredSegment:
    status = path.lstat()
    check_regular(status, path)
    return StoredSegment(
        name=final_name(path.name),
        size=status.st_size,
        changed=status.st_mtime,
        is_open=is_open(path.name),
    )
