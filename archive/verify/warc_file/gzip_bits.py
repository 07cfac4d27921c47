"""The bits of a gzip member that no checksum covers, for files whose own sum nobody knows.

A flip in the header, in the fill of the last byte, or between two codes that inflate alike changes
nothing that anybody reads, and yet the file is no longer what was written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from isal import isal_zlib

from archive.verify.warc_file.findings import Level, Rule
from archive.warc.gzip_member import member as packed
from archive.warc.gzip_reader import INFLATE_ERROR, MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.findings import Deviation
    from archive.verify.warc_file.strict_reader import CheckedRecord

#: What every member that we wrote begins with: no flags, no time. What follows (level, system) is
#: the compressor's.
_OURS = MAGIC + b"\0\0\0\0\0"
_HEADER, _TRAILER = 10, 8
#: Members longer than this, or that inflate to more, are not looked at bit by bit.
_LONGEST = 2**24
#: Members remembered as packed otherwise than we do; more, and another compressor packed them.
_MOST = 1000
#: One in so many is few.
_FEW = 4


class Members:
    """Looks at each member of one file: `see` it, then `finish`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._first = os.pread(fd, _HEADER, 0)
        self._same = 0
        self._otherwise: list[tuple[int, str]] = []

    def see(self, seen: CheckedRecord, *, own: bool) -> Iterator[Deviation]:
        """What is wrong with a record's member by itself."""
        if not 0 < seen.length < _LONGEST:
            return
        data = os.pread(self._fd, seen.length, seen.offset)
        if data[: len(_OURS)] != _OURS or data[len(_OURS) : _HEADER] != self._first[len(_OURS) :]:
            yield Rule.GZIP, "Its gzip header is not as we write it.", Level.UNUSUAL
        elif own and self._is_packed_alike(data):
            self._same += 1
        elif _is_filled(data):
            yield (
                Rule.GZIP,
                "The bits that fill up the last byte of its compressed data are not zero.",
                Level.WRONG,
            )
        elif own and len(self._otherwise) < _MOST:
            self._otherwise.append((seen.offset, seen.record_id))

    def finish(self) -> Iterator[tuple[int, str, Deviation]]:
        """Members unlike the others: where nearly all are packed as this compressor does it, all were."""
        if len(self._otherwise) * _FEW < self._same:
            fault = (
                Rule.GZIP,
                "It inflates well, but its compressed bytes are not those that were written.",
            )
            for offset, record_id in self._otherwise:
                yield offset, record_id, (*fault, Level.UNUSUAL)

    def _is_packed_alike(self, data: bytes) -> bool:
        stream = isal_zlib.decompressobj(31)
        content = stream.decompress(data, _LONGEST)
        return stream.eof and data in (packed(content), _deflated(content))


def _deflated(content: bytes) -> bytes:
    """As members were packed before those that hold gzipped bodies stored them."""
    deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    return deflater.compress(content) + deflater.flush()


def _is_filled(data: bytes) -> bool:
    """Whether the member's data says the same without the last bit that is set: that bit is then no data."""
    last = data[-_TRAILER - 1]
    if not last:
        return False
    without = last & ~(1 << (last.bit_length() - 1))
    stream = isal_zlib.decompressobj(31)
    try:
        stream.decompress(
            b"".join((data[: -_TRAILER - 1], bytes((without,)), data[-_TRAILER:])), _LONGEST
        )
    except INFLATE_ERROR:
        return False
    return stream.eof and not stream.unused_data
