"""Read times as feeds, sitemaps and lists print them, in any form of :mod:`pipelines.times`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.times import TimeError, parse_time

if TYPE_CHECKING:
    from datetime import datetime

_SHORTEST, _LONGEST = 4, 80


def parse_timestamp(text: str, now: datetime) -> datetime | None:
    """Return the time as aware KST, or None if the text states none that can be true.

    A time without a zone is KST; relative times (``5분 전``) refer to ``now``.
    """
    text = text.strip()
    if not _SHORTEST <= len(text) <= _LONGEST:
        return None
    try:
        return parse_time(text, now)[0]
    except TimeError:
        return None
