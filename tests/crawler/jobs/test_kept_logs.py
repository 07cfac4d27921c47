"""Logs of runs in the archive's store, where all machines find them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from os import utime
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.model.article import KST
from archive.segments.archive_url import store_at
from crawler.jobs.config import parse_jobs
from crawler.jobs.due import Order
from crawler.jobs.execution.logs import Logs
from crawler.jobs.execution.runner import RunnerContext, run_job
from crawler.jobs.signals import Stop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

(JOB,) = parse_jobs('[[job]]\nname = "sound"\ncommand = "verify"\nevery = "1d"\n')
NOW = datetime.now(KST).replace(microsecond=0)


def run(folder: Path, due_at: datetime) -> tuple[str, str]:
    """Run the job; where its log is by what is returned, and by the history."""
    settings = {
        "ARCHIVE_URL": str(folder / "archive"),
        "INDEX_URL": f"sqlite:///{folder / 'index.sqlite3'}",
    }
    with Index(settings["INDEX_URL"]) as index:
        logs = Logs(folder / "log", 30, store_at(str(folder / "store")))
        context = RunnerContext(index=index, logs=logs, settings=settings)
        ended = run_job(Order(job=JOB, due_at=due_at, attempt=1), context, Stop())
        assert ended is not None
        with index.reading() as connection:
            row = connection.exec_driver_sql(
                f"SELECT log FROM runs WHERE id = '{ended.record.run_id}'"
            )
            return ended.record.log, str(row.scalar())


def test_a_log_is_kept_in_the_store_once_its_run_has_ended(tmp_path: Path) -> None:
    store = store_at(str(tmp_path / "store"))
    old = tmp_path / "old.log"
    old.write_text("old")
    for days in (31, 29):
        store.keep_file(f"logs/sound/{NOW - timedelta(days=days):%Y-%m-%dT%H%M%S}-1.log", old)
    log, written = run(tmp_path, NOW)
    assert log == written
    names = store.kept_files("logs/sound")
    assert [name[11:21] for name in names] == [
        f"{NOW - timedelta(days=29):%Y-%m-%d}",
        f"{NOW:%Y-%m-%d}",
    ]
    assert log == store.place(names[-1])
    kept = store.read_file(names[-1]).decode()
    assert kept == (tmp_path / "log" / "sound" / names[-1].rpartition("/")[2]).read_text()
    assert "exit status " in kept


def test_logs_of_parts_are_deleted_by_parts_of_later_commands(tmp_path: Path) -> None:
    logs = Logs(tmp_path / "log", 30)
    for mark in ("a", "b"):
        for number in (1, 2):
            part = replace(JOB, name=f"verify-{mark}-{number}", part_of="verify")
            path, file = logs.open(Order(job=part, due_at=NOW, attempt=1))
            file.close()
            assert path == str(
                tmp_path / f"log/verify-parts/{NOW:%Y-%m-%dT%H%M%S}-verify-{mark}-{number}-1.log"
            )
        if mark == "a":
            for old in (tmp_path / "log" / "verify-parts").iterdir():
                utime(old, times=((NOW - timedelta(days=31)).timestamp(),) * 2)
    kept = [path.name[18:] for path in (tmp_path / "log" / "verify-parts").iterdir()]
    assert sorted(kept) == ["verify-b-1-1.log", "verify-b-2-1.log"]


def test_a_log_that_cannot_be_kept_stays_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "store").write_text("a file where the archive should be")
    log, written = run(tmp_path, NOW)
    assert log == written == str(tmp_path / "log" / "sound" / f"{NOW:%Y-%m-%dT%H%M%S}-1.log")
    assert "the log can't be kept in the archive's store" in caplog.text
