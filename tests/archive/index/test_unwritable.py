"""An index is read where nothing can be written: in a folder, on a mount or on a disk that takes nothing."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from archive.index.unwritable import UnwritableIndex
from tests.support.cli import ROOT, Workspace
from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from pathlib import Path

VERBS = (
    "show etoday",
    "search 푸틴",
    "status",
    "verify",
    "export {out}/all.jsonl",
)
READ_ONLY = "mount --bind {place} {place} && mount -o remount,ro,bind {place}"
FULL = (
    "mkdir {out}/kept && cp -r {place}/. {out}/kept && mount -t tmpfs -o size=1200k none {place} && "
    "cp -r {out}/kept/. {place} && (cat /dev/zero > {place}/fill || true)"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace(tmp_path_factory.mktemp("made"))
    assert workspace.call("replay", SEEDS).code == 0
    return workspace.folder


@pytest.fixture
def workspace(made: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(made, tmp_path / "place")
    return Workspace(tmp_path / "place")


def with_a_log(workspace: Workspace) -> None:
    """Leave a write-ahead log with a commit beside the index, as after a kill."""
    with closing(sqlite3.connect(workspace.index)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("UPDATE revisions SET headline = '기록에만 있다'")
        database.commit()
        shutil.copytree(workspace.folder, workspace.folder.with_name("killed"))
    shutil.rmtree(workspace.folder)
    workspace.folder.with_name("killed").rename(workspace.folder)
    workspace.index.with_name(workspace.index.name + "-shm").unlink()


@pytest.mark.parametrize("logged", [False, True])
def test_the_index_is_read_with_its_log_and_nothing_is_left_behind(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
) -> None:
    if logged:
        with_a_log(workspace)
    before = sorted(path.name for path in workspace.folder.iterdir())
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    unwritable = UnwritableIndex(workspace.index)
    with closing(unwritable.connect()) as database:
        found = database.execute("SELECT DISTINCT headline FROM revisions").fetchall()
    assert (found == [("기록에만 있다",)]) == logged
    assert len(list(temporary.iterdir())) == logged
    unwritable.close()
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in workspace.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("mount", "logged"),
    [(READ_ONLY, False), (READ_ONLY, True), (FULL, False)],
    ids=["read-only", "read-only with a log", "full"],
)
def test_the_reading_verbs_work_on_a_disk_that_takes_nothing(
    workspace: Workspace, tmp_path: Path, mount: str, logged: bool
) -> None:
    if logged:
        with_a_log(workspace)
    out = tmp_path / "out"
    out.mkdir()
    names = {"place": workspace.folder, "out": out}
    scrapy = f"{sys.executable} -m scrapy"
    lines = [mount.format(**names)]
    lines += [
        f"{scrapy} {verb.format(**names)} > {out}/said 2>&1 || {{ cat {out}/said; exit 1; }}"
        for verb in VERBS
        if not (
            logged and verb == "verify"
        )  # the log was made up: its rows are none of the records
    ]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", "set -e\n" + "\n".join(lines)],
        cwd=ROOT,
        env=workspace.environment() | {"TMPDIR": str(out)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()[:80]}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "all.jsonl").stat().st_size
    assert not list(out.glob("sacho-index*"))
