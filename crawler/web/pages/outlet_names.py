"""The names of outlets, as people know them."""

from __future__ import annotations

from crawler.outlets import find_outlet


def title_of(name: str) -> str:
    """Return the outlet's own name; the name it is kept under if nobody described it."""
    known = find_outlet(name)
    return known.title if known is not None else name
