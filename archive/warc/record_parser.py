"""Make a `Record` of a WARC record's fields and block: digests compared, HTTP head split off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from archive.http.message import HEAD_END, MessageError, parse_head, payload, split_message
from archive.model.exchange import Exchange, digest
from archive.model.outcome import Reason
from archive.model.times import is_capture_time
from archive.warc.dates import is_exact, parse_date
from archive.warc.digests import agrees
from archive.warc.record_header import MalformedRecordError
from archive.warc.record_writer import (
    BODY_LEFT_OUT,
    STATED_TIME_FIELD,
    TIME_FIELD,
    TRUNCATIONS,
    UNKNOWN_TYPE,
    WarcError,
    safe_url,
)

if TYPE_CHECKING:
    from archive.warc.record_header import HeaderFields

#: The record types of ISO 28500 section 6, which allows for others.
RECORD_TYPES = frozenset(
    {
        "warcinfo",
        "response",
        "resource",
        "request",
        "metadata",
        "revisit",
        "conversion",
        "continuation",
    }
)
#: Those that hold a document, or stand for one.
_DOCUMENTS = frozenset({"response", "resource", "revisit"})
_TIME_FIELD = TIME_FIELD.lower()
_STATED_TIME_FIELD = STATED_TIME_FIELD.lower()
#: When this process began: nearly every capture is older, and then the clock is not asked.
_BEGAN = datetime.now(UTC)
_WARC_1_0 = "http://netpreserve.org/warc/1.0/"


def is_damaged_type(kind: str) -> bool:
    """Return whether a record's type is none, or one of ISO 28500 but for one character.

    Any other is of another tool's own: ISO 28500 section 5.5 has readers pass over those.
    """
    return not kind or any(_differ_by_one(kind, known) for known in RECORD_TYPES)


def _differ_by_one(one: str, other: str) -> bool:
    """Return whether one character was changed, added, taken out, or swapped with the next."""
    if abs(len(one) - len(other)) > 1 or one == other:
        return False
    pairs = enumerate(zip(one, other, strict=False))
    start = next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
    one, other = one[start:], other[start:]
    rests = {(one[1:], other[1:]), (one[1:], other), (one, other[1:])}
    is_swapped = one[:2] == other[1::-1] and one[2:] == other[2:]
    return is_swapped or any(rest == against for rest, against in rests)


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a file that gave no record: its offset, the reason, and a sentence for a person."""

    offset: int
    reason: Reason
    sentence: str


class Record(NamedTuple):
    """One whole, verified record.

    ``exchange`` is the document of a `response` over HTTP or of a `resource`, without the request;
    any other record, and the segment of one, has None, but its ``block``. ``payload_digest`` is
    computed (sha256) where there is an exchange, else what the record states. ``offset`` and
    ``length`` lead back to the record; the length is 0 where it shares a gzip member with others
    and cannot be read alone.
    """

    kind: str
    exchange: Exchange | None
    record_id: str
    offset: int
    length: int
    payload_digest: str
    fields: HeaderFields
    block: bytes


def build_record(
    fields: HeaderFields, block: bytes | memoryview, offset: int, length: int
) -> Record:
    """Return the `Record` of a record's fields and block, its digests compared.

    :raises MalformedRecordError: the type is damaged, a document lacks address or date, or a digest
        shows that bytes have changed.
    """
    kind = _checked_type(fields, block)
    if "warc-segment-number" in fields:
        return _without_document(fields, block, offset, length)
    if kind == "resource":
        head, body = b"", bytes(block)
        content = body
    elif kind == "response" and _is_http(fields) and not _is_headless(block):
        head, body, content = _split_response(fields, block)
    else:
        return _without_document(fields, block, offset, length)
    own = digest(content)
    exchange = _exchange(fields, head, body, own)
    if not _payload_agrees(fields["warc-payload-digest"], own, content, body):
        sentence = f"The payload digest of {exchange.url[:200]} does not match the payload."
        raise MalformedRecordError(Reason.BAD_DIGEST, sentence)
    return Record(kind, exchange, fields["warc-record-id"], offset, length, own, fields, b"")


def _without_document(
    fields: HeaderFields, block: bytes | memoryview, offset: int, length: int
) -> Record:
    """Return the record of a block that is no whole document, but may be a part of one."""
    kind, record_id = fields["warc-type"].lower(), fields["warc-record-id"]
    if kind in _DOCUMENTS:
        _address(fields)
        _moment(fields)
    stated = fields["warc-payload-digest"]
    return Record(kind, None, record_id, offset, length, stated, fields, bytes(block))


def _is_headless(block: bytes | memoryview) -> bool:
    """Return whether a block is an answer of HTTP/0.9, which has no head."""
    return bytes(block[:5]).upper() != b"HTTP/" and HEAD_END.search(block) is None


def _checked_type(fields: HeaderFields, block: bytes | memoryview) -> str:
    """Return the record's type, if it is not damaged and the block digest agrees."""
    kind = fields["warc-type"].lower()
    if kind not in RECORD_TYPES and is_damaged_type(kind):
        raise MalformedRecordError(Reason.BAD_RECORD, f"The record's WARC-Type is {kind[:40]!r}.")
    claim = fields["warc-block-digest"]
    if claim and not agrees(claim, block) and not _is_cut_by_wget(kind, fields):
        sentence = f"The block digest of the {kind} record does not match the block."
        raise MalformedRecordError(Reason.BAD_DIGEST, sentence)
    return kind


def _payload_agrees(claim: str, own: str, content: bytes, body: bytes) -> bool:
    """Return whether a payload digest is of the payload, or of the body with its chunk framing."""
    return not claim or claim == own or agrees(claim, content) or agrees(claim, body)


def _split_response(fields: HeaderFields, block: bytes | memoryview) -> tuple[bytes, bytes, bytes]:
    """Return the HTTP head, the body as served, and the payload."""
    try:
        head, body = split_message(block)
    except MessageError as error:
        sentence = f"The HTTP response of {_address(fields)[:200]} is broken: {error}."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence) from error
    if b"chunked" in head.lower():
        try:
            return head, body, payload(parse_head(head), body)
        except MessageError:  # no status line: then nothing says how the body is framed
            pass
    return head, body, body


def _exchange(fields: HeaderFields, head: bytes, body: bytes, payload_digest: str) -> Exchange:
    moment = _moment(fields)
    can_be = is_capture_time(moment, _BEGAN) or is_capture_time(moment, datetime.now(UTC))
    written = fields["warc-date"]
    stated_time = fields.get(_STATED_TIME_FIELD, "")
    if not (stated_time or (can_be and is_exact(written))):
        stated_time = written
    return Exchange(
        url=_address(fields),
        captured_at=moment if can_be else datetime.now(UTC),
        body=body,
        head=head,
        media_type="" if head else _media_type(fields),
        ip_address=_peer(fields.get("warc-ip-address", "")),
        truncated=_truncation(fields),
        time_known=can_be and _TIME_FIELD not in fields,
        payload_digest=payload_digest,
        stated_time=stated_time,
    )


def _media_type(fields: HeaderFields) -> str:
    """Return the block's media type; a missing one means this (ISO 28500 section 5.14)."""
    return fields["content-type"] or UNKNOWN_TYPE


def _truncation(fields: HeaderFields) -> str:
    reason = fields.get("warc-truncated", "").lower()
    return reason if not reason or reason in TRUNCATIONS else "unspecified"


def revisit_exchange(revisit: Record) -> Exchange:
    """Return the answer that a `revisit` stands for: its head, and its payload's digest, no body.

    That the record leaves out the body is no cut of the answer.

    :raises MalformedRecordError: its address or date cannot be read.
    """
    exchange = _exchange(revisit.fields, revisit.block, b"", revisit.payload_digest)
    if exchange.truncated == BODY_LEFT_OUT and not is_server_not_modified(revisit):
        return replace(exchange, truncated="")
    return exchange


def digested_forms(exchange: Exchange) -> tuple[bytes, bytes]:
    """Return what tools compute a response's payload digest of: the payload, or the framed body."""
    try:
        return payload(parse_head(exchange.head), exchange.body), exchange.body
    except MessageError:
        return exchange.body, exchange.body


def _is_cut_by_wget(kind: str, fields: HeaderFields) -> bool:
    """Return whether the block was cut to its head after its digest was computed.

    That is how wget writes revisits (1.21).
    """
    profile = fields["warc-profile"]
    return kind == "revisit" and "warc-truncated" in fields and profile.startswith(_WARC_1_0)


def is_server_not_modified(revisit: Record) -> bool:
    """Return whether a `revisit` has ISO 28500's profile server-not-modified."""
    return revisit.fields["warc-profile"].rstrip("/").endswith("/server-not-modified")


def original_of(revisit: Record) -> str:
    """Return the id of the record that a `revisit` repeats, ``""`` where it names none."""
    return revisit.fields["warc-refers-to"]


def _is_http(fields: HeaderFields) -> bool:
    """Return whether a `response` holds an HTTP message; those of DNS look-ups do not.

    That of a web address does, whatever its Content-Type says (ISO 28500 section 6.3.2).
    """
    if fields["warc-target-uri"].lower().startswith(("http:", "https:")):
        return True
    return fields["content-type"].lower().startswith("application/http")


def _address(fields: HeaderFields) -> str:
    url = fields["warc-target-uri"]
    if not url:
        raise MalformedRecordError(Reason.BAD_RECORD, "The record has no WARC-Target-URI.")
    try:
        return safe_url(url)
    except WarcError as error:
        sentence = f"The record's WARC-Target-URI {error}."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence) from error


def _moment(fields: HeaderFields) -> datetime:
    text = fields["warc-date"]
    try:
        return parse_date(text)
    except ValueError as error:
        sentence = f"The record's WARC-Date is {text[:40]!r}."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence) from error


@lru_cache(maxsize=1024)
def _peer(address: str) -> str:
    try:
        return str(ip_address(address)) if "%" not in address else ""
    except ValueError:  # another tool's wrong IP address must not cost the document
        return ""
