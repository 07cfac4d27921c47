"""What is due: told by the clock and the history of runs alone, so that any process on the index says the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.article import KST
from archive.jobs import FAILURES, INTERRUPTED, Ending

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from archive.jobs import Past
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
    again = Order(job=job, due_at=last.due_at, attempt=attempt, since=_since(job, past, last.due_at))
    if last.ending in INTERRUPTED:
        return again
    at = retry_at(job, past)
    # A clock that was set back must not hold the retry up for a day.
    return again if at is not None and (at <= now or at - now > job.backoff * 2**job.retries) else None


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
        if attempt.ending is Ending.DONE or attempt.due_at != due_at:
            break
        number += attempt.ending in FAILURES
    return number


def _since(job: Job, past: Past, slot: datetime) -> date | None:
    """The day of the last good run, where a moment of the rhythm has passed without one since."""
    if not job.outlet or any(word.startswith(("since=", "until=", "url=", "discover=")) for word in job.words):
        return None
    if past.done is not None:
        due_next = job.rhythm.next(past.done.due_at)
        missed = due_next is not None and due_next < slot
        return past.done.started_at.astimezone(KST).date() if missed else None
    if past.first is not None and past.first.due_at < slot:
        return past.first.started_at.astimezone(KST).date()
    return None
