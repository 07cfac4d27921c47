"""What is due: told by the clock and the history of runs alone, so that any process on the index says the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.index.leases import Held, held
from archive.model.article import KST
from archive.runs.job_runs import FAILURES, INTERRUPTED, Ending, Past

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from archive.index.database import Snapshot
    from archive.runs.job_runs import Past
    from crawler.jobs.job import Job

#: A wrong command line does not mend itself.
_WRONG_USAGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job to be run now, as the ``attempt``-th at what fell due at ``due_at``.

    ``since`` is the first day to catch up on (KST), None where nothing was missed.
    """

    job: Job
    due_at: datetime
    attempt: int
    since: date | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What stands behind the verb."""
        window = ("-a", f"since={self.since}") if self.since is not None else ()
        return (*self.job.words, *window)


def due(job: Job, past: Past, now: datetime) -> Order | None:
    """What is to be run of the job now, if anything. What was missed meanwhile is one run, over all of its time."""
    slot = job.rhythm.last(now)
    if slot is None:
        return None
    last = past.attempts[0] if past.attempts else None
    if last is None or last.due_at < slot:
        return Order(job=job, due_at=slot, attempt=1, since=_since(job, past, slot))
    attempt = last.attempt + 1
    again = Order(
        job=job, due_at=last.due_at, attempt=attempt, since=_since(job, past, last.due_at)
    )
    if last.ending in INTERRUPTED:
        return again
    at = retry_at(job, past)
    # A clock that was set back must not hold the retry up for a day.
    return (
        again if at is not None and (at <= now or at - now > job.backoff * 2**job.retries) else None
    )


def retry_at(job: Job, past: Past) -> datetime | None:
    """When the last attempt is to be made again; None if it was well, goes on, was interrupted, or was the last one."""
    last = past.attempts[0] if past.attempts else None
    if last is None or last.ending not in FAILURES or last.exit_code == _WRONG_USAGE:
        return None
    tries = failures(past, last.due_at)
    if tries > job.retries or last.ended_at is None:
        return None
    wait: timedelta = job.backoff * 2 ** (tries - 1)
    return last.ended_at + wait


def failures(past: Past, due_at: datetime) -> int:
    """How many attempts at what fell due at ``due_at`` failed since the job was done last."""
    number = 0
    for attempt in past.attempts:
        if attempt.ending is Ending.SUCCEEDED or attempt.due_at != due_at:
            break
        number += attempt.ending in FAILURES
    return number


def _since(job: Job, past: Past, slot: datetime) -> date | None:
    """The day of the last good run, where a moment of the rhythm has passed without one since."""
    if not job.outlet or any(
        word.startswith(("since=", "until=", "url=", "discover=")) for word in job.words
    ):
        return None
    if past.succeeded is not None:
        due_next = job.rhythm.next(past.succeeded.due_at)
        missed = due_next is not None and due_next < slot
        return past.succeeded.started_at.astimezone(KST).date() if missed else None
    if past.first is not None and past.first.due_at < slot:
        return past.first.started_at.astimezone(KST).date()
    return None


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

    ``since`` is when the run under way, the job's or another one of its outlet, began; None where
    there is none.
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
    # what falls due before takes its place
    if again is not None and (scheduled is None or again < scheduled):
        return Coming(How.AGAIN, again)
    return Coming(How.SCHEDULED if scheduled is not None else How.NEVER, scheduled)


def in_hand(connection: Snapshot, job: Job, now: datetime) -> Held | None:
    """Who runs the job now, or crawls its outlet."""
    return next((found for name in job.leases if (found := held(connection, name, now))), None)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M}"
