"""Groups of a robots.txt by product token, as RFC 9309 matches them."""

from __future__ import annotations

import re

_END_OF_LINE = re.compile(rb"\r\n|\r|\n")
#: A line that names a crawler, in the spellings that Protego takes for one.
_USER_AGENT = re.compile(rb"\s*user[ -]?agent(?:\s*:|\s)\s*(?P<value>[^#]*)", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
#: The characters of a product token (section 2.2.1).
_TOKEN = re.compile(rb"[A-Za-z_-]+")
_EVERYBODY = re.compile(rb"\*(?=\s|\Z)")
#: What names of other crawlers begin with, so that none is the beginning of ours.
_OTHER = b"other-"


def name_groups(body: bytes, product: str) -> bytes:
    """Return a robots.txt whose groups are named by the product tokens alone.

    Protego compares the whole line with a crawler's name: to it, ``User-agent: Sacho/0.1`` is not
    Sacho, and ``User-agent: Sa`` is. Here a group is the product's if its token is, in any case;
    others get a name that cannot be mistaken for it. ``*`` stays. Nothing else changes.
    """
    name = product.lower().encode()
    lines = _END_OF_LINE.split(body.removeprefix(_BOM))
    return b"\n".join(_renamed(line, name) for line in lines)


def _renamed(line: bytes, name: bytes) -> bytes:
    found = _USER_AGENT.match(line)
    if found is None:
        return line
    value = found["value"].strip()
    token = _TOKEN.match(value)
    if token is not None and token[0].lower() == name:
        return b"User-agent: " + name
    if _EVERYBODY.match(value):
        return b"User-agent: *"
    return b"User-agent: " + _OTHER + value
