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
from tests.support.alarm_kit import DAY, HOUR, Desk, job, utc, verify_job
from tests.support.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_job_that_failed_more_often_than_it_is_retried_is_told_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.jobs = [job(retries=2, words=("etoday", "-a", "limit=5"))]
    desk.run("etoday", "succeeded")
    for expected in ([], [], ["job_failed"], ["job_failed"]):
        desk.now += HOUR  # a new moment each time, and no retry of the last one
        desk.run("etoday", "failed", log="/var/log/etoday/1.log")
        assert desk.look() == expected
    (alarm,) = desk.alarms()
    assert (alarm.kind, alarm.subject) == ("job_failed", "etoday")
    assert alarm.began_at == utc(desk.now - 3 * HOUR)
    assert alarm.sentence == (
        "Job etoday failed 3 times since it last succeeded on 2026-11-18 12:00 KST (exit status 1; "
        "first failure 2026-11-18 13:00 KST). Read /var/log/etoday/1.log, then try: scrapy crawl "
        "etoday -a limit=5"
    )
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    desk.now += HOUR
    desk.run("etoday", "succeeded")
    caplog.set_level(logging.INFO)
    assert desk.look() == []
    assert caplog.messages[-1] == "over: job_failed of etoday, since 2026-11-18 13:00 KST"
    assert desk.look() == []
    assert len(desk.alarms()) == 1
    assert desk.monitor.raised == 1


@pytest.mark.parametrize("ending", ["stopped", "crashed"])
def test_what_was_interrupted_has_not_failed(desk: Desk, ending: str) -> None:
    for _ in range(9):
        desk.run("etoday", ending)
        desk.now += HOUR
    assert desk.look() == []
    desk.run("etoday", "timed_out")
    assert desk.look() == ["job_failed"]
    desk.now += HOUR
    desk.run("etoday", ending)
    assert desk.look() == ["job_failed"], "nor is it done"


def test_a_job_that_is_written_wrongly_is_told_at_once(desk: Desk) -> None:
    desk.jobs = [job(retries=9)]
    desk.run("etoday", "failed", exit_code=2)
    assert desk.look() == ["job_failed"]
    assert (
        "Job etoday was refused: its arguments are invalid (exit status 2; "
        in desk.open()[0].sentence
    )


def test_a_job_without_alert_is_history(desk: Desk) -> None:
    desk.run("etoday", "failed")
    desk.jobs = [job(alert=False)]
    assert desk.look() == []
    desk.jobs = [job()]
    assert desk.look() == ["job_failed"]
    desk.jobs = [job(alert=False)]
    assert desk.look() == []


def test_an_alarm_of_a_job_that_nobody_runs_any_more_is_over_after_a_week(desk: Desk) -> None:
    desk.run("etoday", "failed")
    assert desk.look() == ["job_failed"]
    desk.jobs = []
    desk.now += 6 * DAY
    assert desk.look() == ["job_failed"], "another scheduler may run it"
    desk.now += 2 * DAY
    assert desk.look() == []


def test_a_verification_that_finds_something_names_its_log(desk: Desk) -> None:
    desk.jobs = [verify_job()]
    log = desk.folder / "verify.log"
    finding = "sacho-1.warc.gz@77: digest: it is another one."
    log.write_text(f"# scrapy verify\n{finding}\nverified 3 files, 9 rows: 1 finding\n")
    desk.run("verify", "failed", log=str(log))
    assert desk.look() == ["unverified"]
    (alarm,) = desk.open()
    assert alarm.subject == str(desk.archive)
    assert "verify found 1 error in the archive" in alarm.sentence
    assert (
        f"the first: {finding} Read {log}, repair it, then verify all of it: scrapy verify"
        in alarm.sentence
    )
    desk.now += DAY
    desk.run("verify", "failed", log=str(log))
    assert desk.look() == ["unverified"]
    desk.now += DAY
    desk.run("verify", "succeeded", verb="verify")
    assert desk.look() == []
    assert len(desk.alarms()) == 1


def test_a_verification_that_could_not_run_is_a_failed_job(desk: Desk) -> None:
    desk.jobs = [verify_job()]
    log = desk.folder / "verify.log"
    log.write_text("# scrapy verify\nscrapy verify: there is no index\n")
    desk.run("verify", "failed", log=str(log))
    assert desk.look() == ["job_failed"]
    desk.now += HOUR
    desk.run("verify", "failed", log="")
    assert desk.look() == ["job_failed"]


def test_only_a_verification_of_all_ends_what_one_found(desk: Desk) -> None:
    elsewhere = job(
        "elsewhere", verb="verify", words=(), outlet="", settings=(("ARCHIVE_URL", "/elsewhere"),)
    )
    desk.jobs = [
        verify_job(),
        job("sample", verb="verify", words=("--sample", "2"), outlet=""),
        elsewhere,
    ]
    log = desk.folder / "verify.log"
    log.write_text("a finding\nverified 3 files: 1 finding\n")
    desk.run("verify", "succeeded", verb="verify")
    desk.now += HOUR
    desk.run("sample", "failed", log=str(log), verb="verify", arguments=["--sample", "2"])
    assert desk.look() == ["unverified"], "what was verified before says nothing"
    desk.now += HOUR
    desk.run("sample", "succeeded", verb="verify", arguments=["--sample", "2"])
    assert desk.look() == ["unverified"], "another sample may have passed by it"
    desk.run("elsewhere", "succeeded", verb="verify")
    assert desk.look() == ["unverified"], "that is another archive"
    desk.now += HOUR
    desk.run("", "succeeded", verb="verify", job="", due_at=None)
    assert desk.look() == [], "by hand"
    assert desk.look() == [], "the older failure is no news"
    desk.now += HOUR
    desk.run("verify", "failed", log=str(log), verb="verify")
    assert desk.look() == ["unverified"]


def found_by_a_job(desk: Desk) -> Path:
    """Let a job that verifies find something; its log."""
    desk.jobs = [verify_job()]
    log = desk.folder / "verify.log"
    log.write_text("a finding\nverified 3 files: 1 finding\n")
    desk.run("verify", "failed", log=str(log), verb="verify")
    assert desk.look() == ["unverified"]
    desk.now += HOUR
    return log


def verified_by_hand(desk: Desk) -> None:
    desk.run("", "succeeded", verb="verify", job="", due_at=None)
    desk.now += HOUR


def test_what_was_found_twice_and_verified_since_does_not_begin_again(desk: Desk) -> None:
    log = found_by_a_job(desk)
    desk.run("verify", "failed", log=str(log), verb="verify")
    assert desk.look() == ["unverified"]
    desk.now += HOUR
    verified_by_hand(desk)
    assert [desk.look(), desk.look()] == [[], []]
    assert len(desk.alarms()) == 1


def test_a_log_that_was_deleted_makes_no_failed_job_of_what_was_found(desk: Desk) -> None:
    found_by_a_job(desk).unlink()
    assert desk.look() == ["unverified"], "the scheduler keeps logs for LOG_KEEP_DAYS"
    verified_by_hand(desk)
    assert [desk.look(), desk.look()] == [[], []]
    assert len(desk.alarms()) == 1


def test_what_was_found_in_an_archive_that_has_moved_is_told_once_and_over(desk: Desk) -> None:
    found_by_a_job(desk)
    desk.monitor = AlarmMonitor(
        desk.index, str(desk.folder / "moved"), least=1, clock=lambda: desk.now
    )
    assert desk.look() == ["unverified"]
    desk.run("verify", "succeeded", verb="verify")
    assert desk.look() == []
    assert len(desk.alarms()) == 1


def test_what_a_clock_that_was_ahead_has_raised_is_over_when_it_is_right_again(desk: Desk) -> None:
    desk.now += 365 * DAY
    found_by_a_job(desk)
    desk.jobs.append(job())
    desk.run("etoday", "failed")
    assert desk.look() == ["unverified", "job_failed"]
    desk.now -= 365 * DAY
    desk.run("etoday", "succeeded")
    desk.run("verify", "succeeded", verb="verify")
    assert desk.look() == []
    desk.now += HOUR
    desk.run("etoday", "failed")
    desk.run("verify", "failed", log=str(desk.folder / "verify.log"), verb="verify")
    assert sorted(desk.look()) == ["job_failed", "unverified"], "and what fails now is told"


def test_what_lasts_when_a_clock_is_set_right_is_told_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "crawler.alarms.disk.file_systems", lambda *_: [FileSystem(str(desk.archive), 1, 0, 100)]
    )
    desk.now += 365 * DAY
    assert desk.look() == ["disk"]
    desk.now -= 365 * DAY
    assert desk.look() == ["disk"]
    assert desk.open()[0].began_at == utc(desk.now)
    desk.now -= timedelta(minutes=1)  # so much a clock is always set
    assert desk.look() == ["disk"]
    assert len(desk.alarms()) == 2


def test_a_full_disk_is_one_alarm_whatever_lies_on_it_is_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, index = str(desk.archive), str(desk.folder / "index.sqlite3")
    disks = {archive: 1, index: 2, "/moved": 2}
    free = {1: 1000, 2: 0, 3: 0}

    def rooms(places: Iterable[object], _: int) -> list[FileSystem]:
        found = {
            disks[str(place)]: str(place) for place in reversed(list(places)) if str(place) in disks
        }
        return [FileSystem(place, disk, free[disk], 100) for disk, place in found.items()]

    monkeypatch.setattr("crawler.alarms.disk.file_systems", rooms)
    assert desk.look() == ["disk"]
    assert desk.open()[0].subject == index
    desk.monitor = AlarmMonitor(desk.index, "/moved", least=1, clock=lambda: desk.now)
    assert desk.look() == ["disk"], (
        "the archive is on the index's disk now, which is no fuller for it"
    )
    assert len(desk.alarms()) == 1
    free[2] = 1000
    assert desk.look() == []
    free[2] = 0
    assert desk.look() == ["disk"]
    assert desk.open()[0].subject == "/moved"
    disks |= {archive: 1, index: 1}
    del disks["/moved"]
    desk.monitor = AlarmMonitor(desk.index, archive, least=1, clock=lambda: desk.now)
    disks["/moved"] = 3
    assert desk.look() == [], "nothing of ours lies on that disk any more"


def test_a_place_that_cannot_be_looked_at_is_left_out(
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


def test_a_disk_that_fills_is_told_once_and_does_not_flap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"now": 2000}

    def rooms(*_: object) -> list[FileSystem]:
        return [FileSystem(str(desk.archive), 1, free["now"] * 2**20, 1024 * 2**20)]

    monkeypatch.setattr("crawler.alarms.disk.file_systems", rooms)
    desk.archive.mkdir()
    (desk.archive / "sacho-1.warc.gz").write_bytes(b"x" * 7 * 2**20)
    told = []
    for mebibytes in (2000, 1025, 1023, 1100, 1000, 1228, 1229, 1030, 900):
        free["now"] = mebibytes
        told.append(len(desk.look()))
    assert told == [0, 0, 1, 1, 1, 1, 0, 0, 1]
    assert len(desk.alarms()) == 2
    assert (
        f"{desk.archive} has 1.0 GiB free, less than the 1.0 GiB that should be free "
        f"(DISK_FREE_MIN); at last week's 1.0 MiB a day it lasts DAYS days. Free some space or "
        f"move it; see: df -h {desk.archive}"
        == re.sub(r"(?<=lasts )\d+\.\d", "DAYS", desk.alarms()[0].sentence)
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


def test_two_processes_that_see_the_same_raise_it_once(desk: Desk) -> None:
    desk.run("etoday", "failed")
    program = (
        "import sys; from pathlib import Path; from tests.support.alarm_kit import Desk, NOON\n"
        "desk = Desk(Path(sys.argv[1])); desk.now = NOON\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "desk.look(); print(desk.monitor.raised)"
    )
    command = [sys.executable, "-c", program, str(desk.folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]  # type: ignore[call-overload]  # by name
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    raised = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(raised) == 1
    assert len(desk.alarms()) == 1
    assert desk.alarms()[0].kind == AlarmKind.JOB_FAILED


def test_an_idle_look_asks_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.look()
    monkeypatch.setattr(desk.index, "reading", None)
    desk.monitor.check(desk.jobs)
    with pytest.raises(TypeError):  # and a whole one would
        desk.look()


def test_what_is_open_is_not_raised_again_by_whoever_saw_it_too(desk: Desk) -> None:
    def raised(kind: AlarmKind, subject: str, *fields: str) -> bool:
        with desk.index.writing() as connection:
            cause = Cause(
                kind=kind, subject=subject, sentence="x", began_at=desk.now, fields=fields
            )
            return raise_alarm(connection, cause)

    assert raised(AlarmKind.SILENT, "etoday")
    assert not raised(AlarmKind.SILENT, "etoday")
    assert raised(AlarmKind.SILENT, "newspim")
    assert raised(AlarmKind.DRIFT, "etoday", "tags", "authors")
    assert not raised(AlarmKind.DRIFT, "etoday", "body", "tags")
    assert raised(AlarmKind.DRIFT, "etoday", "body")
    (first, *_) = desk.open()
    for expected in (True, False):
        with desk.index.writing() as connection:
            assert end_alarm(connection, first, desk.now - DAY) is expected
    assert desk.alarms()[0].ended_at == utc(desk.now), "not before it began"
    assert raised(AlarmKind.SILENT, "etoday")
