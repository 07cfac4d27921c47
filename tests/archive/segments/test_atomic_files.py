"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archive.segments.files.atomic_files import part_of, rename_new, replace_atomically

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_at_the_end_and_synced_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    fsync, synced = os.fsync, list[str]()

    def sync(fd: int) -> None:
        synced.append(path.read_text())
        fsync(fd)

    monkeypatch.setattr(os, "fsync", sync)
    with replace_atomically(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert synced == ["old"]
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_an_error_leaves_the_file_as_it_was_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def interrupted() -> None:
        with replace_atomically(path) as part:
            part.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_part_that_was_renamed_or_never_written_is_no_error(tmp_path: Path) -> None:
    with part_of(tmp_path / "file") as part:
        assert part.parent == tmp_path
    with part_of(tmp_path / "file") as part:
        part.touch()
        rename_new(part, tmp_path / "file")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_new_name_is_never_taken_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        rename_new(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "b"


def test_both_names_of_a_torn_rename_become_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    os.link(tmp_path / "a", tmp_path / "b")
    rename_new(tmp_path / "a", tmp_path / "b")
    assert [one.name for one in tmp_path.iterdir()] == ["b"]
