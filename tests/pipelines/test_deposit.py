"""The store's batches: what is appended before it is read, and written before or after."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from archive.index.database import Index
from archive.model.exchange import Exchange
from archive.model.outcome import Outcome, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc.reader import iterate
from archive.warc.record_parser import Record
from archive.warc.record_writer import RevisitOf, payload_digest
from crawler.extraction.judge import provisional_page
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.documents import NOON

if TYPE_CHECKING:
    from pathlib import Path

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
        Index(f"sqlite:///{tmp_path / 'index.sqlite3'}") as index,
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
