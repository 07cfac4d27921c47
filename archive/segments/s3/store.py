"""An archive in a bucket of S3; open segments lie in a local spool until they are closed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from archive.model.errors import StoreError, StoreMissingError
from archive.model.files import check_regular, open_regular
from archive.segments.files import disk, file_locks
from archive.segments.files.atomic_files import part_of, sync_file
from archive.segments.files.file_locks import LockHeldError
from archive.segments.names import final_name, is_closed, is_open
from archive.segments.s3.announcements import LONGEST, announce, announced, withdraw
from archive.segments.s3.client import exists
from archive.segments.s3.reader import ObjectReader
from archive.segments.s3.spool import Spool
from archive.segments.s3.uploads import upload
from archive.segments.s3.writer_log import WriterLog, read_chains
from archive.segments.store import StoredSegment, check_kept_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from archive.segments.chained_log import LockedLog
    from archive.segments.s3.announcements import Announcement
    from archive.segments.s3.bucket import Bucket
    from archive.segments.s3.uploads import Measure


@dataclass(frozen=True, slots=True)
class S3Store:
    """An archive in a bucket: objects under a prefix, as the files of a folder would be.

    ``spool`` is the local folder of its open segments. A closed one is kept there as well for
    ``keep_local`` seconds. Uploads are in parts of ``part_bytes``.
    """

    bucket: Bucket
    spool: Path
    keep_local: float = 0.0
    part_bytes: int = 2**23

    def place(self, name: str = "") -> str:
        """Return the URL of an object, or of the archive."""
        return self.bucket.place(name).removesuffix("/")

    def identity(self) -> str:
        """Return bucket, prefix and server."""
        return f"{self.place()} {self.bucket.endpoint}".rstrip()

    @property
    def is_remote(self) -> bool:
        """True."""
        return True

    def exists(self) -> bool:
        """Return whether there is an object under the prefix, or a segment in the spool."""
        return bool(self._open_here()) or not self.bucket.is_empty()

    def names(self) -> tuple[list[str], list[str]]:
        """Return the final names of closed segments, and of open ones, also of other machines."""
        # open ones first: one that is closed meanwhile is then listed as closed
        opened = {*self._open_here(), *(one.name for one in self._open_elsewhere())}
        closed = sorted(one.name for one in self.bucket.entries() if is_closed(one.name))
        return closed, sorted(opened - {*closed})

    def segments(self) -> list[StoredSegment]:
        """Return all segments; the size of one that is open on another machine is 0 here."""
        opened, elsewhere = self._open_here(), self._open_elsewhere()
        found = {
            one.name: StoredSegment(one.name, one.size, one.changed, is_open=False)
            for one in self.bucket.entries()
            if is_closed(one.name)
        }
        for name in opened:
            here = self._find_here(name)
            if here is not None:
                found.setdefault(name, here)
        for there in elsewhere:
            found.setdefault(there.name, StoredSegment(there.name, 0, there.since, is_open=True))
        if not found and not self.exists():
            raise StoreMissingError.at(self.place(), "there is nothing under this name")
        return list(found.values())

    def find(self, name: str) -> StoredSegment | None:
        """Return a segment, or None if there is none of that name."""
        if not _is_name(name):
            return None
        here = self._find_here(name)
        if here is not None:
            return here
        head = self.bucket.find(name)
        if head is not None:
            return StoredSegment(name, head.size, head.changed, is_open=False)
        there = self._announced(name)
        return None if there is None else StoredSegment(name, 0, there.since, is_open=True)

    def is_held(self, name: str) -> bool:
        """Return whether a live process writes an open segment, here or on another machine.

        Of one on another machine that counts as true for a week.
        """
        path = self._spool.open_path(name)
        if path.exists():
            return file_locks.is_held(path)
        there = self._announced(name)
        if there is None:
            raise StoreMissingError.at(self.place(name), "it is not open")
        return there.is_live

    def open(self, name: str) -> BinaryIO:
        """Open a segment for reading and seeking; what is in the spool is read there."""
        here = self._open_local(name)
        if here is not None:
            return here
        with self._telling_who_holds(name):
            # an io.RawIOBase is not called a BinaryIO
            return cast("BinaryIO", ObjectReader(self.bucket, _checked(self, name)))

    def range(self, name: str, offset: int, length: int) -> bytes:
        """Return bytes of a segment; fewer than ``length`` only if it ends before."""
        here = self._open_local(name)
        if here is not None:
            with here:
                here.seek(offset)
                return here.read(length)
        if length <= 0:
            return b""
        with self._telling_who_holds(name):
            return self.bucket.range(_checked(self, name), offset, length)[0]

    def begin_segment(self, name: str) -> None:
        """Tell other machines that a segment is written here."""
        announce(self.bucket, self._spool.writer(), name)

    def withdraw_segment(self, name: str) -> None:
        """Tell other machines that a segment is none, since nothing was written to it."""
        withdraw(self.bucket, self._spool.writer(), name)

    def close_segment(self, name: str) -> tuple[int, str]:
        """Upload an open segment; return its size and sha256. After a kill the next call goes on.

        :raises StoreExistsError: there is another object of that name.
        """
        path = self._spool.open_path(name)
        made = self.upload(path, name)
        self.withdraw_segment(name)
        self._keep_or_drop(name, path)
        return made.size, made.sha256

    @contextmanager
    def adding(self, name: str, like: str) -> Iterator[Path]:  # noqa: ARG002  (objects have no rights)
        """Give a file in the spool; at the end of the block it is uploaded."""
        if self.bucket.find(name) is not None:
            raise exists(self.place(name))
        self.spool.mkdir(parents=True, exist_ok=True)
        with part_of(self._spool.copy_path(name)) as part:
            part.touch(exist_ok=False)
            yield part
            sync_file(part)
            self.upload(part, name)
            self._keep_or_drop(name, part)

    def upload(self, path: Path, name: str) -> Measure:
        """Upload a local file under a name, unless it is there already; return what it is.

        :raises StoreExistsError: there is another object of that name.
        """
        return upload(self.bucket, name, path, self.part_bytes)

    def delete(self, name: str) -> None:
        """Delete a closed segment, in all versions, and its copy in the spool."""
        is_there = self.bucket.find(name) is not None
        self._spool.copy_path(name).unlink(missing_ok=True)
        self.bucket.delete_versions(name)
        if not is_there:
            raise StoreMissingError.at(self.place(name), "it does not exist")

    def used(self) -> int:
        """Return the bytes of all objects of the archive, and of open segments here."""
        here = sum(one.size for name in self._open_here() if (one := self._find_here(name)))
        return here + sum(one.size for one in self.bucket.entries())

    def free(self) -> int | None:
        """Return None: a bucket has no end that is known."""
        return None

    def room_for(self, size: int) -> str:
        """Return a sentence if the spool has no room to prepare a segment of that size."""
        return disk.shortage(self.spool, size)

    def read_logs(self, name: str) -> dict[str, bytes]:
        """Return the chains of a log, one of each writer, by the names of their objects."""
        return read_chains(self.bucket, name)

    def whole_logs(self, name: str) -> dict[str, bytes]:
        """Return the same: an object is replaced as a whole."""
        return read_chains(self.bucket, name)

    def append(self, name: str, fields: dict[str, Any]) -> None:
        """Append a line to this writer's chain of a log; wait for other processes here."""
        with self._spool.lock(name, wait=True):
            WriterLog(self.bucket, name, self._spool.writer()).append(fields)

    @contextmanager
    def locked(self, name: str) -> Iterator[LockedLog | None]:
        """Lock a log against other processes here; give None if one of them has locked it."""
        try:
            lock = self._spool.lock(name, wait=False)
        except LockHeldError:
            yield None
            return
        with lock:
            yield WriterLog(self.bucket, name, self._spool.writer())

    def tidy(self) -> None:
        """Remove what killed or lost writers left: uploads, announcements, old copies.

        Copies here of segments that a take-down elsewhere has replaced are removed, too.
        """
        self._spool.drop_old(self.keep_local)
        for copy in self._spool.copies():
            if self.bucket.find(copy.name) is None:
                copy.unlink(missing_ok=True)
        writer = self._spool.known_writer()
        here = {*self._open_here()}
        for one in announced(self.bucket):
            if one.writer == writer and one.name not in here:
                withdraw(self.bucket, writer, one.name)
        long_ago = datetime.now(UTC) - timedelta(seconds=LONGEST)
        for begun in self.bucket.unfinished():
            # Under the prefix there may be other archives, each with a prefix of its own.
            is_ours = _is_name(begun.name) and is_closed(begun.name) and begun.name not in here
            if is_ours and (begun.begun < long_ago or self.bucket.find(begun.name) is not None):
                self.bucket.give_up(begun)

    def keep_file(self, name: str, path: Path) -> None:
        """Keep a copy of a local file under a name in a folder."""
        self.bucket.put(check_kept_name(name), path.read_bytes())

    def read_file(self, name: str) -> bytes:
        """Return what was kept under a name."""
        return self.bucket.read(check_kept_name(name))[0]

    def kept_files(self, folder: str) -> list[str]:
        """Return the names of the files kept in a folder, sorted."""
        check_kept_name(f"{folder}/x")
        return [one.name for one in self.bucket.entries(f"{folder}/")]

    def drop_file(self, name: str) -> None:
        """Delete what was kept under a name, if anything was."""
        self.bucket.delete(check_kept_name(name))

    @property
    def _spool(self) -> Spool:
        return Spool(self.spool)

    def _keep_or_drop(self, name: str, path: Path) -> None:
        if self.keep_local > 0:
            self._spool.keep(name, path)
        else:
            self._spool.drop(path)
        self._spool.drop_old(self.keep_local)

    def _open_here(self) -> list[str]:
        try:
            return [final_name(one.name) for one in self.spool.iterdir() if is_open(one.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _open_elsewhere(self) -> list[Announcement]:
        writer = self._spool.known_writer()
        return [one for one in announced(self.bucket) if one.writer != writer]

    def _announced(self, name: str) -> Announcement | None:
        return next((one for one in self._open_elsewhere() if one.name == name), None)

    def _find_here(self, name: str) -> StoredSegment | None:
        """Return an open segment in the spool; of a closed one the bucket decides."""
        path = self._spool.open_path(name)
        try:
            status = path.lstat()
        except FileNotFoundError:
            return None
        check_regular(status, path)
        return StoredSegment(name, status.st_size, status.st_mtime, is_open=True)

    def _open_local(self, name: str) -> BinaryIO | None:
        for path in self._spool.local(name):
            try:
                return open_regular(path)
            except FileNotFoundError:
                continue
        return None

    def _telling_who_holds(self, name: str) -> AbstractContextManager[None]:
        return _telling_who_holds(self, name)

    def held_elsewhere(self, name: str) -> StoreError | None:
        """Return why a segment cannot be read that another machine is writing; None otherwise."""
        there = self._announced(name)
        return None if there is None else StoreError.at(self.place(name), there.sentence)


@contextmanager
def _telling_who_holds(store: S3Store, name: str) -> Iterator[None]:
    """Raise, for an object that is missing, who has not uploaded it yet, if anybody."""
    try:
        yield
    except StoreMissingError as error:
        raise store.held_elsewhere(name) or error from error


def _is_name(name: str) -> bool:
    """Return whether a name can be that of an object of the archive's own, in no folder."""
    return bool(name) and "/" not in name and "\0" not in name


def _checked(store: S3Store, name: str) -> str:
    if not _is_name(name):
        raise StoreMissingError.at(store.place(name), "it is no segment")
    return name
