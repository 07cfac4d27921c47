"""Times as people write and read them: parsing of a command line's times, and KST as text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.times import within_calendar

if TYPE_CHECKING:
    from re import Match

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?P<part>\.\d{1,6})?)?"
    r"(?P<zone> ?(?:Z|[+-]\d{2}:?\d{2}))?"
)


def kst_minute(moment: datetime) -> str:
    """Return an aware time as ``2026-11-22 18:30``, in KST."""
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M}"


def kst_second(moment: datetime) -> str:
    """Return an aware time as ``2026-11-22 18:30:05``, in KST."""
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M:%S}"


def kst_iso(moment: datetime) -> str:
    """Return an aware time in ISO 8601 to the second, with the offset ``+09:00``."""
    return moment.astimezone(KST).isoformat(timespec="seconds")


def parse_moment(text: str) -> datetime:
    """Return the last instant of the day, minute or second that ``text`` names in ISO 8601.

    The time is aware; where ``text`` names no zone, it is KST.

    :raises ValueError: it is not a valid time; the message says how to write one.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None or not _is_complete(match):
        raise ValueError(
            f"{text!r} is not a valid time: write 2026-11-22, 2026-11-22T09:30 "
            "or 2026-11-22T09:30:00+09:00"
        )
    # fromisoformat takes no space before the zone
    compact = text.strip().replace(" +", "+").replace(" -", "-").replace(" Z", "Z")
    try:
        moment = datetime.fromisoformat(compact)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a valid time: {error}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=KST)
    moment = within_calendar(moment)
    length = _length(match)
    return moment + (length - timedelta(microseconds=1)) if length else moment


def _is_complete(match: Match[str]) -> bool:
    """Return False for a fraction without seconds, or a zone without a time of day."""
    if match["part"] and not match["second"]:
        return False
    return not (match["zone"] and not match["minute"])


def _length(match: Match[str]) -> timedelta:
    """Return how long the day, minute or second is that was named; 0 for a fraction of a second."""
    if not match["minute"]:
        return timedelta(days=1)
    if not match["second"]:
        return timedelta(minutes=1)
    return timedelta(0) if match["part"] else timedelta(seconds=1)
