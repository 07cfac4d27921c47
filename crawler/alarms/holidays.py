"""Korean public holidays, on which newspapers publish as on a Sunday."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from holidays import HolidayBase

_SUNDAY = 6


@lru_cache(maxsize=512)
def day_kind(day: date) -> int:
    """Return the weekday by which an outlet publishes, Monday 0; a public holiday is a Sunday.

    A holiday that was proclaimed at short notice is unknown until the library is updated.
    """
    return _SUNDAY if day in _holidays() else day.weekday()


@cache
def _holidays() -> HolidayBase:
    import holidays  # takes 0.2 s, and only alarms need it

    return holidays.country_holidays("KR")
