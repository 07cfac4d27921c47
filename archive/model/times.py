"""The range of times that a page or a capture can state, and the days that a person can name."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from archive.model.article import KST

#: The first moment that a page on the web can state. Tools print the year 1 or 1970 for no time.
EARLIEST = datetime(1990, 1, 1, tzinfo=KST)
#: The same in UTC: two times of one zone are compared much faster.
_EARLIEST_UTC = EARLIEST.astimezone(UTC)
#: How far behind its capture a page's time may be, and a capture's behind the time it is taken in:
#: clocks differ, and so do zones.
AHEAD = timedelta(days=1)
#: The days that can be asked for: their beginnings and ends have a year in every zone.
_DAYS = (date(1000, 1, 1), date(9998, 12, 31))
#: The first and the last moment that can be written in every zone.
FIRST = datetime(1, 1, 3, tzinfo=UTC)
LAST = datetime(9999, 12, 29, tzinfo=UTC)


def check_range(moment: datetime, base: datetime) -> None:
    """Raise ValueError unless what was captured or taken in at ``base`` can state the moment."""
    if moment < EARLIEST:
        raise ValueError(f"it is before {EARLIEST:%Y-%m-%d}")
    if moment - base > AHEAD:
        raise ValueError("it is more than a day after the capture")


def is_capture_time(moment: datetime, now: datetime) -> bool:
    """Return whether something that is taken in ``now`` can have been captured at the moment."""
    return _EARLIEST_UTC <= moment <= now + AHEAD


def within_calendar(moment: datetime) -> datetime:
    """Return the moment, limited to the years of every zone: an index may hold any."""
    return min(max(moment, FIRST), LAST)


def parse_day(text: str) -> date:
    """Return the day written as ``2023-09-01``.

    :raises ValueError: it is not valid or out of range; the message ends a sentence.
    """
    first, last = _DAYS
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.A) else None
    except ValueError:  # no day of the calendar
        day = None
    if day is None:
        raise ValueError(f"{text!r} is not a valid date: write YYYY-MM-DD")
    if not first <= day <= last:
        raise ValueError(f"{text} is not between {first} and {last}")
    return day
