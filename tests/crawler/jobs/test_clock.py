"""The scheduler's clock over one store in the hands of several."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index, IndexUnusableError
from crawler.jobs.clock import Clock
from crawler.jobs.config import parse_jobs, read_jobs
from crawler.jobs.daemon import Daemon, state_of
from crawler.jobs.logs import Logs
from crawler.jobs.runner import House

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crawler.jobs.job import Job

JOBS = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1m"\n')


def test_schedulers_set_the_same_jobs_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}", brief=True) as index:
        one, other = Clock(index), Clock(index)
        one.set(JOBS)
        # Between the other's removing and adding, the first adds its own.
        remove = other.remove_all_jobs
        monkeypatch.setattr(other, "remove_all_jobs", lambda: (remove(), one.set(JOBS)))
        other.set(JOBS)
        assert 0 < one.look() <= 60
        assert 0 < other.look() <= 60


def test_a_job_that_another_scheduler_sets_anew_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}", brief=True) as index:
        one = Clock(index)
        one.set(JOBS)
        with index.writing() as connection:
            connection.exec_driver_sql("UPDATE schedule SET next_run_time = 0")
        store = one._lookup_jobstore("default")
        update = store.update_job
        with monkeypatch.context() as patch:
            patch.setattr(store, "update_job", lambda job: (store.remove_all_jobs(), update(job)))
            assert one.look() == 0.0
        one.set(JOBS)
        assert 0 < one.look() <= 60


class Foreign:
    """Something whose pickle runs code: it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_rows_of_somebody_elses_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archive.index.database.BUSY_TIMEOUT", 50)
    path, ran = tmp_path / "index.sqlite3", tmp_path / "ran"
    with Index(f"sqlite:///{path}", brief=True) as index, closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO schedule VALUES ('x', 0, ?)", (pickle.dumps(Foreign(ran)),))
        other.commit()
        other.execute("BEGIN IMMEDIATE")
        clock = Clock(index)
        for step in (lambda: clock.set(JOBS), clock.look):
            with pytest.raises(IndexUnusableError):
                step()
        other.rollback()
        assert 0 < clock.look() <= 60
        assert other.execute("SELECT id FROM schedule").fetchall() == [("a",)]
    assert not ran.exists()


def test_a_file_that_changes_before_the_scheduler_runs_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text('[[job]]\nname = "old"\ncommand = "verify"\nevery = "1d"\n')
    state, jobs = state_of(path), read_jobs(path)
    path.write_text('[[job]]\nname = "newer"\ncommand = "verify"\nevery = "1d"\n')
    known: list[str] = []

    def watch(jobs: Sequence[Job]) -> None:
        known.extend(job.name for job in jobs)
        os.kill(os.getpid(), signal.SIGTERM)

    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}", brief=True) as index:
        house = House(
            index=index, logs=Logs(tmp_path, 1), settings={"ARCHIVE_URL": str(tmp_path / "archive")}
        )
        Daemon(path, house, 1, lambda _: None, watch).run(jobs, state)
    assert known == ["newer"]
