"""The scheduler's clock over one store in the hands of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.index import Index
from crawler.jobs.clock import Clock
from crawler.jobs.jobsfile import parse_jobs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

JOBS = parse_jobs('[[job]]\nname = "a"\ncommand = "verify"\nevery = "1m"\n')


def test_schedulers_set_the_same_jobs_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
