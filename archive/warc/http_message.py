"""HTTP messages as outlets really send them: read leniently, never rewritten.

Outlets send bare LF line ends, raw EUC-KR bytes, lines without a colon and doubled headers. What is
read here is a view; the bytes it was read from stay what they are.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache

import brotli
from isal import isal_zlib

#: The blank line that ends a head, with or without carriage returns.
HEAD_END = re.compile(rb"\n\r?\n")  # without an optional first byte: that makes re ten times slower
_STATUS_LINE = re.compile(r"(HTTP/[^ \t]*)[ \t]+([0-9]{3})(?:[ \t]+(.*))?", re.I | re.S)
#: One chunk-size line, as leniently as outlets need it. It never reaches past its own line end: the
#: chunk itself may begin with blank lines.
CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
#: What may be trimmed round a header value. Not str.strip()'s own set: it has U+0085 and U+00A0,
#: and those bytes end many Korean characters.
_BLANK = " \t\r\v\f"
#: Members of one gzip stream that are read. Each costs a copy of all that follows it, and some
#: bytes are enough for an empty one: without a bound, a megabyte of those takes a second and twenty
#: take minutes.
_MEMBERS = 1000


class MessageError(ValueError):
    """The bytes are not an HTTP message, or its body does not decode as its head says."""


class CodingError(MessageError):
    """A content-encoding that cannot be undone; the message is a sentence."""


class SizeError(MessageError):
    """More comes out of it than is taken in."""


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status line and header fields, in order, values as latin-1 text, repeated names kept."""

    version: str
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first value of the field, or ``""``."""
        name = name.lower()
        return next((value for key, value in self.fields if key.lower() == name), "")


def split_message(message: bytes) -> tuple[bytes, bytes]:
    """Split a message into its head (with the blank line) and its body.

    :raises MessageError: no blank line ends the head.
    """
    end = HEAD_END.search(message)
    if end is None:
        raise MessageError("no blank line ends the HTTP head")
    return message[: end.end()], message[end.end() :]


@lru_cache(maxsize=1024)
def parse_head(head: bytes) -> Head:
    """Read a response head; lines without a colon are passed over, folded lines joined.

    :raises MessageError: the first line is no HTTP status line.
    """
    lines = head.decode("latin-1").replace("\r\n", "\n").split("\n")
    first = _STATUS_LINE.fullmatch(lines[0].strip(_BLANK))
    if first is None:
        raise MessageError("the first line is not an HTTP status line")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip(_BLANK)}")
        elif ":" in line:
            name, _, value = line.partition(":")
            fields.append((name.strip(_BLANK), value.strip(_BLANK)))
    return Head(first[1], int(first[2]), first[3] or "", tuple(fields))


def status_of(head: bytes) -> int | None:
    """The status that a response head states; None where there is no head, or none that can be read."""
    try:
        return parse_head(head).status if head else None
    except MessageError:
        return None


def dechunk(body: bytes) -> bytes:
    """Remove chunked framing and trailer; what lies behind the last chunk is not part of the payload.

    :raises MessageError: the framing is broken or cut short.
    """
    out: list[bytes] = []
    at = 0
    while True:
        size_line = CHUNK_LINE.match(body, at)
        if size_line is None:
            raise MessageError("broken chunk framing")
        size, at = int(size_line[1], 16), size_line.end()
        if size == 0:
            return b"".join(out)
        if len(body) < at + size:
            raise MessageError("the last chunk is cut short")
        out.append(body[at : at + size])
        at += size
        at += 2 if body[at : at + 2] == b"\r\n" else 1


def is_chunked(head: Head) -> bool:
    """Whether ``chunked`` is the last transfer-encoding, over all the fields of that name."""
    codings = [value for name, value in head.fields if name.lower() == "transfer-encoding"]
    return bool(codings) and codings[-1].rpartition(",")[2].strip(_BLANK).lower() == "chunked"


def payload(head: Head, body: bytes) -> bytes:
    """The body with transfer-encoding removed and content-encoding kept: what a payload digest is taken of.

    A body stored de-chunked under a head that still says ``chunked`` is returned as it is.
    """
    if is_chunked(head):
        try:
            return dechunk(body)
        except MessageError:
            return body
    return body


def decode_content(head: Head, data: bytes, limit: int) -> bytes:
    """Undo the payload's content-encodings (gzip, deflate, br), giving at most ``limit`` bytes.

    :raises CodingError: it is in a coding that nobody here can undo.
    :raises SizeError: more than ``limit`` bytes come out.
    :raises MessageError: damaged data.
    """
    codings = [c.strip().lower() for c in head.get("Content-Encoding").split(",") if c.strip()]
    for coding in reversed(codings):
        if coding == "identity":
            continue
        if coding in ("gzip", "x-gzip"):
            data = _inflate(data, 31, limit)
        elif coding == "deflate":
            data = _inflate(data, 15 if data[:1] and data[0] & 0x0F == 8 else -15, limit)
        elif coding == "br":
            data = _unbrotli(data, limit)
        else:
            raise CodingError(f"content-encoding {coding[:40]!r} is not one that can be undone")
    return data


def _inflate(data: bytes, wbits: int, limit: int) -> bytes:
    out: list[bytes] = []
    left = limit
    try:
        for _ in range(_MEMBERS):
            if not data:
                break
            stream = isal_zlib.decompressobj(wbits)
            out.append(stream.decompress(data, left + 1))
            left -= len(out[-1])
            if left < 0:
                raise SizeError(f"decodes to more than {limit} bytes")
            if not stream.eof:
                raise MessageError("compressed data ends early")
            data = (
                stream.unused_data if wbits == 31 and stream.unused_data[:2] == b"\x1f\x8b" else b""
            )
        else:
            if data:
                raise MessageError(f"gzip data of more than {_MEMBERS} members")
    except (zlib.error, isal_zlib.error) as error:  # type: ignore[misc]  # its stubs call the class an instance
        raise MessageError(f"compressed data is damaged ({error})") from error
    return b"".join(out)


def _unbrotli(data: bytes, limit: int) -> bytes:
    stream = brotli.Decompressor()
    out: list[bytes] = []
    left = limit
    try:
        out.append(stream.process(data, output_buffer_limit=left + 1))
        while not stream.is_finished():
            left -= len(out[-1])
            if left < 0:
                raise SizeError(f"decodes to more than {limit} bytes")
            if stream.can_accept_more_data() and not out[-1]:
                raise MessageError("compressed data ends early")
            out.append(stream.process(b"", output_buffer_limit=left + 1))
    except brotli.error as error:
        raise MessageError(f"compressed data is damaged ({error})") from error
    result = b"".join(out)
    if len(result) > limit:
        raise SizeError(f"decodes to more than {limit} bytes")
    return result
