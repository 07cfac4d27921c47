"""Destinations that `scrapy backup` refuses, and failures and interrupts: the old backup stays."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import archive.backup.create
import archive.backup.index_snapshot
from archive.backup import inventory
from tests.support.archives.backups import check_restored, files, same
from tests.support.documents import SEEDS
from tests.support.faults import full_disks
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def test_another_archives_backup_is_left_alone(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert workspace.call("backup", backup).code == 0
    before = files(backup)
    other = Workspace(tmp_path / "other")
    assert other.call("replay", SEEDS / "etoday").code == 0
    result = other.call("backup", backup)
    assert result.code == 1
    assert f"{backup} is the backup of another archive" in result.err
    assert files(backup) == before


@pytest.mark.parametrize(
    ("folder", "code", "sentence"),
    [
        ("desk/archive", 1, "is the archive itself"),
        ("desk/archive/backup", 1, "lies within the archive"),
        ("link/backup", 1, "lies within the archive"),
        ("desk", 1, "holds the archive or its index"),
        ("something", 1, "not a backup of Sacho"),
        ("file", 1, "its folder is a file"),
        ("no/backup", 1, "is its disk mounted?"),
        ("s3://bucket/backup", 2, "a backup is a local folder"),
        ("", 2, "name one folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_reported_and_left_as_it_was(
    workspace: Workspace, tmp_path: Path, folder: str, code: int, sentence: str
) -> None:
    (tmp_path / "something").mkdir()
    (tmp_path / "something" / "else").write_text("else")
    (tmp_path / "file").write_text("else")
    (tmp_path / "link").symlink_to(workspace.archive)
    before = files(tmp_path)
    result = workspace.call(
        "backup", folder if "://" in folder or not folder else tmp_path / folder
    )
    assert result.code == code
    assert sentence in result.err
    assert "Traceback" not in result.err
    assert files(tmp_path) == before


def test_a_missing_archive_is_reported(tmp_path: Path) -> None:
    result = Workspace(tmp_path).call("backup", tmp_path / "backup")
    assert result.code == 1
    assert result.err.startswith("scrapy backup: There is no archive at")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_with_what_file_systems_make_will_do(
    workspace: Workspace, backup: Path
) -> None:
    (backup / "lost+found").mkdir(parents=True)
    assert workspace.call("backup", backup).code == 0


def test_two_do_not_back_up_into_one_folder_at_once(workspace: Workspace, backup: Path) -> None:
    assert workspace.call("backup", backup).code == 0
    with (backup / ".lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        result = workspace.call("backup", backup)
    assert result.code == 1
    assert "Another backup or restore is running in" in result.err


def test_stopped_it_leaves_nothing_behind_and_the_backup_before_stays(
    workspace: Workspace, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.call("backup", backup).code == 0
    shutil.rmtree(backup / "segments")
    before = inventory.read(backup)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.backup.create.BackupFolder, "commit", interrupted)
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert "Stopped." in result.err
    assert inventory.read(backup) == before
    assert len(list(backup.glob("state-*"))) == 1
    assert not list((backup / "segments").glob(".*"))
    check_restored(backup, tmp_path / "other")


@pytest.mark.sqlite_only(reason="the file is copied in steps")
def test_ctrl_c_is_heard_while_the_index_is_copied(
    workspace: Workspace, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.backup.index_snapshot, "_let_python_run", interrupted)
    monkeypatch.setattr(archive.backup.index_snapshot, "_STEPS", 10)
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert "Stopped." in result.err
    assert not list(backup.glob("state-*"))
    monkeypatch.undo()
    assert workspace.call("backup", backup).code == 0


@pytest.mark.skipif(bool(full_disks.why_not()), reason=full_disks.why_not())
def test_a_full_disk_is_reported_and_the_same_command_continues(
    workspace: Workspace, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.mkdir()
    with full_disks._disk(backup, 256):
        result = workspace.call("backup", backup)
        assert result.code == 1
        assert "MB free, and" in result.err, "it is seen before anything is copied"
        assert not list((backup / "segments").iterdir())
        monkeypatch.setattr(
            archive.segments.files.disk.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9)
        )
        result = workspace.call("backup", backup)
        assert result.code == 1
        assert "disk is full" in result.err
        assert "Traceback" not in result.err
        monkeypatch.undo()
        full_disks._resize(backup, 4096)
        assert workspace.call("backup", backup).code == 0
        assert same(workspace, check_restored(backup, tmp_path / "other"))


@pytest.mark.skipif(bool(full_disks.why_not()), reason=full_disks.why_not())
def test_a_folder_that_cannot_be_written_is_reported_and_can_be_restored_from(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    backup.mkdir()
    with full_disks._disk(backup, 4096):
        assert workspace.call("backup", backup).code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(backup)], check=True)
        result = workspace.call("backup", backup)
        assert result.code == 1
        assert "the file system is read-only" in result.err
        check_restored(backup, tmp_path / "other")
