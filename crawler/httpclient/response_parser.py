"""Find where a response's head and body end, without changing a byte of either.

Sans-IO: received bytes in, payload out, and all bytes kept as served. The head is parsed leniently
(`archive.http.message`); the framing follows RFC 9112 section 6.3. Content-Length values that
contradict each other are ignored: such a body ends when the server closes the connection, since a
cut at either length could lose half a page.
"""

from __future__ import annotations

from io import BytesIO

from archive.http.message import (
    HEAD_END,
    NO_STATUS,
    ChunkedDecoder,
    Head,
    MessageError,
    is_chunked,
    parse_served_head,
)
from crawler.httpclient.errors import HeadTooLargeError

#: Most bytes and lines of a response head, interim (1xx) heads included.
HEAD_BYTES = 256 * 1024
HEAD_LINES = 1000
#: A chunked body of more bytes than the first may have at most so many times its payload's: chunks
#: of a few bytes each, or with long extensions, cost a second of processing for each megabyte.
_FRAMING_FREE, _MOST_FRAMING = 2**20, 4


class Body:
    """A body that ends when the peer closes the connection; base class of the other bodies.

    ``size`` is the number of bytes received. ``complete`` tells whether the body's end was
    received, ``excess`` whether bytes came that are not part of the message. ``expected`` is the
    announced length or None.
    """

    __slots__ = ("_served", "complete", "excess", "expected", "size")

    def __init__(self) -> None:
        #: The bytes as received. A BytesIO gives them without a second copy.
        self._served = BytesIO()
        self.size = 0
        self.complete = False
        self.excess = False
        self.expected: int | None = None

    def feed(self, data: bytes) -> bytes:
        """Process the next bytes; return those of them that are payload.

        :raises MessageError: the framing is broken.
        """
        self._served.write(data)
        self.size += len(data)
        return data

    def cut(self, size: int) -> None:
        """Drop all but the first ``size`` of the bytes received."""
        self._served.truncate(size)
        self.size = min(self.size, size)

    def close(self) -> bool:
        """Return whether the body is complete, now that the peer has closed the connection."""
        return True

    def payload(self) -> bytes:
        """Return the payload so far: transfer-encoding removed, content-encoding kept."""
        return self.as_served()

    def as_served(self) -> bytes:
        """Return the bytes so far, framing included."""
        return self._served.getvalue()


class SizedBody(Body):
    """A body of a known length, which may be 0."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self.expected = self._left = size
        self.complete = size == 0

    def feed(self, data: bytes) -> bytes:
        """Process the next bytes; those after the announced length are excess."""
        if len(data) > self._left:
            self.excess = True
            data = data[: self._left]
        self._left -= len(data)
        self.complete = self._left == 0
        self._served.write(data)
        self.size += len(data)
        return data

    def close(self) -> bool:
        """Return whether the announced length was received."""
        return self.complete


class ChunkedBody(Body):
    """A chunked body; as served it has chunk sizes, extensions and trailers."""

    __slots__ = ("_decoder", "_payload", "_payload_size")

    def __init__(self) -> None:
        super().__init__()
        #: The payload, once it was asked for.
        self._payload: bytes | None = None
        self._payload_size = 0
        self._decoder = ChunkedDecoder()

    def feed(self, data: bytes) -> bytes:
        """Process the next bytes; return the chunk data among them.

        :raises MessageError: the framing is broken; the bytes are kept nevertheless.
        """
        decoder = self._decoder
        self._payload = None
        try:
            payload = decoder.feed(data)
        except MessageError:
            super().feed(data)
            raise
        super().feed(data[: len(data) - decoder.excess])
        self.complete = decoder.complete
        self.excess = decoder.excess > 0
        self._payload_size += len(payload)
        if self.size > _FRAMING_FREE and self.size > _MOST_FRAMING * self._payload_size:
            raise MessageError("the body is mostly chunk framing")
        return payload

    def close(self) -> bool:
        """Return whether the last chunk was received; many servers omit the blank line after it."""
        return self._decoder.ended

    def payload(self) -> bytes:
        """Return the data of the chunks so far, nothing if the framing is broken.

        It is taken from the bytes as served: while they are received there is no second copy.
        """
        if self._payload is None:
            try:
                self._payload = ChunkedDecoder().feed(self.as_served())
            except MessageError:
                self._payload = b""
        return self._payload


class ResponseReader:
    """Parses one response: first `feed_head` until it returns the rest, then ``body.feed``.

    ``raw_head`` is the final head byte for byte; interim (1xx) heads are skipped. Where ``head`` is
    None and ``raw_head`` is not empty, the answer is not HTTP; ``body`` has what came with it.
    Where both are, ``body`` is an answer without any head, as in HTTP/0.9, if it is not empty.
    """

    __slots__ = ("_bodiless", "_pending", "_seen", "body", "head", "raw_head")

    def __init__(self, method: str) -> None:
        self._bodiless = method == "HEAD"
        self._pending = bytearray()
        self._seen = 0
        self.head: Head | None = None
        self.raw_head = b""
        self.body: Body = SizedBody(0)

    @property
    def silent(self) -> bool:
        """Whether no byte was received."""
        is_empty = not (self._pending or self._seen or self.body.size)
        return self.head is None and is_empty

    @property
    def has_answer(self) -> bool:
        """Whether anything was received that is to be kept."""
        return bool(self.raw_head or self.body.size)

    def close_head(self) -> bool:
        """Return whether what was received is an answer without head, now that no more comes.

        What begins as HTTP is a head that was cut.
        """
        if not self._pending or b"HTTP/".startswith(bytes(self._pending[:5]).upper()):
            return False
        self.body = Body()
        self.body.feed(bytes(self._pending))
        self._pending.clear()
        return True

    def feed_head(self, data: bytes) -> bytes | None:
        """Process the next bytes; return those after the complete head, until then None.

        :raises MessageError: the bytes are not an HTTP response.
        :raises HeadTooLargeError: the head has too many bytes or lines.
        """
        while True:
            split = self._split_head(data)
            if split is None:
                return None
            raw, data = split
            if raw.count(b"\n") > HEAD_LINES:
                raise HeadTooLargeError(f"the response head has more than {HEAD_LINES} lines")
            try:
                head = parse_served_head(raw)
            except MessageError:
                self.raw_head, self.body = raw, Body()
                self.body.feed(data)
                raise
            if head.status >= 200 or head.status == NO_STATUS:
                self.head, self.raw_head, self.body = head, raw, self._body_of(head)
                return data
            if head.status == 101:
                raise MessageError("the server switches to another protocol without a request")

    def _split_head(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Return the first head and the bytes after it, None while its end was not received."""
        start = max(0, len(self._pending) - 3)
        if not self._pending:
            # Line ends before a status line are ignored (RFC 9112 section 2.2).
            stripped = data.lstrip(b"\r\n")
            self._seen += len(data) - len(stripped)
            data = stripped
        self._pending += data
        end = HEAD_END.search(self._pending, start)
        size = end.end() if end else len(self._pending)
        if self._seen + size > HEAD_BYTES:
            raise HeadTooLargeError(f"the response head has more than {HEAD_BYTES} bytes")
        if end is None:
            return None
        raw, rest = bytes(self._pending[:size]), bytes(self._pending[size:])
        self._pending.clear()
        self._seen += size
        return raw, rest

    def keeps_alive(self) -> bool:
        """Return whether the connection may be used for another request after this response."""
        head = self.head
        if head is None or not self.body.complete or self.body.excess:
            return False
        if head.status == NO_STATUS:
            return False
        options = ",".join(_values(head, "connection")).lower()
        if "close" in options:
            return False
        return head.version.upper() != "HTTP/1.0" or "keep-alive" in options

    def _body_of(self, head: Head) -> Body:
        """Return the body that follows a head (RFC 9112 section 6.3)."""
        if self._bodiless or head.status in (204, 304):
            return SizedBody(0)
        if is_chunked(head):
            return ChunkedBody()
        length = _content_length(head)
        return Body() if length is None else SizedBody(length)


def _values(head: Head, name: str) -> list[str]:
    """Return the values of all fields of a name, given in lower case."""
    return [value for field, value in head.fields if field.lower() == name]


def _content_length(head: Head) -> int | None:
    """Return the announced length, None if there is none or several that differ."""
    sizes: set[str] = set()
    for value in _values(head, "content-length"):
        sizes.update(size.strip() for size in value.split(","))
    if len(sizes) != 1:
        return None
    size = sizes.pop()
    if size.isascii() and size.isdigit() and len(size) <= 18:
        return int(size)
    return None
