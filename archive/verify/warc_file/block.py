"""A record's block, hashed as it passes by: block digest, HTTP head, and the payload's digest with own de-chunking.

Nothing is kept but the HTTP head, so that a block of any length costs no memory.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from archive.verify.warc_file.fields import SIZES
from archive.verify.warc_file.findings import Level, Rule
from archive.verify.warc_file.warcinfo import info_fields
from archive.warc.http_message import (
    HEAD_END,
    ChunkedDecoder,
    MessageError,
    is_chunked,
    parse_head,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.verify.warc_file.findings import Deviation
    from archive.verify.warc_file.header import Fields
    from archive.warc.http_message import Head

#: Longest HTTP head looked for; the rest of such a block is not taken for a payload.
_LONGEST_HEAD = 2**20
_LONGEST_INFO = 2**16


class Digest:
    """A digest field and the data it is to be of, as that arrives; one without a computable claim always agrees."""

    def __init__(self, claim: str) -> None:
        name, _, self._value = claim.partition(":")
        name = name.lower().replace("-", "")
        self._sum = hashlib.new(name, usedforsecurity=False) if name in SIZES else None

    def feed(self, data: bytes | memoryview) -> None:
        """Take more data."""
        if self._sum is not None:
            self._sum.update(data)

    def agrees(self) -> bool:
        """Whether the claim holds; it may be hex, Base32 or Base64."""
        if self._sum is None:
            return True
        found, value = self._sum.digest(), self._value
        return (
            value.lower() == found.hex()
            or value.upper().rstrip("=") == base64.b32encode(found).decode().rstrip("=")
            or value.rstrip("=") in (base64.b64encode(found).decode().rstrip("="), _url64(found))
        )


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _Chunks:
    """Feeds a payload digest with a chunked body's data; ``whole`` once the last chunk has come."""

    def __init__(self, payload: Digest) -> None:
        self._payload = payload
        self._decoder = ChunkedDecoder(lenient=True)
        self._broken = False

    @property
    def whole(self) -> bool:
        """Whether the body is chunked to its end."""
        return self._decoder.ended

    def feed(self, data: bytes | memoryview) -> None:
        """Take more of the body; what follows the last chunk or broken framing is ignored."""
        if self._broken or self.whole:
            return
        try:
            self._payload.feed(self._decoder.feed(bytes(data)))
        except MessageError:
            self._broken = True


class Block:
    """One record's block as it passes by; `complaints` when it is whole."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._block = Digest(fields.get("warc-block-digest"))
        claim = fields.get("warc-payload-digest")
        self._raw, self._unframed = Digest(claim), Digest(claim)
        media_type = fields.get("content-type").lower()
        kind = fields.get("warc-type")
        self.is_http = kind in ("response", "request", "revisit") and media_type.startswith(
            "application/http"
        )
        self._waiting: bytes | None = b"" if self.is_http else None
        self._chunks: _Chunks | None = None
        self._bare = kind == "revisit"  # its payload is another record's
        self._describes = kind == "warcinfo"
        self._text = b""
        #: The HTTP head as it lies in the block, with its blank line; ``b""`` where there is none.
        self.http_head = b""
        self.head: Head | None = None
        self._body = 0

    @property
    def text(self) -> str:
        """A `warcinfo`'s block as text, as far as it is kept."""
        return self._text.decode("utf-8", "replace")

    @property
    def is_ours(self) -> bool:
        """Whether it is the `warcinfo` of a file that says it was written by us."""
        return info_fields(self.text).get("software", "").startswith("Sacho/")

    def feed(self, data: bytes | memoryview) -> None:
        """Take more of the block."""
        self._block.feed(data)
        if self._describes and len(self._text) < _LONGEST_INFO:
            self._text += bytes(data[:_LONGEST_INFO])
        if self._waiting is None:
            self._take(data)
            return
        self._waiting += bytes(data)
        end = HEAD_END.search(self._waiting)
        if end is not None:
            self.http_head, rest = (
                self._waiting[: end.end()],
                memoryview(self._waiting)[end.end() :],
            )
            self._waiting = None
            self._begin_body()
            self._take(rest)
        elif len(self._waiting) > _LONGEST_HEAD:
            self._waiting = None

    def _begin_body(self) -> None:
        if self._fields.get("warc-type") == "request":
            return
        try:
            self.head = parse_head(self.http_head)
        except MessageError:
            return
        if is_chunked(self.head):
            self._chunks = _Chunks(self._unframed)

    def _take(self, data: bytes | memoryview) -> None:
        self._body += len(data)
        if self._bare or not self._fields.get("warc-payload-digest"):
            return
        self._raw.feed(data)
        if self._chunks is not None:
            self._chunks.feed(data)

    def complaints(self) -> Iterator[Deviation]:
        """What is wrong with the whole block."""
        fields, kind = self._fields, self._fields.get("warc-type")
        if not self._block.agrees():
            yield (
                Rule.BLOCK_DIGEST,
                f"The block digest of the {kind[:40]} is not its block's.",
                Level.WRONG,
            )
        if not fields.get("warc-block-digest"):
            yield Rule.MISSING, "The record has no block digest.", Level.UNUSUAL
        if not fields.get("warc-payload-digest") and kind in ("response", "resource"):
            yield Rule.MISSING, "The record has no payload digest.", Level.UNUSUAL
        yield from self._http(kind)
        if self._bare or not fields.get("warc-payload-digest"):
            return
        framed = self._chunks is not None and self._chunks.whole
        if framed and self._unframed.agrees():
            return
        if not self._raw.agrees():
            yield Rule.PAYLOAD_DIGEST, "The payload digest is not its payload's.", Level.WRONG
        elif framed:
            # warcio, and others with it, digest the chunk framing too.
            yield (
                Rule.PAYLOAD_DIGEST,
                "The payload digest is taken of the chunk framing too.",
                Level.UNUSUAL,
            )

    def _http(self, kind: str) -> Iterator[Deviation]:
        fields = self._fields
        cut = bool(fields.get("warc-truncated"))
        uri = fields.get("warc-target-uri").strip("<>").lower()
        if not self.is_http:
            if kind in ("response", "request") and uri.startswith(("http:", "https:")):
                said = fields.get("content-type")[:80]
                yield (
                    Rule.CONTENT_TYPE,
                    f"The {kind} of a web address has Content-Type {said!r}.",
                    Level.UNUSUAL,
                )
            return
        message = fields.get("content-type").lower().partition("msgtype=")[2].strip('" ')
        if message and message != ("request" if kind == "request" else "response"):
            yield Rule.CONTENT_TYPE, f"A {kind} holds no HTTP {message[:40]}.", Level.WRONG
        if not self.http_head:
            if not cut and fields.get("content-length") != "0":
                yield Rule.HTTP, f"The {kind} holds no HTTP head.", Level.WRONG
            return
        if kind != "request" and self.head is None:
            yield Rule.HTTP, "The HTTP message does not begin with a status line.", Level.NOTED
        if self._chunks is not None and not self._chunks.whole and self._body and not cut:
            # As others' tools store it, and as such imported: evidence, not damage.
            yield (
                Rule.HTTP,
                "The HTTP head says that the body is chunked, and it is not, or not to its end.",
                Level.NOTED,
            )
