"""An exchange (what arrived) and a location (where its record is)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

#: Longest document that is taken in, bytes. The HTTP client cuts a longer body; a longer file is
#: refused.
MAX_DOCUMENT = 20 * 2**20


@dataclass(frozen=True, slots=True)
class Exchange:
    """One document exactly as it arrived: from the network, a WARC record or a saved file.

    ``url`` is the target URI; a document whose address nobody knows has a ``urn:sha256:`` of its
    bytes. ``captured_at`` is aware (UTC); ``time_known`` is false when it is only the time of
    taking it in; ``stated_time`` is the time as its source writes it where ``captured_at`` does not
    say the same: coarser, finer, or one that no capture can have. ``head`` is the response's status
    line and headers with the closing blank line, byte for byte, or ``b""`` where there was no HTTP
    (a `resource`). ``body`` follows it as served: transfer- and content-encoding still on.
    ``request`` is the whole request as sent, secrets redacted, or ``b""``. ``ip_address`` is the
    peer's, empty behind a proxy or for a file. ``truncated`` is ``""`` or one of ISO 28500's
    reasons: ``length``, ``time``, ``disconnect``. ``payload_digest`` is the payload's digest, where
    it is known already. ``origin_id`` is the id of the record, in another's archive, that it was
    imported from.
    """

    url: str
    captured_at: datetime
    body: bytes
    head: bytes = b""
    request: bytes = b""
    media_type: str = ""
    ip_address: str = ""
    truncated: str = ""
    time_known: bool = True
    payload_digest: str = field(default="", compare=False)
    origin_id: str = field(default="", compare=False)
    stated_time: str = field(default="", compare=False)

    @property
    def has_address(self) -> bool:
        """Whether ``url`` is a real web address rather than a name made from the bytes."""
        return self.url.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Location:
    """Where a record is: segment file name, offset and length in bytes, id, payload digest."""

    file: str
    offset: int
    length: int
    record_id: str
    payload_digest: str


def digest(first: bytes | memoryview, *others: bytes | memoryview) -> str:
    """Return ``sha256:`` and lower-case hex, the form of all digests here (WARC, rows, URNs).

    Several parts have the digest of what they are together.
    """
    found = hashlib.sha256(first)
    for part in others:
        found.update(part)
    return "sha256:" + found.hexdigest()


def content_urn(data: bytes) -> str:
    """Return ``urn:sha256:<hex>`` of the bytes, as the name of a document without an address."""
    return "urn:" + digest(data)
