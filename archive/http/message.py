"""HTTP messages as outlets really send them: read leniently, never rewritten.

Outlets send bare LF line ends, raw EUC-KR bytes, lines without a colon and doubled headers. What is
read here is a view; the bytes it was read from stay what they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: The blank line that ends a head, with or without carriage returns.
HEAD_END = re.compile(rb"\n\r?\n")  # without an optional first byte: that makes re ten times slower
_STATUS_LINE = re.compile(r"(HTTP/[^ \t]*)[ \t]+([1-9][0-9]{2})(?:[ \t]+(.*))?", re.I | re.S)
#: The same as nearly all are written; what it does not find is looked at again.
_PLAIN_STATUS = re.compile(rb"HTTP/[0-9.]+ [1-9][0-9]{2}[ \r\n]")
#: A first line of HTTP that states no status, or none of three digits.
_STATUSLESS_LINE = re.compile(r"(HTTP/[^ \t]*)(?:[ \t]+(.*))?", re.I | re.S)
#: The status of a head whose first line states none that is valid.
NO_STATUS = 0
#: One chunk-size line, as leniently as outlets need it. It never reaches past its own line end: the
#: chunk itself may begin with blank lines.
CHUNK_LINE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
#: What may be trimmed round a header value. Not str.strip()'s own set: it has U+0085 and U+00A0,
#: and those bytes end many Korean characters.
_BLANK = " \t\r\v\f"
#: Most bytes of one line of the chunk framing, and of all trailer lines together.
MAX_CHUNK_LINE = 16 * 1024
#: A Location field leads on from an answer of these (RFC 9110 section 15.4).
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
#: The host asks to be left alone for a while (RFC 6585 section 4, RFC 9110 section 15.6.4).
BUSY_STATUSES = frozenset({429, 503})
#: The longest head that is remembered: outlets' have some hundred bytes.
_MAX_REMEMBERED = 4096
#: Header fields by which servers and firewalls name themselves and what they did.
_MARKS = ("Server", "cf-mitigated", "x-sucuri-id", "x-iinfo", "x-akamai-request-id", "x-datadome")
#: What statuses mean that no standard has, by those who answer with them: Cloudflare, and sites
#: that answer a robot with 999.
_UNREGISTERED = {
    520: "the server behind a proxy gave no valid answer",
    521: "the server behind a proxy refused to connect",
    522: "the server behind a proxy did not connect in time",
    523: "the server behind a proxy can't be reached",
    524: "the server behind a proxy did not answer in time",
    525: "no TLS between a proxy and the server behind it",
    526: "the server behind a proxy has no valid certificate",
    530: "the name of the server behind a proxy is not known",
    999: "the request was denied, as that of a robot",
}
#: The longest validator that is sent back; servers make them of a digest or a time.
_MAX_VALIDATOR = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: The longest value of such a field that is quoted.
_LONGEST_MARK = 60


class MessageError(ValueError):
    """The bytes are not an HTTP message, or its body does not decode as its head says."""


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status line and fields: in order, values as latin-1, repeated names kept.

    ``status`` may be `NO_STATUS` where `parse_served_head` returned it.
    """

    version: str
    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return the first value of the field, or ``""``."""
        name = name.lower()
        for key, value in self.fields:
            if key.lower() == name:
                return value
        return ""


def split_message(message: bytes | memoryview) -> tuple[bytes, bytes]:
    """Split a message into its head (with the blank line) and its body.

    :raises MessageError: no blank line ends the head.
    """
    end = HEAD_END.search(message)
    if end is None:
        raise MessageError("no blank line ends the HTTP head")
    return bytes(message[: end.end()]), bytes(message[end.end() :])


def parse_head(head: bytes) -> Head:
    """Return a response head; lines without a colon are ignored, folded lines joined.

    :raises MessageError: the first line is no HTTP status line.
    """
    return _parse_head(head) if len(head) > _MAX_REMEMBERED else _remembered_head(head)


@lru_cache(maxsize=256)
def _remembered_head(head: bytes) -> Head:
    """Return a head as `parse_head`; a crawl reads each several times while it stores a page."""
    return _parse_head(head)


def _parse_head(head: bytes) -> Head:
    lines = _lines(head)
    first = _STATUS_LINE.fullmatch(lines[0].strip(_BLANK))
    if first is None:
        raise MessageError("the first line is not an HTTP status line")
    return Head(first[1], int(first[2]), first[3] or "", _fields(lines))


def _lines(head: bytes) -> list[str]:
    return head.decode("latin-1").replace("\r\n", "\n").split("\n")


def _fields(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """Return the fields of a head's lines, the first of which is the status line."""
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and fields:
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip(_BLANK)}")
        elif ":" in line:
            name, _, value = line.partition(":")
            fields.append((name.strip(_BLANK), value.strip(_BLANK)))
    return tuple(fields)


def parse_served_head(head: bytes) -> Head:
    """Return a response head as `parse_head`, with `NO_STATUS` where HTTP states no valid status.

    Its answer is one nevertheless: servers and tools have written ``HTTP/1.1 0 OK``.

    :raises MessageError: the first line is none of HTTP.
    """
    try:
        return parse_head(head)
    except MessageError:
        lines = _lines(head)
        first = _STATUSLESS_LINE.fullmatch(lines[0].strip(_BLANK))
        if first is None:
            raise
        return Head(first[1], NO_STATUS, first[2] or "", _fields(lines))


def states_status(head: bytes) -> bool:
    """Return whether the first line of a response head is a valid status line."""
    return _PLAIN_STATUS.match(head) is not None or status_of(head) is not None


def status_of(head: bytes) -> int | None:
    """Return the status that a response head states; None for no or an unreadable head."""
    try:
        return parse_head(head).status if head else None
    except MessageError:
        return None


def describe_status(head: Head) -> str:
    """Return the status of a response with the marks of the server that gave it, for people.

    A 403 of an outlet is another matter than a 403 of the firewall before it.
    """
    marks = [(name, head.get(name)[:_LONGEST_MARK]) for name in _MARKS]
    told = ", ".join(f"{name}: {value}" for name, value in marks if value)
    meaning = _UNREGISTERED.get(head.status)
    status = f"{head.status} ({meaning})" if meaning else str(head.status)
    return f"{status}; {told}" if told else status


def validator(value: str) -> str:
    """Return an ETag or Last-Modified that can be sent back as it was received, else ``""``.

    One with control characters is no header field, and a very long one would be refused.
    """
    return value if len(value) <= _MAX_VALIDATOR and not _CONTROL.search(value) else ""


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After asks for, at least 0, None if it is not valid.

    A date is relative to ``now``.
    """
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:12])
    try:
        until = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:  # "-0000": UTC without a known time zone
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def retry_at(head: Head, received_at: datetime) -> datetime | None:
    """Return when a response asks to be requested again, None if it does not."""
    seconds = retry_after(head.get("Retry-After"), received_at)
    if seconds is None:
        return None
    # a century is as good as any later year, which a datetime may not hold
    return received_at + timedelta(seconds=min(seconds, 3e9))


class ChunkedDecoder:
    """Chunked transfer-encoding removed as the bytes arrive (RFC 9112 section 7.1).

    ``ended``: the last chunk's size line has been read; ``complete``: the trailers have, too.
    ``excess`` counts the bytes of the last `feed` that lie behind the message. ``chunks`` counts
    the size lines, ``pending`` is the beginning of a line whose end has not arrived. ``lenient``
    is for stored bodies: any one byte may end a chunk's data, and trailers are left unread.
    """

    __slots__ = (
        "_left",
        "_lenient",
        "_step",
        "_trailer",
        "chunks",
        "complete",
        "ended",
        "excess",
        "pending",
    )

    def __init__(self, *, lenient: bool = False) -> None:
        self.ended = self.complete = False
        self.excess = self.chunks = 0
        self.pending = b""
        self._lenient = lenient
        self._left = 0  # bytes of the current chunk that have not arrived
        self._trailer = 0  # bytes of trailer read
        self._step: Callable[[bytes, int, list[bytes]], int] = self._size_line

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the chunk data among them.

        :raises MessageError: the framing is broken.
        """
        if self.pending:
            data = self.pending + data
            self.pending = b""
        out: list[bytes] = []
        at = 0
        while at < len(data) and not self.complete:
            after = self._step(data, at, out)
            if after < 0:
                self.pending = data[at:]
                if len(self.pending) + self._trailer > MAX_CHUNK_LINE:
                    raise MessageError("a line of the chunk framing has no end")
                break
            at = after
        self.excess = len(data) - at - len(self.pending)
        return out[0] if len(out) == 1 else b"".join(out)

    # Each step reads one thing at ``at`` and returns where it ends, or -1 while its end has not
    # arrived.

    def _size_line(self, data: bytes, at: int, _out: list[bytes]) -> int:
        line = CHUNK_LINE.match(data, at)
        if line is None:
            if data.find(b"\n", at) >= 0:
                raise MessageError("broken chunk framing")
            return -1
        self.chunks += 1
        self._left = int(line[1], 16)
        if self._left:
            self._step = self._data
        else:
            self.ended, self.complete = True, self._lenient
            self._step = self._trailer_line
        return line.end()

    def _data(self, data: bytes, at: int, out: list[bytes]) -> int:
        end = min(at + self._left, len(data))
        out.append(data[at:end])
        self._left -= end - at
        if not self._left:
            self._step = self._data_end
        return end

    def _data_end(self, data: bytes, at: int, _out: list[bytes]) -> int:
        if data[at : at + 1] == b"\r" and at + 1 == len(data):
            return -1
        end = at + (2 if data[at : at + 2] == b"\r\n" else 1)
        if data[end - 1 : end] != b"\n" and not self._lenient:
            raise MessageError("a chunk is longer than its size says")
        self._step = self._size_line
        return end

    def _trailer_line(self, data: bytes, at: int, _out: list[bytes]) -> int:
        end = data.find(b"\n", at) + 1
        if not end:
            return -1
        self._trailer += end - at
        if self._trailer > MAX_CHUNK_LINE:
            raise MessageError("the trailers have no end")
        self.complete = data[at:end] in (b"\r\n", b"\n")
        return end


def dechunk(body: bytes) -> bytes:
    """Return a stored body without chunk framing, trailer and what follows the last chunk.

    :raises MessageError: the framing is broken or cut short.
    """
    decoder = ChunkedDecoder(lenient=True)
    payload = decoder.feed(body)
    if not decoder.ended:
        raise MessageError("the chunk framing is cut short")
    return payload


def is_chunked(head: Head) -> bool:
    """Return whether ``chunked`` is the last transfer-encoding of all fields of that name."""
    codings = [value for name, value in head.fields if name.lower() == "transfer-encoding"]
    return bool(codings) and codings[-1].rpartition(",")[2].strip(_BLANK).lower() == "chunked"


def payload(head: Head, body: bytes) -> bytes:
    """Return the body without transfer-encoding, with content-encoding: what is digested.

    A body stored de-chunked under a head that still says ``chunked`` is returned as it is.
    """
    if is_chunked(head):
        try:
            return dechunk(body)
        except MessageError:
            return body
    return body
