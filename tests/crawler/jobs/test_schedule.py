"""``schedule`` over loopback outlets: what is due runs once and in time, errors are reported."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.model.article import KST
from archive.runs.record import Ending
from crawler.jobs.config import parse_jobs, read_jobs
from crawler.jobs.daemon import once
from crawler.jobs.due import Order
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.runner import RunnerContext, run_job
from crawler.jobs.signals import Stop
from tests.support.crawling.crawls import site_of_today
from tests.support.databases.index_rows import change
from tests.support.databases.postgres import url_of
from tests.support.databases.write_lock import held, wait_briefly
from tests.support.documents import KNOWN
from tests.support.processes.cli import ROOT
from tests.support.processes.schedules import (
    Schedule,
    by_the_scheduler,
    done_once,
    overlaps,
    wait_for,
    wait_for_output,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.mock_site.server import MockSite


#: With a server that takes its time, a crawl lasts longer than a busy machine holds up who looks on.
ONE_AT_A_TIME = {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"}


@pytest.fixture
def site() -> Iterator[MockSite]:
    with site_of_today("newspim", 12) as site:
        yield site


@by_the_scheduler
def test_once_runs_what_is_due_and_nothing_twice(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sites = [stack.enter_context(site_of_today(name, 12)) for name in ("etoday", "newspim")]
        schedule = Schedule(tmp_path, sites)
        schedule.jobs(
            'outlet = "etoday"\nevery = "1d"\narguments = { limit = 5 }',
            'outlet = "newspim"\nevery = "1d"\nsettings = { USER_AGENT = "ours" }',
            'name = "sound"\ncommand = "verify --sample 50%"\nevery = "1d"',
        )
        listed = schedule.run("--list")
        assert (listed.code, listed.err) == (0, "")
        assert listed.out.count(" now ") == 3
        assert not schedule.workspace.index.exists()
        result = schedule.run("--once", JOBS_AT_ONCE="1")
        assert (result.code, result.err) == (0, "")
        assert "newspim: succeeded in " in result.out
        rows = {row["job"]: row for row in schedule.runs()}
        assert {(row["ending"], row["exit_code"], row["attempt"]) for row in rows.values()} == {
            ("succeeded", 0, 1)
        }
        assert rows["etoday"]["counts"] == {"etoday": {"new": 5}}
        assert rows["newspim"]["counts"] == {"newspim": {"new": 12}}
        assert rows["newspim"]["arguments"] == ["newspim"]
        assert {row["host"] for row in rows.values()} == {os.uname().nodename}
        assert all(b"\r\nUser-Agent: ours\r\n" in entry.raw for entry in sites[1].log)
        for name, row in rows.items():
            log = Path(row["log"])
            assert log.parent == tmp_path / "log" / name
            assert log.read_text().startswith(f"# scrapy {row['verb']} ")
            said = re.findall(
                r"(?m)^[-\d]{10} [:\d]{8} [-+]\d{4} \[([\w.]+)\] INFO: (.*)", log.read_text()
            )
            begins = f"{row['verb']} {' '.join(row['arguments'])} begins, Sacho "
            assert len([text for _, text in said if text.startswith(begins)]) == 1
            assert said[-1][1].startswith("exit status 0 after ")
            if name != "sound":
                assert ("scrapy.core.engine", "Spider opened") in said
                assert "Overridden settings" not in log.read_text()
        assert schedule.workspace.rows("leases") == []
        again = schedule.run("--once")
        assert (again.code, again.out, again.err) == (0, "", "")
        assert len(schedule.runs()) == 3
        listed = schedule.run("--list")
        assert " now " not in listed.out
        assert listed.out.count(" succeeded ") == 3


@by_the_scheduler
def test_once_runs_all_jobs_of_an_outlet_one_after_the_other(
    tmp_path: Path, site: MockSite
) -> None:
    schedule = Schedule(tmp_path, [site])
    again = 'name = "again"\noutlet = "newspim"\nevery = "1d"\narguments = { discover = "no" }'
    schedule.jobs('outlet = "newspim"\nevery = "1d"', again)
    assert schedule.run("--once").code == 0
    assert sorted((row["job"], row["ending"]) for row in schedule.runs()) == [
        ("again", "succeeded"),
        ("newspim", "succeeded"),
    ]
    assert overlaps(schedule.runs()) == []


@by_the_scheduler
@pytest.mark.parametrize("code", [0, 1], ids=["a reader that is gone", "a full disk"])
def test_what_cannot_be_printed_ends_no_run(tmp_path: Path, code: int) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs(*(f'name = "{name}"\ncommand = "verify"\nevery = "1d"' for name in "ab"))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as unread, Path("/dev/full").open("wb") as full:
        out = full if code else unread
        process = schedule.workspace.start(
            *schedule.command("--once", JOBS_AT_ONCE="1"), stdout=out, stderr=subprocess.PIPE
        )
    _, err = process.communicate(timeout=120)
    assert (process.returncode, b"the disk is full" in err, b"Traceback" in err) == (
        code,
        bool(code),
        False,
    )
    assert schedule.endings() == ["succeeded", "succeeded"]


def test_once_reports_jobs_that_could_not_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wait_briefly(monkeypatch)
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    url = schedule.workspace.index_url
    with Index(url, brief=True) as index, held(url):
        context = RunnerContext(index=index, logs=Logs(tmp_path / "log", 1), settings={})
        assert once(read_jobs(schedule.jobs_file), context, 1, lambda _: None) == 1
    assert "a could not be started" in caplog.text
    assert schedule.runs() == []


def test_a_run_by_hand_is_history_too(tmp_path: Path, site: MockSite) -> None:
    schedule = Schedule(tmp_path, [site])
    (crawls,) = schedule.crawls
    assert crawls.run("-a", "limit=3").code == 0
    (row,) = schedule.runs()
    assert (row["verb"], row["outlet"], row["job"], row["due_at"]) == ("crawl", "newspim", "", None)
    assert (row["arguments"], row["ending"], row["exit_code"]) == (
        ["newspim", "-a", "limit=3"],
        "succeeded",
        0,
    )
    assert row["version"]


@by_the_scheduler
def test_a_failure_is_tried_again_and_exits_1(tmp_path: Path, site: MockSite) -> None:
    schedule = Schedule(tmp_path, [site])
    schedule.jobs('outlet = "newspim"\nevery = "1d"\nretries = 1\nbackoff = "1s"')
    site.fault(r".*", "status", status=500)
    result = schedule.run("--once", RETRY_TIMES="0")
    assert result.code == 1
    assert "newspim: failed (exit 1)" in result.out
    assert schedule.endings() == ["failed"]
    site.heal()
    wait_for(lambda: datetime.now(UTC) > ended(schedule) + timedelta(seconds=1))
    assert schedule.run("--once").code == 0
    assert schedule.endings() == ["failed", "succeeded"]
    assert [row["attempt"] for row in schedule.runs()] == [1, 2]


def ended(schedule: Schedule) -> datetime:
    return datetime.fromisoformat(schedule.runs()[-1]["ended_at"]).replace(tzinfo=UTC)


@by_the_scheduler
def test_at_its_time_limit_a_run_is_ended_and_goes_on_later(tmp_path: Path) -> None:
    with site_of_today("newspim", 80, latency=0.5) as site:
        schedule = Schedule(tmp_path, [site], ONE_AT_A_TIME)
        schedule.jobs('outlet = "newspim"\nevery = "1d"\ntime_limit = "20s"\nbackoff = "1s"')
        result = schedule.run("--once")
        assert result.code == 1
        assert "newspim: timed_out" in result.out
        (crawls,) = schedule.crawls
        crawls.check_captures()
        stored = len(crawls.revisions())
        assert 0 < stored < 80
        assert [row["counts"] for row in schedule.runs()] == [{"newspim": {"new": stored}}]
        site.latency = 0.0
        schedule.jobs('outlet = "newspim"\nevery = "1d"\nbackoff = "1s"')
        wait_for(lambda: datetime.now(UTC) > ended(schedule) + timedelta(seconds=1))
        assert schedule.run("--once").code == 0
        assert len(crawls.revisions()) == 80
        assert max(crawls.fetched().values()) <= 2  # the one that was under way when it was ended


@by_the_scheduler
def test_the_daemon_ends_cleanly_and_what_was_under_way_is_taken_up(tmp_path: Path) -> None:
    with site_of_today("newspim", 100, latency=0.3) as site:
        schedule = Schedule(tmp_path, [site], ONE_AT_A_TIME)
        schedule.jobs('outlet = "newspim"\nevery = "1d"')
        daemon = schedule.start()
        wait_for_output(daemon, "newspim: starting attempt 1")
        (crawls,) = schedule.crawls
        wait_for(lambda: len(crawls.fetched()) > 5)
        daemon.send_signal(signal.SIGTERM)
        _, err = daemon.communicate(timeout=120)
        assert daemon.returncode == 0, err
        assert b"Traceback" not in err
        assert schedule.endings() == ["stopped"]
        assert schedule.workspace.rows("leases") == []
        crawls.check_captures()
        site.latency = 0.0
        assert schedule.run("--once").code == 0
        assert schedule.endings() == ["stopped", "succeeded"]
        assert set(crawls.revisions()) == set(site.ids())


@by_the_scheduler
def test_a_scheduler_that_is_killed_takes_its_runs_with_it_and_another_takes_them_up(
    tmp_path: Path,
) -> None:
    with site_of_today("newspim", 100, latency=0.3) as site:
        schedule = Schedule(tmp_path, [site], ONE_AT_A_TIME)
        schedule.jobs('outlet = "newspim"\nevery = "1d"')
        first = schedule.start()
        wait_for_output(first, "newspim: starting attempt 1")
        second = schedule.start()
        (crawls,) = schedule.crawls
        wait_for(lambda: len(crawls.fetched()) > 5)
        first.kill()
        first.communicate()
        site.latency = 0.0
        # at its next look, when the run has ended, which is at once
        wait_for_output(second, "newspim: starting attempt 2")
        wait_for_output(second, "newspim: succeeded")
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=120)
        assert second.returncode == 0
        assert set(done_once(schedule.runs()).values()) == {1}
        assert set(crawls.revisions()) == set(site.ids())
        crawls.check_captures()


@by_the_scheduler
def test_the_file_is_read_again_and_the_old_jobs_go_on_if_it_is_wrong(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    daemon = schedule.start()
    wait_for_output(daemon, "a: succeeded")
    schedule.jobs('name = "b"\ncommand = "verfy"\nevery = "1d"')
    daemon.send_signal(signal.SIGHUP)
    wait_for_output(daemon, "line 3: command: 'verfy' is not a command for a job")
    wait_for_output(daemon, "The jobs read before stay in use.")
    schedule.jobs('name = "c"\ncommand = "verify"\nevery = "1d"')  # seen without a signal
    wait_for_output(daemon, "c: succeeded")
    daemon.send_signal(signal.SIGINT)
    daemon.communicate(timeout=120)
    assert daemon.returncode == 0
    assert [row["job"] for row in schedule.runs()] == ["a", "c"]


@by_the_scheduler
def test_an_index_deleted_under_a_scheduler_is_reported_once_and_created_again(
    tmp_path: Path,
) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    daemon = schedule.start()
    wait_for_output(daemon, "a: succeeded")
    wait_for(lambda: not schedule.workspace.rows("leases"))
    for path in tmp_path.glob("index.sqlite3*"):
        path.unlink()
    daemon.send_signal(signal.SIGHUP)  # look now
    result = wait_for_output(daemon, "no such table")
    assert "it was deleted or emptied while it was in use; run scrapy reindex" in result
    listed = schedule.run("--list")
    assert (listed.code, "is empty: run scrapy reindex" in listed.err) == (1, True)
    schedule.workspace.archive.mkdir()
    assert schedule.workspace.run("reindex").code == 0
    daemon.send_signal(signal.SIGHUP)
    wait_for_output(daemon, "a: succeeded")
    daemon.send_signal(signal.SIGTERM)
    _, err = daemon.communicate(timeout=120)
    assert (daemon.returncode, b"apscheduler" in err) == (0, False)


@by_the_scheduler
def test_a_job_with_another_index_than_the_schedulers_is_refused(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    other = (
        f'{{ ARCHIVE_URL = "{tmp_path}/other", INDEX_URL = "sqlite:///{tmp_path}/other.sqlite3" }}'
    )
    schedule.jobs(f'name = "a"\ncommand = "replay {ROOT}/seeds"\nevery = "1d"\nsettings = {other}')
    assert schedule.run("--once").code == 1
    assert (
        "INDEX_URL in a job's settings must be the scheduler's"
        in Path(schedule.runs()[0]["log"]).read_text()
    )


def test_bad_jobs_start_nothing(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('outlet = "nobody"', 'outlet = "etoday"\ncron = "x"')
    for mode in ("--once", "--list"):
        result = schedule.run(mode)
        assert result.code == 2
        assert [
            line.split(": ", 1)[1].removeprefix(f"{schedule.jobs_file}, ")
            for line in result.sentences
        ] == [
            f"line 2: outlet: no outlet 'nobody'; known: {KNOWN}.",
            "line 5: cron: a cron line has five fields, not 1: minute hour day month weekday.",
        ]
    assert not schedule.workspace.index.exists()
    schedule.jobs_file.unlink()
    assert "copy jobs.example.toml" in schedule.run("--once").err


def test_an_unusable_index_is_reported(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    Index(schedule.workspace.index_url).close()
    change(schedule.workspace.index_url, "UPDATE alembic_version SET version_num = '9999'")
    for mode in ("--once", "--list"):
        result = schedule.run(mode)
        assert result.code == 1
        assert "has schema 9999" in result.err
        assert "Traceback" not in result.err


@by_the_scheduler
def test_a_log_that_cannot_be_written_stops_no_run(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    (tmp_path / "log").write_text("in the way")
    result = schedule.run("--once")
    assert result.code == 0
    assert "no log can be written (Not a directory)" in result.err
    assert [(row["ending"], row["log"]) for row in schedule.runs()] == [("succeeded", "")]


def test_a_log_that_takes_nothing_stops_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1d"')
    moment = datetime.now(UTC)
    full = tmp_path / "a" / f"{moment.astimezone(KST):%Y-%m-%dT%H%M%S}-1.log"
    full.parent.mkdir()
    full.symlink_to("/dev/full")
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        context = RunnerContext(
            index=index, logs=Logs(tmp_path, 1), settings={"ARCHIVE_URL": str(tmp_path / "archive")}
        )
        monkeypatch.setenv("INDEX_URL", index.url)
        run = run_job(Order(job=job, due_at=moment, attempt=1), context, Stop())
    assert run is not None
    assert (run.record.ending, run.record.log) == (Ending.SUCCEEDED, "")


@by_the_scheduler
def test_old_logs_are_deleted(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    place = tmp_path / "log" / "a"
    place.mkdir(parents=True)
    for name, days in (("old.log", 91), ("young.log", 89), ("old.txt", 91)):
        (place / name).write_text("x")
        os.utime(place / name, (0, time.time() - days * 86400))
    assert schedule.run("--once").code == 0
    assert {path.name for path in place.iterdir()} >= {"young.log", "old.txt"}
    assert not (place / "old.log").exists()


def test_bad_settings_are_wrong_usage(tmp_path: Path) -> None:
    schedule = Schedule(tmp_path)
    schedule.jobs('name = "a"\ncommand = "verify"\nevery = "1d"')
    for name in ("JOBS_AT_ONCE", "LOG_KEEP_DAYS"):
        result = schedule.run("--once", **{name: "-1"})
        assert (result.code, "a number of at least 1" in result.err) == (2, True)
    assert schedule.workspace.run("schedule", "now").code == 2
    assert stat.S_ISREG(schedule.jobs_file.stat().st_mode)
