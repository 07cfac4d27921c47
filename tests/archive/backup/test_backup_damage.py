"""Damage and loss in archive, index or backup: `scrapy backup` reports it, good copies stay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.segments import manifest as fixity
from tests.support.archives.backups import check_restored, copy_of, damage, files, same
from tests.support.archives.traces import wrong
from tests.support.databases.index_rows import change
from tests.support.databases.postgres import without_index
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.warc.gz"))


def test_a_damaged_segment_is_named_and_the_rest_copied(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    bad = segments(workspace.archive)[1]
    whole = bad.read_bytes()
    damage(bad)
    for _ in range(2):
        result = workspace.call("backup", backup)
        assert result.code == 1
        assert result.err == (
            f"scrapy backup: {bad} is damaged: its sha256 is not that of "
            f"{fixity.read(workspace.archive).entries[bad.name].at:%Y-%m-%d}. It is copied as it is; "
            "scrapy verify lists the records concerned.\n"
        )
        assert "holds the archive as of" in result.out
    other = Workspace(tmp_path / "other")
    result = other.call("restore", backup)
    assert result.code == 1
    assert f"When it was backed up: {bad} is damaged" in result.err
    assert (other.archive / bad.name).read_bytes() == bad.read_bytes()
    assert other.call("verify").code == 1
    bad.write_bytes(whole)
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    check_restored(backup, tmp_path / "mended")


def test_what_went_missing_in_the_archive_stays_in_the_backup(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert workspace.call("backup", backup).code == 0
    gone, short, kept = segments(workspace.archive)
    before = copy_of(workspace, tmp_path / "before")
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-100])
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert (
        f"{gone} is missing. Its copy is in {backup / 'segments'}, from where it can be restored."
        in result.err
    )
    assert f"{short} has another size than in {backup / 'segments'}" in result.err
    assert kept.name not in result.err
    other = Workspace(tmp_path / "other")
    assert other.call("restore", backup).code == 1, "it says what was missing"
    assert wrong(other) == [], "and is whole"
    assert same(before, other)


def test_a_segment_that_was_never_backed_up_and_is_missing_is_named(
    workspace: Workspace, backup: Path
) -> None:
    gone = segments(workspace.archive)[0]
    gone.unlink()
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert f"Cannot use {gone}: it does not exist." in result.err
    assert len(segments(backup / "segments")) == 2


def test_a_copy_that_rots_is_found_and_replaced_by_check(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert workspace.call("backup", backup).code == 0
    bad = segments(backup / "segments")[2]
    damage(bad)
    assert workspace.call("backup", backup).code == 0, "it is not read again for nothing"
    result = workspace.call(
        "restore",
        backup,
        "-s",
        f"ARCHIVE_URL={tmp_path / 'a'}",
        "-s",
        f"INDEX_URL=sqlite:///{tmp_path / 'i'}",
    )
    assert (result.code, result.err) == (
        1,
        f"scrapy restore: {bad} is damaged; it is restored as it is.\n",
    )
    result = workspace.call("backup", backup, "--check")
    assert (result.code, result.err) == (0, "")
    assert f"{bad.name} was damaged in the backup and was copied again" in result.out
    assert "segments: 0 new, 2 unchanged, 0 deleted; " in result.out
    check_restored(backup, tmp_path / "other")
    bad.unlink()
    result = workspace.call("backup", backup)
    assert f"{bad.name} was damaged in the backup and was copied again" in result.out, (
        "what is gone is seen at once"
    )
    check_restored(backup, tmp_path / "third")


def test_rows_that_lead_nowhere_are_named(workspace: Workspace, backup: Path) -> None:
    change(workspace.index_url, "UPDATE captures SET warc_file = 'gone.warc.gz' WHERE id = 1")
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert "gone.warc.gz is missing, and rows of the index refer to it." in result.err


@pytest.mark.sqlite_only(reason="the file is moved away and put back")
def test_without_an_index_it_says_so_and_never_loses_the_one_it_has(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    workspace.index.rename(kept)
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    assert "there is no index, so the backup contains none" in result.out
    other = Workspace(tmp_path / "other")
    result = other.call("restore", backup)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("run scrapy reindex now to make the index from the archive\n")
    assert not other.index.exists()
    assert other.call("reindex").code == 0
    assert wrong(other) == []
    kept.rename(workspace.index)
    assert workspace.call("backup", backup).code == 0
    before = files(backup)
    workspace.index.unlink()
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert (
        f"There is no index at {workspace.index}, and the backup in {backup} holds one, which is kept"
        in result.err
    )
    assert files(backup) == before


def test_an_index_that_was_lost_and_begun_again_does_not_take_the_good_ones_place(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    """As a scheduler or a crawl makes one, where there is none."""
    assert workspace.call("backup", backup).code == 0
    before = files(backup)
    without_index(workspace.index)
    more = tmp_path / "more"
    more.mkdir()
    (more / "page.html").write_bytes(
        (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes() + b"<!-- more -->"
    )
    for verb in (("recover",), ("replay", more, "--outlet", "newspim")):
        workspace.call(*verb)
        Index(workspace.index_url).close()
        result = workspace.call("backup", backup)
        assert result.code == 1
        assert "If the index was lost and begun again, scrapy reindex" in result.err
        assert files(backup) == before
    assert workspace.call("reindex").code == 0
    assert workspace.call("backup", backup).code == 0
    assert same(workspace, check_restored(backup, tmp_path / "other"))


@pytest.mark.sqlite_only(reason="the file is damaged")
def test_a_damaged_index_is_not_copied_over_a_good_one(workspace: Workspace, backup: Path) -> None:
    assert workspace.call("backup", backup).code == 0
    before = files(backup)
    data = bytearray(workspace.index.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    workspace.index.write_bytes(data)
    result = workspace.call("backup", backup)
    assert result.code == 1
    assert "Cannot copy" in result.err
    assert "rebuild it with scrapy reindex" in result.err
    assert files(backup) == before
