"""Where a redirect leads."""

from __future__ import annotations

from urllib.parse import urljoin

from archive.http.message import REDIRECT_STATUSES, MessageError, parse_head
from archive.warc.record_writer import WarcError, safe_url


def redirect_target(head: bytes, url: str) -> str:
    """Return the address to which the answer of ``url`` leads, ``""`` if it names none."""
    try:
        where = parse_head(head).get("Location").encode("latin-1").decode("utf-8", "replace")
        return safe_url(urljoin(url, where).partition("#")[0]) if where else ""
    except (MessageError, WarcError, ValueError):
        return ""


def is_redirect(head: bytes) -> bool:
    """Return whether the status of a response head is one of a redirect."""
    try:
        return parse_head(head).status in REDIRECT_STATUSES
    except MessageError:
        return False
