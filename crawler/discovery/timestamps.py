"""Times as feeds, sitemaps and lists print them: RFC 822, ISO 8601, an outlet's own; one without a zone is KST."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from archive.model.article import KST
from pipelines.times import TimeError, parse_time

if TYPE_CHECKING:
    from datetime import datetime


def parse_timestamp(text: str, now: datetime) -> datetime | None:
    """Read a time as aware KST, None where the text states none; ``now`` anchors ``5분 전``."""
    text = text.strip()
    if not 4 <= len(text) <= 80:
        return None
    try:
        moment = (
            parsedate_to_datetime(text) if text[:4].isascii() and not text[:4].isdecimal() else None
        )
        if moment is not None:
            # Seoul's offset where none is stated: the outlets print KST, and email's table does not
            # know the name.
            return moment.replace(tzinfo=KST) if moment.tzinfo is None else moment.astimezone(KST)
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    try:
        return parse_time(text, now)[0]
    except TimeError:
        return None
