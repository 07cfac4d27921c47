"""The scheduler that stays: how long it waits, and when it reads its jobs file again."""

from __future__ import annotations

import math
import os
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import Index
from crawler.jobs.config import parse_jobs, read_jobs
from crawler.jobs.daemon import Daemon, seconds_to_next, state_of
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.runner import RunnerContext
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crawler.jobs.job import Job


def test_the_wait_ends_at_the_next_moment_of_any_job() -> None:
    jobs = parse_jobs(
        '[[job]]\nname = "a"\ncommand = "verify"\nevery = "1h"\n'
        '[[job]]\nname = "b"\ncommand = "verify"\ncron = "7 * * * *"\n'
    )
    assert seconds_to_next(jobs, datetime(2026, 11, 22, 3, 6, 30, tzinfo=UTC)) == 30
    assert seconds_to_next(jobs, datetime(2026, 11, 22, 3, 7, tzinfo=UTC)) == 53 * 60
    assert seconds_to_next([], datetime(2026, 11, 22, tzinfo=UTC)) == math.inf


def test_a_file_that_changes_before_the_scheduler_runs_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text('[[job]]\nname = "old"\ncommand = "verify"\nevery = "1d"\n')
    state, jobs = state_of(path), read_jobs(path)
    path.write_text('[[job]]\nname = "newer"\ncommand = "verify"\nevery = "1d"\n')
    known: list[str] = []

    def watch(jobs: Sequence[Job]) -> None:
        known.extend(job.name for job in jobs)
        os.kill(os.getpid(), signal.SIGTERM)

    with Index(url_of(tmp_path / "index.sqlite3"), brief=True) as index:
        context = RunnerContext(
            index=index, logs=Logs(tmp_path, 1), settings={"ARCHIVE_URL": str(tmp_path / "archive")}
        )
        Daemon(path, context, 1, lambda _: None, watch).run(jobs, state)
    assert known == ["newer"]
