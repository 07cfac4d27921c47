"""Where a response's head and body end, found without changing a byte of either.

Sans-IO: bytes in, payload out, everything served kept. The head is read leniently
(``archive.warc.http_message``); the framing follows RFC 9112 section 6.3. Lengths that contradict
each other are passed over: such a body lasts until the server closes, since cutting at either
length could lose half a page.
"""

from __future__ import annotations

from archive.warc.http_message import (
    HEAD_END,
    ChunkedDecoder,
    Head,
    MessageError,
    is_chunked,
    parse_head,
)
from crawler.httpclient.errors import HeadTooLargeError

#: Bytes and lines a response head may have, interim (1xx) heads included.
HEAD_BYTES = 256 * 1024
HEAD_LINES = 1000


class Body:
    """A body whose end only the peer's close shows; the base of those that show it themselves.

    ``served`` are the bytes as they came, ``size`` how many; ``complete`` tells whether all have,
    ``excess`` whether more came than belong to the message; ``expected`` is the announced length or
    None.
    """

    __slots__ = ("complete", "excess", "expected", "served", "size")

    def __init__(self) -> None:
        self.served: list[bytes] = []
        self.size = 0
        self.complete = False
        self.excess = False
        self.expected: int | None = None

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return those of them that are payload.

        :raises MessageError: the framing is broken.
        """
        self.served.append(data)
        self.size += len(data)
        return data

    def close(self) -> bool:
        """Whether the body is whole now that the peer has closed."""
        return True

    def payload(self) -> bytes:
        """The payload so far: transfer-encoding removed, content-encoding kept."""
        return self.as_served()

    def as_served(self) -> bytes:
        """The bytes so far, framing and all."""
        if len(self.served) > 1:
            self.served = [b"".join(self.served)]
        return self.served[0] if self.served else b""


class SizedBody(Body):
    """A body of a length known beforehand, 0 among them."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self.expected = self._left = size
        self.complete = size == 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; what lies behind the announced length is excess."""
        if len(data) > self._left:
            self.excess = True
            data = data[: self._left]
        self._left -= len(data)
        self.complete = self._left == 0
        if data:
            self.served.append(data)
        self.size += len(data)
        return data

    def close(self) -> bool:
        """Whether the announced length has come."""
        return self.complete


class ChunkedBody(Body):
    """A chunked body, read as it comes; ``served`` keeps sizes, extensions and trailers."""

    __slots__ = ("_decoder", "_payload")

    def __init__(self) -> None:
        super().__init__()
        self._payload: list[bytes] = []
        self._decoder = ChunkedDecoder()

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; return the chunk data among them.

        :raises MessageError: the framing is broken; the bytes count as served all the same.
        """
        decoder = self._decoder
        try:
            payload = decoder.feed(data)
        except MessageError:
            super().feed(data)
            raise
        super().feed(data[: len(data) - decoder.excess])
        self.complete = decoder.complete
        self.excess = decoder.excess > 0
        if payload:
            self._payload.append(payload)
        return payload

    def close(self) -> bool:
        """Return whether the last chunk has come; many servers omit the blank line behind it."""
        return self._decoder.ended

    def payload(self) -> bytes:
        """The chunks' data so far."""
        return b"".join(self._payload)


class ResponseReader:
    """One response, read as its bytes come: first `feed_head` until ``head`` is there, then ``body.feed``.

    ``raw_head`` is the final head byte for byte; interim 1xx heads are read and passed over.
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
        """Whether not one byte has come."""
        return self.head is None and not self._pending and not self._seen

    def feed_head(self, data: bytes) -> bytes | None:
        """Take the next bytes; once the head is complete return what follows it, until then None.

        :raises MessageError: this is no HTTP response.
        :raises HeadTooLargeError: there are more bytes or lines than a head may have.
        """
        while True:
            start = max(0, len(self._pending) - 3)
            if not self._pending:
                # Line ends before a status line belong to nothing (RFC 9112, 2.2).
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
            if raw.count(b"\n") > HEAD_LINES:
                raise HeadTooLargeError(f"the response head has more than {HEAD_LINES} lines")
            head = parse_head(raw)
            if head.status >= 200:
                self.head, self.raw_head, self.body = head, raw, self._frame(head)
                return rest
            if head.status == 101:
                raise MessageError("the server switches to a protocol nobody asked for")
            data = rest

    def keeps_alive(self) -> bool:
        """Whether the connection may carry another request after this response."""
        head = self.head
        if head is None or not self.body.complete or self.body.excess:
            return False
        options = ",".join(
            value for name, value in head.fields if name.lower() == "connection"
        ).lower()
        return "close" not in options and (
            head.version.upper() != "HTTP/1.0" or "keep-alive" in options
        )

    def _frame(self, head: Head) -> Body:
        if self._bodiless or head.status in (204, 304):
            return SizedBody(0)
        if is_chunked(head):
            return ChunkedBody()
        values = [value for name, value in head.fields if name.lower() == "content-length"]
        sizes = {size.strip() for value in values for size in value.split(",")}
        if len(sizes) == 1:
            size = sizes.pop()
            if size.isascii() and size.isdigit() and len(size) <= 18:
                return SizedBody(int(size))
        return Body()
