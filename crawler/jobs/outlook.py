"""When each job is run next and how it last ended; ``scrapy schedule --list``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.article import KST
from archive.index import Index, index_path
from archive.jobs import Past, past
from archive.leases import Held, held
from crawler.jobs.due import due, retry_at
from crawler.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.index import Snapshot
    from crawler.jobs.job import Job


class How(StrEnum):
    """Why a job is run next when it is."""

    RUNNING = "running"
    NOW = "now"
    AGAIN = "again"
    SCHEDULED = "scheduled"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Coming:
    """When a job is run next: at ``at``, for what is due now when that fell due, None where it is never.

    ``since`` is when the run under way, the job's or another one of its outlet, began; None where there is none.
    """

    how: How
    at: datetime | None
    since: datetime | None = None

    def __str__(self) -> str:
        """The moment in a word or two, KST."""
        if self.since is not None:
            return f"running since {_time(self.since)}"
        if self.at is None or self.how is How.NOW:
            return self.how
        return _time(self.at) + (" (again)" if self.how is How.AGAIN else "")


def coming(job: Job, before: Past, now: datetime, other: Held | None = None) -> Coming:
    """When the job is run next, by its runs ``before``; ``other`` is who has it, or its outlet, in hand."""
    scheduled = job.rhythm.next(now)
    if other is not None:
        return Coming(How.RUNNING, scheduled, other.taken_at)
    order = due(job, before, now)
    if order is not None:
        return Coming(How.NOW, order.due_at)
    again = retry_at(job, before)
    if again is not None and (scheduled is None or again < scheduled):  # what falls due before takes its place
        return Coming(How.AGAIN, again)
    return Coming(How.SCHEDULED if scheduled is not None else How.NEVER, scheduled)


def in_hand(connection: Snapshot, job: Job, now: datetime) -> Held | None:
    """Who runs the job now, or crawls its outlet."""
    return next((found for name in job.leases if (found := held(connection, name, now))), None)


def print_jobs(jobs: Sequence[Job], url: str) -> int:
    """Print them; 0.

    :raises IndexUnusableError: there is an index, and it can't be read.
    """
    now = datetime.now(UTC)
    pasts = {job.name: Past() for job in jobs}
    busy: dict[str, Held | None] = {}
    if index_path(url).exists():
        with Index(url, read_only=True) as index, index.reading() as connection:
            pasts = {job.name: past(connection, job.name, now) for job in jobs}
            busy = {job.name: in_hand(connection, job, now) for job in jobs}
    rows = []
    for job in jobs:
        before = pasts[job.name]
        next_run = str(coming(job, before, now, busy.get(job.name)))
        rows.append((job.name, " ".join((job.verb, *job.words)), job.rhythm.text, next_run, _last(before)))
    print_table(("job", "what", "when (Asia/Seoul)", "next", "last"), rows)
    return 0


def _last(before: Past) -> str:
    last = before.attempts[0] if before.attempts else None
    if last is None:
        return "–"
    if last.ending is None:
        return f"{_time(last.started_at)} under way"
    exit_code = f" (exit {last.exit_code})" if last.exit_code else ""
    return f"{_time(last.started_at)} {last.ending}{exit_code}"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M}"
