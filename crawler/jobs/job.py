"""A job: a command, its schedule, and what happens if it fails."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.index.writers.leases import host_lease, outlet_lease

if TYPE_CHECKING:
    from crawler.jobs.schedule import Schedule

TIME_LIMIT = timedelta(hours=2)
RETRIES = 2
BACKOFF = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command that runs on a schedule.

    ``verb`` runs with the arguments ``words``; ``outlet`` is the crawled one, ``""`` for another
    command, and ``hosts`` are those that its crawl asks. A run is stopped after ``time_limit``. A
    failed run is repeated ``retries`` times: after ``backoff``, then after twice as long each time.
    ``settings`` are those of its runs. Without ``alert``, its failures raise no alarm. ``part_of``
    is the command that a part belongs to: it runs once, by a name that never comes again.
    """

    name: str
    verb: str
    words: tuple[str, ...]
    schedule: Schedule
    outlet: str = ""
    hosts: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    time_limit: timedelta = TIME_LIMIT
    retries: int = RETRIES
    backoff: timedelta = BACKOFF
    alert: bool = True
    part_of: str = ""

    @property
    def own_leases(self) -> tuple[str, ...]:
        """The names of the leases of the job and of its outlet."""
        own = f"job {self.name}"
        return (own, outlet_lease(self.outlet)) if self.outlet else (own,)

    @property
    def leases(self) -> tuple[str, ...]:
        """The names of all leases that a run needs, the job's own first.

        Outlets may share hosts: no two runs may ask one host at a time.
        """
        return (*self.own_leases, *map(host_lease, self.hosts))
