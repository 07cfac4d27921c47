"""Backups of an archive whose index is in PostgreSQL: files that need no server, restored to either kind."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

import archive.backup.index_place
from archive.backup.create import back_up
from archive.backup.inventory import MARK
from archive.backup.restore import restore
from archive.index.copy import has_rows
from archive.index.database import Index, file_url, index_exists
from tests.support.archives.backups import damage, killed_after
from tests.support.archives.made_articles import article, enter
from tests.support.archives.takedown import NAME
from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Workspace:
    """Return an archive whose index is in PostgreSQL."""
    made = Workspace(tmp_path / "desk", {"INDEX_URL": new_database()})
    assert made.run("replay", SEEDS / "newspim", SEEDS / "etoday").code == 0
    return made


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup %20?"


def exported(workspace: Workspace) -> str:
    """Return all articles as the export has them."""
    made = workspace.run("export", "-")
    assert made.code == 0, made.err
    return made.out


def file_of(backup: Path) -> Path:
    """Return the index in a backup."""
    (found,) = backup.glob("state-*/index.sqlite3")
    return found


def other(desk: Workspace, folder: Path, url: str) -> Workspace:
    """Return an empty place with the index at an address."""
    return replace(desk, folder=folder, settings={"INDEX_URL": url})


def test_it_is_restored_to_a_file_and_to_a_database(
    desk: Workspace, backup: Path, tmp_path: Path
) -> None:
    said = desk.run("backup", backup)
    assert said.code == 0, said.err
    told = desk.run("changes").out.splitlines()
    cursor = json.loads(told[-1])["cursor"]
    for name, url in (("a", f"sqlite:///{tmp_path / 'a.sqlite3'}"), ("b", new_database())):
        restored = other(desk, tmp_path / name, url)
        done = restored.run("restore", backup)
        assert (done.code, done.err) == (0, ""), done
        assert "and its index" in done.out
        assert exported(restored) == exported(desk)
        assert restored.run("verify").code == 0
        assert restored.run("changes").out.splitlines() == told
        assert restored.run("changes", "--since", cursor).out == ""
        # It goes on: new captures are told to whoever has read the old ones.
        more = restored.run("replay", SEEDS / "mk")
        assert more.code == 0, more.err
        assert restored.run("changes", "--since", cursor).out
        again = restored.run("backup", tmp_path / f"backup of {name}")
        assert again.code == 0, again.err


def test_the_next_one_has_what_is_new_and_not_what_was_removed(
    desk: Workspace, backup: Path
) -> None:
    assert desk.run("backup", backup).code == 0
    before = {path.name: path.stat().st_ino for path in (backup / "segments").iterdir()}
    assert desk.run("replay", SEEDS / "mk").code == 0
    said = desk.run("backup", backup)
    assert said.code == 0, said.err
    assert "1 new, 1 unchanged" in said.out
    assert (
        before.items()
        <= {path.name: path.stat().st_ino for path in (backup / "segments").iterdir()}.items()
    )
    with closing(sqlite3.connect(file_of(backup))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM captures").fetchone()[0] > 10
    assert [path.name for path in file_of(backup).parent.iterdir()].count("index.sqlite3") == 1
    assert desk.run("remove", "/".join(NAME), "--reason", "asked to", "--yes").code == 0
    assert desk.run("backup", backup).code == 0
    with closing(sqlite3.connect(file_of(backup))) as connection:
        ids = connection.execute("SELECT article_id FROM articles").fetchall()
    assert (NAME[1],) not in ids


def test_rows_that_are_there_are_not_overwritten(
    desk: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert desk.run("backup", backup).code == 0
    url = new_database()
    with Index(url) as index:
        enter(index, [article(1)])
    restored = other(desk, tmp_path / "a", url)
    said = restored.run("restore", backup)
    assert (said.code, "has rows already, and none is ever overwritten" in said.err) == (1, True)
    assert not restored.archive.exists()


def test_a_damaged_or_earlier_index_is_left_to_a_reindex(
    desk: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert desk.run("backup", backup).code == 0
    damage(file_of(backup), 5000)
    url = new_database()
    restored = other(desk, tmp_path / "a", url)
    said = restored.run("restore", backup)
    assert (said.code, "is damaged, so there is no index now" in said.err) == (1, True)
    assert not index_exists(url)

    old = tmp_path / "earlier" / "index.sqlite3"
    earlier = Workspace(tmp_path / "earlier", {"INDEX_URL": file_url(old)})
    earlier.archive.mkdir(parents=True)
    with closing(sqlite3.connect(old)) as database:
        database.executescript((ROOT / "tests" / "support" / "schema_0005.sql").read_text())
    assert earlier.run("backup", tmp_path / "old").code == 0
    said = other(desk, tmp_path / "b", url).run("restore", tmp_path / "old")
    assert (said.code, "is restored to a file only" in said.err) == (1, True)


def test_killed_at_any_moment_the_next_one_is_whole(
    desk: Workspace, backup: Path, tmp_path: Path
) -> None:
    url = desk.settings["INDEX_URL"]
    pick = random.Random(7)
    began = monotonic()
    assert not killed_after(60, work, desk, tmp_path / "alone")
    length = monotonic() - began
    kills = sum(killed_after(pick.random() * length, work, desk, backup) for _ in range(8))
    assert kills
    assert back_up(desk.archive, url, backup).faults == []
    expected = exported(desk)
    began = monotonic()
    assert not killed_after(60, work_back, backup, other(desk, tmp_path / "b", new_database()))
    length, kills = monotonic() - began, 0
    for number in range(8):
        target = other(desk, tmp_path / str(number), new_database())
        kills += killed_after(pick.random() * length, work_back, backup, target)
        there = target.settings["INDEX_URL"]
        if (target.archive / MARK).exists() or not index_exists(there):
            done = restore(backup, target.archive, there)
            assert (done.faults, done.index) == ([], True)
        assert not list(target.archive.glob(".*"))
        assert exported(target) == expected
        assert target.run("verify").code == 0
    assert kills


def test_killed_while_rows_are_copied_it_is_restored_by_the_next_one(
    desk: Workspace, backup: Path, tmp_path: Path
) -> None:
    """What SQLite has left beside the copy that the first one read is not taken for the next copy's."""
    work(desk, backup)
    target = other(desk, tmp_path / "b", new_database())
    process = get_context("fork").Process(target=die_in_copy, args=(backup, target))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    journal = journal_of_a_change(file_of(backup), tmp_path / "changed.sqlite3")
    (target.archive / ".index.sqlite3.part-journal").write_bytes(journal)
    work_back(backup, target)
    assert not list(target.archive.glob(".*"))
    assert exported(target) == exported(desk)


def journal_of_a_change(index: Path, copy: Path) -> bytes:
    """Return the journal of a change that is under way in a copy of an index, some of it in the file."""
    shutil.copy(index, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # pages are written before the change is whole
        connection.execute("BEGIN")
        connection.execute("UPDATE captures SET url = url || 'x'")
        connection.execute("UPDATE revisions SET body = body || 'x'")
        return copy.with_name(f"{copy.name}-journal").read_bytes()


def die_in_copy(backup: Path, target: Workspace) -> None:
    """Restore in this process, which is killed once the index is opened to copy its rows."""
    archive.backup.index_place.copy_index = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]  # it ends the process
    work_back(backup, target)


def work(desk: Workspace, backup: Path) -> None:
    """Back up in this process."""
    assert back_up(desk.archive, desk.settings["INDEX_URL"], backup).faults == []


def work_back(backup: Path, target: Workspace) -> None:
    """Restore in this process."""
    assert restore(backup, target.archive, target.settings["INDEX_URL"]).faults == []


def test_it_is_of_one_moment_while_others_write(tmp_path: Path) -> None:
    """Each transaction enters two articles: a copy of one moment has an even number of them."""
    url = new_database()
    (tmp_path / "archive").mkdir()
    written = threading.Event()
    done = threading.Event()

    def write() -> None:
        with Index(url) as index:
            for number in range(2, 10_000, 2):
                enter(index, [article(number), article(number + 1)])
                if number > 40:
                    written.set()
                if done.is_set():
                    return

    Index(url).close()
    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(300)
    numbers: list[tuple[Any, ...]] = []
    for _ in range(4):
        back_up(tmp_path / "archive", url, tmp_path / "backup")
        with closing(sqlite3.connect(file_of(tmp_path / "backup"))) as connection:
            numbers.append(
                connection.execute(
                    "SELECT (SELECT count(*) FROM captures), (SELECT count(*) FROM revisions),"
                    " (SELECT count(*) FROM articles)"
                ).fetchone()
            )
    done.set()
    writer.join()
    assert len({row[0] for row in numbers}) > 1
    for row in numbers:
        assert len(set(row)) == 1
        assert row[0] % 2 == 0


def test_an_index_that_is_lost_does_not_replace_the_one_in_the_backup(
    desk: Workspace, backup: Path
) -> None:
    assert desk.run("backup", backup).code == 0
    lost = other(desk, desk.folder, new_database())
    said = lost.run("backup", backup)
    assert (said.code, "There is no index at postgresql" in said.err) == (1, True)
    with Index(lost.settings["INDEX_URL"]) as index, index.reading() as rows:
        assert not has_rows(rows)
    said = lost.run("backup", backup)
    assert (said.code, "refers to the segments in the backup" in said.err) == (1, True)
