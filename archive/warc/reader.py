"""Reading of WARC files of any origin, from end to end.

A record is yielded if its block is complete, the gzip checksum over it holds and its digests
agree. Anything else is reported as `Damage`, and reading continues after it. Walking the members
ourselves is what shows damage: FastWARC, which is faster (bench/warc.py), ends quietly there, and
does not give a head as it lies.

Both digests are compared of every record, because rows are made of what is given here: by its block
digest alone a record with a wrong payload digest would become one, by the payload's alone one whose
head was changed. They are what reading costs most.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.exchange import MAX_DOCUMENT
from archive.model.files import open_regular
from archive.model.outcome import Reason
from archive.warc.compression.gzip_reader import MAGIC, GzipPieces, PlainPieces
from archive.warc.deviations import FormatRule
from archive.warc.record_header import MalformedRecordError, block_length
from archive.warc.record_iterator import BrokenSpan, RecordIterator
from archive.warc.record_parser import Damage, Record, build_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.warc.compression.gzip_reader import Pieces
    from archive.warc.record_header import HeaderFields

#: The reasons of damage that is not simply a bad record.
_REASONS = {
    FormatRule.NOT_A_WARC: Reason.NOT_A_WARC,
    FormatRule.TRUNCATED: Reason.TRUNCATED,
    FormatRule.TOO_LARGE: Reason.TOO_LARGE,
}

__all__ = ["Damage", "Record", "iterate", "iterate_file"]


def iterate(
    path: Path | str, limit: int = MAX_DOCUMENT, start: int = 0, *, guessed: bool = False
) -> Iterator[Record | Damage]:
    """Yield the records of a WARC file (1.x or 0.x, plain or gzipped, in one member or many).

    Records longer than ``limit`` bytes are `Damage` and passed over. Memory stays within a few
    times ``limit``. A file cut exactly between two records looks like a shorter one. From
    ``start`` on, where a record begins; or, if that is only ``guessed``, from the first place
    behind it that looks like one's beginning.

    :raises OSError: the file cannot be opened or read.
    """
    with open_regular(Path(path)) as file:
        yield from iterate_file(file, limit, start, guessed=guessed)


def iterate_file(
    file: BinaryIO, limit: int = MAX_DOCUMENT, start: int = 0, *, guessed: bool = False
) -> Iterator[Record | Damage]:
    """Yield the records of an open, seekable file, as `iterate` does."""
    pieces = open_pieces(file)
    if not start or pieces.begin(start, guessed=guessed):
        yield from _read(pieces, limit)


class _Buffer:
    """A block in memory."""

    __slots__ = ("_block", "_fields", "_size")

    def __init__(self, fields: HeaderFields) -> None:
        self._fields = fields
        self._block: bytes | memoryview | bytearray = b""
        self._size = 0

    def feed(self, data: bytes | memoryview) -> None:
        if not self._size:
            self._block, self._size = data, len(data)  # nearly every block comes whole
            return
        if not isinstance(self._block, bytearray):
            # Made whole at once: grown or joined from pieces, the longest one leaves holes in
            # memory that are as long as itself.
            whole = bytearray(block_length(self._fields))
            whole[: self._size] = self._block
            self._block = whole
        end = self._size + len(data)
        self._block[self._size : end] = data
        self._size = end

    def kept(self) -> bytes:
        return bytes(self.release())

    def release(self) -> memoryview:
        """Return the block and drop it here: the longest one must not be in memory twice."""
        block, self._block = self._block, b""
        if isinstance(block, memoryview):
            return block
        return memoryview(block)[: self._size]


def _read(pieces: Pieces, limit: int) -> Iterator[Record | Damage]:
    for item in RecordIterator(pieces, _Buffer, limit).run():
        if isinstance(item, BrokenSpan):
            yield _damage(item)
            continue
        try:
            yield build_record(item.fields, item.block.release(), item.offset, item.length)
        except MalformedRecordError as error:
            yield Damage(item.offset, error.reason, error.sentence)


def _damage(span: BrokenSpan) -> Damage:
    if not span.is_warc and span.rule is not FormatRule.NOT_A_WARC:
        return Damage(span.offset, Reason.NOT_A_WARC, "The file is not a WARC file.")
    return Damage(span.offset, _REASONS.get(span.rule, Reason.BAD_RECORD), span.sentence)


def open_pieces(file: BinaryIO, marks: tuple[bytes, ...] = (b"WARC/",)) -> Pieces:
    """Return the pieces of a file, gzipped or not; it must be seekable and at its beginning.

    ``marks`` are how the records begin that are looked for behind damaged gzip data.
    """
    first = file.read(len(MAGIC))
    file.seek(0)
    agreeing = sum(one == other for one, other in zip(first, MAGIC, strict=False))
    # one damaged byte must not cost the whole file
    return GzipPieces(file, marks) if agreeing >= 2 else PlainPieces(file)
