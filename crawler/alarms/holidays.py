"""Days on which newspapers rest: Korean public holidays, with their substitutes."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from holidays import HolidayBase

_SUNDAY = 6


@lru_cache(maxsize=512)
def day_kind(day: date) -> int:
    """The weekday by which an outlet publishes, Monday 0; a public holiday is a Sunday.

    A holiday that the government proclaims at short notice is unknown until the library is brought
    up to date.
    """
    return _SUNDAY if day in _holidays() else day.weekday()


@cache
def _holidays() -> HolidayBase:
    import holidays  # a fifth of a second, for those who judge only

    return holidays.country_holidays("KR")
