"""Write one gzip member per record, so that each can be read alone (WARC 1.1, annex D)."""

from __future__ import annotations

import re
import struct

from isal import isal_zlib

#: The end of an HTTP head, a first chunk's size if there is one, and the beginning of gzip data.
_GZIPPED = re.compile(rb"\n\r?\n(?:[0-9A-Fa-f]{1,8}\r\n)?\x1f\x8b\x08")
#: Where gzip data is looked for: behind the heads of a record and of HTTP.
_HEADS = 2**14
#: No time, no name, no operating system: the same record gives the same bytes.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
#: The most bytes of one stored block (RFC 1951 §3.2.4).
_STORED = 2**16 - 1


def member(record: bytes) -> bytes:
    """Return the record as one gzip member.

    What arrived gzipped is stored within it as it is: to deflate it again takes most of the time of
    writing a record, and makes it longer by what it makes it shorter.
    """
    gzipped = _GZIPPED.search(record, 0, _HEADS)
    if gzipped is None:
        # compress() takes twice as long for a request
        deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, 31)
        return deflater.compress(record) + deflater.flush()
    begin = gzipped.end() - 3
    deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
    # A full flush ends on a whole byte, and leaves the stream open for the blocks behind it.
    parts = [_HEADER, deflater.compress(record[:begin]), deflater.flush(isal_zlib.Z_FULL_FLUSH)]
    for at in range(begin, len(record), _STORED):
        block = record[at : at + _STORED]
        last = at + _STORED >= len(record)
        parts += (struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block)
    parts.append(struct.pack("<II", isal_zlib.crc32(record), len(record) & 0xFFFFFFFF))
    return b"".join(parts)
