"""WARC-Date values (ISO 28500 section 5.4), read as times in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

#: W3C-DTF from the year alone to fractions of a second, with a space for the T and any zone, as
#: other tools write it.
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
    r"(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.A,
)
#: The same as the standard has it: in UTC only.
_STANDARD = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z)?)?)?", re.A)
#: The form that nearly all tools write, and that `datetime.fromisoformat` reads.
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?Z", re.A)
#: What missing parts of a date stand for.
_LOWEST = (1, 1, 1, 0, 0, 0)


@lru_cache(maxsize=4096)
def parse_date(text: str) -> datetime:
    """Return a WARC-Date in UTC, nanoseconds cut to microseconds.

    :raises ValueError: it is missing or not a date.
    """
    if _INSTANT.fullmatch(text):
        return datetime.fromisoformat(text)
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("not a W3C date")
    parts = [int(part or low) for part, low in zip(found.groups(), _LOWEST, strict=False)]
    microsecond = int((found[7] or "0").ljust(6, "0")[:6])
    moment = datetime(*parts[:6], microsecond, tzinfo=UTC)  # type: ignore[misc,arg-type]  # six ints
    return _to_utc(moment, found[8] or "Z")


def _to_utc(moment: datetime, zone: str) -> datetime:
    if zone == "Z":
        return moment
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    try:
        return moment - offset if zone[0] == "+" else moment + offset
    except OverflowError:  # a day from the ends of the calendar, which no capture can be of
        return moment


@lru_cache(maxsize=4096)
def is_exact(text: str) -> bool:
    """Return whether a date is written as our own records write it, to the second or finer."""
    return _INSTANT.fullmatch(text) is not None


def parse_standard_date(text: str) -> datetime | None:
    """Return a WARC-Date in UTC; None for anything that ISO 28500 does not allow."""
    if not _STANDARD.fullmatch(text):
        return None
    try:
        return parse_date(text)
    except ValueError:
        return None
