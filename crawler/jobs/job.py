"""A job: what is run, when, and what is done when it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.index.leases import outlet_lease

if TYPE_CHECKING:
    from crawler.jobs.schedule import Schedule

TIME_LIMIT = timedelta(hours=2)
RETRIES = 2
BACKOFF = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Job:
    """``verb`` with its ``words`` each time ``schedule`` says; ``outlet`` is the crawled one, ``""`` for another verb.

    At ``time_limit`` a run is asked to end. One that failed is tried again ``retries`` times,
    ``backoff`` later and twice as long each time. ``settings`` are the run's own. Without ``alert``
    its failures are history, and no alarm.
    """

    name: str
    verb: str
    words: tuple[str, ...]
    schedule: Schedule
    outlet: str = ""
    settings: tuple[tuple[str, str], ...] = ()
    time_limit: timedelta = TIME_LIMIT
    retries: int = RETRIES
    backoff: timedelta = BACKOFF
    alert: bool = True

    @property
    def leases(self) -> tuple[str, ...]:
        """What must be free for a run, the job's own lease first."""
        own = f"job {self.name}"
        return (own, outlet_lease(self.outlet)) if self.outlet else (own,)
