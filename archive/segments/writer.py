"""Writing of segments, the WARC files of the archive: append, sync, roll over, close.

A segment is written as ``NAME.open`` and renamed to ``NAME`` once it is whole and indexed, so that
only open segments hold records that a crash kept out of the index. Records are on disk when
`SegmentWriter.sync` has returned; a later failure only loses what was written after it.
"""

from __future__ import annotations

import os
import socket
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, Self

from archive.model.errors import SegmentError, describe_os_error
from archive.model.exchange import Location
from archive.segments import manifest as fixity
from archive.segments.files.atomic_files import sync_folder
from archive.segments.files.file_locks import create
from archive.segments.names import new_id, open_name, plain, segment_name
from archive.segments.store import store_of
from archive.warc import record_writer as warc
from archive.warc.compression.gzip_member import member, pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path
    from types import TracebackType

    from archive.model.exchange import Exchange
    from archive.segments.store import StoreOrFolder

#: Roll a segment over at this many bytes (IIPC guidelines).
MAX_BYTES = 10**9
_CONFORMS = "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/"

_INTERRUPTED = "start again; the archive is whole up to its last sync."


def _now() -> datetime:
    return datetime.now(UTC)  # microseconds distinguish the segments of one second


class SegmentWriter:
    """Append exchanges to segments of an archive; any number of writers may share it.

    ``software`` holds further ``warcinfo`` fields (software, operator, robots, …), ``job`` becomes
    ``isPartOf``. ``clock`` returns aware times, ``new_id`` bare URIs (``urn:uuid:…``). The folder
    is created if missing, the first segment at the first write. After a `SegmentError` about a file
    the writer is broken: every later call raises it again, and what was not synced is cut off. A
    `WarcError` (the record cannot be written as WARC) leaves the writer as it was.
    """

    def __init__(
        self,
        archive: StoreOrFolder,
        *,
        prefix: str = "sacho",
        clock: Callable[[], datetime] = _now,
        new_id: Callable[[], str] = new_id,
        max_bytes: int = MAX_BYTES,
        software: Mapping[str, str] | None = None,
        job: str = "",
        host: str = "",
    ) -> None:
        self._store = store_of(archive)
        self._folder = self._store.spool
        self._prefix = plain(prefix)
        self._host = plain(host or socket.gethostname() or "localhost")
        self._clock, self._new_id, self._max_bytes = clock, new_id, max_bytes
        self._fields = {
            "format": "WARC File Format 1.1",
            "conformsTo": _CONFORMS,
            "hostname": self._host,
            **(software or {}),
            "isPartOf": job,
        }
        self._fd = -1
        self._full: list[tuple[int, str]] = []  # complete, not yet to be closed
        self._closings: list[tuple[int, str, Future[None]]] = []
        self._threads: ThreadPoolExecutor | None = None
        self._unsettled = False  # whether anything was written since `settle`
        self._name = ""
        self._serial = 0
        self._end = self._synced = 0
        self._named = False  # whether the folder entry of the open segment is on disk
        self._used = False  # whether the open segment holds any exchange
        self._info = ""
        self._descriptions: dict[str, str] = {}
        self._local: dict[str, str] = {}
        self._broken = ""
        self._closed = False

    def state(self, fields: Mapping[str, str]) -> None:
        """Add ``fields`` to those of the ``warcinfo`` records that are written from now on."""
        self._fields.update(fields)

    def write(
        self,
        exchange: Exchange,
        *,
        record_id: str | None = None,
        warcinfo_id: str | None = None,
        outlet: str = "",
        source: str = "",
    ) -> Location:
        """Append the exchange: `response` and its `request`, or a `resource` when it has no head.

        ``warcinfo_id`` is one that `describe` returned, or None for the segment's own. The location
        is valid once `sync` has returned.
        """
        record_id = record_id or self._new_id()
        self._ready()
        info = self._warcinfo(warcinfo_id)
        payload_sum = warc.payload_digest(exchange)
        made = warc.response if exchange.head else warc.resource
        record = made(exchange, record_id, info, payload_sum, warc.notes(outlet, source))
        return self._put(exchange, record, record_id, info, payload_sum)

    def write_revisit(
        self,
        exchange: Exchange,
        original: warc.RevisitOf,
        *,
        record_id: str | None = None,
        warcinfo_id: str | None = None,
        outlet: str = "",
        source: str = "",
    ) -> Location:
        """Append a `revisit` (and its `request`) of ``original``, which is already synced."""
        record_id = record_id or self._new_id()
        self._ready()
        info = self._warcinfo(warcinfo_id)
        record = warc.revisit(exchange, record_id, info, original, warc.notes(outlet, source))
        return self._put(exchange, (record,), record_id, info, original.payload_digest)

    def describe(self, description: str) -> str:
        """Append a `warcinfo` on the origin of imported records; return its id for `write`.

        The id stays valid after a roll-over: the description is then repeated in the new segment
        under an id of its own, so that each segment is complete by itself.
        """
        self._ready()
        handle = self._new_id()
        self._descriptions[handle] = description
        self._warcinfo(handle, first=True)
        return handle

    def sync(self) -> None:
        """Return once everything written so far is on disk, the segment's name included."""
        self._check()
        if self._fd >= 0:
            self._sync()

    def settle(self, but: Collection[str] = ()) -> None:
        """Note that everything synced is indexed: give complete segments their final names.

        Not those named in ``but``. Where they are sent elsewhere, that goes on in a thread: a crawl
        must not wait for it.
        """
        self._check()
        self._unsettled = False
        done = [(fd, name) for fd, name in self._full if name not in but]
        self._full = [(fd, name) for fd, name in self._full if name in but]
        for fd, name in done:
            self._closings.append((fd, name, self._begin_closing(name)))
        self._end_closings(wait=False)

    def close(self) -> None:
        """Sync the open segment and give it its final name; a second call does nothing."""
        if self._closed:
            return
        self._check()
        self._put_aside()
        self.settle()
        self._end_closings(wait=True)
        if self._threads is not None:
            self._threads.shutdown()
        self._closed = True

    def _begin_closing(self, name: str) -> Future[None]:
        if self._store.is_remote:
            if self._threads is None:
                # who writes to a folder does not pay for it
                from concurrent.futures import ThreadPoolExecutor

                self._threads = ThreadPoolExecutor(1, "closing")
            return self._threads.submit(self._close_segment, name)
        done: Future[None] = Future()
        try:
            self._close_segment(name)
        except OSError as error:
            done.set_exception(error)
        else:
            done.set_result(None)
        return done

    def _close_segment(self, name: str) -> None:
        size, sha256 = self._store.close_segment(name)
        fixity.record_closed(self._store, name, size, sha256)

    def _end_closings(self, *, wait: bool) -> None:
        """End the closings that are done, or all; in the order in which they were begun."""
        while self._closings and (wait or self._closings[0][2].done()):
            fd, name, closing = self._closings[0]
            try:
                closing.result()
            except OSError as error:
                self._fail(self._folder / name, error)
            os.close(fd)
            self._closings.pop(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and (self._broken or self._unsettled):
            # left open for recovery; another error would hide the one that is being raised
            self._release()
        else:
            self.close()

    def _put(
        self,
        exchange: Exchange,
        record: tuple[bytes, ...],
        record_id: str,
        info: str,
        payload_sum: str,
    ) -> Location:
        """Append the record of an exchange, which is in parts, and that of its request."""
        made = pieces(*record)
        length = sum(map(len, made))
        if exchange.request:
            made.append(member(warc.request(exchange, self._new_id(), info, record_id)))
        # one write, so that a crash does not tear the two apart
        offset = self._append(b"".join(made))
        self._used = self._unsettled = True
        return Location(self._name, offset, length, record_id, payload_sum)

    def _warcinfo(self, handle: str | None, *, first: bool = False) -> str:
        """Return the id, in the open segment, of the warcinfo that ``handle`` stands for."""
        if not handle:
            return self._info
        if handle not in self._local:
            if handle not in self._descriptions:
                raise warc.WarcError(f"{handle!r} is not a warcinfo that this writer has written")
            local = handle if first else self._new_id()
            fields = {**self._fields, "description": self._descriptions[handle]}
            self._append(member(warc.warcinfo(local, self._clock(), fields)))
            self._local[handle] = local
        return self._local[handle]

    def _check(self) -> None:
        if self._broken:
            raise SegmentError(self._broken)
        if self._closed:
            raise SegmentError(f"The segment writer on {self._folder} is closed.")

    def _ready(self) -> None:
        self._check()
        if self._fd >= 0 and self._end >= self._max_bytes:
            self._put_aside()
        if self._fd < 0:
            self._begin()

    def _begin(self) -> None:
        moment = self._clock().astimezone(UTC)
        while self._fd < 0:
            self._info = self._new_id()
            name = segment_name(self._prefix, moment, self._serial, self._host, self._info)
            self._name, self._end, self._synced = name, 0, 0
            path = self._path
            try:
                if not self._folder.exists():
                    self._folder.mkdir(parents=True, exist_ok=True)
                    sync_folder(self._folder.parent)
                self._fd = create(path)
                if self._fd >= 0:
                    self._store.begin_segment(name)
            except OSError as error:
                self._fail(path, error)
        record = warc.warcinfo(self._info, moment, self._fields, name)
        self._serial += 1
        self._named = self._used = False
        self._local = {}
        try:
            self._append(member(record))
        except BaseException:  # raised again: a segment without its warcinfo is none
            self._release()
            raise

    def _append(self, data: bytes) -> int:
        offset = self._end
        view = memoryview(data)
        # Broken until it is complete: after an interrupt, the next record must not follow half a
        # one.
        self._broken = f"Writing {self._name} was interrupted; {_INTERRUPTED}"
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self._fail(self._path, error)
        self._end = offset + len(data)
        self._broken = ""
        return offset

    def _sync(self) -> None:
        self._broken = f"Syncing {self._path} was interrupted; {_INTERRUPTED}"
        try:
            os.fsync(self._fd)
            if not self._named:
                sync_folder(self._folder)
                self._named = True
        except OSError as error:
            # not retried: the kernel has dropped the pages, and a second fsync would succeed
            self._fail(self._path, error)
        self._synced = self._end
        self._broken = ""

    def _put_aside(self) -> None:
        """End the open segment; delete it if it holds no exchange."""
        if self._fd < 0:
            return
        self._sync()
        if self._used:
            self._full.append((self._fd, self._name))
        else:
            try:
                self._path.unlink()
                sync_folder(self._folder)
                self._store.withdraw_segment(self._name)
            except OSError as error:
                self._fail(self._path, error)
            os.close(self._fd)
        self._fd = -1

    @property
    def _path(self) -> Path:
        return self._folder / open_name(self._name)

    def _fail(self, path: Path, error: OSError) -> NoReturn:
        self._broken = describe_os_error(path, error)
        self._release()
        raise SegmentError(self._broken) from error

    def _release(self) -> None:
        """Give up a broken segment, cut to its last sync, or deleted if nothing was synced."""
        if self._threads is not None:
            # what is being sent is sent to its end, while its lock is held
            self._threads.shutdown(cancel_futures=True)
        for fd in [*(fd for fd, _ in self._full), *(fd for fd, _, _ in self._closings)]:
            os.close(fd)
        self._full, self._closings, self._threads = [], [], None
        if self._fd < 0:
            return
        # the error is reported already, and recovery cuts what cannot be cut now
        with suppress(OSError):
            os.ftruncate(self._fd, self._synced)
            if not self._synced:
                self._path.unlink()
        os.close(self._fd)
        self._fd = -1
