"""Crawls that write side by side to an index in PostgreSQL, some of them killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.databases.postgres import new_database
from tests.support.faults.postgres_writers import write_concurrently
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

OUTLETS = ["etoday", "newspim", "hani", "donga"]


def test_nothing_is_lost_or_there_twice_whoever_is_killed(tmp_path: Path) -> None:
    url = new_database()
    workspace = Workspace(tmp_path, {"INDEX_URL": url})
    result = write_concurrently(url, workspace.archive, OUTLETS, each=60, kills=6)
    assert result.killed == 6
    assert not result.lost
    assert not result.twice
    assert result.unfinished == 0
    assert set(result.exit_codes) <= {0, -9}
    assert result.exit_codes[-9] == 6
    assert result.deadlocks == 0
    verified = workspace.run("verify")
    assert verified.code == 0, verified
