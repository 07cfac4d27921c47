"""The bits of a gzip member that no checksum covers, for files whose own sha256 is not known.

A flipped bit in the header, in the fill of the last byte, or between two codes that inflate alike
changes nothing that is read, and yet the file is no longer what was written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from isal import isal_zlib

from archive.http.content_coding import INFLATE_ERROR
from archive.verify.warc_file.findings import Rule
from archive.warc.compression.gzip_member import member as packed
from archive.warc.compression.gzip_reader import MAGIC
from archive.warc.deviations import Deviation, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.strict_reader import CheckedRecord

#: The first bytes of every member that this project wrote: no flags, no time. The next two (level,
#: system) are the compressor's.
_OURS = MAGIC + b"\0\0\0\0\0"
_HEADER, _TRAILER = 10, 8
#: Members longer than this, or that inflate to more, are not checked bit by bit.
_MAX_MEMBER = 2**24
#: Members remembered as packed otherwise than by this compressor; if there are more, another one
#: packed the file.
_MAX_OTHERS = 1000
#: Members below this share count as few: one in so many.
_FEW = 4


class MemberBits:
    """Checks each member of one file: `check` it, then `finish`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._first = os.pread(fd, _HEADER, 0)
        self._same = 0
        self._others: list[tuple[int, str]] = []

    def check(self, record: CheckedRecord, *, own: bool) -> Iterator[Deviation]:
        """Yield what is wrong with a record's member by itself."""
        if not 0 < record.length < _MAX_MEMBER:
            return
        data = os.pread(self._fd, record.length, record.offset)
        made_by = data[len(_OURS) : _HEADER]
        if data[: len(_OURS)] != _OURS or made_by != self._first[len(_OURS) :]:
            sentence = "Its gzip header is not as this project writes it."
            yield Deviation(Rule.GZIP, sentence, Level.UNUSUAL)
        elif own and _is_packed_alike(data):
            self._same += 1
        elif _is_filled(data):
            sentence = "The fill bits of the last byte of its compressed data are not zero."
            yield Deviation(Rule.GZIP, sentence, Level.WRONG)
        elif own and len(self._others) < _MAX_OTHERS:
            self._others.append((record.offset, record.record_id))

    def finish(self) -> Iterator[tuple[int, str, Deviation]]:
        """Yield the members unlike the others, with offset and record id.

        If nearly all are packed as this compressor does it, all were.
        """
        if len(self._others) * _FEW >= self._same:
            return
        sentence = "It inflates, but its compressed bytes are not those that were written."
        for offset, record_id in self._others:
            yield offset, record_id, Deviation(Rule.GZIP, sentence, Level.UNUSUAL)


def _is_packed_alike(data: bytes) -> bool:
    stream = isal_zlib.decompressobj(31)
    content = stream.decompress(data, _MAX_MEMBER)
    return stream.eof and data in (packed(content), _deflated(content))


def _deflated(content: bytes) -> bytes:
    """Return a member as it was packed before gzipped bodies were stored in it as they are."""
    deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
    return deflater.compress(content) + deflater.flush()


def _is_filled(data: bytes) -> bool:
    """Return whether the last bit that is set can go without changing the data: it is fill."""
    last = data[-_TRAILER - 1]
    if not last:
        return False
    without = last & ~(1 << (last.bit_length() - 1))
    stream = isal_zlib.decompressobj(31)
    try:
        stream.decompress(
            b"".join((data[: -_TRAILER - 1], bytes((without,)), data[-_TRAILER:])), _MAX_MEMBER
        )
    except INFLATE_ERROR:
        return False
    return stream.eof and not stream.unused_data
