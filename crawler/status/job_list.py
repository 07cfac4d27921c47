"""When each job is run next and how it last ended; ``scrapy schedule --list``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import Index, index_path
from archive.runs.job_runs import Past, past
from crawler.cli.tables import print_table
from crawler.cli.times import kst_minute
from crawler.jobs.due import held_by, next_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.index.leases import Held
    from crawler.jobs.job import Job


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
            busy = {job.name: held_by(connection, job, now) for job in jobs}
    rows = []
    for job in jobs:
        before = pasts[job.name]
        coming = str(next_run(job, before, now, busy.get(job.name)))
        what = " ".join((job.verb, *job.words))
        rows.append((job.name, what, job.schedule.text, coming, _last(before)))
    print_table(("job", "what", "when (Asia/Seoul)", "next", "last"), rows)
    return 0


def _last(before: Past) -> str:
    last = before.last
    if last is None:
        return "–"
    if last.ending is None:
        return f"{kst_minute(last.started_at)} under way"
    exit_code = f" (exit {last.exit_code})" if last.exit_code else ""
    return f"{kst_minute(last.started_at)} {last.ending}{exit_code}"
