"""Alarms of jobs that fail, archives that do not verify, and disks that fill up."""

from __future__ import annotations

import errno
import logging
import os
import re
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from archive.runs.alarms import AlarmKind, Cause, end_alarm, raise_alarm
from crawler.alarms import disk
from crawler.alarms.disk import FileSystem
from crawler.alarms.monitor import AlarmMonitor
from tests.support.archives.alarms import DAY, HOUR, Workspace, job, utc, verify_job
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_job_that_failed_after_its_retries_raises_one_alarm(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.jobs = [job(retries=2, words=("etoday", "-a", "limit=5"))]
    workspace.run("etoday", "succeeded")
    for expected in ([], [], ["job_failed"], ["job_failed"]):
        workspace.now += HOUR  # a new moment each time, and no retry of the last one
        workspace.run("etoday", "failed", log="/var/log/etoday/1.log")
        assert workspace.look() == expected
    (alarm,) = workspace.alarms()
    assert (alarm.kind, alarm.subject) == ("job_failed", "etoday")
    assert alarm.began_at == utc(workspace.now - 3 * HOUR)
    assert alarm.sentence == (
        "Job etoday failed 3 times since it last succeeded on 2026-11-18 12:00 KST (exit status 1; "
        "first failure 2026-11-18 13:00 KST). Read /var/log/etoday/1.log, then try: scrapy crawl "
        "etoday -a limit=5"
    )
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    workspace.now += HOUR
    workspace.run("etoday", "succeeded")
    caplog.set_level(logging.INFO)
    assert workspace.look() == []
    assert caplog.messages[-1] == "over: job_failed of etoday, since 2026-11-18 13:00 KST"
    assert workspace.look() == []
    assert len(workspace.alarms()) == 1
    assert workspace.monitor.raised == 1


@pytest.mark.parametrize("ending", ["stopped", "crashed"])
def test_what_was_interrupted_has_not_failed(workspace: Workspace, ending: str) -> None:
    for _ in range(9):
        workspace.run("etoday", ending)
        workspace.now += HOUR
    assert workspace.look() == []
    workspace.run("etoday", "timed_out")
    assert workspace.look() == ["job_failed"]
    workspace.now += HOUR
    workspace.run("etoday", ending)
    assert workspace.look() == ["job_failed"], "nor is it done"


def test_a_job_with_invalid_arguments_raises_an_alarm_at_once(workspace: Workspace) -> None:
    workspace.jobs = [job(retries=9)]
    workspace.run("etoday", "failed", exit_code=2)
    assert workspace.look() == ["job_failed"]
    assert (
        "Job etoday was refused: its arguments are invalid (exit status 2; "
        in workspace.open()[0].sentence
    )


def test_a_job_without_alert_is_history(workspace: Workspace) -> None:
    workspace.run("etoday", "failed")
    workspace.jobs = [job(alert=False)]
    assert workspace.look() == []
    workspace.jobs = [job()]
    assert workspace.look() == ["job_failed"]
    workspace.jobs = [job(alert=False)]
    assert workspace.look() == []


def test_an_alarm_of_a_job_that_is_not_run_any_more_ends_after_a_week(
    workspace: Workspace,
) -> None:
    workspace.run("etoday", "failed")
    assert workspace.look() == ["job_failed"]
    workspace.jobs = []
    workspace.now += 6 * DAY
    assert workspace.look() == ["job_failed"], "another scheduler may run it"
    workspace.now += 2 * DAY
    assert workspace.look() == []


def test_a_verification_that_finds_something_names_its_log(workspace: Workspace) -> None:
    workspace.jobs = [verify_job()]
    log = workspace.folder / "verify.log"
    finding = "sacho-1.warc.gz@77: digest: it is another one."
    log.write_text(f"# scrapy verify\n{finding}\nverified 3 files, 9 rows: 1 finding\n")
    workspace.run("verify", "failed", log=str(log))
    assert workspace.look() == ["unverified"]
    (alarm,) = workspace.open()
    assert alarm.subject == str(workspace.archive)
    assert "verify found 1 error in the archive" in alarm.sentence
    assert (
        f"the first: {finding} Read {log}, repair it, then verify all of it: scrapy verify"
        in alarm.sentence
    )
    workspace.now += DAY
    workspace.run("verify", "failed", log=str(log))
    assert workspace.look() == ["unverified"]
    workspace.now += DAY
    workspace.run("verify", "succeeded", verb="verify")
    assert workspace.look() == []
    assert len(workspace.alarms()) == 1


def test_a_verification_that_could_not_run_is_a_failed_job(workspace: Workspace) -> None:
    workspace.jobs = [verify_job()]
    log = workspace.folder / "verify.log"
    log.write_text("# scrapy verify\nscrapy verify: there is no index\n")
    workspace.run("verify", "failed", log=str(log))
    assert workspace.look() == ["job_failed"]
    workspace.now += HOUR
    workspace.run("verify", "failed", log="")
    assert workspace.look() == ["job_failed"]


def test_only_a_verification_of_all_ends_what_one_found(workspace: Workspace) -> None:
    elsewhere = job(
        "elsewhere", verb="verify", words=(), outlet="", settings=(("ARCHIVE_URL", "/elsewhere"),)
    )
    workspace.jobs = [
        verify_job(),
        job("sample", verb="verify", words=("--sample", "2"), outlet=""),
        elsewhere,
    ]
    log = workspace.folder / "verify.log"
    log.write_text("a finding\nverified 3 files: 1 finding\n")
    workspace.run("verify", "succeeded", verb="verify")
    workspace.now += HOUR
    workspace.run("sample", "failed", log=str(log), verb="verify", arguments=["--sample", "2"])
    assert workspace.look() == ["unverified"], "what was verified before says nothing"
    workspace.now += HOUR
    workspace.run("sample", "succeeded", verb="verify", arguments=["--sample", "2"])
    assert workspace.look() == ["unverified"], "another sample may have passed by it"
    workspace.run("elsewhere", "succeeded", verb="verify")
    assert workspace.look() == ["unverified"], "that is another archive"
    workspace.now += HOUR
    workspace.run("", "succeeded", verb="verify", job="", due_at=None)
    assert workspace.look() == [], "by hand"
    assert workspace.look() == [], "the older failure is no news"
    workspace.now += HOUR
    workspace.run("verify", "failed", log=str(log), verb="verify")
    assert workspace.look() == ["unverified"]


def found_by_a_job(workspace: Workspace) -> Path:
    """Let a job that verifies find something; its log."""
    workspace.jobs = [verify_job()]
    log = workspace.folder / "verify.log"
    log.write_text("a finding\nverified 3 files: 1 finding\n")
    workspace.run("verify", "failed", log=str(log), verb="verify")
    assert workspace.look() == ["unverified"]
    workspace.now += HOUR
    return log


def verified_by_hand(workspace: Workspace) -> None:
    workspace.run("", "succeeded", verb="verify", job="", due_at=None)
    workspace.now += HOUR


def test_what_was_found_twice_and_verified_since_does_not_begin_again(workspace: Workspace) -> None:
    log = found_by_a_job(workspace)
    workspace.run("verify", "failed", log=str(log), verb="verify")
    assert workspace.look() == ["unverified"]
    workspace.now += HOUR
    verified_by_hand(workspace)
    assert [workspace.look(), workspace.look()] == [[], []]
    assert len(workspace.alarms()) == 1


def test_a_log_that_was_deleted_makes_no_failed_job_of_what_was_found(workspace: Workspace) -> None:
    found_by_a_job(workspace).unlink()
    assert workspace.look() == ["unverified"], "the scheduler keeps logs for LOG_KEEP_DAYS"
    verified_by_hand(workspace)
    assert [workspace.look(), workspace.look()] == [[], []]
    assert len(workspace.alarms()) == 1


def test_findings_in_an_archive_that_has_moved_raise_one_alarm_that_ends(
    workspace: Workspace,
) -> None:
    found_by_a_job(workspace)
    workspace.monitor = AlarmMonitor(
        workspace.index, str(workspace.folder / "moved"), least=1, clock=lambda: workspace.now
    )
    assert workspace.look() == ["unverified"]
    workspace.run("verify", "succeeded", verb="verify")
    assert workspace.look() == []
    assert len(workspace.alarms()) == 1


def test_what_a_clock_that_was_ahead_has_raised_is_over_when_it_is_right_again(
    workspace: Workspace,
) -> None:
    workspace.now += 365 * DAY
    found_by_a_job(workspace)
    workspace.jobs.append(job())
    workspace.run("etoday", "failed")
    assert workspace.look() == ["unverified", "job_failed"]
    workspace.now -= 365 * DAY
    workspace.run("etoday", "succeeded")
    workspace.run("verify", "succeeded", verb="verify")
    assert workspace.look() == []
    workspace.now += HOUR
    workspace.run("etoday", "failed")
    workspace.run("verify", "failed", log=str(workspace.folder / "verify.log"), verb="verify")
    assert sorted(workspace.look()) == ["job_failed", "unverified"], "and what fails now is told"


def test_an_alarm_that_lasts_after_a_clock_was_corrected_is_raised_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "crawler.alarms.disk.file_systems",
        lambda *_: [FileSystem(str(workspace.archive), 1, 0, 100)],
    )
    workspace.now += 365 * DAY
    assert workspace.look() == ["disk"]
    workspace.now -= 365 * DAY
    assert workspace.look() == ["disk"]
    assert workspace.open()[0].began_at == utc(workspace.now)
    workspace.now -= timedelta(minutes=1)  # so much a clock is always set
    assert workspace.look() == ["disk"]
    assert len(workspace.alarms()) == 2


@pytest.mark.sqlite_only(reason="of a server's disk nothing is known")
def test_a_full_disk_is_one_alarm_whatever_lies_on_it_is_called(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, index = str(workspace.archive), str(workspace.folder / "index.sqlite3")
    disks = {archive: 1, index: 2, "/moved": 2}
    free = {1: 1000, 2: 0, 3: 0}

    def rooms(places: Iterable[object], _: int) -> list[FileSystem]:
        found = {
            disks[str(place)]: str(place) for place in reversed(list(places)) if str(place) in disks
        }
        return [FileSystem(place, disk, free[disk], 100) for disk, place in found.items()]

    monkeypatch.setattr("crawler.alarms.disk.file_systems", rooms)
    assert workspace.look() == ["disk"]
    assert workspace.open()[0].subject == index
    workspace.monitor = AlarmMonitor(
        workspace.index, "/moved", least=1, clock=lambda: workspace.now
    )
    assert workspace.look() == ["disk"], (
        "the archive is on the index's disk now, which is no fuller for it"
    )
    assert len(workspace.alarms()) == 1
    free[2] = 1000
    assert workspace.look() == []
    free[2] = 0
    assert workspace.look() == ["disk"]
    assert workspace.open()[0].subject == "/moved"
    disks |= {archive: 1, index: 1}
    del disks["/moved"]
    workspace.monitor = AlarmMonitor(workspace.index, archive, least=1, clock=lambda: workspace.now)
    disks["/moved"] = 3
    assert workspace.look() == [], "nothing of ours lies on that disk any more"


def test_a_path_that_cannot_be_examined_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = os.stat

    def stale(path: Any, **how: Any) -> os.stat_result:
        if str(path).startswith(str(tmp_path / "archive")):
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return stat(path, **how)

    monkeypatch.setattr(os, "stat", stale)
    (one,) = disk.file_systems([tmp_path / "archive", tmp_path / "index.sqlite3"], 1)
    assert one.place == str(tmp_path / "index.sqlite3")


def test_a_disk_that_fills_raises_one_alarm_and_does_not_flap(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"now": 2000}

    def rooms(*_: object) -> list[FileSystem]:
        return [FileSystem(str(workspace.archive), 1, free["now"] * 2**20, 1024 * 2**20)]

    monkeypatch.setattr("crawler.alarms.disk.file_systems", rooms)
    workspace.archive.mkdir()
    (workspace.archive / "sacho-1.warc.gz").write_bytes(b"x" * 7 * 2**20)
    told = []
    for mebibytes in (2000, 1025, 1023, 1100, 1000, 1228, 1229, 1030, 900):
        free["now"] = mebibytes
        told.append(len(workspace.look()))
    assert told == [0, 0, 1, 1, 1, 1, 0, 0, 1]
    assert len(workspace.alarms()) == 2
    assert (
        f"{workspace.archive} has 1.0 GiB free, less than the 1.0 GiB that should be free "
        f"(DISK_FREE_MIN); at last week's 1.0 MiB a day it lasts DAYS days. Free some space or "
        f"move it; see: df -h {workspace.archive}"
        == re.sub(r"(?<=lasts )\d+\.\d", "DAYS", workspace.alarms()[0].sentence)
    )


def test_the_room_of_a_disk_is_what_the_system_says(tmp_path: Path) -> None:
    archive, index = tmp_path / "not" / "yet", tmp_path / "index.sqlite3"
    (one,) = disk.file_systems([archive, index], 0)
    assert one.place == str(archive), "both are on one disk"
    assert one.required >= 2**30
    (small,) = disk.file_systems([archive], 1)
    assert (small.required, small.is_short, small.is_ample) == (1, False, True)
    (large,) = disk.file_systems([archive], 2**62)
    assert large.is_short
    assert not large.is_ample


def test_what_to_type_can_be_typed() -> None:
    assert disk.sentence(FileSystem("/mnt/사초 1/archive", 1, 0, 1), 0.0).endswith(
        "df -h '/mnt/사초 1/archive'"
    )


def test_growth_is_that_of_the_last_week(tmp_path: Path) -> None:
    from time import time

    for name, age in (("sacho-1.warc.gz", 20), ("sacho-2.warc.gz", 1), ("fixity.jsonl", 1)):
        (tmp_path / name).write_bytes(b"x" * 7000)
        os.utime(tmp_path / name, (time() - age * 86400,) * 2)
    index = tmp_path / "index.sqlite3"
    index.write_bytes(b"x" * 7000)
    assert disk.growth(tmp_path, index, both=False) == 1000
    assert disk.growth(tmp_path, index, both=True) == 1500
    assert disk.growth(tmp_path / "none", index, both=True) == 0


def test_two_processes_that_see_the_same_raise_it_once(workspace: Workspace) -> None:
    workspace.run("etoday", "failed")
    program = (
        "import sys; from pathlib import Path; from tests.support.archives.alarms import NOON, Workspace\n"
        "from tests.support.databases.postgres import let_stand_for\n"
        "let_stand_for(Path(sys.argv[1]) / 'index.sqlite3', sys.argv[2])\n"
        "workspace = Workspace(Path(sys.argv[1])); workspace.now = NOON\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "workspace.look(); print(workspace.monitor.raised)"
    )
    command = [sys.executable, "-c", program, str(workspace.folder), workspace.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]  # by name
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    raised = [int(process.communicate(timeout=300)[0]) for process in processes]
    assert sum(raised) == 1
    assert len(workspace.alarms()) == 1
    assert workspace.alarms()[0].kind == AlarmKind.JOB_FAILED


def test_an_idle_check_runs_no_query(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.look()
    monkeypatch.setattr(workspace.index, "reading", None)
    workspace.monitor.check(workspace.jobs)
    with pytest.raises(TypeError):  # and a whole one would
        workspace.look()


def test_an_open_alarm_is_not_raised_again_by_another_process(workspace: Workspace) -> None:
    def raised(kind: AlarmKind, subject: str, *fields: str) -> bool:
        with workspace.index.writing() as connection:
            cause = Cause(
                kind=kind, subject=subject, sentence="x", began_at=workspace.now, fields=fields
            )
            return raise_alarm(connection, cause)

    assert raised(AlarmKind.SILENT, "etoday")
    assert not raised(AlarmKind.SILENT, "etoday")
    assert raised(AlarmKind.SILENT, "newspim")
    assert raised(AlarmKind.DRIFT, "etoday", "tags", "authors")
    assert not raised(AlarmKind.DRIFT, "etoday", "body", "tags")
    assert raised(AlarmKind.DRIFT, "etoday", "body")
    (first, *_) = workspace.open()
    for expected in (True, False):
        with workspace.index.writing() as connection:
            assert end_alarm(connection, first, workspace.now - DAY) is expected
    assert workspace.alarms()[0].ended_at == utc(workspace.now), "not before it began"
    assert raised(AlarmKind.SILENT, "etoday")
