"""`scrapy recover`: segments of crashed runs are cut, indexed and closed; others are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.model.exchange import Exchange
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler.extraction.extract import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.cli import Desk
from tests.support.keeping import SOFTWARE
from tests.support.reading import NOON, SEEDS
from tests.support.removing import articles, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    assert desk.call("replay", SEEDS / "etoday").code == 0
    return desk


@pytest.fixture
def live(desk: Desk) -> Iterator[SegmentWriter]:
    """A writer that has written a page, of which the index knows nothing yet."""
    segments = SegmentWriter(desk.archive, software=SOFTWARE, job="t", host="t")
    with Index(f"sqlite:///{desk.index}") as index:
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        url = "https://www.newspim.com/news/view/20260101000001"
        body = (SEEDS / "newspim" / "own-desktop-2021.html").read_bytes()
        store.add_page(
            read_exchange(
                Exchange(url, NOON, body, media_type="text/html"), outlet_named("newspim"), url
            )
        )
        store._write_records(store._waiting)
        yield segments
    segments._release()


def test_a_dead_writers_segment_is_cut_indexed_and_closed(desk: Desk, live: SegmentWriter) -> None:
    live._release()
    (path,) = desk.archive.glob("*.open")
    with path.open("ab") as file:
        file.write(b"\x1f\x8b\x08 torn")
    assert wrong(desk)
    said = desk.call("recover")
    assert (said.code, said.err) == (0, "")
    name = path.name.removesuffix(".open")
    assert said.out.startswith(
        f"{name} was left open: 1 record indexed, 8 incomplete bytes cut off, closed\n"
    )
    assert ("newspim", "20260101000001") in articles(desk)
    assert wrong(desk) == []
    assert name in (desk.archive / "fixity.jsonl").read_text()
    before = desk.kept_bytes()
    said = desk.call("recover")
    assert (said.code, said.out, said.err) == (0, "nothing to recover\n", "")
    assert desk.kept_bytes() == before


def test_a_live_writers_segment_is_passed_over_and_counted(desk: Desk, live: SegmentWriter) -> None:
    assert live is not None
    before = desk.kept_bytes()
    said = desk.call("recover")
    assert (said.code, said.err) == (0, "")
    assert (
        said.out
        == "nothing to recover\nskipped 1 segment that is being written by a running process\n"
    )
    assert desk.kept_bytes() == before


def test_one_that_held_nothing_is_removed_and_said(desk: Desk) -> None:
    path = desk.archive / "sacho-20260101000000-00000-t+00000000.warc.gz.open"
    path.write_bytes(b"\x1f\x8b")
    said = desk.call("recover")
    assert (said.code, said.err) == (0, "")
    assert (
        said.out == f"{path.name.removesuffix('.open')} was left open and held no record, "
        "2 incomplete bytes cut off: removed\n"
    )
    assert not path.exists()


def test_a_page_in_it_that_gave_no_article_is_said_as_a_crawl_would_have(desk: Desk) -> None:
    with SegmentWriter(desk.archive, software=SOFTWARE, job="t", host="t") as segments:
        url = "https://www.newspim.com/news/view/20260101000002"
        segments.write(Exchange(url, NOON, b"<html><title>x</title>", media_type="text/html"))
        segments.sync()
        segments._unsettled = False
        (path,) = desk.archive.glob("*.open")
        data = path.read_bytes()
    path.with_name(path.name.removesuffix(".open")).unlink()
    (desk.archive / "fixity.jsonl").unlink()
    path.write_bytes(data)
    said = desk.call("recover")
    assert said.code == 1
    assert "unparsed" in said.err
    assert wrong(desk) == []


def test_without_an_index_it_makes_no_new_one(desk: Desk, live: SegmentWriter) -> None:
    live._release()
    for path in desk.folder.glob("index.sqlite3*"):
        path.unlink()
    said = desk.call("recover")
    assert said.code == 1
    assert "run scrapy reindex first" in said.err
    assert not desk.index.exists()


def test_an_archive_without_anything_has_nothing_to_recover(tmp_path: Path) -> None:
    said = Desk(tmp_path).call("recover")
    assert (said.code, said.out, said.err) == (0, "nothing to recover\n", "")
    assert list(tmp_path.iterdir()) == []
    assert Desk(tmp_path).call("recover", "x").code == 2


def test_an_archive_whose_disk_is_not_mounted_is_not_begun_anew(desk: Desk) -> None:
    mounted = desk.archive.rename(desk.folder / "elsewhere")
    for there in (False, True):
        if there:
            desk.archive.mkdir()
        for verb in (["recover"], ["replay", str(SEEDS / "newspim")], ["status"]):
            said = desk.call(*verb)
            assert said.code == 1, verb
            assert "is its disk mounted" in said.err + said.out, verb
        assert not list(desk.archive.glob("*"))
    desk.archive.rmdir()
    mounted.rename(desk.archive)
    assert [
        desk.call(*verb).code
        for verb in (["recover"], ["replay", str(SEEDS / "newspim")], ["status"])
    ] == [0, 0, 0]


def test_the_former_name_says_what_to_type_and_fails(desk: Desk) -> None:
    for words in (("close",), ("close", "x"), ("close", "--help-me")):
        said = desk.call(*words)
        assert (said.code, said.out) == (2, "")
        assert said.err.rstrip().endswith("close was renamed: use recover instead")
