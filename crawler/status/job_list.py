"""The list of jobs for ``schedule --list``: when each is run next, and how its last run ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import Index, index_exists
from archive.runs.job_runs import Past, past
from crawler.cli.output.tables import print_table
from crawler.cli.output.times import kst_minute
from crawler.jobs.due import held_by, next_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.index.writers.leases import Held
    from crawler.jobs.job import Job


def print_jobs(jobs: Sequence[Job], url: str) -> int:
    """Print the jobs in a table; return 0.

    :raises IndexUnusableError: the index exists and cannot be read.
    """
    now = datetime.now(UTC)
    pasts = {job.name: Past() for job in jobs}
    running: dict[str, Held | None] = {}
    if index_exists(url):
        with Index(url, read_only=True) as index, index.reading() as connection:
            pasts = {job.name: past(connection, job.name, now) for job in jobs}
            running = {job.name: held_by(connection, job, now) for job in jobs}
    rows = []
    for job in jobs:
        runs = pasts[job.name]
        command = " ".join((job.verb, *job.words))
        coming = str(next_run(job, runs, now, running.get(job.name)))
        rows.append((job.name, command, job.schedule.text, coming, _last(runs)))
    print_table(("job", "command", "when (Asia/Seoul)", "next", "last"), rows)
    return 0


def _last(runs: Past) -> str:
    last = runs.attempts[0] if runs.attempts else None
    if last is None:
        return "–"
    started = kst_minute(last.started_at)
    if last.ending is None:
        return f"{started} running"
    exit_code = f" (exit {last.exit_code})" if last.exit_code else ""
    return f"{started} {last.ending}{exit_code}"
