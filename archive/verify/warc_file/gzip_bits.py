"""The bits of a gzip member that no checksum covers, for files whose own sha256 is not known.

A flipped bit in the header, in the fill of the last byte, or between two codes that inflate alike
changes nothing that is read, and yet the file is no longer what was written.
"""

from __future__ import annotations

from operator import ne
from typing import TYPE_CHECKING

from isal import isal_zlib

from archive.http.content_coding import INFLATE_ERROR
from archive.verify.warc_file.findings import Rule
from archive.warc.compression.gzip_member import member as packed
from archive.warc.compression.gzip_reader import MAGIC
from archive.warc.deviations import Deviation, Level

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.verify.warc_file.strict_reader import CheckedRecord

#: The first bytes of every member that this project wrote: no flags, no time. The next two (level,
#: system) are the compressor's.
_OURS = MAGIC + b"\0\0\0\0\0"
_HEADER, _TRAILER = 10, 8
#: Members longer than this, or that inflate to more, are not checked bit by bit.
_MAX_MEMBER = 2**24
#: Members below this share count as few: one in so many.
_FEW = 4
#: A member was changed if it differs from what this compressor makes in at most so many bytes. It
#: is no proof of a change that one differs in more: the compressor itself gave the first records of
#: two processes in some five thousand another form, for a reason that was not found.
_MAX_CHANGED = 8


class MemberBits:
    """Checks each member of one file: `check` it, then `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._first = self._bytes(0, _HEADER)
        self._alike = 0
        self._unlike = 0
        self._changed: list[tuple[int, str]] = []

    def check(self, record: CheckedRecord, *, own: bool) -> Iterator[Deviation]:
        """Yield what is wrong with a record's member by itself."""
        if not 0 < record.length < _MAX_MEMBER:
            return
        data = self._bytes(record.offset, record.length)
        made_by = data[len(_OURS) : _HEADER]
        if data[: len(_OURS)] != _OURS or made_by != self._first[len(_OURS) :]:
            sentence = "Its gzip header is not as this project writes it."
            yield Deviation(Rule.GZIP, sentence, Level.UNUSUAL)
            return
        forms = _own_forms(data) if own else ()
        if data in forms:
            self._alike += 1
            return
        self._unlike += 1
        if _is_filled(data):
            sentence = "The fill bits of the last byte of its compressed data are not zero."
            yield Deviation(Rule.GZIP, sentence, Level.WRONG)
        elif any(_is_changed(data, form) for form in forms):
            self._changed.append((record.offset, record.record_id))

    def _bytes(self, offset: int, length: int) -> bytes:
        """Return bytes of the file, and leave it where whoever reads its records was."""
        before = self._file.tell()
        self._file.seek(offset)
        data = self._file.read(length)
        self._file.seek(before)
        return data

    def finish(self) -> Iterator[tuple[int, str, Deviation]]:
        """Yield the members that were changed, with offset and record id.

        If nearly all are packed as this compressor does it, all were; else another one packed them.
        """
        if self._unlike * _FEW >= self._alike:
            return
        sentence = "It inflates, but its compressed bytes are not those that were written."
        for offset, record_id in self._changed:
            yield offset, record_id, Deviation(Rule.GZIP, sentence, Level.UNUSUAL)


def _own_forms(data: bytes) -> tuple[bytes, ...]:
    """Return the members that this project makes of what a member holds; none if it is damaged."""
    stream = isal_zlib.decompressobj(31)
    content = stream.decompress(data, _MAX_MEMBER)
    return (packed(content), _deflated(content)) if stream.eof else ()


def _is_changed(data: bytes, form: bytes) -> bool:
    """Return whether a member is one of ours but for a few bytes."""
    if len(data) != len(form):
        return False
    return sum(map(bool, map(ne, data, form))) <= _MAX_CHANGED


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
