"""The store's batches: what is appended before it is read, and written before or after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from errno import ENOSPC
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from archive.index.database import Index
from archive.index.schema import captures, outcomes
from archive.model.exchange import Exchange
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result, RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from archive.warc.record_writer import RevisitOf, payload_digest
from crawler.extraction.judge import provisional_page
from crawler.offline.recovery import recover
from crawler.outlets import outlet_named
from pipelines.deposit import BatchError, CaptureStore
from tests.support.databases.postgres import url_of
from tests.support.documents import NOON

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from sqlalchemy import Table

    from pipelines.page import Page

URL = "https://www.etoday.co.kr/news/view/2640940"


def answered(status: bytes, body: bytes, minutes: int) -> Exchange:
    head = b"HTTP/1.1 %s\r\nContent-Type: text/html\r\n\r\n" % status
    moment = NOON + timedelta(minutes=minutes)
    return Exchange(URL, moment, body, head, b"GET / HTTP/1.1\r\n\r\n")


def unread(exchange: Exchange) -> Page:
    return provisional_page(exchange, outlet_named("etoday"), URL)


@pytest.mark.parametrize("is_flushed", [False, True])
@pytest.mark.parametrize("status", [b"304 Not Modified", b"200 OK"])
def test_a_revisit_is_stored_once_whenever_its_batch_is_written(
    tmp_path: Path, status: bytes, *, is_flushed: bool
) -> None:
    """A batch may be written between a revisit's arrival and its reading."""
    body = b"<html>the same</html>"
    first = answered(b"200 OK", body, 0)
    again = answered(status, b"" if status.startswith(b"304") else body, 5)
    original = RevisitOf(URL, first.captured_at, payload_digest(first))
    software = {"software": "test"}
    with (
        Index(url_of(tmp_path / "index.sqlite3")) as index,
        SegmentWriter(tmp_path / "archive", software=software, job="t", host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        store.append(unread(first))
        store.flush()
        page = replace(unread(again), verdict=Verdict(Outcome.UNCHANGED))
        store.append(page, original)
        if is_flushed:
            store.flush()
        store.add_page(replace(page, final=True))
        store.close()
    (segment,) = (tmp_path / "archive").glob("*.warc.gz")
    found = list(iterate(segment))
    kinds = [record.kind for record in found if isinstance(record, Record)]
    assert kinds == ["warcinfo", "response", "request", "revisit", "request"]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with (
        Index(url_of(tmp_path / "index.sqlite3")) as index,
        SegmentWriter(
            tmp_path / "archive", software={"software": "test"}, job="t", host="t"
        ) as segments,
    ):
        yield Kept(index, segments)


class Kept:
    """A store with what it reported, how many bugs it counted, and the run."""

    def __init__(self, index: Index, segments: SegmentWriter) -> None:
        self.index = index
        self.run = RunRecorder("test")
        self.results: list[Result] = []
        self.bugs = 0
        self.store = CaptureStore(segments, index, self.run, self.add, on_bug=self.count_bug)

    def add(self, result: Result) -> None:
        self.results.append(result)

    def count_bug(self) -> None:
        self.bugs += 1

    def rows(self, table: Table) -> list[Any]:
        with self.index.reading() as connection:
            return list(connection.execute(select(table)))


def read(number: int) -> Page:
    return replace(unread(answered(b"404 Not Found", b"%d" % number, number)), final=True)


def raising_once(function: Any, calls: Container[int]) -> Any:
    """The function, which raises at the calls of these numbers, from 1."""
    numbers = count(1)

    def called(*args: Any, **named: Any) -> Any:
        if next(numbers) in calls:
            raise ZeroDivisionError("a bug")
        return function(*args, **named)

    return called


@pytest.mark.parametrize("name", ["write", "note", "_write_row"])
def test_a_batch_that_meets_a_bug_once_is_stored_and_counted_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(kept.run, name, raising_once(getattr(kept.run, name), {1}))
    for number in range(8):
        kept.store.add_page(read(number))
    kept.store.close()
    assert [str(result.verdict) for result in kept.results] == ["skipped/http_status"] * 8
    assert kept.bugs == 1
    assert kept.run.counts == {("etoday", "skipped/http_status"): 8}
    assert len(kept.rows(captures)) == len(kept.rows(outcomes)) == 8


def test_a_result_that_cannot_be_noted_is_set_aside_and_reported(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = kept.run.note

    def faulty(result: Result, capture_id: int | None = None) -> None:
        if result.source == "bad":
            raise ZeroDivisionError("a bug")
        note(result, capture_id)

    monkeypatch.setattr(kept.run, "note", faulty)
    for source in ("good", "bad", "good too"):
        verdict = Verdict(Outcome.FAILED, Reason.TIMEOUT)
        kept.store.add_result(Result(source=source, outlet="etoday", verdict=verdict))
    kept.store.close()
    assert {result.source: str(result.verdict) for result in kept.results} == {
        "good": "failed/timeout",
        "bad": "failed/internal_error",
        "good too": "failed/timeout",
    }
    assert kept.bugs == 1, "the run's history lacks it"
    assert kept.run.counts == {("etoday", "failed/timeout"): 2}


def test_a_capture_whose_entry_cannot_be_made_has_a_row_of_its_record(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_entry = kept.store._new_entry

    def faulty(one: Any) -> Any:
        if one.page.exchange.captured_at.minute == 2:
            raise ZeroDivisionError("a bug")
        return new_entry(one)

    monkeypatch.setattr(kept.store, "_new_entry", faulty)
    for number in range(4):
        page = read(number)
        kept.store.append(replace(page, final=False))
        kept.store.add_page(page)
    kept.store.close()
    outcomes_of = {row.captured_at.minute: row.outcome for row in kept.rows(captures)}
    assert outcomes_of == {0: "skipped", 1: "skipped", 2: "failed", 3: "skipped"}
    assert {row.status for row in kept.rows(captures)} == {404}
    assert [str(result.verdict) for result in kept.results].count("failed/internal_error") == 1


def test_a_report_that_raises_keeps_no_other_result_from_being_reported(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept.store, "_report", raising_once(kept.add, {2}))
    for number in range(3):
        kept.store.add_page(read(number))
    kept.store.close()
    assert (len(kept.results), kept.bugs) == (2, 1)
    assert len(kept.rows(captures)) == 3


def test_a_bug_that_stays_is_a_sentence_and_leaves_no_rows(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept.run, "write", raising_once(None, range(1, 100)))
    for number in range(5):
        kept.store.add_page(read(number))
    with pytest.raises(BatchError, match="this is a bug"):
        kept.store.flush()
    assert not kept.results
    assert not kept.run.counts, "nothing of it is in the run's counts"
    assert not kept.rows(captures)


def test_an_interrupted_batch_leaves_its_segment_to_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At Ctrl-C a replay writes what waits, which must not close what was not indexed."""
    archive = tmp_path / "archive"

    def writer() -> SegmentWriter:
        return SegmentWriter(archive, software={"software": "test"}, job="t", host="t")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def stopped(index: Index) -> None:
        run = RunRecorder("test")
        with writer() as segments, monkeypatch.context() as patched:
            store = CaptureStore(segments, index, run, lambda _: None)
            for number in range(5):
                store.add_page(read(number))
            patched.setattr(run, "write", interrupted)
            try:
                store.flush()
            finally:
                patched.undo()
                store.close()

    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        with pytest.raises(KeyboardInterrupt):
            stopped(index)
        assert not list(archive.glob("*.warc.gz"))
        with writer() as segments:
            store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
            assert recover(archive, index, store) == 5
            store.close()


def test_a_full_disk_is_no_bug(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def full(*_: object, **__: object) -> None:
        tries.append(1)
        raise OSError(ENOSPC, "no space left")

    monkeypatch.setattr(kept.run, "write", full)
    for number in range(5):
        kept.store.add_page(read(number))
    with pytest.raises(OSError, match="no space left"):
        kept.store.flush()
    assert (len(tries), kept.bugs) == (1, 0)
