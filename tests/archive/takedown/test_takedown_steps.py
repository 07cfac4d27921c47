"""A take-down killed before each step, on a full disk, with other processes: rows stay right."""

from __future__ import annotations

import errno
import os
import signal
from multiprocessing import get_context
from typing import TYPE_CHECKING

import pytest

from archive.backup.create import back_up
from archive.backup.restore import restore
from archive.index.database import Index, IndexUnusableError
from archive.model.errors import SegmentError
from archive.model.exchange import Location
from archive.reindex.fresh_index import exclude_reindex
from archive.segments.lookup import RecordError, read_at
from archive.takedown import log as takedown_log
from archive.takedown.execute import TakedownExecutor
from crawler.outlets import article_id
from tests.support.archives.takedown import NAME, remove, text_of
from tests.support.archives.traces import articles, traces, wrong
from tests.support.databases.postgres import copy_folder
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

#: As they are told by `TakedownExecutor`; each is passed once a segment.
STEPS = (
    "log",
    "hide",
    "hidden",
    "rewrite",
    "manifest",
    "move",
    "unlist",
    "unlink",
    "scrub",
    "done",
)


def killed_before(workspace: Workspace, at: int) -> bool:
    """Remove in a process that is killed before that step; return whether it came so far."""
    left = [at]

    def step(_: str) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    process = get_context("fork").Process(target=remove, args=(workspace, step))
    process.start()
    process.join(300)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def check_rows(workspace: Workspace) -> None:
    """Check that every row refers to its record."""
    for row in workspace.rows("captures"):
        columns = ("warc_file", "warc_offset", "warc_length", "record_id", "payload_digest")
        try:
            read_at(workspace.archive, Location(*(row[name] for name in columns)))
        except RecordError as error:
            raise AssertionError(str(error)) from error


def test_killed_before_any_step_rows_stay_right_and_the_next_run_finishes_it(
    made: Path, tmp_path: Path
) -> None:
    text, before = text_of(Workspace(made)), articles(Workspace(made))
    kept = {key: body for key, body in before.items() if key != NAME}
    at = 0
    while True:
        copy_folder(made, tmp_path / str(at))
        workspace = Workspace(tmp_path / str(at))
        killed = killed_before(workspace, at)
        check_rows(workspace)
        assert articles(workspace) == (before if at < 2 and killed else kept), at
        found = wrong(workspace)
        pending = bool(takedown_log.read(workspace.archive).pending)
        assert any("has not finished" in one for one in found) is pending, (at, found)
        remove(workspace)
        assert wrong(workspace) == [], at
        assert not traces(workspace.folder, text).any, at
        assert articles(workspace) == kept
        assert [path.name for path in workspace.archive.glob(".*")] == []
        if not killed:
            break
        at += 1
    assert at == len(STEPS) + 5, "each of the five steps of a segment twice"


@pytest.mark.parametrize("at", [5, 7, 12])  # 7 and 12: listed as removed, and not deleted yet
def test_killed_before_any_step_it_is_backed_up_and_ended_where_that_is_restored(
    made: Path, tmp_path: Path, at: int
) -> None:
    copy_folder(made, tmp_path / "copy")
    workspace, restored = Workspace(tmp_path / "copy"), Workspace(tmp_path / "restored")
    assert killed_before(workspace, at)
    assert back_up(workspace.archive, workspace.index_url, tmp_path / "backup").faults == []
    assert restore(tmp_path / "backup", restored.archive, restored.index_url).faults == []
    check_rows(restored)
    text = text_of(Workspace(made))
    remove(restored)
    assert wrong(restored) == []
    assert not traces(restored.folder, text).any


@pytest.mark.parametrize("at", [4, 6, 9])
@pytest.mark.sqlite_only(reason="the file of the index is deleted")
def test_killed_and_with_its_index_lost_it_stays_removed(
    made: Path, tmp_path: Path, at: int
) -> None:
    text = text_of(Workspace(made))
    copy_folder(made, tmp_path / "copy")
    workspace = Workspace(tmp_path / "copy")
    assert killed_before(workspace, at)
    for path in workspace.folder.glob("index.sqlite3*"):
        path.unlink()
    result = workspace.call("reindex")
    assert "Traceback" not in result.err
    assert NAME not in articles(workspace)
    assert workspace.call("remove", "/".join(NAME), "--reason", "test", "--yes").code == 0
    assert not traces(workspace.folder, text).any
    assert wrong(workspace) == []


def test_a_full_disk_is_reported_and_the_next_run_finishes_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = text_of(workspace)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def step(name: str) -> None:
        if name == "rewrite":
            monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(SegmentError, match="the disk is full"):
        remove(workspace, step)
    monkeypatch.undo()
    check_rows(workspace)
    assert [path.name for path in workspace.archive.glob(".*")] == []
    assert NAME not in articles(workspace)
    remove(workspace)
    assert not traces(workspace.folder, text).any
    assert wrong(workspace) == []


def test_an_index_that_cannot_be_written_leaves_everything_as_it_was(workspace: Workspace) -> None:
    before, kept = articles(workspace), workspace.kept_bytes()

    def step(name: str) -> None:
        if name == "hide":
            raise IndexUnusableError("full")

    with pytest.raises(IndexUnusableError):
        remove(workspace, step)
    assert articles(workspace) == before
    assert {
        name: data for name, data in workspace.kept_bytes().items() if name != takedown_log.NAME
    } == kept
    assert takedown_log.read(workspace.archive).pending == []
    assert wrong(workspace) == []


def test_two_do_not_remove_at_once(workspace: Workspace) -> None:
    with takedown_log.locked(workspace.archive):
        result = workspace.call("remove", "/".join(NAME), "--reason", "test", "--yes")
    assert result.code == 1
    assert "Another process is removing" in result.err
    assert NAME in articles(workspace)


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_no_removal_while_a_reindex_reads_and_the_reverse(workspace: Workspace) -> None:
    url = workspace.index_url
    with exclude_reindex(url):
        result = workspace.call("remove", "/".join(NAME), "--reason", "test", "--yes")
        assert (result.code, "is running" in result.err) == (1, True)
        assert workspace.call("reindex").code == 1
    assert NAME in articles(workspace)


@pytest.mark.sqlite_only(reason="the file of the index is deleted")
def test_an_index_rebuilt_by_hand_learns_what_is_blocked(workspace: Workspace) -> None:
    assert killed_before(workspace, 4)
    workspace.index.unlink()
    with (
        Index(workspace.index_url) as index,
        takedown_log.locked(workspace.archive) as log,
    ):
        assert log is not None
        TakedownExecutor(workspace.archive, index, log, article_id).begin([], "test", "tests")
    assert {row["name"] for row in workspace.rows("refused")} >= {NAME[1]}
