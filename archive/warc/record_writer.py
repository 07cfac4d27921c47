"""WARC 1.1 records as bytes (ISO 28500:2017): pure functions, without files, clock or compression.

Every function returns one whole record, from ``WARC/1.1`` to the closing blank lines; those with a
body return it in parts, as joining them would copy the body. Record ids
are bare URIs here (``urn:uuid:…``); the angle brackets belong to the file. What could forge a
header line is escaped (URLs), folded (free text) or refused (ids, addresses) with `WarcError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from archive.http.message import MessageError, parse_head, payload, states_status
from archive.model.exchange import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archive.model.exchange import Exchange

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
#: Our own field on a record whose WARC-Date is only the time of taking it in (``time_known`` is
#: false). ISO 28500 §5 lets readers ignore unknown names.
TIME_FIELD = "X-Archive-Capture-Time"
#: Likewise: the outlet it was kept for, and where it comes from if not from its own address (the
#: file it was saved in, or the address that a visit asked for and that led here). With them the
#: index can be made from the records alone.
OUTLET_FIELD = "X-Archive-Outlet"
SOURCE_FIELD = "X-Archive-Source"
#: Our own field on an imported record: the id that it had in the archive it is from. No field of
#: ISO 28500 may say so of a response (WARC-Refers-To is kept from it), and the record here has an
#: id, digests and a warcinfo of its own.
ORIGIN_FIELD = "X-Archive-Original-Record-ID"
#: Likewise: its time as it was stated there, where WARC-Date does not say the same.
STATED_TIME_FIELD = "X-Archive-Original-Date"
#: Likewise, with `_NO_STATUS`: the first line of the answer is no valid status line.
STATUS_FIELD = "X-Archive-HTTP-Status"
_NO_STATUS = "none"
#: Our own fields, in no fixed order.
OWN_FIELDS = (
    TIME_FIELD,
    OUTLET_FIELD,
    SOURCE_FIELD,
    ORIGIN_FIELD,
    STATED_TIME_FIELD,
    STATUS_FIELD,
)
#: Characters kept of a stated time.
_LONGEST_TIME = 80
#: The type of a `resource` of which none is known.
UNKNOWN_TYPE = "application/octet-stream"
#: ISO 28500 §5.13; ``unspecified`` is only copied from other tools' files.
TRUNCATIONS = frozenset({"length", "time", "disconnect", "unspecified"})
#: What ISO 28500 §6.7.2 asks of a revisit that keeps the head and leaves out the body.
BODY_LEFT_OUT = "length"

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[!-;=?-~]+")
_UNSAFE = re.compile(r"[^!-;=?-~]+")
_FOLD = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class WarcError(ValueError):
    """The record cannot be written correctly and safely."""


@dataclass(frozen=True, slots=True)
class RevisitOf:
    """The original response (never another revisit) that a revisit stands for, already on disk.

    ``payload_digest`` is the original's, ``record_id`` may be empty when only address and date are
    known. ``not_modified``: the server said so in an answer whose head was not kept.
    """

    url: str
    captured_at: datetime
    payload_digest: str
    record_id: str = ""
    not_modified: bool = False


def is_uri(text: str) -> bool:
    """Return whether the text is a valid record id."""
    return _URI.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def safe_url(url: str) -> str:
    """Return the URL in printable ASCII; a safe URL comes back unchanged.

    What no URI may hold (CR, LF, controls, spaces, ``<>``, non-ASCII) is percent-escaped as UTF-8.

    :raises WarcError: it is not an absolute URI (no scheme, or nothing behind it).
    """
    if _URI.fullmatch(url):
        return url
    escaped = _UNSAFE.sub(_percent, url)
    if not _URI.fullmatch(escaped):
        raise WarcError(f"{url[:200]!r} is not an absolute URI, so no record can be filed under it")
    return escaped


def format_date(moment: datetime) -> str:
    """Return an aware time as WARC-Date in UTC: to the second, or to the microsecond if it has any.

    :raises WarcError: the time is naive.
    """
    if moment.tzinfo is None:
        raise WarcError("a WARC-Date needs a time with a zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def payload_digest(exchange: Exchange) -> str:
    """Return the digest of the body without transfer-encoding (ISO 28500 section 5.9)."""
    if exchange.payload_digest:
        return exchange.payload_digest
    if b"chunked" in exchange.head.lower():  # read the head only where it can matter
        try:
            return digest(payload(parse_head(exchange.head), exchange.body))
        except MessageError:  # no status line: then nothing says how the body is framed
            pass
    return digest(exchange.body)


def warcinfo(
    record_id: str, moment: datetime, fields: Mapping[str, str], filename: str = ""
) -> bytes:
    """Return a `warcinfo` record without empty fields; ``filename`` is the segment's name."""
    named = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Record-ID", _bracketed(record_id)),
        ("WARC-Date", format_date(moment)),
    ]
    if filename:
        named.append(("WARC-Filename", one_line(filename)))
    named.append(("Content-Type", "application/warc-fields"))
    block = "".join(
        f"{_token(name)}: {one_line(value)}\r\n" for name, value in fields.items() if value
    )
    return _record(named, block.encode("utf-8", "replace"))


def notes(outlet: str, source: str) -> tuple[tuple[str, str], ...]:
    """Return our own fields of a record; empty ones are left out."""
    named = ((OUTLET_FIELD, outlet), (SOURCE_FIELD, one_line(source) if source else ""))
    return tuple(pair for pair in named if pair[1])


def response(
    exchange: Exchange,
    record_id: str,
    warcinfo_id: str,
    payload_sum: str,
    own: Iterable[tuple[str, str]] = (),
) -> tuple[bytes, ...]:
    """Return the `response` in parts.

    ``payload_sum`` is its `payload_digest`, ``own`` its `notes`.
    """
    fields = _exchange_fields("response", exchange, record_id, warcinfo_id)
    fields += own
    if not states_status(exchange.head):
        fields.append((STATUS_FIELD, _NO_STATUS))
    fields.append(("WARC-Payload-Digest", payload_sum))
    if exchange.truncated:
        fields.append(("WARC-Truncated", _truncation(exchange)))
    fields.append(("Content-Type", "application/http;msgtype=response"))
    return _parts(fields, exchange.head, exchange.body)


def request(exchange: Exchange, record_id: str, warcinfo_id: str, concurrent_to: str) -> bytes:
    """Return the `request` record that goes with the response or revisit ``concurrent_to``."""
    fields = _exchange_fields("request", exchange, record_id, warcinfo_id)
    fields.append(("WARC-Concurrent-To", _bracketed(concurrent_to)))
    fields.append(("Content-Type", "application/http;msgtype=request"))
    return _record(fields, exchange.request)


def resource(
    exchange: Exchange,
    record_id: str,
    warcinfo_id: str,
    payload_sum: str,
    own: Iterable[tuple[str, str]] = (),
) -> tuple[bytes, ...]:
    """Return, in parts, the `resource` record of a document that came without an HTTP head."""
    if exchange.head:
        raise WarcError("a document with an HTTP head is a response, not a resource")
    fields = _exchange_fields("resource", exchange, record_id, warcinfo_id)
    fields += own
    if exchange.request:  # it was asked for by HTTP, and its answer has no head
        fields.append((STATUS_FIELD, _NO_STATUS))
    fields.append(("WARC-Payload-Digest", payload_sum))
    if exchange.truncated:
        fields.append(("WARC-Truncated", _truncation(exchange)))
    fields.append(("Content-Type", one_line(exchange.media_type) or UNKNOWN_TYPE))
    return _parts(fields, exchange.body)


def revisit(
    exchange: Exchange,
    record_id: str,
    warcinfo_id: str,
    original: RevisitOf,
    own: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Return the `revisit` record: the full new HTTP head, and the original in place of the body.

    A 304 says `NOT_MODIFIED`; anything else must have the original's payload and says `IDENTICAL`.

    :raises WarcError: the payload is another than the original's.
    """
    not_modified = original.not_modified or is_not_modified(exchange)
    if not not_modified and payload_digest(exchange) != original.payload_digest:
        raise WarcError(
            f"{exchange.url[:200]!r} has another payload than the capture it should be a revisit of"
        )
    fields = _exchange_fields("revisit", exchange, record_id, warcinfo_id)
    fields += own
    fields += [
        ("WARC-Profile", NOT_MODIFIED if not_modified else IDENTICAL),
        ("WARC-Payload-Digest", one_line(original.payload_digest)),
        ("WARC-Refers-To-Target-URI", safe_url(original.url)),
        ("WARC-Refers-To-Date", format_date(original.captured_at)),
    ]
    if original.record_id:
        fields.append(("WARC-Refers-To", _bracketed(original.record_id)))
    if exchange.truncated:
        fields.append(("WARC-Truncated", _truncation(exchange)))
    elif exchange.head and not not_modified:
        fields.append(("WARC-Truncated", BODY_LEFT_OUT))
    if exchange.head:
        fields.append(("Content-Type", "application/http;msgtype=response"))
    return _record(fields, exchange.head)


def metadata(
    record_id: str,
    moment: datetime,
    urn: str,
    block: bytes,
    *,
    media_type: str,
    refers_to: str = "",
    warcinfo_id: str,
) -> bytes:
    """Return a `metadata` record, about the record ``refers_to`` if given, filed under a ``urn:``.

    :raises WarcError: ``urn`` is a web address; players would show the metadata in place of the
        page.
    """
    if safe_url(urn).lower().startswith(("http:", "https:")):
        raise WarcError("metadata is filed under a urn:, or it is played back in place of the page")
    fields = [
        ("WARC-Type", "metadata"),
        ("WARC-Record-ID", _bracketed(record_id)),
        ("WARC-Date", format_date(moment)),
        ("WARC-Target-URI", safe_url(urn)),
        *([("WARC-Warcinfo-ID", _bracketed(warcinfo_id))] if warcinfo_id else []),
        *([("WARC-Refers-To", _bracketed(refers_to))] if refers_to else []),
        ("Content-Type", one_line(media_type)),
    ]
    return _record(fields, block)


def is_not_modified(exchange: Exchange) -> bool:
    """Return whether the server answered 304: the copy already held is still valid."""
    try:
        return bool(exchange.head) and parse_head(exchange.head).status == 304
    except MessageError:
        return False


def _exchange_fields(
    kind: str, exchange: Exchange, record_id: str, warcinfo_id: str
) -> list[tuple[str, str]]:
    fields = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", _bracketed(record_id)),
        ("WARC-Date", format_date(exchange.captured_at)),
        ("WARC-Target-URI", safe_url(exchange.url)),
        ("WARC-Warcinfo-ID", _bracketed(warcinfo_id)),
    ]
    if exchange.ip_address:
        fields.append(("WARC-IP-Address", _peer(exchange.ip_address)))
    if not exchange.time_known:
        fields.append((TIME_FIELD, "unknown"))
    if exchange.stated_time and kind != "request":
        stated_time = one_line(exchange.stated_time[:_LONGEST_TIME])
        if stated_time:
            fields.append((STATED_TIME_FIELD, stated_time))
    if exchange.origin_id and kind != "request":
        fields.append((ORIGIN_FIELD, _bracketed(exchange.origin_id)))
    return fields


def _record(fields: list[tuple[str, str]], block: bytes) -> bytes:
    return b"".join(_parts(fields, block))


def _parts(fields: list[tuple[str, str]], *block: bytes) -> tuple[bytes, ...]:
    """Return a record in parts, as its block is."""
    length = sum(map(len, block))
    lines = ["WARC/1.1", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"WARC-Block-Digest: {digest(*block)}\r\nContent-Length: {length}\r\n\r\n")
    return ("\r\n".join(lines).encode(), *block, b"\r\n\r\n")


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))


def _bracketed(record_id: str) -> str:
    if not _URI.fullmatch(record_id):
        raise WarcError(f"{record_id[:200]!r} cannot be a record id: it is not a URI")
    return f"<{record_id}>"


@lru_cache(maxsize=4096)
def _peer(address: str) -> str:
    try:
        if "%" in address:  # a zone is this machine's, and ip_address() lets anything stand in it
            raise ValueError("zone")
        return str(ip_address(address))
    except ValueError as error:
        raise WarcError(f"{address[:200]!r} is not an IP address") from error


def _truncation(exchange: Exchange) -> str:
    if exchange.truncated not in TRUNCATIONS:
        raise WarcError(
            f"{exchange.truncated[:200]!r} is not a reason of ISO 28500 for cutting a record"
        )
    return exchange.truncated


def _token(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9\-]*", name):
        raise WarcError(f"{name[:200]!r} is not a field name")
    return name


def one_line(value: str) -> str:
    """Return text as a field's value: white space and controls folded, invalid text replaced."""
    return _FOLD.sub(" ", value).strip().encode("utf-8", "replace").decode()
