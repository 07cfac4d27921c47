"""Recognise half of a file: a page without its end, a body shorter than its head says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.model.outcome import Reason

if TYPE_CHECKING:
    from archive.warc.http_message import Head

_CLOSING = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_OPENING = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
#: A page begins within its first characters, and ends, as a rule, within its last ones.
_REACH = 4096


def cut_reason(html: str) -> Reason | None:
    """Return `Reason.TRUNCATED` for a page that begins and does not end, else None.

    A document is closed by its end tags; a part of a page, as tools save it, has none.
    """
    if _CLOSING.search(html, max(0, len(html) - _REACH)) or _CLOSING.search(html):
        return None
    return Reason.TRUNCATED if _OPENING.search(html, 0, _REACH) else None


def is_shorter_than_stated(head: Head, payload: bytes) -> bool:
    """Whether a body has fewer bytes than its Content-Length states."""
    stated = head.get("Content-Length").strip()
    return stated.isdecimal() and len(stated) < 16 and len(payload) < int(stated)
