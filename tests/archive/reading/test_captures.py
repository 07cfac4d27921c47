"""Captures of an article and the bytes of their records."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from archive.captures.rows import last_captures
from archive.model.exchange import Exchange, digest
from archive.model.outcome import Outcome, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.lookup import RecordError
from archive.segments.writer import SegmentWriter
from archive.warc.record_writer import RevisitOf
from crawler.extraction.judge import provisional_page
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.archive.reading.conftest import opened
from tests.support.archives.history import URL, answer, page
from tests.support.archives.takedown import NAME, remove
from tests.support.documents import NOON, SEEDS

if TYPE_CHECKING:
    from archive.reading.archive import Archive
    from tests.support.archives.captures import Keeper
    from tests.support.processes.cli import Workspace

ID = "9000000002"
BROTLI_404 = b"HTTP/1.1 404 Not Found\r\nContent-Encoding: br\r\n\r\n"
PAGE = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()


def test_a_saved_page_is_given_as_it_was(seeds: Archive) -> None:
    article = seeds.article("etoday", ID)
    bodies = {capture.url: capture for capture in article.captures if capture.time_known}
    capture = next(one for one in article.captures if one.content == PAGE)
    assert capture.payload == PAGE
    assert capture.text == PAGE.decode()
    assert capture.record_type == "resource"
    assert (capture.http_status, capture.http_headers) == (None, ())
    assert capture.http_header("Content-Type") == ""
    assert capture.warc.payload_digest == digest(PAGE)
    assert all(one.captured_at.utcoffset() == timedelta(hours=9) for one in bodies.values())
    record = gzip.decompress(capture.record_bytes)
    assert record.startswith(b"WARC/1.1\r\n")
    assert PAGE in record


def test_the_capture_that_a_revision_was_read_from(seeds: Archive) -> None:
    article = seeds.article("etoday", ID)
    assert article.capture.warc == article.warc
    assert article.capture in article.captures


def test_a_page_in_cp949_is_text(seeds: Archive) -> None:
    found = [
        capture
        for one in seeds.articles(outlet="newspim")
        for capture in one.captures
        if capture.charset == "cp949"
    ]
    assert found
    for capture in found:
        assert "우체국" in capture.text
        assert "\ufffd" not in capture.text
        assert "우체국".encode("cp949") in capture.content


def served(day: float, body: bytes, *fields: str) -> Exchange:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *fields, "")).encode()
    return Exchange(url=URL, captured_at=NOON + timedelta(days=day), head=head, body=body)


def test_a_response_has_headers_and_three_forms_of_its_body(keeper: Keeper) -> None:
    packed = gzip.compress(PAGE, mtime=0)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    fields = ("Content-Encoding: gzip", "Transfer-Encoding: chunked", "X-Twice: a", "X-Twice: b")
    assert keeper.read("etoday", served(0, framed, *fields)) == ["new"]
    with opened(keeper.folder) as archive:
        (capture,) = archive.article("etoday", ID).captures
        assert capture.http_status == 200
        assert capture.http_headers[-2:] == (("X-Twice", "a"), ("X-Twice", "b"))
        assert capture.http_header("content-encoding") == "gzip"
        assert framed in gzip.decompress(capture.record_bytes)
        assert capture.payload == packed
        assert capture.content == PAGE
        assert capture.text == PAGE.decode()


def revisit(keeper: Keeper, again: Exchange) -> None:
    """Store an exchange as a revisit of the last capture of its address, as a crawl does."""
    with (
        keeper.index() as index,
        SegmentWriter(keeper.folder / "archive", software={}, job="t", host="t") as segments,
    ):
        with index.reading() as connection:
            last = last_captures(connection, [URL])[URL]
        original = RevisitOf(last.url, last.captured_at, last.payload_digest, last.record_id)
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        page = provisional_page(again, outlet_named("etoday"), URL)
        verdict = Verdict(Outcome.UNCHANGED)
        page = replace(page, verdict=verdict, revision_id=last.revision_id)
        store.append(page, original)
        store.add_page(replace(page, final=True))
        store.close()


@pytest.mark.parametrize("is_not_modified", [False, True])
def test_a_revisit_has_its_own_head_and_its_originals_body(
    keeper: Keeper, *, is_not_modified: bool
) -> None:
    packed = gzip.compress(PAGE, mtime=0)
    keeper.read("etoday", served(0, packed, "Content-Encoding: gzip", "X-Day: 1"))
    again = served(1, packed, "Content-Encoding: gzip", "X-Day: 2")
    if is_not_modified:
        head = b"HTTP/1.1 304 Not Modified\r\nX-Day: 2\r\n\r\n"
        again = replace(again, head=head, body=b"")
    revisit(keeper, again)
    with opened(keeper.folder) as archive:
        first, second = archive.article("etoday", ID).captures
        assert (first.record_type, second.record_type) == ("response", "revisit")
        assert second.http_status == (304 if is_not_modified else 200)
        assert second.http_header("X-Day") == "2"
        assert second.payload == first.payload == packed
        assert second.content == PAGE
        assert second.text == PAGE.decode()
        assert packed not in gzip.decompress(second.record_bytes)


def test_an_answer_that_the_article_is_gone_is_a_capture(keeper: Keeper) -> None:
    for one in (page(0), answer(404, 1, "<p>없습니다</p>")):
        keeper.read("etoday", one)
    with opened(keeper.folder) as archive:
        _, gone = archive.article("etoday", ID).captures
        assert (gone.http_status, gone.revision) == (404, None)
        assert gone.text == "<p>없습니다</p>"


def test_a_body_that_does_not_unpack_is_a_sentence(keeper: Keeper) -> None:
    broken = zlib.compress(PAGE)[:200]
    keeper.read("etoday", page(0))
    keeper.read("etoday", replace(answer(404, 1), body=broken, head=BROTLI_404))
    with opened(keeper.folder) as archive:
        _, capture = archive.article("etoday", ID).captures
        assert capture.payload == broken
        with pytest.raises(RecordError, match=f"The body of {URL} cannot be decoded"):
            _ = capture.content
        assert broken in gzip.decompress(capture.record_bytes)


def test_without_its_segment_a_capture_keeps_what_the_index_knows(workspace: Workspace) -> None:
    with opened(workspace.folder) as archive:
        capture = archive.article("etoday", ID).capture
        for path in workspace.archive.glob("*.warc.gz"):
            path.unlink()
        assert capture.warc.file
        for read in (
            lambda: capture.content,
            lambda: capture.record_bytes,
            lambda: capture.http_headers,
        ):
            with pytest.raises(RecordError, match="the file does not exist"):
                read()
        assert archive.article("etoday", ID).headline


def test_records_that_a_take_down_moved_are_still_read(workspace: Workspace) -> None:
    with opened(workspace.folder) as archive:
        kept = [one for name in ("etoday", "newspim") for one in archive.articles(outlet=name)]
        others = [capture for one in kept if one.article_id != NAME[1] for capture in one.captures]
        before = [(one.content, gzip.decompress(one.record_bytes)) for one in others]
        removed = archive.article(*NAME).captures
        remove(workspace)
        assert [one.content for one in others] == [content for content, _ in before]
        now = {
            capture.warc.record_id: capture.warc
            for one in archive.articles()
            for capture in one.captures
        }
        assert [one for one in others if one.warc != now[one.warc.record_id]], "some were moved"
        assert [gzip.decompress(one.record_bytes) for one in others] == [r for _, r in before]
        for one in removed:
            with pytest.raises(RecordError, match="no longer in the archive"):
                _ = one.content
