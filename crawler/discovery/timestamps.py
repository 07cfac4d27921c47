"""Parse times as feeds, sitemaps and lists print them: RFC 822, ISO 8601, an outlet's own form."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from archive.model.article import KST
from pipelines.times import TimeError, parse_time

if TYPE_CHECKING:
    from datetime import datetime

_SHORTEST, _LONGEST = 4, 80


def parse_timestamp(text: str, now: datetime) -> datetime | None:
    """Return the time as aware KST, or None if the text states none.

    A time without a zone is KST; relative times (``5분 전``) refer to ``now``.
    """
    text = text.strip()
    if not _SHORTEST <= len(text) <= _LONGEST:
        return None
    moment = _parse_rfc822(text)
    if moment is not None:
        return moment
    try:
        return parse_time(text, now)[0]
    except TimeError:
        return None


def _parse_rfc822(text: str) -> datetime | None:
    """Return a time like ``Sun, 01 Nov 2026 09:30:00 +0900``, or None if the text is none."""
    start = text[:4]
    if not start.isascii() or start.isdecimal():
        return None
    try:
        moment = parsedate_to_datetime(text)
        # The outlets print KST, and email's table of zones does not know that name.
        return moment.replace(tzinfo=KST) if moment.tzinfo is None else moment.astimezone(KST)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
