"""An index is read where nothing can be written: in a folder, on a mount or on a disk that takes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import ANY

import pytest

from archive.index.sqlite.unwritable import UnwritableIndex
from tests.support.documents import MADE
from tests.support.processes.cli import ROOT, CommandResult, Workspace
from tests.support.processes.terminals import endings, run_each

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.sqlite_only(reason="it is of a file and its folder")

VERBS = (
    "show etoday",
    "search 푸틴",
    "status",
    "verify",
    "reindex --dry-run",
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
    assert workspace.call("replay", *MADE).code == 0
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


@pytest.fixture
def of_another_user(made: Path) -> Iterator[Workspace]:
    """The archive of another user, who lets nobody but their group read it."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as place:  # pytest's folders are for one user alone
        folder = Path(place, "kept")
        shutil.copytree(made, folder)
        Path(place).chmod(0o755)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o750 if path.is_dir() else 0o640)
            os.chown(path, OWNER, GROUP)
        yield Workspace(folder)


def run_as(workspace: Workspace, group: int, *words: str) -> CommandResult:
    """Run a verb as a user who is neither root nor the owner."""
    env = {"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/nonexistent"}
    process = workspace.start(
        *words, env=env, user=READER, group=group, extra_groups=[], stdout=-1, stderr=-1
    )
    out, err = process.communicate(timeout=120)
    return CommandResult(process.returncode, out.decode(), err.decode())


#: The owner of an archive and their group; another user, and a group that may not read it.
OWNER, GROUP, READER, OTHERS = 61001, 61002, 61003, 61004


@pytest.mark.parametrize(
    "verb", ["show", "search 푸틴", "status", "verify", "export -", "reindex --dry-run"]
)
def test_another_user_of_the_group_reads_and_one_of_no_group_is_told(
    of_another_user: Workspace, verb: str
) -> None:
    said = run_as(of_another_user, GROUP, *verb.split())
    if "No module named" in said.err:
        pytest.skip("the checkout is for one user alone")
    assert said.code == 0, said
    assert said.out
    said = run_as(of_another_user, OTHERS, *verb.split())
    assert said.code == 1
    assert "this user may not read it" in said.out + said.err
    assert "Traceback" not in said.err


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
    # The log was made up: its rows are none of the records.
    verbs = [verb.format(**names).split() for verb in VERBS if not (logged and verb == "verify")]
    script = f'set -e\n{mount.format(**names)}\nexec "$@"'
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *run_each(verbs, out)],
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
    assert [(one.code, one.err) for one in endings(out, verbs)] == [(0, ANY)] * len(verbs)
    assert (out / "all.jsonl").stat().st_size
    assert not list(out.glob("sacho-index*"))
