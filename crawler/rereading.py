"""Reading a record of the archive again, as it was read when it was deposited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.verify.readings import Reading
from archive.warc import SOURCE_FIELD
from crawler.extract import read
from crawler.outlet import known_outlets
from crawler.reading import judge

if TYPE_CHECKING:
    from archive.records import Found


def reread(found: Found, outlet: str) -> Reading | None:
    """What a record shows when it is read as one of the outlet of that name; None if there is none."""
    known = known_outlets().get(outlet)
    if known is None or found.exchange is None:
        return None
    source = found.fields.get(SOURCE_FIELD.lower()) or found.exchange.url
    page = judge(read(found.exchange, known, source), known)
    decoded = page.decoded
    return Reading(page.article, (decoded.declared, decoded.used, decoded.damage))
