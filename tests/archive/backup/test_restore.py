"""`scrapy restore`: into empty places, damage reported; and kills at any change to a disk."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.backup import inventory
from archive.backup.inventory import MARK
from archive.model.errors import BackupError
from tests.support.archives.backups import (
    back_up_workspace,
    check_restored,
    copy_of,
    damage,
    kill_backups,
    kill_restores,
    killed_after,
    killed_at,
    restore_workspace,
    same,
)
from tests.support.archives.traces import wrong
from tests.support.databases.index_rows import change
from tests.support.faults import full_disks
from tests.support.processes.cli import ROOT, Workspace


@pytest.fixture(scope="module")
def kept(origin: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of it."""
    backup = tmp_path_factory.mktemp("kept") / "backup"
    back_up_workspace(origin, backup)
    return backup


@pytest.fixture
def backup(kept: Path, tmp_path: Path) -> Path:
    shutil.copytree(kept, tmp_path / "backup")
    return tmp_path / "backup"


def state_of(backup: Path) -> Path:
    (state,) = backup.glob("state-*")
    return state


_OF_A_FILE = pytest.mark.sqlite_only(reason="the index is a file")


@pytest.mark.parametrize(
    "there",
    [
        "archive/page.html",
        pytest.param("index.sqlite3", marks=_OF_A_FILE),
        pytest.param("index.sqlite3-wal", marks=_OF_A_FILE),
        "archive",
    ],
)
def test_nothing_that_is_there_is_overwritten(backup: Path, tmp_path: Path, there: str) -> None:
    workspace = Workspace(tmp_path / "desk")
    path = workspace.folder / there
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    result = workspace.call("restore", backup)
    assert result.code == 1
    assert "Traceback" not in result.err
    assert ("no file is ever overwritten" in result.err) or ("its folder is a file" in result.err)
    assert [p.name for p in workspace.folder.rglob("*") if p.is_file()] == [path.name]
    assert path.read_text() == "mine"


def test_into_empty_folders_it_restores(backup: Path, tmp_path: Path) -> None:
    """The mount points of a container are such folders."""
    (tmp_path / "desk" / "archive" / "lost+found").mkdir(parents=True)
    check_restored(backup, tmp_path / "desk")


@pytest.mark.skipif(bool(full_disks.why_not()), reason=full_disks.why_not())
@pytest.mark.parametrize("small", ["archive", "index"])
def test_each_disk_needs_room_for_what_it_is_to_hold(
    backup: Path, tmp_path: Path, small: str
) -> None:
    """The index needs 0.3 MB here, more than the archive: a disk of 128 KiB holds only that."""
    workspace = Workspace(tmp_path / "desk")
    place = tmp_path / "small"
    place.mkdir()
    other = {"archive": workspace.archive, "index": workspace.index} | {small: place / small}
    with full_disks._disk(place, 128):
        result = workspace.call(
            "restore",
            backup,
            "-s",
            f"ARCHIVE_URL={other['archive']}",
            "-s",
            f"INDEX_URL=sqlite:///{other['index']}",
        )
        if small == "archive":
            assert (result.code, result.err) == (0, "")
        else:
            assert result.code == 1
            assert f"{place} has 0.1 MB free, and 0." in result.err
            assert not other["archive"].exists(), "it is seen before anything is copied"


def test_what_is_not_a_backup_is_reported(tmp_path: Path, backup: Path) -> None:
    workspace = Workspace(tmp_path / "desk")
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun").mkdir()
    inventory.write(tmp_path / "begun", inventory.Inventory())
    for folder, sentence in (
        ("no", "There is no backup at"),
        ("empty", "is not a backup of Sacho"),
        ("begun", "has not finished: there is nothing to restore yet"),
    ):
        result = workspace.call("restore", tmp_path / folder)
        assert result.code == 1
        assert sentence in result.err
    assert workspace.call("restore").code == 2
    result = Workspace(backup / "within").call("restore", backup)
    assert (result.code, "lies within the backup" in result.err) == (1, True)
    assert not workspace.folder.exists()


def test_each_file_of_a_backup_that_was_changed_is_named(kept: Path, tmp_path: Path) -> None:
    """Damage every file in turn: the others are restored, verify or reindex report the rest."""
    places = [
        path.relative_to(kept)
        for path in sorted(kept.rglob("*"))
        if path.is_file() and path.name != ".lock"
    ]
    assert len(places) == 6
    for number, place in enumerate(places):
        for how in ("flipped", "cut", "gone"):
            backup = tmp_path / f"{number}-{how}"
            shutil.copytree(kept, backup)
            path, workspace = backup / place, Workspace(tmp_path / f"desk-{number}-{how}")
            if how == "flipped":
                damage(path)
            elif how == "cut":
                path.write_bytes(path.read_bytes()[:-50])
            else:
                path.unlink()
            result = workspace.call("restore", backup)
            assert result.code == 1, (place, how)
            assert str(path if place.name != "backup.json" else backup) in result.err
            assert "Traceback" not in result.err
            if place.name == "backup.json":
                assert not workspace.folder.exists()
                continue
            assert len(result.err.splitlines()) == 1, "nothing else is"
            assert not (workspace.archive / MARK).exists()
            if place.name == "index.sqlite3":
                assert result.out.endswith(
                    "run scrapy reindex now to make the index from the archive\n"
                )
                assert not workspace.index.exists()
            elif place.parts[0] == "segments":
                assert wrong(workspace), "and verify knows"


def test_an_inventory_with_any_byte_changed_is_not_believed(backup: Path) -> None:
    path = backup / inventory.NAME
    data = path.read_bytes()
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(BackupError):
            inventory.read(backup)
    path.write_bytes(b"[" * 100_000)
    with pytest.raises(BackupError):
        inventory.read(backup)
    path.write_bytes(data)
    assert inventory.read(backup) is not None


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_an_inventory_that_is_anything_else_is_reported_as_damaged(values: Any) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder)
        for whole in (
            {},
            {"format": 1, "at": values, "state": "", "files": values, "faults": values},
        ):
            told = whole | (values if isinstance(values, dict) else {})
            (path / inventory.NAME).write_text(
                json.dumps(told | {"sum": inventory._checksum(told)}), "utf-8"
            )
            with suppress(BackupError):
                inventory.read(path)
        (path / inventory.NAME).write_text(json.dumps(values), "utf-8")
        with pytest.raises(BackupError):
            inventory.read(path)


def test_a_backup_of_a_newer_version_is_reported(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = inventory.read(backup)
    assert known is not None
    monkeypatch.setattr(inventory, "_FORMAT", 2)
    inventory.write(backup, known)
    monkeypatch.undo()
    result = Workspace(tmp_path / "desk").call("restore", backup)
    assert (result.code, "was written by a newer version of Sacho" in result.err) == (1, True)


@pytest.mark.sqlite_only(reason="of a database, rows are copied, for which their schema is known")
def test_an_index_of_a_newer_schema_is_restored_and_reported(
    origin: Workspace, tmp_path: Path
) -> None:
    workspace = copy_of(origin, tmp_path / "desk")
    change(workspace.index_url, "UPDATE alembic_version SET version_num = '9999'")
    back_up_workspace(workspace, tmp_path / "backup")
    other = Workspace(tmp_path / "other")
    result = other.call("restore", tmp_path / "backup")
    assert (result.code, "upgrade Sacho" in result.err) == (1, True)
    assert other.index.exists()


@pytest.mark.sqlite_only(reason="an earlier index is restored to a file only")
def test_an_index_of_an_earlier_version_is_restored_and_left_to_a_reindex(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "desk")
    workspace.archive.mkdir(parents=True)
    with closing(sqlite3.connect(workspace.index)) as database:
        database.executescript((ROOT / "tests" / "support" / "schema_0005.sql").read_text())
    back_up_workspace(workspace, tmp_path / "backup")
    other = Workspace(tmp_path / "other")
    result = other.call("restore", tmp_path / "backup")
    assert result.code == 1
    assert "was made by an earlier version of Sacho (schema 0005): run scrapy reindex" in result.err
    assert other.call("reindex").code == 0
    assert other.call("show").code == 0
    assert wrong(other) == []


def test_a_backup_killed_at_any_change_leaves_the_one_before_and_the_next_is_whole(
    origin: Workspace, tmp_path: Path
) -> None:
    """Every eighth change here, every one in the benchmark."""
    assert kill_backups(origin, tmp_path, step=8) > 4


def test_a_restore_killed_at_any_change_goes_on(
    origin: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert kill_restores(origin, backup, tmp_path, step=8) > 2


def test_a_restore_that_was_killed_goes_on_with_no_other_backup(
    backup: Path, origin: Workspace, tmp_path: Path
) -> None:
    workspace, other = Workspace(tmp_path / "desk"), tmp_path / "other"
    assert killed_at(8, restore_workspace, backup, workspace)
    back_up_workspace(origin, other)
    result = workspace.call("restore", other)
    assert (result.code, "A restore of another backup into" in result.err) == (1, True)


def test_a_backup_killed_at_random_moments_is_whole_in_the_end(
    origin: Workspace, tmp_path: Path
) -> None:
    pick, backup = random.Random(7), tmp_path / "backup"
    began = monotonic()
    assert not killed_after(60, back_up_workspace, origin, tmp_path / "alone")
    length = monotonic() - began
    assert (
        sum(
            killed_after(pick.random() * length, back_up_workspace, origin, backup)
            for _ in range(12)
        )
        > 0
    )
    back_up_workspace(origin, backup)
    assert same(check_restored(backup, tmp_path / "other"), origin)
