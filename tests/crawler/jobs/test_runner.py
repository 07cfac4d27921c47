"""One run of a job: claimed by one process, alive as long as its crawl, and recorded at its end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, update

from archive.index.database import Index
from archive.index.leases import Lease, take
from archive.index.schema import leases, runs
from archive.runs.job_runs import Claim, Past, claim, end_crashed, past
from archive.runs.record import Ending
from crawler.jobs import daemon, runner
from crawler.jobs.config import parse_jobs
from crawler.jobs.due import due
from crawler.jobs.logs import Logs
from crawler.jobs.signals import Stop
from tests.support.cli import ROOT
from tests.support.schedules import Schedule, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def claim_of(job: str, *names: str, due_at: datetime) -> Claim:
    """Return the claim of a crawl of Etoday with these leases."""
    return Claim(
        job=job,
        due_at=due_at,
        attempt=1,
        verb="crawl",
        outlet="etoday",
        arguments=(),
        version="",
        leases=names,
    )


def test_a_run_whose_crawl_still_ends_is_not_lost_yet(tmp_path: Path) -> None:
    dead = subprocess.run(
        [
            sys.executable,
            "-c",
            "from archive.index.process_identity import this_process; print(this_process())",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.strip()
    now = datetime.now(UTC)
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}") as index:
        wanted = claim_of("j", "job j", due_at=now)
        run = claim(index, wanted, now)
        assert run is not None
        run_id = run.run_id
        with index.writing() as connection:
            connection.execute(update(runs).values(holder=dead))
            connection.execute(update(leases).values(holder=dead))
            assert take(connection, "outlet etoday", run_id, now) is None
        assert end_crashed(index, now) == []
        Lease(index, "outlet etoday", run_id).release()
        assert end_crashed(index, now) == [run_id]
        assert end_crashed(index, now) == []
        assert claim(index, replace(wanted, attempt=2), now) is not None
        assert claim(index, replace(wanted, attempt=3), now) is None  # it is held


def test_reading_a_jobs_history_scans_no_table(tmp_path: Path) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}") as index:
        event.listen(
            index.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4])
        )
        with index.reading() as connection:
            past(connection, "j", datetime.now(UTC))
        end_crashed(index, datetime.now(UTC))
        queries = [query for query in asked if query[0].startswith("SELECT")]
        assert len(queries) >= 4
        with index.reading() as connection:
            for statement, values in queries:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
                steps = [row[3] for row in plan]
                assert not any(
                    step.startswith("SCAN") and "ix_runs_going" not in step for step in steps
                ), steps


def _locking_once_run(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    """Return a connection that locks the index once the process of a run has ended."""
    other = sqlite3.connect(schedule.workspace.index, check_same_thread=False)
    watch = runner._watch

    def watched(*given: Any) -> Ending | None:
        found = watch(*given)
        other.execute("BEGIN IMMEDIATE")
        return found

    monkeypatch.setattr(runner, "_watch", watched)
    return other


def test_the_end_of_a_run_is_written_once_the_index_is_writable_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule(tmp_path)
    monkeypatch.setattr("archive.index.sqlite.BUSY_TIMEOUT", 50)
    monkeypatch.setattr(runner, "_RETRY", 0.05)
    (job,) = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    with Index(f"sqlite:///{schedule.workspace.index}") as index:
        context = runner.RunnerContext(
            index=index,
            logs=Logs(tmp_path / "log", 1),
            settings={"INDEX_URL": index.url, "ARCHIVE_URL": str(schedule.workspace.archive)},
        )
        order = due(job, Past(), datetime.now(UTC))
        assert order is not None
        other = _locking_once_run(schedule, monkeypatch)
        with ThreadPoolExecutor(1) as threads:
            future = threads.submit(runner.run_job, order, context, Stop())
            wait_for(lambda: "has been writing for over a minute" in caplog.text)
            assert schedule.endings() == [""]
            other.rollback()
            run = future.result(timeout=60)
        other.close()
        assert run is not None
        assert (run.record.ending, schedule.endings(), schedule.workspace.rows("leases")) == (
            Ending.SUCCEEDED,
            ["succeeded"],
            [],
        )


def test_one_round_does_not_wait_for_ever_to_write_the_end_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where the file of the index may not grow: the next scheduler finds that the run crashed."""
    schedule = Schedule(tmp_path)
    monkeypatch.setattr("archive.index.sqlite.BUSY_TIMEOUT", 50)
    monkeypatch.setattr(daemon, "_PATIENCE", 0.1)
    jobs = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    with Index(f"sqlite:///{schedule.workspace.index}") as index:
        context = runner.RunnerContext(
            index=index,
            logs=Logs(tmp_path / "log", 1),
            settings={"INDEX_URL": index.url, "ARCHIVE_URL": str(schedule.workspace.archive)},
        )
        other = _locking_once_run(schedule, monkeypatch)
        assert daemon.once(jobs, context, 1, lambda _: None) == 1
        assert "its end could not be written; it will be repeated" in caplog.text
        assert schedule.endings() == [""]
        other.close()


def test_a_run_that_cannot_be_started_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(tmp_path)
    (job,) = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with Index(f"sqlite:///{schedule.workspace.index}") as index:
        context = runner.RunnerContext(index=index, logs=Logs(tmp_path / "log", 1), settings={})
        order = due(job, Past(), datetime.now(UTC))
        assert order is not None
        run = runner.run_job(order, context, Stop())
        assert run is not None
        assert (run.record.ending, run.record.exit_code, schedule.endings()) == (
            Ending.FAILED,
            None,
            ["failed"],
        )


def test_two_jobs_of_one_outlet_are_not_begun_at_once(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}") as index:
        first = claim_of("a", "job a", "outlet etoday", due_at=now)
        second = replace(first, job="b", leases=("job b", "outlet etoday"))
        run = claim(index, first, now)
        assert run is not None
        assert claim(index, second, now) is None
        # The crawl that is begun takes the outlet's lease over, and gives it back.
        lease = Lease(index, "outlet etoday", run.run_id)
        assert lease.take() is None
        lease.release()
        assert claim(index, second, now) is not None


def test_settings_reach_a_run_and_not_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(tmp_path)
    started: list[list[str]] = []

    def start(words: list[str], **given: Any) -> Any:
        started.append(words)
        return popen(words, **given)

    popen = runner.subprocess.Popen
    monkeypatch.setattr(runner.subprocess, "Popen", start)
    (job,) = parse_jobs(
        '[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n'
        'settings = {ALERT_URL = "https://user:5ec1237@a.example/"}\n'
    )
    archive = tmp_path / "elsewhere"
    with Index(f"sqlite:///{schedule.workspace.index}") as index:
        settings = {"INDEX_URL": index.url, "ARCHIVE_URL": str(archive)}
        logs = Logs(tmp_path / "log", 1)
        context = runner.RunnerContext(index=index, logs=logs, settings=settings)
        order = due(job, Past(), datetime.now(UTC))
        assert order is not None
        run = runner.run_job(order, context, Stop())
    assert run is not None
    assert run.record.ending is Ending.SUCCEEDED
    assert started
    assert "5ec1237" not in " ".join(started[0])
    assert not [word for word in started[0] if "_URL" in word]
