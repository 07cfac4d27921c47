"""What works for its effect goes on where nobody reads its output: its exit status is the same."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", SEEDS / "newspim").code == 0
    return workspace


def unread(workspace: Workspace, *words: str | Path) -> tuple[int, str]:
    """Run a verb whose reader has left; return its exit status and what is on stderr."""
    with workspace.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        return process.wait(300), said


def damage(workspace: Workspace) -> None:
    segment = next(workspace.archive.glob("*.warc.gz"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.chmod(0o640)
    segment.write_bytes(data)


def test_findings_that_nobody_reads_are_findings(workspace: Workspace) -> None:
    assert unread(workspace, "verify")[0] == 0
    damage(workspace)
    assert unread(workspace, "verify")[0] == 1
    assert unread(workspace, "reindex", "--dry-run")[0] == 1


def test_a_backup_and_a_reindex_are_completed(workspace: Workspace) -> None:
    copy = workspace.folder / "copy"
    assert unread(workspace, "backup", copy) == (0, "")
    assert (copy / "index.sqlite3").exists() or any(copy.rglob("*index*"))
    assert unread(workspace, "reindex")[0] == 0
    assert workspace.call("verify").code == 0
    assert unread(workspace, "replay", SEEDS / "etoday")[0] == 0
    assert "etoday" in workspace.call("list", "--long").out


def test_problems_of_which_nobody_reads_are_problems(workspace: Workspace) -> None:
    jobs = workspace.folder / "jobs.toml"
    jobs.write_text("[job.broken]\n")
    told = workspace.run("status", env={"JOBS_FILE": str(jobs)})
    with workspace.start(
        "status",
        env={"JOBS_FILE": str(jobs)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(300) == told.code != 0
