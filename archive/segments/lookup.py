"""Reading WARC files: any of them from end to end, and one record of our own by its location.

A record is given when its whole block is there, the gzip checksum over it holds and its digests
agree. Everything else is told as a `Damage`, and reading goes on behind it. Walking the members
ourselves is what shows damage: FastWARC, which is faster (bench/warc.py), ends quietly there, and
does not give a head as it lies.

Both digests are compared of every record, because rows are made of what is given here: by its block
digest alone a record with a wrong payload digest would become one, by the payload's alone one whose
head was changed. They are what reading costs most.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from isal import isal_zlib

from archive.model.exchange import MAX_DOCUMENT
from archive.segments.names import OPEN
from archive.warc.gzip_reader import INFLATE_ERROR
from archive.warc.record_parser import (
    MalformedRecordError,
    Record,
    block_length,
    interpret,
    read_fields,
)

if TYPE_CHECKING:
    from typing import BinaryIO

    from archive.model.exchange import Location

# without an optional first byte: that makes re ten times slower
_HEAD_END = re.compile(rb"\n\r?\n")
#: Most bytes a member of ours inflates to; a location pointing at anything else must not fill the
#: memory.
_LONGEST = MAX_DOCUMENT + 2**20
_PIECE = 2**14


class RecordError(Exception):
    """What lies at a location is not the record that was put there."""


def read_at(folder: Path | str, location: Location) -> Record:
    """The record at a location in a segment of ``folder``, open or closed, proven to be the one meant.

    :raises RecordError: it is missing, damaged or another one; the text says which.
    """
    return parse_record(read_bytes(folder, location), location)


def read_bytes(folder: Path | str, location: Location) -> bytes:
    """The bytes that lie at a location, as they lie there; `parse_record` says whether they are the record.

    :raises RecordError: there is no such file, or it is too short.
    """
    where = _where(location)
    if Path(location.file).name != location.file:
        raise RecordError(f"{where} is not a file of the archive's folder.")
    with _opened(Path(folder) / location.file, where) as file:
        try:
            file.seek(location.offset)
            data = file.read(location.length)
        except (OSError, ValueError) as error:
            raise RecordError(f"{where} cannot be read ({error}).") from error
    if len(data) != location.length:
        raise RecordError(
            f"{where} should have {location.length} bytes, but the file ends after {len(data)}."
        )
    return data


def parse_record(data: bytes, location: Location) -> Record:
    """The record that a location's bytes hold.

    :raises RecordError: it is damaged or another one than the location says.
    """
    where = _where(location)
    try:
        inflater = isal_zlib.decompressobj(31)
        record = inflater.decompress(data, _LONGEST)
        if not inflater.eof or inflater.unused_data:
            raise RecordError(
                f"{where} is not the one gzip member of {location.length} bytes it should be."
            )
        head = _HEAD_END.search(record)
        if head is None:
            raise RecordError(f"{where} is no WARC record.")
        fields = read_fields(record[: head.end()])
        size = block_length(fields)
        if record[head.end() + size :] != b"\r\n\r\n":
            raise RecordError(f"{where} is not as long as it says.")
        block = record[head.end() : head.end() + size]
        found = interpret(fields, block, location.offset, location.length)
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


def request_after(folder: Path | str, location: Location) -> tuple[Record, bytes] | None:
    """The `request` right behind a record, and the bytes of its gzip member; None where something else follows.

    :raises RecordError: what lies there is damaged.
    """
    where = f"What follows record {location.record_id} at byte {location.offset} of {location.file}"
    data, plain = b"", b""
    inflater = isal_zlib.decompressobj(31)
    with _opened(Path(folder) / location.file, where) as file:
        try:
            file.seek(location.offset + location.length)
            while not inflater.eof:
                piece = file.read(_PIECE)
                # the end, or where a writer is not done yet; or no request
                if not piece or len(plain) >= _LONGEST:
                    return None
                data += piece
                plain += inflater.decompress(piece, _LONGEST - len(plain))
                head = _HEAD_END.search(plain)
                if head is not None and b"WARC-Type: request\r\n" not in plain[: head.end()]:
                    return None
            if head is None:
                raise RecordError(f"{where} is no WARC record.")
            fields = read_fields(plain[: head.end()])
            data = data[: len(data) - len(inflater.unused_data)]
            block = plain[head.end() : head.end() + block_length(fields)]
            return interpret(fields, block, location.offset + location.length, len(data)), data
        except INFLATE_ERROR as error:
            raise RecordError(f"{where} does not inflate ({error}).") from error
        except MalformedRecordError as error:
            raise RecordError(f"{where} is damaged. {error.sentence}") from error
        except OSError as error:
            raise RecordError(f"{where} cannot be read ({error}).") from error


def _where(location: Location) -> str:
    return f"Record {location.record_id} at byte {location.offset} of {location.file}"


def _opened(path: Path, where: str) -> BinaryIO:
    # It may be renamed between the first two looks.
    for name in (path, path.with_name(path.name + OPEN), path):
        try:
            return name.open("rb", buffering=0)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise RecordError(f"{where} cannot be read ({error}).") from error
    raise RecordError(f"{where} cannot be read: the file is not there.")
