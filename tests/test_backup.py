"""`scrapy backup`: what it copies and what it leaves, what it says of damage, and what it will not do."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import archive.backup
import archive.snapshot
from archive import fixity, inventory
from archive.exchange import Exchange
from archive.index import Index
from archive.runs import Run
from archive.segments import SegmentWriter
from crawler.extract import read
from crawler.outlet import outlet_named
from pipelines.deposit import Depositor
from tests import full_disks
from tests.backing import check_restored, copy_of, made, same
from tests.cli import Desk
from tests.keeping import SOFTWARE
from tests.reading import NOON, SEEDS
from tests.removing import articles, traces, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.page import Page

NAME = "newspim/20230915999901"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return made(tmp_path_factory.mktemp("origin"))


@pytest.fixture
def desk(origin: Desk, tmp_path: Path) -> Desk:
    return copy_of(origin, tmp_path / "desk")


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup"


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below, with its inode: what was not written again has the same one."""
    every = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): (path.stat().st_ino, path.read_bytes()) for path in every}


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.warc.gz"))


def damage(path: Path, at: int = -40) -> None:
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def page(number: int) -> Page:
    """An article of that number."""
    url = f"https://www.newspim.com/news/view/2026010100000{number}"
    body = (
        (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes().replace("남긴".encode(), f"남긴 {number}".encode())
    )
    return read(Exchange(url, NOON, body, media_type="text/html"), outlet_named("newspim"), url)


def text_of(desk: Desk) -> str:
    outlet, _, article_id = NAME.partition("/")
    return max(articles(desk)[outlet, article_id].split("\n\n"), key=len)


def test_what_was_backed_up_is_restored_row_by_row(desk: Desk, backup: Path, tmp_path: Path) -> None:
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    assert "segments: 3 new, 0 unchanged, 0 taken out; " in said.out
    other = Desk(tmp_path / "other")
    said = other.call("restore", backup)
    assert (said.code, said.err) == (0, "")
    assert "4 files and its index" in said.out
    assert same(desk, other)
    assert other.kept_bytes() == desk.kept_bytes()
    said = other.call("verify")
    assert (said.code, said.out.endswith("no findings\n")) == (0, True), said.out
    said = other.call("replay", SEEDS / "etoday")
    assert said.code == 0, "and it goes on"


def test_the_archive_is_only_read(desk: Desk, backup: Path) -> None:
    before = files(desk.folder)
    assert desk.call("backup", backup).code == 0
    assert files(desk.folder) == before


def test_the_same_again_copies_only_what_is_new(desk: Desk, backup: Path, tmp_path: Path) -> None:
    assert desk.call("backup", backup).code == 0
    before = files(backup / "segments")
    said = desk.call("backup", backup)
    assert said.code == 0
    assert "segments: 0 new, 3 unchanged, 0 taken out; " in said.out
    assert files(backup / "segments") == before
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "new.html").write_bytes((SEEDS / "etoday" / "own-desktop-2020.html").read_bytes() + b"<!---->")
    facts = {"url": "https://www.etoday.co.kr/news/view/9000009", "captured_at": "2026-01-01T00:00:00+09:00"}
    (tmp_path / "page" / "new.json").write_text(json.dumps(facts))
    assert desk.call("replay", tmp_path / "page").code == 0
    said = desk.call("backup", backup)
    assert "segments: 1 new, 3 unchanged, 0 taken out; " in said.out
    assert before.items() < files(backup / "segments").items()
    assert len(list(backup.glob("state-*"))) == 1, "it holds one moment"
    assert same(desk, check_restored(backup, tmp_path / "other"))


def test_what_was_taken_down_leaves_the_backup_with_the_next_run(desk: Desk, backup: Path, tmp_path: Path) -> None:
    text = text_of(desk)
    assert desk.call("backup", backup).code == 0
    assert desk.call("remove", NAME, "--reason", "test", "--yes").code == 0
    assert traces(backup, text).any, "until then it holds it still, as is said"
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    assert "segments: 1 new, 2 unchanged, 1 taken out; " in said.out
    assert not traces(backup, text).any
    for state in backup.glob("state-*"):
        assert not traces(state, text).any
    assert same(desk, check_restored(backup, tmp_path / "other"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_taken_down_while_it_copies_is_not_in_it(
    desk: Desk, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The article goes right before, or right after the index was copied, and all is copied once more."""
    text, calls, copy_index = text_of(desk), [], archive.backup.copy_index

    def copied(path: Path, copy: Path) -> Any:
        def removed() -> None:
            if not calls:
                calls.append("removed")
                assert desk.call("remove", NAME, "--reason", "test", "--yes").code == 0

        if when == "before":
            removed()
        item = copy_index(path, copy)
        removed()
        calls.append("copied")
        return item

    monkeypatch.setattr(archive.backup, "copy_index", copied)
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    assert calls == ["removed", "copied", "copied"]
    for folder in (backup, *backup.glob("state-*")):
        assert not traces(folder, text).any
    assert same(desk, check_restored(backup, tmp_path / "other"))


def test_a_damaged_segment_is_named_and_the_rest_copied(desk: Desk, backup: Path, tmp_path: Path) -> None:
    bad = segments(desk.archive)[1]
    whole = bad.read_bytes()
    damage(bad)
    for _ in range(2):
        said = desk.call("backup", backup)
        assert said.code == 1
        assert said.err == (
            f"scrapy backup: {bad} is damaged: its sha256 is not what it was on "
            f"{fixity.read(desk.archive).entries[bad.name].at:%Y-%m-%d}. It is copied as it is; scrapy verify says "
            "which records it concerns.\n"
        )
        assert "holds the archive as of" in said.out
    other = Desk(tmp_path / "other")
    said = other.call("restore", backup)
    assert said.code == 1
    assert f"When it was backed up: {bad} is damaged" in said.err
    assert (other.archive / bad.name).read_bytes() == bad.read_bytes()
    assert other.call("verify").code == 1
    bad.write_bytes(whole)
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    check_restored(backup, tmp_path / "mended")


def test_what_went_missing_in_the_archive_stays_in_the_backup(desk: Desk, backup: Path, tmp_path: Path) -> None:
    assert desk.call("backup", backup).code == 0
    gone, short, kept = segments(desk.archive)
    before = copy_of(desk, tmp_path / "before")
    gone.unlink()
    short.write_bytes(short.read_bytes()[:-100])
    said = desk.call("backup", backup)
    assert said.code == 1
    assert f"{gone} is not there. Its copy is in {backup / 'segments'}, from where it can be taken." in said.err
    assert f"{short} has another size than in {backup / 'segments'}" in said.err
    assert kept.name not in said.err
    other = Desk(tmp_path / "other")
    assert other.call("restore", backup).code == 1, "it says what was missing"
    assert wrong(other) == [], "and is whole"
    assert same(before, other)


def test_a_segment_that_was_never_backed_up_and_is_missing_is_named(desk: Desk, backup: Path) -> None:
    gone = segments(desk.archive)[0]
    gone.unlink()
    said = desk.call("backup", backup)
    assert said.code == 1
    assert f"Cannot use {gone}: it is not there." in said.err
    assert len(segments(backup / "segments")) == 2


def test_a_copy_that_rots_is_found_and_mended_by_check(desk: Desk, backup: Path, tmp_path: Path) -> None:
    assert desk.call("backup", backup).code == 0
    bad = segments(backup / "segments")[2]
    damage(bad)
    assert desk.call("backup", backup).code == 0, "it is not read again for nothing"
    said = desk.call(
        "restore", backup, "-s", f"ARCHIVE_URL={tmp_path / 'a'}", "-s", f"INDEX_URL=sqlite:///{tmp_path / 'i'}"
    )
    assert (said.code, said.err) == (1, f"scrapy restore: {bad} is damaged; it is restored as it is.\n")
    said = desk.call("backup", backup, "--check")
    assert (said.code, said.err) == (0, "")
    assert f"{bad.name} was damaged in the backup, and is copied again" in said.out
    assert "segments: 0 new, 2 unchanged, 0 taken out; " in said.out
    check_restored(backup, tmp_path / "other")
    bad.unlink()
    said = desk.call("backup", backup)
    assert f"{bad.name} was damaged in the backup, and is copied again" in said.out, "what is gone is seen at once"
    check_restored(backup, tmp_path / "third")


@pytest.mark.parametrize("torn", [b"", b"\x1f\x8b\x08 torn"])
def test_what_is_open_is_restored_and_closed(desk: Desk, backup: Path, tmp_path: Path, torn: bytes) -> None:
    """A live writer's segment: a page in the index, one on disk only, and a torn end."""
    with Index(f"sqlite:///{desk.index}") as index:
        segments_of = SegmentWriter(desk.archive, software=SOFTWARE, job="t", host="t")
        depositor = Depositor(segments_of, index, Run("test"), lambda _: None)
        depositor.add(page(1))
        depositor.flush()
        depositor.add(page(2))
        depositor._written(depositor._waiting)  # on disk, and its row is not written yet
        (path,) = desk.archive.glob("*.open")
        with path.open("ab") as file:
            file.write(torn)
        said = desk.call("backup", backup)
        assert (said.code, said.err) == (0, "")
        assert "0 taken out, 1 open; " in said.out
        segments_of._release()
    other = Desk(tmp_path / "other")
    said = other.call("restore", backup)
    assert said.code == 0, said.err
    cut = f", {len(torn)} torn bytes cut off" if torn else ""
    assert f"{path.name.removesuffix('.open')} was left open: 1 records indexed{cut}, closed" in said.out
    assert wrong(other) == []
    assert {name for _, name in articles(other)} >= {"20260101000001", "20260101000002"}


def test_what_is_closed_while_it_copies_is_restored_as_it_was_open(
    desk: Desk, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its later records are in the copy, and their rows are not in that of the index: restoring reads them."""
    copy_index = archive.backup.copy_index

    def copied(path: Path, copy: Path) -> Any:
        with Index(f"sqlite:///{desk.index}") as index:
            writer = SegmentWriter(desk.archive, software=SOFTWARE, job="t", host="t")
            depositor = Depositor(writer, index, Run("test"), lambda _: None)
            depositor.add(page(1))
            depositor.flush()
            item = copy_index(path, copy)
            depositor.add(page(2))
            depositor.close()
            writer.close()
        return item

    monkeypatch.setattr(archive.backup, "copy_index", copied)
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    assert "1 open; " in said.out
    other = Desk(tmp_path / "other")
    said = other.call("restore", backup)
    assert "was left open: 1 records indexed, closed" in said.out
    assert wrong(other) == []
    assert articles(other) == articles(desk)
    monkeypatch.undo()
    said = desk.call("backup", backup)
    assert "segments: 1 new, 3 unchanged, 0 taken out; " in said.out, "now it is closed"
    check_restored(backup, tmp_path / "third")


def test_rows_that_lead_nowhere_are_named(desk: Desk, backup: Path) -> None:
    with closing(sqlite3.connect(desk.index)) as connection, connection:
        connection.execute("UPDATE captures SET warc_file = 'gone.warc.gz' WHERE id = 1")
    said = desk.call("backup", backup)
    assert said.code == 1
    assert "gone.warc.gz is not there, and rows of the index lead into it." in said.err


def test_without_an_index_it_says_so_and_never_loses_the_one_it_has(desk: Desk, backup: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    desk.index.rename(kept)
    said = desk.call("backup", backup)
    assert (said.code, said.err) == (0, "")
    assert "there is no index, and so none in the backup" in said.out
    other = Desk(tmp_path / "other")
    said = other.call("restore", backup)
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("run scrapy reindex now: it makes the index from the archive\n")
    assert not other.index.exists()
    assert other.call("reindex").code == 0
    assert wrong(other) == []
    kept.rename(desk.index)
    assert desk.call("backup", backup).code == 0
    before = files(backup)
    desk.index.unlink()
    said = desk.call("backup", backup)
    assert said.code == 1
    assert f"There is no index at {desk.index}, and the backup in {backup} has one, which stays" in said.err
    assert files(backup) == before


def test_an_index_that_was_lost_and_made_anew_does_not_take_the_good_ones_place(
    desk: Desk, backup: Path, tmp_path: Path
) -> None:
    """As a scheduler or a crawl makes one, where there is none."""
    assert desk.call("backup", backup).code == 0
    before = files(backup)
    lost = [path.rename(tmp_path / path.name) for path in desk.folder.glob("index.sqlite3*")]
    more = tmp_path / "more"
    more.mkdir()
    (more / "page.html").write_bytes((SEEDS / "newspim" / "own-desktop-2021.html").read_bytes() + b"<!-- more -->")
    for verb in (("close",), ("replay", more, "--outlet", "newspim")):
        desk.call(*verb)
        Index(f"sqlite:///{desk.index}").close()
        said = desk.call("backup", backup)
        assert said.code == 1
        assert "was it lost, and made anew? scrapy reindex" in said.err
        assert files(backup) == before
    assert desk.call("reindex").code == 0
    assert desk.call("backup", backup).code == 0
    assert same(desk, check_restored(backup, tmp_path / "other"))
    assert lost


def test_a_damaged_index_is_not_copied_over_a_good_one(desk: Desk, backup: Path) -> None:
    assert desk.call("backup", backup).code == 0
    before = files(backup)
    data = bytearray(desk.index.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    desk.index.write_bytes(data)
    said = desk.call("backup", backup)
    assert said.code == 1
    assert "can't be copied" in said.err
    assert "scrapy reindex makes it anew" in said.err
    assert files(backup) == before


def test_an_older_schema_is_backed_up_as_it_is(desk: Desk, backup: Path) -> None:
    """Before an upgrade is when a backup is wanted."""
    with closing(sqlite3.connect(desk.index)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert desk.call("backup", backup).code == 0


def test_another_archives_backup_is_left_alone(desk: Desk, backup: Path, tmp_path: Path) -> None:
    assert desk.call("backup", backup).code == 0
    before = files(backup)
    other = Desk(tmp_path / "other")
    assert other.call("replay", SEEDS / "etoday").code == 0
    said = other.call("backup", backup)
    assert said.code == 1
    assert f"{backup} is the backup of another archive" in said.err
    assert files(backup) == before


@pytest.mark.parametrize(
    ("folder", "code", "sentence"),
    [
        ("desk/archive", 1, "is the archive itself"),
        ("desk/archive/backup", 1, "lies within the archive"),
        ("link/backup", 1, "lies within the archive"),
        ("desk", 1, "holds the archive or its index"),
        ("something", 1, "holds something else"),
        ("file", 1, "its folder is a file"),
        ("no/backup", 1, "is its disk mounted?"),
        ("s3://bucket/backup", 2, "lies in a folder of this machine"),
        ("", 2, "name one folder"),
    ],
)
def test_a_folder_that_will_not_do_is_said_and_left_as_it_was(
    desk: Desk, tmp_path: Path, folder: str, code: int, sentence: str
) -> None:
    (tmp_path / "something").mkdir()
    (tmp_path / "something" / "else").write_text("else")
    (tmp_path / "file").write_text("else")
    (tmp_path / "link").symlink_to(desk.archive)
    before = files(tmp_path)
    said = desk.call("backup", folder if "://" in folder or not folder else tmp_path / folder)
    assert said.code == code
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert files(tmp_path) == before


def test_an_archive_of_nothing_is_said(tmp_path: Path) -> None:
    said = Desk(tmp_path).call("backup", tmp_path / "backup")
    assert said.code == 1
    assert said.err.startswith("scrapy backup: There is no archive at")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_with_what_file_systems_make_will_do(desk: Desk, backup: Path) -> None:
    (backup / "lost+found").mkdir(parents=True)
    assert desk.call("backup", backup).code == 0


def test_two_do_not_back_up_into_one_folder_at_once(desk: Desk, backup: Path) -> None:
    assert desk.call("backup", backup).code == 0
    with (backup / ".lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        said = desk.call("backup", backup)
    assert said.code == 1
    assert "Another backup or restore is at work in" in said.err


def test_stopped_it_leaves_nothing_behind_and_the_backup_before_stays(
    desk: Desk, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.call("backup", backup).code == 0
    shutil.rmtree(backup / "segments")
    before = inventory.read(backup)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.backup.Storeroom, "commit", interrupted)
    said = desk.call("backup", backup)
    assert said.code == 1
    assert "Stopped." in said.err
    assert inventory.read(backup) == before
    assert len(list(backup.glob("state-*"))) == 1
    assert not list((backup / "segments").glob(".*"))
    check_restored(backup, tmp_path / "other")


def test_ctrl_c_is_heard_while_the_index_is_copied(desk: Desk, backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(archive.snapshot, "_look", interrupted)
    monkeypatch.setattr(archive.snapshot, "_STEPS", 10)
    said = desk.call("backup", backup)
    assert said.code == 1
    assert "Stopped." in said.err
    assert not list(backup.glob("state-*"))
    monkeypatch.undo()
    assert desk.call("backup", backup).code == 0


@pytest.mark.skipif(bool(full_disks.why_not()), reason=full_disks.why_not())
def test_a_full_disk_is_said_and_the_same_again_goes_on(
    desk: Desk, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.mkdir()
    with full_disks._disk(backup, 256):
        said = desk.call("backup", backup)
        assert said.code == 1
        assert "MB free, and" in said.err, "it is seen before anything is copied"
        assert not list((backup / "segments").iterdir())
        monkeypatch.setattr(archive.backup.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 10**9))  # type: ignore[attr-defined]
        said = desk.call("backup", backup)
        assert said.code == 1
        assert "disk is full" in said.err
        assert "Traceback" not in said.err
        monkeypatch.undo()
        full_disks._resize(backup, 4096)
        assert desk.call("backup", backup).code == 0
        assert same(desk, check_restored(backup, tmp_path / "other"))


@pytest.mark.skipif(bool(full_disks.why_not()), reason=full_disks.why_not())
def test_a_folder_that_cannot_be_written_is_said_and_can_be_restored_from(
    desk: Desk, backup: Path, tmp_path: Path
) -> None:
    backup.mkdir()
    with full_disks._disk(backup, 4096):
        assert desk.call("backup", backup).code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(backup)], check=True)
        said = desk.call("backup", backup)
        assert said.code == 1
        assert "the file system is read-only" in said.err
        check_restored(backup, tmp_path / "other")
