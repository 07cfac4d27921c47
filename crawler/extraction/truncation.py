"""Recognise half of a file: a page without its end, a body shorter than its head says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.model.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.http.message import Head

_CLOSING = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_OPENING = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
#: What a whole last line ends with: a sentence, an address, a bracket, a name with its role.
_ENDED = re.compile(r"(?:[.?!…=*)\]>”\"’'\d]|[다요죠음함임됨것]|니까|기자|특파원|[A-Za-z])\s*$")
#: The shortest line of prose, and the longest line that may be a name, a label, a list's item.
_PROSE = 40
_LABEL = 12
_MARKED = re.compile(r"[^\w\s]")
#: A page begins within its first characters, and ends, as a rule, within its last ones.
_REACH = 4096
#: How many characters of the end show the usual one.
_END = 64


def cut_reason(html: str) -> Reason | None:
    """Return `Reason.TRUNCATED` for a page that begins and does not end, else None.

    A document is closed by its end tags; a part of a page, as tools save it, has none.
    """
    if html[-_END:].rstrip().endswith("</html>"):  # nearly every page
        return None
    if _CLOSING.search(html, max(0, len(html) - _REACH)) or _CLOSING.search(html):
        return None
    return Reason.TRUNCATED if _OPENING.search(html, 0, _REACH) else None


def is_shorter_than_stated(head: Head, payload: bytes) -> bool:
    """Whether a body has fewer bytes than its Content-Length states."""
    stated = head.get("Content-Length").strip()
    return stated.isdecimal() and len(stated) < 16 and len(payload) < int(stated)


def is_cut_text(text: str, blocks: Sequence[str]) -> bool:
    """Whether a text rendering breaks off within the last of its article's blocks.

    It does if nothing follows that block, not even a line end, and it does not end as the lines of
    prose before it do. ``blocks`` are those that no rule removes.
    """
    *before, last = blocks or ("",)
    if len(last) <= _LABEL or _MARKED.match(last) or _ENDED.search(last):
        return False
    if not text.endswith(last[-_LABEL:]):
        return False
    long = [block for block in before if len(block) >= _PROSE]
    return bool(long) and all(map(_ENDED.search, long))
