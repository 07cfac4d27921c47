"""Write one gzip member per record, so that each can be read alone (WARC 1.1, annex D)."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: The end of an HTTP head, a first chunk's size if there is one, and the beginning of gzip data.
_GZIPPED = re.compile(rb"\n\r?\n(?:[0-9A-Fa-f]{1,8}\r\n)?\x1f\x8b\x08")
#: Where gzip data is looked for: behind the heads of a record and of HTTP.
_HEADS = 2**14
#: No time, no name, no operating system: the same record gives the same bytes.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
#: The most bytes of one stored block (RFC 1951 §3.2.4).
_STORED = 2**16 - 1
#: A record of at most so many bytes is joined: that costs less than to handle its parts.
_JOINED = 2**18


def member(record: bytes) -> bytes:
    """Return the record as one gzip member."""
    return b"".join(pieces(record))


def pieces(*record: bytes) -> list[bytes | memoryview]:
    """Return the pieces of a gzip member of a record, which may be in parts.

    What arrived gzipped is stored within it as it is: to deflate it again takes most of the time of
    writing a record, and makes it longer by what it makes it shorter.
    """
    size = sum(map(len, record))
    if size <= _JOINED:
        begin = b"".join(record)
        record = (begin,)
    else:
        begin = b"".join(part[:_HEADS] for part in record)
    gzipped = _GZIPPED.search(begin, 0, _HEADS)
    if gzipped is None:
        # compress() takes twice as long for a request
        deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
        return [*map(deflater.compress, record), deflater.flush()]
    plain, rest = _split(record, gzipped.end() - 3)
    deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    made: list[bytes | memoryview] = [_HEADER, *map(deflater.compress, plain)]
    # A full flush ends on a whole byte, and leaves the stream open for the blocks behind it.
    made.append(deflater.flush(isal_zlib.Z_FULL_FLUSH))
    made += _stored(rest)
    crc = 0
    for part in record:
        crc = isal_zlib.crc32(part, crc)
    made.append(struct.pack("<II", crc, size & 0xFFFFFFFF))
    return made


def _split(parts: Sequence[bytes], at: int) -> tuple[list[memoryview], list[memoryview]]:
    """Return the parts before an offset into all of them, and those after it, without copies."""
    before: list[memoryview] = []
    after: list[memoryview] = []
    for part in parts:
        view = memoryview(part)
        before.append(view[:at])
        after.append(view[at:])
        at = max(0, at - len(part))
    return before, after


def _stored(parts: Iterable[memoryview]) -> Iterator[bytes | memoryview]:
    """Yield the last blocks of a deflate stream: the parts as they are, uncompressed."""
    for part in parts:
        for start in range(0, len(part), _STORED):
            block = part[start : start + _STORED]
            yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
            yield block
    yield struct.pack("<BHH", 1, 0, 0xFFFF)
