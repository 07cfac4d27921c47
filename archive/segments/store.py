"""The store: where the files of an archive lie, and the only way in which readers come at them.

`Store` is what every store can do; `FolderStore` is a folder of the local disk. Segments are known
by their final names, closed or open.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from archive.model.files import check_regular, open_regular, read_regular
from archive.segments import chained_log
from archive.segments.chains import is_chain_of
from archive.segments.files import disk
from archive.segments.files.atomic_files import (
    part_of,
    rename_new,
    replace_atomically,
    sync_file,
    sync_folder,
)
from archive.segments.files.file_locks import is_held
from archive.segments.files.measure import measure
from archive.segments.names import (
    final_name,
    is_open,
    is_plain,
    is_segment,
    open_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from archive.segments.chained_log import LockedLog


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

    def identity(self) -> str:
        """Return what tells this archive from every other, however it was named."""

    @property
    def spool(self) -> Path:
        """The local folder in which open segments are written, repaired and closed."""

    @property
    def is_remote(self) -> bool:
        """Whether segments are sent elsewhere when they are closed, which takes its time."""

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

    def is_held(self, name: str) -> bool:
        """Return whether a live process writes an open segment, or true if that is not known.

        :raises FileNotFoundError: there is no open segment of that name, as just after its closing.
        """

    def open(self, name: str) -> BinaryIO:
        """Open a segment for reading and seeking, without a buffer.

        :raises OSError: it does not exist or cannot be read.
        """

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a segment; fewer than ``length`` only if it ends before.

        :raises OSError: it does not exist or cannot be read.
        """

    def begin_segment(self, name: str) -> None:
        """Note that an open segment was created in the spool.

        :raises OSError: that cannot be noted.
        """

    def withdraw_segment(self, name: str) -> None:
        """Note that an open segment was deleted, since it held nothing.

        :raises OSError: that cannot be noted.
        """

    def close_segment(self, name: str) -> tuple[int, str]:
        """Keep an open segment, synced and whole, for good under its final name.

        Return its size in bytes and its sha256 in hex.

        :raises FileExistsError: there is a closed segment of that name already.
        :raises OSError: it cannot be kept; it is then still open.
        """

    def adding(self, name: str, like: str) -> AbstractContextManager[Path]:
        """Give an empty local file to write a closed segment to, which is then kept for good.

        It is added at the end of the block, and not if that raises; its rights are those of the
        segment ``like``.

        :raises FileExistsError: there is a segment of that name.
        :raises OSError: it cannot be written.
        """

    def delete(self, name: str) -> None:
        """Delete a closed segment for good.

        :raises FileNotFoundError: there is no such closed segment.
        :raises OSError: it cannot be deleted.
        """

    def used(self) -> int:
        """Return the bytes of all files of the archive; 0 without one.

        :raises OSError: it cannot be read.
        """

    def free(self) -> int | None:
        """Return the free bytes of the file system that it lies on; None if it lies on none.

        :raises OSError: the system does not report it.
        """

    def room_for(self, size: int) -> str:
        """Return a sentence if a segment of so many bytes cannot be added, else ``""``.

        :raises OSError: that cannot be found out.
        """

    def read_logs(self, name: str) -> dict[str, bytes]:
        """Return what the chains of a log hold now, by the names of their files.

        There may be half a line at the end of one; there is none without a log.

        :raises OSError: one cannot be read.
        """

    def whole_logs(self, name: str) -> dict[str, bytes]:
        """Return the finished lines of the chains of a log, while no process here writes.

        :raises OSError: one cannot be read.
        """

    def append(self, name: str, fields: dict[str, Any]) -> None:
        """Append a line to a log, which is kept for good on return; wait for other processes.

        :raises OSError: it cannot be written; the log is then as it was.
        """

    def locked(self, name: str) -> AbstractContextManager[LockedLog | None]:
        """Lock a log; the context manager gives None if another process has locked it.

        Of processes of other machines nothing is known; take-downs exclude them by the index.

        :raises OSError: it cannot be created or opened.
        """

    def tidy(self) -> None:
        """Remove what killed writers left that is no segment.

        :raises OSError: it cannot be removed.
        """

    def keep_file(self, name: str, path: Path) -> None:
        """Keep a copy of a local file under a name such as ``logs/JOB/RUN.log``.

        It appears whole, in the place of an earlier one of that name. Such files are no part of
        what is verified and backed up.

        :raises ValueError: the name has no folder, or a part of it begins with a dot.
        :raises OSError: it cannot be kept; an earlier one is then as it was.
        """

    def read_file(self, name: str) -> bytes:
        """Return what was kept under a name by `keep_file`.

        :raises ValueError: see `keep_file`.
        :raises FileNotFoundError: nothing was.
        :raises OSError: it cannot be read.
        """

    def kept_files(self, folder: str) -> list[str]:
        """Return the names of the files kept in a folder such as ``logs/JOB``, sorted.

        :raises ValueError: see `keep_file`.
        :raises OSError: they cannot be listed.
        """

    def drop_file(self, name: str) -> None:
        """Delete what was kept under a name, if anything was.

        :raises ValueError: see `keep_file`.
        :raises OSError: it cannot be deleted.
        """


@dataclass(frozen=True, slots=True)
class FolderStore:
    """An archive in a folder of a local file system."""

    folder: Path

    def place(self, name: str = "") -> str:
        """Return the path of a file, or of the folder."""
        return str(self.folder / name)

    def identity(self) -> str:
        """Return the folder's absolute path, without links in it."""
        return str(self.folder.resolve())

    @property
    def spool(self) -> Path:
        """The folder itself."""
        return self.folder

    @property
    def is_remote(self) -> bool:
        """False."""
        return False

    def exists(self) -> bool:
        """Return whether the folder exists."""
        return self.folder.is_dir()

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
        for path in self._paths(name):
            try:
                return _stored(path)
            except FileNotFoundError:
                continue
        return None

    def is_held(self, name: str) -> bool:
        """Return whether a live process has locked an open segment; see `file_locks.is_held`."""
        return is_held(self.folder / open_name(name))

    def open(self, name: str) -> BinaryIO:
        """Open a segment for reading and seeking, without a buffer; no link is followed."""
        for path in self._paths(name):
            try:
                return open_regular(path)
            except FileNotFoundError:
                continue
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.place(name))

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a segment; fewer than ``length`` only if it ends before."""
        with self.open(name) as file:
            file.seek(offset)
            return file.read(length)

    def begin_segment(self, name: str) -> None:
        """Do nothing: who reads the folder sees it."""

    def withdraw_segment(self, name: str) -> None:
        """Do nothing: who reads the folder sees that it is gone."""

    def close_segment(self, name: str) -> tuple[int, str]:
        """Give an open segment its final name; on return that is on disk."""
        rename_new(self.folder / open_name(name), self.folder / name)
        return measure(self.folder / name)

    @contextmanager
    def adding(self, name: str, like: str) -> Iterator[Path]:
        """Give a file beside the segments; at the end of the block it is synced and named."""
        path = self.folder / name
        with part_of(path) as part:
            with part.open("xb") as file:
                os.fchmod(file.fileno(), (self.folder / like).lstat().st_mode & 0o777)
            yield part
            sync_file(part)
            rename_new(part, path)

    def delete(self, name: str) -> None:
        """Delete a closed segment; on return that is on disk."""
        (self.folder / name).unlink()
        sync_folder(self.folder)

    def used(self) -> int:
        """Return the bytes of all files in the folder; 0 if there is none."""
        if not self.folder.exists():
            return 0
        return sum(_size_of(entry) for entry in os.scandir(self.folder))

    def free(self) -> int | None:
        """Return the free bytes of the file system, also before the folder is made."""
        return disk.free(self.folder)

    def room_for(self, size: int) -> str:
        """Return a sentence if the file system has fewer bytes free, else ``""``."""
        return disk.shortage(self.folder, size)

    def read_logs(self, name: str) -> dict[str, bytes]:
        """Return what the chains of a log hold now, by the names of their files.

        Beside the folder's own there are those of writers where the archive lay before.
        """
        return {path.name: read_regular(path) for path in self._chains(name)}

    def whole_logs(self, name: str) -> dict[str, bytes]:
        """Return the finished lines of the chains of a log, while no process writes."""
        return {path.name: chained_log.whole_lines(path) for path in self._chains(name)}

    def _chains(self, name: str) -> list[Path]:
        try:
            return [path for path in self.folder.iterdir() if is_chain_of(name, path.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def append(self, name: str, fields: dict[str, Any]) -> None:
        """Append a line to a log, which is on disk on return; wait for other processes."""
        chained_log.append(self.folder / name, fields)

    def locked(self, name: str) -> AbstractContextManager[LockedLog | None]:
        """Lock a log; the context manager gives None if another process has locked it."""
        return chained_log.locked(self.folder / name)

    def tidy(self) -> None:
        """Do nothing: they leave nothing else."""

    def keep_file(self, name: str, path: Path) -> None:
        """Keep a copy of a local file in a folder within the archive's; on disk on return."""
        place = self._kept(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        with replace_atomically(place) as part:
            shutil.copyfile(path, part)
        sync_folder(place.parent)

    def read_file(self, name: str) -> bytes:
        """Return what was kept under a name."""
        return read_regular(self._kept(name))

    def kept_files(self, folder: str) -> list[str]:
        """Return the names of the files kept in a folder, sorted; none without the folder."""
        try:
            found = list(self._kept(f"{folder}/x").parent.iterdir())
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{path.name}" for path in found if is_plain(path.name))

    def drop_file(self, name: str) -> None:
        """Delete what was kept under a name, if anything was."""
        self._kept(name).unlink(missing_ok=True)

    def _kept(self, name: str) -> Path:
        return self.folder / check_kept_name(name)

    def _paths(self, name: str) -> Iterator[Path]:
        """Yield where to look for a segment, in this order: its writer may close it meanwhile.

        A name that leads out of the folder, or that no file can have, is that of no segment.
        """
        if "/" in name or "\0" in name:
            return
        path = self.folder / name
        yield path
        yield self.folder / open_name(name)
        yield path


#: What functions that read an archive take: a store, or the path of a folder.
StoreOrFolder: TypeAlias = Store | Path | str


def store_of(archive: StoreOrFolder) -> Store:
    """Return the store itself, or that of a folder."""
    return FolderStore(Path(archive)) if isinstance(archive, (str, Path)) else archive


def check_kept_name(name: str) -> str:
    """Return the name of a kept file: plain names of folders and of the file, with slashes.

    :raises ValueError: it is none; all other names are those of the archive's own files.
    """
    parts = name.split("/")
    if len(parts) == 1 or not all(map(is_plain, parts)):
        raise ValueError(f"{name[:200]!r} is no name of a kept file")
    return name


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size if entry.is_file() else 0
    except OSError:
        return 0  # a segment that was closed or removed meanwhile


def _stored(path: Path) -> StoredSegment:
    status = path.lstat()
    check_regular(status, path)
    return StoredSegment(
        name=final_name(path.name),
        size=status.st_size,
        changed=status.st_mtime,
        is_open=is_open(path.name),
    )
