"""Unpack a WARC file that is compressed with Zstandard (.warc.zst), within bounds.

The format is that of the IIPC: a frame a record, and the dictionary of all of them, if there is
one, in a skippable frame at the begin of the file, where it may be compressed itself.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

#: The magic number of the skippable frame that holds the dictionary, and that of compressed data.
_DICTIONARY_FRAME, _FRAME = 0x184D2A5D, b"\x28\xb5\x2f\xfd"
_FRAME_HEADER = struct.Struct("<II")
#: Bytes of the longest dictionary; tools make them of 100 KB.
_LONGEST_DICTIONARY = 2**24
#: How many times its size a WARC may grow, and by how much anyway.
_GROWTH, _ANYWAY = 100, 2**24
_READ, _PIECE = 2**16, 2**20


class ZstdFileError(Exception):
    """A file can't be unpacked to its end; the message is a clause that says why."""


def unpack(file: BinaryIO, out: BinaryIO) -> None:
    """Write to ``out`` what a file of Zstandard frames holds.

    :raises ZstdFileError: it is damaged, cut short, or larger than any WARC so packed. What
        precedes that place was written.
    """
    left = file.seek(0, 2) * _GROWTH + _ANYWAY
    file.seek(0)
    try:
        for piece in _pieces(file, _dictionary(file)):
            left -= len(piece)
            if left < 0:
                raise ZstdFileError(f"it unpacks to more than {_GROWTH} times its size")
            out.write(piece)
    except zstd.ZstdError as error:
        raise ZstdFileError(f"it is damaged ({error})") from error


def _dictionary(file: BinaryIO) -> zstd.ZstdDict | None:
    """Return the dictionary at the begin of the file, None if there is none, and go behind it.

    :raises ZstdFileError: it is cut short, too long, or none.
    :raises ZstdError: it is damaged.
    """
    header = file.read(_FRAME_HEADER.size)
    if len(header) < _FRAME_HEADER.size or _FRAME_HEADER.unpack(header)[0] != _DICTIONARY_FRAME:
        file.seek(0)
        return None
    length = _FRAME_HEADER.unpack(header)[1]
    if length > _LONGEST_DICTIONARY:
        raise ZstdFileError(f"its dictionary is longer than {_LONGEST_DICTIONARY} bytes")
    data = file.read(length)
    if len(data) < length:
        raise ZstdFileError("it ends within its dictionary")
    if data.startswith(_FRAME):
        data = zstd.ZstdDecompressor().decompress(data, _LONGEST_DICTIONARY)
    try:
        return zstd.ZstdDict(data)
    except ValueError as error:
        raise ZstdFileError(f"its dictionary is none ({error})") from error


def _pieces(file: BinaryIO, dictionary: zstd.ZstdDict | None) -> Iterator[bytes]:
    """Yield what the frames hold, in pieces of a megabyte at most.

    :raises ZstdFileError: the last frame is cut short.
    :raises ZstdError: one is damaged.
    """
    data = file.read(_READ)
    while data:
        frame = zstd.ZstdDecompressor(dictionary)
        while not frame.eof:
            if frame.needs_input and not data:
                raise ZstdFileError("it ends within a record")
            piece = frame.decompress(data, _PIECE)
            is_more_wanted = frame.needs_input and not frame.eof
            data = file.read(_READ) if is_more_wanted else b""
            if piece:
                yield piece
        data = frame.unused_data or file.read(_READ)
