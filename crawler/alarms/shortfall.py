"""Whether a crawl kept what its outlet leads one to expect: one without a fault may still have seen nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST

if TYPE_CHECKING:
    from datetime import datetime

    from archive.frontier.accounting import Balance
    from crawler.model.outlet import Outlet

#: A whole day: how an outlet's articles lie within one (nights, weekends) is not known of any.
_QUIET = timedelta(days=1)
#: So many articles must be missing besides, lest a small outlet's quiet week be an alarm.
_MISSED = 30


def shortfall(outlet: Outlet, balance: Balance, last_new: datetime | None, now: datetime) -> str:
    """Why a whole crawl of what is new kept too little, as a sentence; ``""`` if it did not, or that can't be told.

    ``last_new`` is when any crawl last kept an article it had not known, None if none ever did.
    """
    if last_new is None:
        if balance.discovered and not balance.pending:
            return f"nothing of {outlet.name} was ever stored: look at what became of the {balance.discovered} found"
        return ""
    if not silent_for(outlet, last_new, now):
        return ""
    return (
        f"{outlet.name} publishes about {outlet.per_day} articles a day, but none has been new since "
        f"{last_new.astimezone(KST):%Y-%m-%d %H:%M} KST: its channels answer with what is old"
    )


def silent_for(outlet: Outlet, last_new: datetime, now: datetime) -> bool:
    """Whether nothing new since then is less than an outlet of that many a day can publish."""
    waited = now - last_new
    return waited >= _QUIET and int(outlet.per_day * (waited / timedelta(days=1))) >= _MISSED
