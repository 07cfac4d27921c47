"""When a job is due: computed from its schedule and its run history alone, in any process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.index.writers.leases import Held, held
from archive.model.article import KST
from archive.runs.record import FAILURES, INTERRUPTED, Ending
from crawler.cli.output.times import kst_minute
from crawler.model.crawl_arguments import CrawlArguments

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from archive.index.database import Snapshot
    from archive.runs.job_runs import Past
    from crawler.jobs.job import Job

#: Exit code of a command line with invalid arguments, which no retry corrects.
_INVALID_ARGUMENTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job to run now: the ``attempt``-th run for the moment ``due_at``.

    ``since`` is the first day to catch up on (KST), None if nothing was missed.
    """

    job: Job
    due_at: datetime
    attempt: int
    since: date | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments of the command."""
        if self.since is None:
            return self.job.words
        return (*self.job.words, "-a", f"since={self.since}")


def due(job: Job, past: Past, now: datetime) -> Order | None:
    """Return what to run of the job now, if anything. Several missed moments become one run."""
    slot = job.schedule.last(now)
    if slot is None:
        return None
    last = past.last
    if last is None or last.due < slot:
        return Order(job=job, due_at=slot, attempt=1, since=_catch_up_since(job, past, slot))
    again = Order(
        job=job,
        due_at=last.due,
        attempt=last.attempt + 1,
        since=_catch_up_since(job, past, last.due),
    )
    if last.ending in INTERRUPTED:
        return again
    at = retry_at(job, past)
    if at is None:
        return None
    # A clock that was set back must not delay the retry by a day.
    set_back = at - now > job.backoff * 2**job.retries
    return again if at <= now or set_back else None


def retry_at(job: Job, past: Past) -> datetime | None:
    """Return when the last attempt is repeated.

    None if it succeeded, is running, was interrupted, or was the last one.
    """
    last = past.last
    if last is None or last.ending not in FAILURES or last.exit_code == _INVALID_ARGUMENTS:
        return None
    number = failures(past, last.due)
    if number > job.retries or last.ended_at is None:
        return None
    wait: timedelta = job.backoff * 2 ** (number - 1)
    return last.ended_at + wait


def failures(past: Past, due_at: datetime) -> int:
    """Return how many attempts for the moment ``due_at`` failed since the last success."""
    number = 0
    for attempt in past.attempts:
        if attempt.ending is Ending.SUCCEEDED or attempt.due_at != due_at:
            break
        number += attempt.ending in FAILURES
    return number


def _catch_up_since(job: Job, past: Past, slot: datetime) -> date | None:
    """Return the day of the last success, if a moment of the schedule was missed since."""
    arguments = CrawlArguments.from_words(job.words)
    if not job.outlet or not arguments.finds_new or arguments.since is not None:
        return None
    if past.succeeded is not None:
        following = job.schedule.next(past.succeeded.due)
        if following is None or following >= slot:
            return None
        return past.succeeded.started_at.astimezone(KST).date()
    if past.first is not None and past.first.due < slot:
        return past.first.started_at.astimezone(KST).date()
    return None


class How(StrEnum):
    """Why a job runs next when it does."""

    RUNNING = "running"
    NOW = "now"
    AGAIN = "again"
    SCHEDULED = "scheduled"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class NextRun:
    """When a job runs next: at ``at``, which is None if it never does.

    Of a job that is due now, ``at`` is when it became due. ``since`` is when the current run of the
    job, or of another job of its outlet, began; None if there is none.
    """

    how: How
    at: datetime | None
    since: datetime | None = None

    def __str__(self) -> str:
        """Return the time as text, KST."""
        if self.since is not None:
            return f"running since {kst_minute(self.since)}"
        if self.at is None or self.how is How.NOW:
            return self.how
        retry = " (again)" if self.how is How.AGAIN else ""
        return kst_minute(self.at) + retry


def next_run(job: Job, past: Past, now: datetime, holder: Held | None = None) -> NextRun:
    """Return when the job runs next; ``holder`` is who runs it now, see `held_by`."""
    scheduled = job.schedule.next(now)
    if holder is not None:
        return NextRun(How.RUNNING, scheduled, holder.taken_at)
    order = due(job, past, now)
    if order is not None:
        return NextRun(How.NOW, order.due_at)
    again = retry_at(job, past)
    # A scheduled moment before the retry replaces it.
    if again is not None and (scheduled is None or again < scheduled):
        return NextRun(How.AGAIN, again)
    return NextRun(How.SCHEDULED if scheduled is not None else How.NEVER, scheduled)


def held_by(connection: Snapshot, job: Job, now: datetime) -> Held | None:
    """Return who runs the job now, or crawls its outlet; None if nobody does."""
    return held(connection, job.own_leases, now)
