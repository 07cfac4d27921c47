"""One WARC record's bytes read into an exchange: fields, digests, HTTP split; others' files too."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from archive.model.exchange import Exchange, digest
from archive.model.outcome import Reason
from archive.warc.http_message import MessageError, parse_head, payload, split_message
from archive.warc.record_writer import TIME_FIELD, TRUNCATIONS, UNKNOWN_TYPE, WarcError, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A WARC record's first line, as a place to start reading from.
VERSION_LINE = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n")
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.A,
)
_LOWEST = (1, 1, 1, 0, 0, 0)
#: As nearly everybody writes it, and Python reads it.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?Z", re.A)
#: ISO 28500 §6. Another type is told as damage: it is more often a damaged name than a new kind of
#: record.
KINDS = frozenset(
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
_TIME_FIELD = TIME_FIELD.lower()
_WARC_1_0 = "http://netpreserve.org/warc/1.0/"
_ALGORITHMS = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
}


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of a file that gave no document: where it begins, the reason, and a sentence for a person."""

    offset: int
    reason: Reason
    sentence: str


class Record(NamedTuple):
    """One whole, verified record.

    ``exchange`` is there for a `response` over HTTP and for a `resource`, without the request; any
    other record has none, but its ``block``. ``fields`` are all WARC fields, names in lower case,
    the first of repeated ones. ``payload_digest`` is ours (sha256) where there is an exchange, else
    what the record says. ``offset`` and ``length`` lead back to the record; the length is 0 where
    it shares a gzip member with others and so cannot be read alone.
    """

    kind: str
    exchange: Exchange | None
    record_id: str
    offset: int
    length: int
    payload_digest: str
    fields: Mapping[str, str]
    block: bytes


class MalformedRecordError(Exception):
    """A record cannot be taken in."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


def read_fields(head: bytes) -> dict[str, str]:
    """The named fields of a record's head, names in lower case, folded lines joined, the first of repeats.

    :raises MalformedRecordError: the first line is no WARC version.
    """
    if not VERSION_LINE.match(head):
        raise MalformedRecordError(
            Reason.BAD_RECORD, "The record does not begin with a WARC version."
        )
    text = head.decode("utf-8", "replace")
    folded = b"\n " in head or b"\n\t" in head
    lines = _unfolded(text.replace("\r\n", "\n").split("\n")) if folded else text.split("\n")
    fields: dict[str, str] = {}
    for line in reversed(lines):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.rstrip().lower()] = value.strip()
    return fields


def _unfolded(lines: list[str]) -> list[str]:
    joined: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t") and joined:
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return joined


def block_length(fields: Mapping[str, str]) -> int:
    """Content-Length.

    :raises MalformedRecordError: it is missing or no number.
    """
    text = fields.get("content-length", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise MalformedRecordError(
            Reason.BAD_RECORD, f"The record's Content-Length is {text[:40]!r}."
        )
    return int(text)


def interpret(fields: Mapping[str, str], block: bytes, offset: int, length: int) -> Record:
    """Make what was read into a `Record`, digests compared.

    :raises MalformedRecordError: the type is unknown, a document lacks address or date, or a digest says that
        bytes have changed.
    """
    kind = fields.get("warc-type", "").lower()
    if kind not in KINDS:
        raise MalformedRecordError(Reason.BAD_RECORD, f"The record's WARC-Type is {kind[:40]!r}.")
    claim = fields.get("warc-block-digest", "")
    if claim and not agrees(claim, block) and not _cut_afterwards(kind, fields):
        raise MalformedRecordError(
            Reason.BAD_DIGEST, f"The {kind} record's block digest is not its block's."
        )
    claim = fields.get("warc-payload-digest", "")
    record_id = _bare(fields.get("warc-record-id", ""))
    if kind == "response" and _is_http(fields):
        head, body, content = _response(fields, block)
    elif kind == "resource":
        head, body, content = b"", block, block
    else:
        if kind == "revisit":
            _address(fields)
            _moment(fields)
        return Record(kind, None, record_id, offset, length, claim, fields, block)
    if "warc-segment-number" in fields:
        raise MalformedRecordError(
            Reason.BAD_RECORD,
            "The record is one of several segments of a document; those are not joined.",
        )
    own = digest(content)
    exchange = _exchange(fields, head, body, own)
    if claim and claim != own and not agrees(claim, content) and not agrees(claim, body):
        raise MalformedRecordError(
            Reason.BAD_DIGEST, f"The payload digest of {exchange.url[:200]} is not its payload's."
        )
    return Record(kind, exchange, record_id, offset, length, own, fields, b"")


def agrees(claim: str, data: bytes) -> bool:
    """Whether a digest field holds for the data; an algorithm nobody here knows cannot be held against it.

    The value may be hex, Base32 or Base64: all three are found in others' files.
    """
    if claim.startswith("sha256:") and claim == digest(data):  # our own form, by the shortest way
        return True
    name = algorithm(claim)
    return not name or says(claim, hashed(name, data))


def algorithm(claim: str) -> str:
    """The algorithm that a digest field names, ``""`` if nobody here knows it."""
    name = claim.partition(":")[0].strip().lower().replace("-", "")
    return name if name in _ALGORITHMS else ""


def hashed(name: str, data: bytes) -> bytes:
    """The data's digest by an `algorithm`."""
    return _ALGORITHMS[name](data, usedforsecurity=False).digest()


def says(claim: str, found: bytes) -> bool:
    """Whether the value of a digest field is this digest."""
    value = claim.partition(":")[2].strip()
    if len(value) == 2 * len(found) and value.lower() == found.hex():
        return True
    said = value.rstrip("=").encode()
    return said == base64.b64encode(found).rstrip(b"=") or said.upper() == base64.b32encode(
        found
    ).rstrip(b"=")


def _response(fields: Mapping[str, str], block: bytes) -> tuple[bytes, bytes, bytes]:
    """The head, the body as served, and the payload."""
    try:
        head, body = split_message(block)
    except MessageError as error:
        raise MalformedRecordError(
            Reason.BAD_RECORD, f"The HTTP response of {_address(fields)[:200]} is broken: {error}."
        ) from error
    if b"chunked" in head.lower():
        try:
            return head, body, payload(parse_head(head), body)
        except MessageError:  # no status line: then nothing says how the body is framed
            pass
    return head, body, body


def _exchange(fields: Mapping[str, str], head: bytes, body: bytes, payload_digest: str) -> Exchange:
    truncated = fields.get("warc-truncated", "").lower()
    return Exchange(
        _address(fields),
        _moment(fields),
        body,
        head,
        b"",
        # Without a type it is to be taken for this one (ISO 28500 §5.14), which is what our own
        # copy will say.
        "" if head else fields.get("content-type", "") or UNKNOWN_TYPE,
        _peer(fields.get("warc-ip-address", "")),
        truncated if not truncated or truncated in TRUNCATIONS else "unspecified",
        _TIME_FIELD not in fields,
        payload_digest,
    )


def revisit_exchange(revisit: Record) -> Exchange:
    """The answer that a `revisit` record stands for: its own head, and in place of the body the payload's digest.

    :raises MalformedRecordError: its address or date cannot be read.
    """
    return _exchange(revisit.fields, revisit.block, b"", revisit.payload_digest)


def payload_of(exchange: Exchange) -> tuple[bytes, bytes]:
    """What others' payload digests of a response are taken of: the payload, or the body with its framing."""
    try:
        return payload(parse_head(exchange.head), exchange.body), exchange.body
    except MessageError:
        return exchange.body, exchange.body


def _cut_afterwards(kind: str, fields: Mapping[str, str]) -> bool:
    """Whether a block digest was taken before the block was cut to its head: so wget writes its revisits (1.21)."""
    profile = fields.get("warc-profile", "")
    return kind == "revisit" and "warc-truncated" in fields and profile.startswith(_WARC_1_0)


def original_of(revisit: Record) -> str:
    """The record that a `revisit` repeats, ``""`` where it names none."""
    return _bare(revisit.fields.get("warc-refers-to", ""))


def _is_http(fields: Mapping[str, str]) -> bool:
    """Whether a `response` holds an HTTP message; those of DNS look-ups and the like don't."""
    media_type = fields.get("content-type", "").lower()
    return media_type.startswith("application/http") or (
        not media_type
        and _bare(fields.get("warc-target-uri", "")).lower().startswith(("http:", "https:"))
    )


def _address(fields: Mapping[str, str]) -> str:
    url = _bare(fields.get("warc-target-uri", ""))
    if not url:
        raise MalformedRecordError(Reason.BAD_RECORD, "The record has no WARC-Target-URI.")
    try:
        return safe_url(url)
    except WarcError as error:
        raise MalformedRecordError(
            Reason.BAD_RECORD, f"The record's WARC-Target-URI {error}."
        ) from error


def _moment(fields: Mapping[str, str]) -> datetime:
    return read_date(fields.get("warc-date", ""))


@lru_cache(maxsize=1024)
def read_date(text: str) -> datetime:
    """A WARC-Date (ISO 28500 §5.4: W3C-DTF from the year alone to fractions of a second) in UTC.

    :raises MalformedRecordError: it is missing or no date.
    """
    found = None
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
        found = _DATE.fullmatch(text)
        if found is None:
            raise ValueError("no W3C date")
        year, month, day, hour, minute, second = (
            int(part or low) for part, low in zip(found.groups(), _LOWEST, strict=False)
        )
        micro = int((found[7] or "0").ljust(6, "0")[:6])
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
        if (found[8] or "Z") != "Z":
            sign = 1 if found[8][0] == "+" else -1
            moment -= sign * timedelta(hours=int(found[8][1:3]), minutes=int(found[8][-2:]))
    except (ValueError, OverflowError) as error:
        raise MalformedRecordError(
            Reason.BAD_RECORD, f"The record's WARC-Date is {text[:40]!r}."
        ) from error
    return moment


@lru_cache(maxsize=1024)
def _peer(address: str) -> str:
    try:
        return str(ip_address(address)) if "%" not in address else ""
    except ValueError:  # others' mistake about a side matter costs no document
        return ""


def _bare(uri: str) -> str:
    return uri[1:-1] if uri.startswith("<") and uri.endswith(">") else uri
