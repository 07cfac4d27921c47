"""`scrapy backup`: what it copies of an archive, written to or not, and what it leaves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import archive.backup.create
from archive.index.database import Index
from archive.model.exchange import Exchange
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.archives.backups import check_restored, files, same
from tests.support.archives.captures import SOFTWARE
from tests.support.archives.traces import articles, traces, wrong
from tests.support.databases.index_rows import change
from tests.support.documents import NOON, SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipelines.page import Page

NAME = "newspim/20230915999901"


def page(number: int) -> Page:
    """Return the page of an article of that number."""
    url = f"https://www.newspim.com/news/view/2026010100000{number}"
    body = (
        (SEEDS / "newspim" / "own-desktop-2021.html")
        .read_bytes()
        .replace("남긴".encode(), f"남긴 {number}".encode())
    )
    return read_exchange(
        Exchange(url, NOON, body, media_type="text/html"), outlet_named("newspim"), url
    )


def text_of(workspace: Workspace) -> str:
    outlet, _, article_id = NAME.partition("/")
    return max(articles(workspace)[outlet, article_id].split("\n\n"), key=len)


def test_what_was_backed_up_is_restored_row_by_row(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    assert "segments: 3 new, 0 unchanged, 0 deleted; " in result.out
    other = Workspace(tmp_path / "other")
    result = other.call("restore", backup)
    assert (result.code, result.err) == (0, "")
    assert "4 files and its index" in result.out
    assert same(workspace, other)
    assert other.kept_bytes() == workspace.kept_bytes()
    result = other.call("verify")
    assert (result.code, result.out.endswith("no findings\n")) == (0, True), result.out
    result = other.call("replay", SEEDS / "etoday")
    assert result.code == 0, "and it goes on"


def test_the_archive_is_only_read(workspace: Workspace, backup: Path) -> None:
    before = files(workspace.folder)
    assert workspace.call("backup", backup).code == 0
    assert files(workspace.folder) == before


def test_the_same_again_copies_only_what_is_new(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    assert workspace.call("backup", backup).code == 0
    before = files(backup / "segments")
    result = workspace.call("backup", backup)
    assert result.code == 0
    assert "segments: 0 new, 3 unchanged, 0 deleted; " in result.out
    assert files(backup / "segments") == before
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "new.html").write_bytes(
        (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes() + b"<!---->"
    )
    facts = {
        "url": "https://www.etoday.co.kr/news/view/9000009",
        "captured_at": "2026-01-01T00:00:00+09:00",
    }
    (tmp_path / "page" / "new.json").write_text(json.dumps(facts))
    assert workspace.call("replay", tmp_path / "page").code == 0
    result = workspace.call("backup", backup)
    assert "segments: 1 new, 3 unchanged, 0 deleted; " in result.out
    assert before.items() < files(backup / "segments").items()
    assert len(list(backup.glob("state-*"))) == 1, "it holds one moment"
    assert same(workspace, check_restored(backup, tmp_path / "other"))


def test_what_was_taken_down_leaves_the_backup_with_the_next_run(
    workspace: Workspace, backup: Path, tmp_path: Path
) -> None:
    text = text_of(workspace)
    assert workspace.call("backup", backup).code == 0
    assert workspace.call("remove", NAME, "--reason", "test", "--yes").code == 0
    assert traces(backup, text).any, "until then it holds it still, as is said"
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    assert "segments: 1 new, 2 unchanged, 1 deleted; " in result.out
    assert not traces(backup, text).any
    for state in backup.glob("state-*"):
        assert not traces(state, text).any
    assert same(workspace, check_restored(backup, tmp_path / "other"))


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_taken_down_while_it_copies_is_not_in_it(
    workspace: Workspace, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The article is removed before or after the index is copied: all is copied once more."""
    text, calls, copy_index = text_of(workspace), [], archive.backup.create.copy_index

    def copied(path: Path, copy: Path) -> Any:
        def removed() -> None:
            if not calls:
                calls.append("removed")
                assert workspace.call("remove", NAME, "--reason", "test", "--yes").code == 0

        if when == "before":
            removed()
        item = copy_index(path, copy)
        removed()
        calls.append("copied")
        return item

    monkeypatch.setattr(archive.backup.create, "copy_index", copied)
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    assert calls == ["removed", "copied", "copied"]
    for folder in (backup, *backup.glob("state-*")):
        assert not traces(folder, text).any
    assert same(workspace, check_restored(backup, tmp_path / "other"))


@pytest.mark.parametrize("torn", [b"", b"\x1f\x8b\x08 torn"])
def test_what_is_open_is_restored_and_closed(
    workspace: Workspace, backup: Path, tmp_path: Path, torn: bytes
) -> None:
    """A live writer's segment: a page in the index, one on disk only, and a torn end."""
    with Index(workspace.index_url) as index:
        segments_of = SegmentWriter(workspace.archive, software=SOFTWARE, job="t", host="t")
        store = CaptureStore(segments_of, index, RunRecorder("test"), lambda _: None)
        store.add_page(page(1))
        store.flush()
        store.add_page(page(2))
        store._write_records([*store._waiting.values()])  # on disk, and its row is not written yet
        (path,) = workspace.archive.glob("*.open")
        with path.open("ab") as file:
            file.write(torn)
        result = workspace.call("backup", backup)
        assert (result.code, result.err) == (0, "")
        assert "0 deleted, 1 open; " in result.out
        segments_of._release()
    other = Workspace(tmp_path / "other")
    result = other.call("restore", backup)
    assert result.code == 0, result.err
    cut = f", {len(torn)} incomplete bytes cut off" if torn else ""
    assert (
        f"{path.name.removesuffix('.open')} was left open: 1 record indexed{cut}, closed"
        in result.out
    )
    assert wrong(other) == []
    assert {name for _, name in articles(other)} >= {"20260101000001", "20260101000002"}


def test_what_is_closed_while_it_copies_is_restored_as_it_was_open(
    workspace: Workspace, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy has later records than the copied index has rows: restoring indexes them."""
    copy_index = archive.backup.create.copy_index

    def copied(path: Path, copy: Path) -> Any:
        with Index(workspace.index_url) as index:
            writer = SegmentWriter(workspace.archive, software=SOFTWARE, job="t", host="t")
            store = CaptureStore(writer, index, RunRecorder("test"), lambda _: None)
            store.add_page(page(1))
            store.flush()
            item = copy_index(path, copy)
            store.add_page(page(2))
            store.close()
            writer.close()
        return item

    monkeypatch.setattr(archive.backup.create, "copy_index", copied)
    result = workspace.call("backup", backup)
    assert (result.code, result.err) == (0, "")
    assert "1 open; " in result.out
    other = Workspace(tmp_path / "other")
    result = other.call("restore", backup)
    assert "was left open: 1 record indexed, closed" in result.out
    assert wrong(other) == []
    assert articles(other) == articles(workspace)
    monkeypatch.undo()
    result = workspace.call("backup", backup)
    assert "segments: 1 new, 3 unchanged, 0 deleted; " in result.out, "now it is closed"
    check_restored(backup, tmp_path / "third")


@pytest.mark.sqlite_only(reason="PostgreSQL began with this schema")
def test_an_older_schema_is_backed_up_as_it_is(workspace: Workspace, backup: Path) -> None:
    """A backup is most needed before an upgrade."""
    change(workspace.index_url, "UPDATE alembic_version SET version_num = '0001'")
    assert workspace.call("backup", backup).code == 0
