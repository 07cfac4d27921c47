"""``scrapy schedule --list``: the jobs, when each falls due next, and how it last ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.article import KST
from archive.index import Index, index_path
from archive.jobs import Past, past
from archive.leases import held
from crawler.jobs.due import due, retry_at
from crawler.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.jobs.job import Job


def print_jobs(jobs: Sequence[Job], url: str) -> int:
    """Print them; 0.

    :raises IndexUnusableError: there is an index, and it can't be read.
    """
    now = datetime.now(UTC)
    pasts = {job.name: Past() for job in jobs}
    busy: dict[str, str] = {}
    if index_path(url).exists():
        with Index(url, read_only=True) as index, index.reading() as connection:
            pasts = {job.name: past(connection, job.name, now) for job in jobs}
            for job in jobs:
                other = next((found for name in job.leases if (found := held(connection, name, now))), None)
                if other is not None:
                    busy[job.name] = f"running since {_time(other.taken_at)}"
    rows = []
    for job in jobs:
        before = pasts[job.name]
        rows.append(
            (
                job.name,
                " ".join((job.verb, *job.words)),
                job.rhythm.text,
                busy.get(job.name) or _next(job, before, now),
                _last(before),
            )
        )
    print_table(("job", "what", "when (Asia/Seoul)", "next", "last"), rows)
    return 0


def _next(job: Job, before: Past, now: datetime) -> str:
    if due(job, before, now) is not None:
        return "now"
    again = retry_at(job, before)
    if again is not None:
        return f"{_time(again)} (again)"
    coming = job.rhythm.next(now)
    return _time(coming) if coming is not None else "never"


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
