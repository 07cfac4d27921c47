"""Content-encodings (gzip, deflate, br) undone within a bound, whole or as far as damage allows."""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, cast

import brotli
from isal import isal_zlib

from archive.http.message import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archive.http.message import Head

#: What isal raises; its stubs call the class an instance.
INFLATE_ERROR = cast("type[Exception]", isal_zlib.error)
GZIP = frozenset({"gzip", "x-gzip"})
#: The content-encodings that can be undone.
KNOWN = GZIP | {"deflate", "br"}
GZIP_MAGIC = b"\x1f\x8b"
#: ``wbits`` of zlib for gzip, zlib and raw deflate data.
_GZIP_FORMAT, _ZLIB_FORMAT, _RAW_FORMAT = 31, 15, -15
#: Members of one gzip stream that are read. Each costs a copy of all that follows it, and a few
#: bytes make an empty one: without a bound, 1 MB of those takes a second and 20 MB take minutes.
_MAX_MEMBERS = 1000
#: As `_MAX_MEMBERS`, where nothing is copied.
_MAX_MEMBERS_IN_PIECES = 100_000
#: Bytes fed at once while looking for the place where damaged data stops to decode.
_PIECE = 1024
#: Most bytes that brotli gives at once.
_BROTLI_OUTPUT = 2**16


class CodingError(MessageError):
    """A content-encoding that cannot be undone; the message is a sentence."""


#: How a document of markup or JSON begins.
_TEXT = re.compile(rb"(?:\xef\xbb\xbf)?\s*[<{\[]")
#: How often gzip is undone without being named.
_MOST_GZIPPED = 3


class NotEncodedError(MessageError):
    """The data is not in the content-encoding that was named."""


class SizeError(MessageError):
    """The data decodes to more bytes than allowed."""


def decode_content(head: Head, data: bytes, limit: int) -> bytes:
    """Undo the content-encodings that a response head names; see `decode` for the errors."""
    return decode(data, split_codings([head.get("Content-Encoding")]), limit)


def decode_served(head: Head, data: bytes, limit: int) -> bytes:
    """Return a document of text, whatever its head says of its codings.

    Servers name codings that are none (``none``, ``utf-8``), name one and apply another or none,
    and apply gzip unnamed, twice, or as a transfer coding: where the bytes show it, they are
    believed. See `decode` for the errors.
    """
    named = split_codings([head.get("Content-Encoding"), head.get("Transfer-Encoding")])
    data = _decode_named(data, [name for name in named if name != "chunked"], limit)
    for _ in range(_MOST_GZIPPED):
        if not data.startswith(GZIP_MAGIC):
            break
        data = decode(data, ["gzip"], limit)
    return data


def _decode_named(data: bytes, codings: Sequence[str], limit: int) -> bytes:
    """Undo codings as far as the data is in them; the rest is text, or gzip unnamed."""
    for coding in reversed(codings):
        if coding not in GZIP and data.startswith(GZIP_MAGIC):
            break
        try:
            data = decode(data, [coding], limit)
        except SizeError:
            raise
        except MessageError:
            if not _TEXT.match(data):
                raise
            break
    return data


def split_codings(values: Iterable[str]) -> list[str]:
    """Return the codings named by Content-Encoding fields, in order of application, no identity."""
    names = (name.strip().lower() for value in values for name in value.split(","))
    return [name for name in names if name and name != "identity"]


def decode(data: bytes, codings: Sequence[str], limit: int, *, salvage: bool = False) -> bytes:
    """Undo content-encodings and return at most ``limit`` bytes.

    ``codings`` are in order of application. With ``salvage``, return what decodes before the first
    damage or early end. Data behind the end of a coded stream is ignored.

    :raises CodingError: a coding is unknown.
    :raises SizeError: more than ``limit`` bytes come out.
    :raises NotEncodedError: only with ``salvage``: the data is not encoded so at all.
    :raises MessageError: only without ``salvage``: the data is damaged or cut short.
    """
    unknown = [coding for coding in codings if coding not in KNOWN]
    if unknown:
        raise CodingError(f"content-encoding {unknown[-1][:40]!r} is not supported")
    for number, coding in enumerate(reversed(codings)):
        try:
            data = _decode_one(data, coding, limit, salvage=salvage)
        except NotEncodedError:
            if number == 0:
                raise
            break  # an inner coding that was never applied: the data is as it should be
    return data


def _decode_one(data: bytes, coding: str, limit: int, *, salvage: bool) -> bytes:
    if coding in GZIP:
        if salvage and data[:2] != GZIP_MAGIC:
            raise NotEncodedError(f"the data is not {coding}")
        return _inflate(data, _GZIP_FORMAT, limit, salvage=salvage)
    if coding == "br":
        decoded = _decode_brotli(data, limit, salvage=salvage)
    else:
        wbits = _ZLIB_FORMAT if _has_zlib_header(data) else _RAW_FORMAT
        decoded = _inflate(data, wbits, limit, salvage=salvage)
    # Neither coding has a magic number, and either may make a few bytes out of a page that is not
    # encoded at all.
    if salvage and len(decoded) < len(data):
        raise NotEncodedError(f"the data is not {coding}")
    return decoded


def _has_zlib_header(data: bytes) -> bool:
    """Whether ``deflate`` data is wrapped in zlib's format (RFC 1950), as RFC 9110 demands."""
    return len(data) > 1 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _inflate(data: bytes, wbits: int, limit: int, *, salvage: bool) -> bytes:
    inflate_member = _salvage_member if salvage else _whole_member
    out: list[bytes] = []
    left = limit
    for _ in range(_MAX_MEMBERS):
        if not data:
            break
        member, data = inflate_member(data, wbits, left)
        out.append(member)
        left -= len(member)
        if wbits != _GZIP_FORMAT or data[:2] != GZIP_MAGIC:
            break
    else:
        if data and not salvage:
            raise MessageError(f"gzip data of more than {_MAX_MEMBERS} members")
    return b"".join(out)


def _whole_member(data: bytes, wbits: int, limit: int) -> tuple[bytes, bytes]:
    """Return a compressed stream's content and the bytes that follow the stream."""
    stream = isal_zlib.decompressobj(wbits)
    try:
        content = stream.decompress(data, limit + 1)
    except INFLATE_ERROR as error:
        raise MessageError(f"compressed data is damaged ({error})") from error
    _check_size(len(content), limit)
    if not stream.eof:
        raise MessageError("compressed data ends early")
    return content, stream.unused_data


def _salvage_member(data: bytes, wbits: int, limit: int) -> tuple[bytes, bytes]:
    """As `_whole_member`, but what comes before the damage; nothing follows a damaged stream."""
    stream = zlib.decompressobj(wbits)
    out = bytearray()
    view = memoryview(data)
    at = 0
    while at < len(view) and not stream.eof:
        piece = view[at : at + _PIECE]
        # Damage loses the output of the whole piece, so that piece is repeated byte by byte.
        before = stream.copy()
        try:
            # A kilobyte decodes to a megabyte at most, so one call's output needs no bound.
            out += stream.decompress(piece)
        except zlib.error:
            _salvage_bytes(before, piece, out)
            _check_size(len(out), limit)
            return bytes(out), b""
        _check_size(len(out), limit)
        at += len(piece)
    return bytes(out), data[at - len(stream.unused_data) :]


def gunzip_pieces(data: bytes, limit: int) -> Iterator[bytes]:
    """Yield the content of all members of a gzip file, as far as damage or an early end allows.

    A piece is a megabyte at most.

    :raises SizeError: more than ``limit`` bytes come out.
    """
    view = memoryview(data)
    at = size = 0
    for _ in range(_MAX_MEMBERS_IN_PIECES):
        if data[at : at + 2] != GZIP_MAGIC:
            return
        stream = zlib.decompressobj(_GZIP_FORMAT)
        while at < len(view) and not stream.eof:
            content, used = _inflate_piece(stream, view[at : at + _PIECE])
            size += len(content)
            _check_size(size, limit)
            yield content
            if not used:
                return
            at += used


def _inflate_piece(stream: zlib._Decompress, piece: memoryview) -> tuple[bytes, int]:
    """Return what a piece decodes to and how much of it the stream used; 0 for a damaged one."""
    before = stream.copy()
    try:
        content = stream.decompress(piece)
    except zlib.error:
        out = bytearray()
        _salvage_bytes(before, piece, out)
        return bytes(out), 0
    return content, len(piece) - len(stream.unused_data)


def _salvage_bytes(stream: zlib._Decompress, piece: memoryview, out: bytearray) -> None:
    """Decode a damaged piece onto ``out`` until the damage."""
    for number in range(len(piece)):
        try:
            out += stream.decompress(piece[number : number + 1])
        except zlib.error:
            return


def decoded_pieces(data: bytes, coding: str, limit: int) -> Iterator[bytes]:
    """Yield what a coded document holds, as far as damage or an early end allows.

    A document of which nothing decodes is not in the coding, and yielded as it is. A piece of it is
    a megabyte at most otherwise.

    :raises SizeError: more than ``limit`` bytes come out.
    """
    pieces = filter(None, _pieces(data, coding, limit))
    first = next(pieces, b"")
    if not first:
        yield data
        return
    yield first
    yield from pieces


def _pieces(data: bytes, coding: str, limit: int) -> Iterator[bytes]:
    if coding in GZIP:
        return gunzip_pieces(data, limit)
    if coding == "br":
        return _brotli_pieces(data, limit, salvage=True)
    return _deflate_pieces(data, limit)


def _deflate_pieces(data: bytes, limit: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(_ZLIB_FORMAT if _has_zlib_header(data) else _RAW_FORMAT)
    view = memoryview(data)
    at = size = 0
    used = 1
    while used and at < len(view) and not stream.eof:
        content, used = _inflate_piece(stream, view[at : at + _PIECE])
        size += len(content)
        _check_size(size, limit)
        yield content
        at += used


def _decode_brotli(data: bytes, limit: int, *, salvage: bool) -> bytes:
    out = bytearray()
    for piece in _brotli_pieces(data, limit, salvage=salvage):
        out += piece
    return bytes(out)


def _brotli_pieces(data: bytes, limit: int, *, salvage: bool) -> Iterator[bytes]:
    """Yield what brotli data holds; see `decode` for ``salvage`` and the errors."""
    stream = brotli.Decompressor()
    size = 0
    try:
        for piece in _processed(stream, data):
            size += len(piece)
            _check_size(size, limit)
            yield piece
    except brotli.error as error:
        if not salvage:
            raise MessageError(f"compressed data is damaged ({error})") from error
    else:
        if not salvage and not stream.is_finished():
            raise MessageError("compressed data ends early")


def _processed(stream: brotli.Decompressor, data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _PIECE):
        if stream.is_finished():
            break
        yield stream.process(data[at : at + _PIECE], output_buffer_limit=_BROTLI_OUTPUT)
        while not stream.can_accept_more_data():
            yield stream.process(b"", output_buffer_limit=_BROTLI_OUTPUT)
    # It takes all input before it has given all output, and says that it can take more.
    while more := stream.process(b"", output_buffer_limit=_BROTLI_OUTPUT):
        yield more


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise SizeError(f"decodes to more than {limit} bytes")
