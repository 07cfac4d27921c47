"""One run of a job: claimed by one process, alive as long as its crawl, and recorded at its end."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, event, select, update

from archive.index.database import Index
from archive.index.schema import leases, runs
from archive.index.writers.leases import Leases, all_held, take
from archive.runs.job_runs import Claim, Past, claim, end, end_crashed, past
from archive.runs.record import Ending, RunRecord
from crawler.jobs import daemon
from crawler.jobs.config import parse_jobs
from crawler.jobs.due import Order, due, held_by
from crawler.jobs.due_now import report_crashed
from crawler.jobs.execution import own_process, runner
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.runner import FinishedRun, RunnerContext
from crawler.jobs.signals import Stop
from tests.support.databases.postgres import url_of
from tests.support.databases.write_lock import held, wait_briefly
from tests.support.processes.cli import ROOT
from tests.support.processes.schedules import Schedule, wait_for

if TYPE_CHECKING:
    from pathlib import Path


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
            "from archive.index.writers.process_identity import this_process; print(this_process())",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout.strip()
    now = datetime.now(UTC)
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        wanted = claim_of("j", "job j", due_at=now)
        run = claim(index, wanted, now)
        assert run is not None
        run_id = run.run_id
        with index.writing() as connection:
            connection.execute(update(runs).values(holder=dead))
            connection.execute(update(leases).values(holder=dead))
            assert take(connection, ["outlet etoday"], run_id, now) is None
        assert end_crashed(index, now) == {}
        Leases(index, ["outlet etoday"], run_id).release()
        assert end_crashed(index, now) == {run_id: "j"}
        assert end_crashed(index, now) == {}
        assert claim(index, replace(wanted, attempt=2), now) is not None
        assert claim(index, replace(wanted, attempt=3), now) is None  # it is held


def test_only_of_a_job_it_is_said_that_a_crashed_run_is_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        now = datetime.now(UTC)
        ids = []
        for name in ("a", "b"):
            run = claim(index, claim_of(name, f"job {name}", due_at=now), now)
            assert run is not None
            Leases(index, ["outlet etoday"], run.run_id).release()
            ids.append(run.run_id)
        with index.writing() as connection:
            connection.execute(update(runs).values(holder="gone", host=gethostname()))
            connection.execute(update(runs).where(runs.c.id == ids[1]).values(job=""))
            connection.execute(delete(leases))
        report_crashed(index, now + timedelta(minutes=5))
    assert sorted(caplog.messages) == sorted(
        [
            f"a: run {ids[0]} crashed with the process that ran it; it is repeated",
            f"run {ids[1]}, by hand, crashed with the process that ran it",
        ]
    )


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_reading_a_jobs_history_scans_no_table(tmp_path: Path) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
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


def _locking_once_run(schedule: Schedule, monkeypatch: pytest.MonkeyPatch) -> ExitStack:
    """Return what has the index locked once the process of a run has ended, until it is closed."""
    other = ExitStack()
    watch = runner._watch

    def watched(*given: Any) -> Ending | None:
        found = watch(*given)
        other.enter_context(held(schedule.workspace.index_url))
        return found

    monkeypatch.setattr(runner, "_watch", watched)
    return other


def test_the_end_of_a_run_is_written_once_the_index_is_writable_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    schedule = Schedule(tmp_path)
    wait_briefly(monkeypatch)
    monkeypatch.setattr(runner, "_RETRY", 0.05)
    (job,) = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    with Index(schedule.workspace.index_url) as index:
        context = runner.RunnerContext(
            index=index,
            logs=Logs(tmp_path / "log", 1),
            settings={"INDEX_URL": index.url, "ARCHIVE_URL": str(schedule.workspace.archive)},
        )
        order = due(job, Past(), datetime.now(UTC))
        assert order is not None
        other = _locking_once_run(schedule, monkeypatch)
        with ThreadPoolExecutor(1) as threads, other:
            future = threads.submit(runner.run_job, order, context, Stop())
            wait_for(lambda: "has been writing for over a minute" in caplog.text)
            assert schedule.endings() == [""]
            other.close()
            run = future.result(timeout=300)
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
    wait_briefly(monkeypatch)
    monkeypatch.setattr(daemon, "_PATIENCE", 0.1)
    jobs = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    with Index(schedule.workspace.index_url) as index:
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
    with Index(schedule.workspace.index_url) as index:
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
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        first = claim_of("a", "job a", "outlet etoday", due_at=now)
        second = replace(first, job="b", leases=("job b", "outlet etoday"))
        run = claim(index, first, now)
        assert run is not None
        assert claim(index, second, now) is None
        # The crawl that is begun takes the outlet's lease over, and gives it back.
        lease = Leases(index, ["outlet etoday"], run.run_id)
        assert lease.take() is None
        lease.release()
        assert claim(index, second, now) is not None


def test_no_two_jobs_of_outlets_that_share_a_host_are_begun_at_once(tmp_path: Path) -> None:
    one, other, apart = parse_jobs(
        '[[job]]\nname = "a"\noutlet = "etoday"\n[[job]]\nname = "b"\noutlet = "newspim"\n'
        '[[job]]\nname = "c"\noutlet = "khan"\n'
    )
    assert "host www.etoday.co.kr" in one.leases
    other = replace(other, hosts=(*other.hosts, "www.etoday.co.kr"))
    now = datetime.now(UTC)
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        begun = claim(index, claim_of("a", *one.leases, due_at=now), now)
        assert begun is not None
        assert claim(index, claim_of("b", *other.leases, due_at=now), now) is None
        with index.reading() as connection:
            assert held_by(connection, one, now) is not None
            assert held_by(connection, other, now) is None  # what it waits for is another outlet's
            assert set(all_held(connection, now)) == set(one.leases)
        assert claim(index, claim_of("c", *apart.leases, due_at=now), now) is not None
        end(index, begun.run_id, Ending.SUCCEEDED, 0, now)
        assert claim(index, claim_of("b", *other.leases, due_at=now), now) is not None


def test_a_run_whose_lease_another_has_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RENEWAL", 0.2)
    monkeypatch.setattr(
        own_process,
        "command_line",
        lambda: [sys.executable, "-c", "import signal; signal.pause()"],
    )
    (job,) = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n')
    url = url_of(tmp_path / "index.sqlite3")
    with Index(url) as index:
        context = RunnerContext(index=index, logs=Logs(tmp_path / "log", 1), settings={})

        def take_over() -> None:
            wait_for(lambda: bool(_leases(index)))
            with index.writing() as connection:
                connection.execute(update(leases).values(run_id="another"))

        thief = threading.Thread(target=take_over)
        thief.start()
        run = runner.run_job(Order(job=job, due_at=datetime.now(UTC), attempt=1), context, Stop())
        thief.join()
        assert run is not None
        assert run.record.ending is Ending.STOPPED
        assert _leases(index) == ["another"]


def _leases(index: Index) -> list[str]:
    """The runs that hold a lease."""
    with index.reading() as connection:
        return list(connection.scalars(select(leases.c.run_id)))


def test_settings_reach_a_run_and_not_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(tmp_path)
    started: list[list[str]] = []

    def start(words: list[str], **given: Any) -> Any:
        started.append(words)
        return popen(words, **given)

    popen = own_process.subprocess.Popen
    monkeypatch.setattr(own_process.subprocess, "Popen", start)
    (job,) = parse_jobs(
        '[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"\n'
        'settings = {ALERT_URL = "https://user:5ec1237@a.example/"}\n'
    )
    archive = tmp_path / "elsewhere"
    with Index(schedule.workspace.index_url) as index:
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


def test_a_crawls_line_is_of_its_outlet_and_names_what_it_recovered_of_others() -> None:
    (job,) = parse_jobs('[[job]]\noutlet = "etoday"\nevery = "1d"\n')
    now = datetime.now(UTC)
    record = RunRecord(
        run_id="1",
        verb="crawl",
        started_at=now,
        outlet="etoday",
        job="etoday",
        ending=Ending.CRASHED,
        counts={"etoday": {"new": 60}, "newspim": {"new": 8, "unchanged": 1}},
    )
    order = Order(job=job, due_at=now, attempt=1)
    line = str(FinishedRun(order=order, record=record, seconds=8.0))
    assert line == "etoday: crashed in 8 s: 60 new, recovered 9 of other outlets"
    whole = replace(record, outlet="", verb="replay", ending=Ending.FAILED, exit_code=1)
    line = str(FinishedRun(order=order, record=whole, seconds=8.0))
    assert line == "etoday: failed (exit 1) in 8 s: 68 new, 1 unchanged"
