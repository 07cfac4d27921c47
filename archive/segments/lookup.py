"""Reading of segments: one record by its location, and all records of one segment.

A record found by its location is checked: it must be one whole gzip member, be the record that the
location names, and agree with its digests.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from isal import isal_zlib

from archive.http.content_coding import INFLATE_ERROR
from archive.model.exchange import MAX_DOCUMENT, Location
from archive.segments.names import final_name
from archive.segments.store import store_of
from archive.warc.reader import iterate, iterate_file
from archive.warc.record_header import MalformedRecordError, block_length, parse_header
from archive.warc.record_iterator import HEADER_END
from archive.warc.record_parser import Record, build_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.segments.store import Store, StoreOrFolder
    from archive.warc.record_parser import Damage

#: Record types that hold, or stand for, a document.
DOCUMENTS = frozenset({"response", "revisit", "resource"})
#: Longest record read from a segment: the crawl's settings decide how long ours are.
MAX_RECORD = 2**31
#: Most bytes that a member is inflated to: a wrong location must not fill the memory.
_MAX_INFLATED = MAX_DOCUMENT + 2**20
_PIECE = 2**14


class RecordError(Exception):
    """The bytes at a location are not the record that was written there."""


def records(path: Path, start: int = 0, *, guessed: bool = False) -> Iterator[Record | Damage]:
    """Yield the records and damaged places of a segment; see `archive.warc.reader.iterate`.

    :raises OSError: the file cannot be read.
    """
    return iterate(path, MAX_RECORD, start, guessed=guessed)


def records_in(
    store: Store, name: str, start: int = 0, *, guessed: bool = False
) -> Iterator[Record | Damage]:
    """Yield the records and damaged places of a segment of the archive, as `records` does.

    :raises OSError: it does not exist or cannot be read.
    """
    with store.open(name) as file:
        yield from iterate_file(file, MAX_RECORD, start, guessed=guessed)


def documents(path: Path) -> Iterator[tuple[Record, Location]]:
    """Yield the documents of a segment, open or closed, that a location can refer to.

    :raises OSError: the file cannot be read.
    """
    name = final_name(path.name)
    for found in records(path):
        if isinstance(found, Record) and found.kind in DOCUMENTS and found.length:
            yield found, location_in(name, found)


def location_in(name: str, record: Record) -> Location:
    """Return the location of a record that was read from the segment of that final name."""
    return Location(name, record.offset, record.length, record.record_id, record.payload_digest)


def read_at(archive: StoreOrFolder, location: Location) -> Record:
    """Return the record at a location in a segment of the archive, open or closed.

    :raises RecordError: it is missing, damaged or another one; the message says which.
    """
    return parse_record(read_bytes(archive, location), location)


def read_bytes(archive: StoreOrFolder, location: Location) -> bytes:
    """Return the bytes at a location, which `parse_record` checks.

    :raises RecordError: there is no such file, or it is too short.
    """
    where = _checked(location)
    try:
        data = store_of(archive).range(location.file, location.offset, location.length)
    except (OSError, ValueError) as error:
        raise _unreadable(where, error) from error
    return _whole(data, location)


class RecordReader:
    """Reads many records by their locations; close it, or use it as a context manager.

    The segment that was read last stays open: of an archive in S3, records that lie near each other
    are then not asked for one by one.
    """

    def __init__(self, archive: StoreOrFolder) -> None:
        self._store = store_of(archive)
        self._name = ""
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the segment that is open; the next reading opens one again."""
        if self._file is not None:
            self._file.close()
        self._name, self._file = "", None

    def read_at(self, location: Location) -> Record:
        """Return the record at a location, as `read_at` does."""
        return parse_record(self.read_bytes(location), location)

    def read_bytes(self, location: Location) -> bytes:
        """Return the bytes at a location, as `read_bytes` does."""
        where = _checked(location)
        file = self._open(location.file, where)
        try:
            file.seek(location.offset)
            data = file.read(location.length)
        except (OSError, ValueError) as error:
            raise _unreadable(where, error) from error
        return _whole(data, location)

    def request_after(self, location: Location) -> tuple[Record, bytes] | None:
        """Return the `request` right after a record, as `request_after` does."""
        where = _following(location)
        return _request_in(self._open(location.file, where), location, where)

    def _open(self, name: str, where: str) -> BinaryIO:
        if self._file is None or name != self._name:
            self.close()
            self._file = _open(self._store, name, where)
            self._name = name
        return self._file


def _checked(location: Location) -> str:
    """Return how sentences call a record.

    :raises RecordError: its file can be none of the archive's.
    """
    where = _describe(location)
    if Path(location.file).name != location.file:
        raise RecordError(f"{where} is not a file of the archive's folder.")
    return where


def _whole(data: bytes, location: Location) -> bytes:
    if len(data) != location.length:
        raise RecordError(
            f"{_describe(location)} should have {location.length} bytes, but the file ends after"
            f" {len(data)}."
        )
    return data


def parse_record(data: bytes, location: Location) -> Record:
    """Return the record that the bytes of a location hold.

    :raises RecordError: it is damaged, or not the record that the location names.
    """
    where = _describe(location)
    try:
        found = _parse_member(data, location, where)
    except INFLATE_ERROR as error:
        raise RecordError(f"{where} does not inflate ({error}).") from error
    except MalformedRecordError as error:
        raise RecordError(f"{where} is damaged. {error.sentence}") from error
    if found.record_id != location.record_id:
        raise RecordError(f"{where} is another record, {found.record_id[:200]}.")
    if found.payload_digest != location.payload_digest:
        raise RecordError(
            f"{where} has payload {found.payload_digest}, not {location.payload_digest}."
        )
    return found


def _parse_member(data: bytes, location: Location, where: str) -> Record:
    inflater = isal_zlib.decompressobj(31)
    record = inflater.decompress(data, _MAX_INFLATED)
    if not inflater.eof or inflater.unused_data:
        raise RecordError(
            f"{where} is not the one gzip member of {location.length} bytes it should be."
        )
    head = HEADER_END.search(record)
    if head is None:
        raise RecordError(f"{where} is not a WARC record.")
    fields = parse_header(record[: head.end()])
    end = head.end() + block_length(fields)
    if record[end:] != b"\r\n\r\n":
        raise RecordError(f"{where} is not as long as it says.")
    block = memoryview(record)[head.end() : end]  # no copy: it may have 20 MB
    return build_record(fields, block, location.offset, location.length)


def request_after(archive: StoreOrFolder, location: Location) -> tuple[Record, bytes] | None:
    """Return the `request` right after a record, and the bytes of its gzip member.

    Return None if another record follows, or none.

    :raises RecordError: what follows is damaged.
    """
    where = _following(location)
    with _open(store_of(archive), location.file, where) as file:
        return _request_in(file, location, where)


def _following(location: Location) -> str:
    return f"What follows record {location.record_id} at byte {location.offset} of {location.file}"


def _request_in(file: BinaryIO, location: Location, where: str) -> tuple[Record, bytes] | None:
    start = location.offset + location.length
    try:
        member = _request_member(file, start)
        if member is None:
            return None
        data, plain = member
        head = HEADER_END.search(plain)
        if head is None:
            raise RecordError(f"{where} is not a WARC record.")
        fields = parse_header(plain[: head.end()])
        block = plain[head.end() : head.end() + block_length(fields)]
        return build_record(fields, block, start, len(data)), data
    except INFLATE_ERROR as error:
        raise RecordError(f"{where} does not inflate ({error}).") from error
    except MalformedRecordError as error:
        raise RecordError(f"{where} is damaged. {error.sentence}") from error
    except OSError as error:
        raise RecordError(f"{where} cannot be read ({error}).") from error


def _request_member(file: BinaryIO, start: int) -> tuple[bytes, bytes] | None:
    """Return the gzip member at an offset and its content; None once it cannot be a request."""
    data, plain = b"", b""
    inflater = isal_zlib.decompressobj(31)
    file.seek(start)
    while not inflater.eof:
        piece = file.read(_PIECE)
        # the end of the file, or of what a writer has written so far; or too long for a request
        if not piece or len(plain) >= _MAX_INFLATED:
            return None
        data += piece
        plain += inflater.decompress(piece, _MAX_INFLATED - len(plain))
        head = HEADER_END.search(plain)
        if head is not None and b"WARC-Type: request\r\n" not in plain[: head.end()]:
            return None
    return data[: len(data) - len(inflater.unused_data)], plain


def _describe(location: Location) -> str:
    return f"Record {location.record_id} at byte {location.offset} of {location.file}"


def _open(store: Store, name: str, where: str) -> BinaryIO:
    try:
        return store.open(name)
    except (OSError, ValueError) as error:
        raise _unreadable(where, error) from error


def _unreadable(where: str, error: OSError | ValueError) -> RecordError:
    if isinstance(error, FileNotFoundError):
        return RecordError(f"{where} cannot be read: the file does not exist.")
    return RecordError(f"{where} cannot be read ({error}).")
