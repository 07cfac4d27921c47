"""Cursors: a place in the order of hits as a text, from which a later search goes on."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from archive.index.search.hit import Hit
from archive.index.search.query import QueryError

_CURSOR = re.compile(r"(none|(\d{8}T\d{6}(?:\.\d{6})?)Z)-(\d{1,18})", re.A)


def cursor_text(hit: Hit) -> str:
    """Return the cursor of a hit, ``20240507T030000Z-12``: its time in UTC and a number."""
    if hit.published_at is None:
        return f"none-{hit.id}"
    moment = hit.published_at.astimezone(UTC).replace(tzinfo=None)
    compact = re.sub("[-:]", "", moment.isoformat())
    return f"{compact}Z-{hit.id}"


def parse_cursor(text: str) -> Hit:
    """Return the place that a cursor stands for.

    :raises QueryError: it is none.
    """
    found = _CURSOR.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(found[2]).replace(tzinfo=UTC) if found[2] else None
    except ValueError:
        raise QueryError(
            f"{text!r} is no cursor: write behind --before what the search before says at its end"
        ) from None
    return Hit(moment, int(found[3]))
