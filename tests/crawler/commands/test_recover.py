"""`scrapy recover`: segments of crashed runs are cut, indexed and closed; others are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index, index_exists
from archive.model.exchange import Exchange
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.archives.captures import SOFTWARE
from tests.support.archives.traces import articles, wrong
from tests.support.databases.postgres import without_index
from tests.support.documents import NOON, SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    assert workspace.call("replay", SEEDS / "etoday").code == 0
    return workspace


@pytest.fixture
def live(workspace: Workspace) -> Iterator[SegmentWriter]:
    """A writer that has written a page, of which the index knows nothing yet."""
    segments = SegmentWriter(workspace.archive, software=SOFTWARE, job="t", host="t")
    with Index(workspace.index_url) as index:
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        url = "https://www.newspim.com/news/view/20260101000001"
        body = (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes()
        store.add_page(
            read_exchange(
                Exchange(url, NOON, body, media_type="text/html"), outlet_named("newspim"), url
            )
        )
        store._write_records([*store._waiting.values()])
        yield segments
    segments._release()


def test_a_dead_writers_segment_is_cut_indexed_and_closed(
    workspace: Workspace, live: SegmentWriter
) -> None:
    live._release()
    (path,) = workspace.archive.glob("*.open")
    with path.open("ab") as file:
        file.write(b"\x1f\x8b\x08 torn")
    assert wrong(workspace)
    result = workspace.call("recover")
    assert (result.code, result.err) == (0, "")
    name = path.name.removesuffix(".open")
    assert result.out.startswith(
        f"{name} was left open: 1 record indexed, 8 incomplete bytes cut off, closed\n"
    )
    assert ("newspim", "20260101000001") in articles(workspace)
    assert wrong(workspace) == []
    assert name in (workspace.archive / "fixity.jsonl").read_text()
    before = workspace.kept_bytes()
    result = workspace.call("recover")
    assert (result.code, result.out, result.err) == (0, "nothing to recover\n", "")
    assert workspace.kept_bytes() == before


def test_a_live_writers_segment_is_passed_over_and_counted(
    workspace: Workspace, live: SegmentWriter
) -> None:
    assert live is not None
    before = workspace.kept_bytes()
    result = workspace.call("recover")
    assert (result.code, result.err) == (0, "")
    assert (
        result.out
        == "nothing to recover\nskipped 1 segment that is being written by a running process\n"
    )
    assert workspace.kept_bytes() == before


def test_an_empty_segment_is_removed_and_reported(workspace: Workspace) -> None:
    path = workspace.archive / "sacho-20260101000000-00000-t+00000000.warc.gz.open"
    path.write_bytes(b"\x1f\x8b")
    result = workspace.call("recover")
    assert (result.code, result.err) == (0, "")
    assert (
        result.out == f"{path.name.removesuffix('.open')} was left open and held no record, "
        "2 incomplete bytes cut off: removed\n"
    )
    assert not path.exists()


def test_a_page_in_it_without_an_article_is_reported_as_by_a_crawl(
    workspace: Workspace,
) -> None:
    with SegmentWriter(workspace.archive, software=SOFTWARE, job="t", host="t") as segments:
        url = "https://www.newspim.com/news/view/20260101000002"
        segments.write(Exchange(url, NOON, b"<html><title>x</title>", media_type="text/html"))
        segments.sync()
        segments._unsettled = False
        (path,) = workspace.archive.glob("*.open")
        data = path.read_bytes()
    path.with_name(path.name.removesuffix(".open")).unlink()
    (workspace.archive / "fixity.jsonl").unlink()
    path.write_bytes(data)
    result = workspace.call("recover")
    assert result.code == 1
    assert "unparsed" in result.err
    assert wrong(workspace) == []


def test_without_an_index_it_makes_no_new_one(workspace: Workspace, live: SegmentWriter) -> None:
    live._release()
    url = without_index(workspace.index)
    result = workspace.call("recover")
    assert result.code == 1
    assert "run scrapy reindex first" in result.err
    assert not index_exists(url)


def test_an_archive_without_anything_has_nothing_to_recover(tmp_path: Path) -> None:
    result = Workspace(tmp_path).call("recover")
    assert (result.code, result.out, result.err) == (0, "nothing to recover\n", "")
    assert list(tmp_path.iterdir()) == []
    assert Workspace(tmp_path).call("recover", "x").code == 2


def test_an_archive_whose_disk_is_not_mounted_is_not_created_again(workspace: Workspace) -> None:
    mounted = workspace.archive.rename(workspace.folder / "elsewhere")
    for there in (False, True):
        if there:
            workspace.archive.mkdir()
        for verb in (["recover"], ["replay", str(SEEDS / "newspim")], ["status"]):
            result = workspace.call(*verb)
            assert result.code == 1, verb
            assert "is its disk mounted" in result.err + result.out, verb
        assert not list(workspace.archive.glob("*"))
    workspace.archive.rmdir()
    mounted.rename(workspace.archive)
    assert [
        workspace.call(*verb).code
        for verb in (["recover"], ["replay", str(SEEDS / "newspim")], ["status"])
    ] == [0, 0, 0]


def test_the_former_name_says_what_to_type_and_fails(workspace: Workspace) -> None:
    for words in (("close",), ("close", "x"), ("close", "--help-me")):
        result = workspace.call(*words)
        assert (result.code, result.out) == (2, "")
        assert result.err.rstrip().endswith("close was renamed: use recover instead")
