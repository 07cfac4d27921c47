"""A capture of an article: what is known of it, and the bytes of its record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archive.captures.rows import capture_of_record, capture_with_payload
from archive.http.content_coding import decode_served
from archive.http.message import Head, MessageError, parse_served_head
from archive.model.article import KST
from archive.model.exchange import MAX_DOCUMENT, Exchange, Location
from archive.segments.lookup import RecordError
from archive.warc.record_parser import digested_forms, original_of

if TYPE_CHECKING:
    from datetime import datetime

    from archive.captures.rows import StoredCapture
    from archive.reading.source import Source
    from archive.warc.record_parser import Record

_NO_HEAD = Head("", 0, "", ())
#: What Python reads a byte order mark as.
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedCapture:
    """An archived document of an article's address; its bytes are read when they are asked for."""

    outlet: str
    """The outlet."""
    url: str
    """The address that was requested."""
    captured_at: datetime
    """The time of capture, in KST; if ``time_known`` is false, the time of import."""
    time_known: bool
    """Whether the time of capture is known."""
    record_type: str
    """The type of its WARC record: ``response``, ``revisit``, or ``resource`` for a saved page."""
    http_status: int | None
    """The HTTP status; None for a saved page."""
    revision: int | None
    """The number of the revision that it shows; None if it shows none."""
    reason: str
    """Why it shows no revision, else ``""``."""
    in_outage: bool
    """Whether it was made in an outage of the outlet, and so says nothing of the article."""
    charset: str
    """The charset it was read in, by Python's name; ``""`` if it was not read as text."""
    warc: Location
    """Where its record was when the capture was looked up: file, offset, length, id and digest."""
    _source: Source = field(repr=False, compare=False)

    @property
    def record_bytes(self) -> bytes:
        """The WARC record as it lies in the archive: one gzip member.

        :raises RecordError: it is missing or damaged.
        """
        return self._source.record(self.warc)[1]

    @property
    def http_headers(self) -> tuple[tuple[str, str], ...]:
        """The header fields of the response, in order, repeated names kept; none of a saved page.

        :raises RecordError: the record is missing or damaged.
        """
        return self._head().fields

    def http_header(self, name: str) -> str:
        """Return the first value of a header field, whatever the case of its name, or ``""``.

        :raises RecordError: the record is missing or damaged.
        """
        return self._head().get(name)

    @property
    def payload(self) -> bytes:
        """The body without chunk framing, still compressed if it was: what the digest is of.

        That of a revisit is its original's.

        :raises RecordError: the record is missing or damaged, or the original of a revisit is not
            in the archive.
        """
        return digested_forms(self._document()[0])[0]

    @property
    def content(self) -> bytes:
        """The body decoded: without chunk framing, and unpacked if it was compressed.

        :raises RecordError: as `payload`; or the body is damaged or longer than 20 MB.
        """
        return _content(self._document()[0])

    @property
    def text(self) -> str:
        """The content as text, in the charset that the page was read in, or in UTF-8.

        Bytes that mean nothing in it are replaced by U+FFFD.

        :raises RecordError: as `content`.
        """
        exchange, charset = self._document()
        text = _content(exchange).decode(charset or "utf-8", "replace")
        return text.removeprefix(_MARK)

    def _head(self) -> Head:
        record, _ = self._source.record(self.warc)
        return _parsed(record.block if record.exchange is None else record.exchange.head)

    def _document(self) -> tuple[Exchange, str]:
        """Return the document, a revisit's original, with the charset it was read in."""
        record, _ = self._source.record(self.warc)
        charset = self.charset
        if record.kind == "revisit":
            original = self._original(record)
            record, _ = self._source.record(original.location)
            charset = original.charset
        if record.exchange is None:
            raise RecordError(f"Record {self.warc.record_id} holds no document.")
        return record.exchange, charset

    def _original(self, revisit: Record) -> StoredCapture:
        """Return the capture that a revisit repeats: the one it names, or one with its payload."""
        with self._source.reading() as (connection, _):
            found = capture_of_record(connection, original_of(revisit))
            if found is None or found.record_type == "revisit":
                digest = self.warc.payload_digest
                found = capture_with_payload(connection, self.outlet, digest)
        if found is None:
            raise RecordError(
                f"The original of revisit {self.warc.record_id} is not in the archive."
            )
        return found


def archived_capture(stored: StoredCapture, source: Source) -> ArchivedCapture:
    """Return a capture of the index as users of an archive get it."""
    return ArchivedCapture(
        outlet=stored.outlet,
        url=stored.url,
        captured_at=stored.captured_at.astimezone(KST),
        time_known=stored.time_known,
        record_type=stored.record_type,
        http_status=stored.status,
        revision=stored.revision,
        reason=stored.reason,
        in_outage=stored.in_outage,
        charset=stored.charset,
        warc=stored.location,
        _source=source,
    )


def _parsed(head: bytes) -> Head:
    try:
        return parse_served_head(head) if head else _NO_HEAD
    except MessageError:  # what was served does not begin as HTTP does
        return _NO_HEAD


def _content(exchange: Exchange) -> bytes:
    try:
        return decode_served(_parsed(exchange.head), digested_forms(exchange)[0], MAX_DOCUMENT)
    except MessageError as error:
        raise RecordError(
            f"The body of {exchange.url[:200]} cannot be decoded: {error}."
        ) from error
