"""A record's block, checked as it is read: its digest, the HTTP head, and the payload's digest.

Only the HTTP head (and a warcinfo's text) is kept, so a block of any length costs no memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.http.message import (
    HEAD_END,
    ChunkedDecoder,
    MessageError,
    is_chunked,
    parse_head,
)
from archive.verify.warc_file.findings import Rule
from archive.warc.deviations import Deviation, Level
from archive.warc.digests import DigestCheck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.http.message import Head
    from archive.warc.record_header import HeaderFields

#: Longest HTTP head looked for; the rest of such a block is not taken for a payload.
_MAX_HEAD = 2**20
_MAX_INFO = 2**16


class _Unframed:
    """The payload digest of a chunked body without its framing."""

    def __init__(self, claim: str) -> None:
        self.digest = DigestCheck(claim)
        self._decoder = ChunkedDecoder(lenient=True)
        self._broken = False

    @property
    def whole(self) -> bool:
        """Whether the chunked body is complete."""
        return self._decoder.ended

    @property
    def begun(self) -> bool:
        """Whether the body begins with a chunk, so that no other tool has removed the framing."""
        return self._decoder.chunks > 0

    def feed(self, data: bytes | memoryview) -> None:
        """Process more of the body; what follows the last chunk or broken framing is ignored."""
        if self._broken or self.whole:
            return
        try:
            self.digest.feed(self._decoder.feed(bytes(data)))
        except MessageError:
            self._broken = True


class Block:
    """One record's block as it is read; ask for its `deviations` when it is whole."""

    def __init__(self, fields: HeaderFields) -> None:
        self._fields = fields
        self._kind = fields["warc-type"]
        self._digest = DigestCheck(fields["warc-block-digest"])
        # The payload of a revisit is another record's.
        self._payload_claim = "" if self._kind == "revisit" else fields["warc-payload-digest"]
        self._payload = DigestCheck(self._payload_claim)
        self._unframed: _Unframed | None = None
        media_type = fields["content-type"].lower()
        self.is_http = self._kind in (
            "response",
            "request",
            "revisit",
        ) and media_type.startswith("application/http")
        self._waiting: bytes | None = b"" if self.is_http else None
        self._begins_as_http = True
        self._info = b""
        #: The HTTP head as it is in the block, with its blank line; ``b""`` where there is none.
        self.http_head = b""
        self.head: Head | None = None
        self._body_size = 0

    @property
    def text(self) -> str:
        """A `warcinfo`'s block as text, as far as it is kept."""
        return self._info.decode("utf-8", "replace")

    def kept(self) -> bytes:
        """Return nothing: no record is looked for inside a block."""
        return b""

    def feed(self, data: bytes | memoryview) -> None:
        """Process more of the block."""
        self._digest.feed(data)
        if self._kind == "warcinfo" and len(self._info) < _MAX_INFO:
            self._info += bytes(data[:_MAX_INFO])
        if self._waiting is None:
            self._feed_body(data)
            return
        self._waiting += bytes(data)
        self._begins_as_http = self._waiting.startswith(b"HTTP")
        end = HEAD_END.search(self._waiting)
        if end is not None:
            self.http_head = self._waiting[: end.end()]
            rest = memoryview(self._waiting)[end.end() :]
            self._waiting = None
            self._begin_body()
            self._feed_body(rest)
        elif len(self._waiting) > _MAX_HEAD:
            self._waiting = None

    def _begin_body(self) -> None:
        if self._kind == "request":
            return
        try:
            self.head = parse_head(self.http_head)
        except MessageError:
            return
        if is_chunked(self.head) and self._kind != "revisit":
            self._unframed = _Unframed(self._payload_claim)

    def _feed_body(self, data: bytes | memoryview) -> None:
        self._body_size += len(data)
        self._payload.feed(data)
        if self._unframed is not None:
            self._unframed.feed(data)

    def deviations(self) -> Iterator[Deviation]:
        """Yield what is wrong with the whole block."""
        yield from self._check_digests()
        if self.is_http:
            yield from self._check_http()
        else:
            yield from self._check_not_http()
        if self._payload_claim:
            yield from self._check_payload()

    def _check_digests(self) -> Iterator[Deviation]:
        fields = self._fields
        if not self._digest.agrees():
            sentence = f"The block digest of the {self._kind[:40]} does not match its block."
            yield Deviation(Rule.BLOCK_DIGEST, sentence, Level.WRONG)
        if not fields["warc-block-digest"]:
            yield Deviation(Rule.MISSING, "The record has no block digest.", Level.UNUSUAL)
        if not fields["warc-payload-digest"] and self._kind in ("response", "resource"):
            yield Deviation(Rule.MISSING, "The record has no payload digest.", Level.UNUSUAL)

    def _check_payload(self) -> Iterator[Deviation]:
        unframed = self._unframed
        is_framed = unframed is not None and unframed.whole
        if is_framed and unframed is not None and unframed.digest.agrees():
            return
        if not self._payload.agrees():
            sentence = "The payload digest does not match the payload."
            yield Deviation(Rule.PAYLOAD_DIGEST, sentence, Level.WRONG)
        elif is_framed:
            # warcio and other tools compute it so.
            sentence = "The payload digest covers the chunk framing."
            yield Deviation(Rule.PAYLOAD_DIGEST, sentence, Level.UNUSUAL)

    def _check_not_http(self) -> Iterator[Deviation]:
        uri = self._fields["warc-target-uri"].lower()
        if self._kind in ("response", "request") and uri.startswith(("http:", "https:")):
            stated = self._fields["content-type"][:80]
            sentence = f"The {self._kind} of a web address has Content-Type {stated!r}."
            yield Deviation(Rule.CONTENT_TYPE, sentence, Level.UNUSUAL)

    def _check_http(self) -> Iterator[Deviation]:
        fields, kind = self._fields, self._kind
        # That of a revisit says that the body is left out.
        is_cut = bool(fields["warc-truncated"]) and kind != "revisit"
        yield from self._check_message_type()
        if not self.http_head:
            if not is_cut and fields["content-length"] != "0":
                yield Deviation(Rule.HTTP, f"The {kind} holds no HTTP head.", self._headless)
            return
        if kind != "request" and self.head is None:
            sentence = "The HTTP message does not begin with a status line."
            yield Deviation(Rule.HTTP, sentence, Level.NOTED)
        if self._hides_its_cut():
            sentence = "A revisit that keeps the head alone needs WARC-Truncated: length."
            yield Deviation(Rule.MISSING, sentence, Level.NOTED)
        if not is_cut and self._has_false_framing():
            yield self._false_framing()

    def _check_message_type(self) -> Iterator[Deviation]:
        message = self._fields["content-type"].lower().partition("msgtype=")[2].strip('" ')
        expected = "request" if self._kind == "request" else "response"
        if message and message != expected:
            sentence = f"A {self._kind} does not hold an HTTP {message[:40]}."
            yield Deviation(Rule.CONTENT_TYPE, sentence, Level.WRONG)

    @property
    def _headless(self) -> Level:
        """How bad it is that no head ends: HTTP/0.9 answers have none, and segments part of one."""
        is_segment = bool(self._fields["warc-segment-number"])
        is_old = self._kind != "request" and not self._begins_as_http
        return Level.UNUSUAL if is_segment or is_old else Level.WRONG

    def _hides_its_cut(self) -> bool:
        """Whether a revisit does not say that its body is left out (ISO 28500 section 6.7.2)."""
        fields = self._fields
        is_identical = fields["warc-profile"].rstrip("/").endswith("identical-payload-digest")
        return self._kind == "revisit" and is_identical and not fields["warc-truncated"]

    def _false_framing(self) -> Deviation:
        assert self._unframed is not None
        if self._unframed.begun:
            sentence = "The body is chunked, but not to its end."
            return Deviation(Rule.HTTP, sentence, Level.SUSPECT)
        # As other tools store it, and as such imported: evidence, not damage.
        sentence = "The HTTP head says that the body is chunked, but it is not."
        return Deviation(Rule.HTTP, sentence, Level.NOTED)

    def _has_false_framing(self) -> bool:
        return self._unframed is not None and not self._unframed.whole and self._body_size > 0
