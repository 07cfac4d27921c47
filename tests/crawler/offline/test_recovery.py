"""What a killed writer left open: cut at its last whole record, indexed, closed; a live writer's is left alone."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import pipelines.deposit
from archive.frontier.frontier import Frontier
from archive.frontier.visits import FrontierLink
from archive.index.database import Index, IndexUnusableError
from archive.runs.recorder import RunRecorder
from archive.segments.files import file_locks as locks
from archive.segments.names import open_segments
from archive.segments.recovery import recover_segment
from archive.segments.writer import SegmentWriter
from archive.warc.reader import iterate
from archive.warc.record_writer import RevisitOf, payload_digest
from crawler.extraction.judge import provisional_page
from crawler.extraction.reading import read_exchange
from crawler.offline.recovery import recover
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.archives.warc_samples import MOMENT, exchange, gzip_is_whole, writer
from tests.support.databases.index_rows import refused_rows
from tests.support.databases.postgres import url_of
from tests.support.mock_site import etoday
from tests.support.mock_site.story import etoday_seed

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.exchange import Exchange
    from archive.runs.recorder import Result

OK = b'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nETag: "1"\r\n\r\n'


def article() -> Exchange:
    story = etoday_seed()
    return exchange(
        url=etoday.address(story), head=OK, body=etoday.render(story, "desktop-2020").encode()
    )


def killed(out: SegmentWriter) -> Path:
    """End a writer as a kill does: nothing synced, nothing renamed, its lock gone."""
    os.close(out._fd)
    out._fd = -1
    return out._path


def mend(folder: Path, frontier_of: str = "") -> list[Result]:
    results: list[Result] = []
    with Index(url_of(folder / "index.sqlite3")) as index, writer(folder) as segments:
        run = RunRecorder("test")
        frontier = Frontier(index, frontier_of, run.id) if frontier_of else None
        store = CaptureStore(segments, index, run, results.append, frontier)
        recover(folder, index, store, frontier, frontier_of)
        store.close()
    return results


def kinds(path: Path) -> list[str]:
    return [getattr(found, "kind", "damage") for found in iterate(path)]


def test_a_torn_tail_is_cut_at_every_byte(tmp_path: Path) -> None:
    out = writer(tmp_path)
    first = out.write(article())
    second = out.write(exchange())
    path = killed(out)
    data = path.read_bytes()
    ends = [found.offset + found.length for found in iterate(path)]  # type: ignore[union-attr]
    cuts = {0, 1, first.offset, first.offset + 9, *ends, *(end - 1 for end in ends)}
    for length in sorted(cuts | {*range(second.offset, len(data), 41)}):
        folder = tmp_path / str(length)
        folder.mkdir()
        torn = folder / path.name
        torn.write_bytes(data[:length])
        with recover_segment(torn) as segment:
            assert segment is not None
            documents = [place.record_id for _, place in segment.documents()]
        whole = max((end for end in ends if end <= length), default=0)
        closed = folder / path.name.removesuffix(".open")
        assert documents == [
            place.record_id for place in (first, second) if place.offset + place.length <= whole
        ]
        assert [left.name for left in folder.glob("*.warc.gz*")] == (
            [closed.name] if documents else []
        )
        if documents:
            assert closed.read_bytes() == data[:whole]
            assert gzip_is_whole(closed)


def test_damage_before_whole_records_is_left_for_verify(tmp_path: Path) -> None:
    out = writer(tmp_path)
    place = out.write(exchange())
    out.write(article())
    path = killed(out)
    data = bytearray(path.read_bytes())
    data[place.offset + 40] ^= 1
    path.write_bytes(data)
    with recover_segment(path):
        pass
    closed = tmp_path / path.name.removesuffix(".open")
    assert closed.read_bytes() == data


def test_a_live_writers_segment_is_never_touched(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.write(exchange())
    (path,) = open_segments(tmp_path)
    before = path.read_bytes()
    with recover_segment(path) as segment:
        assert segment is None
    assert mend(tmp_path) == []
    assert path.read_bytes() == before
    out.close()
    assert open_segments(tmp_path) == []


def test_one_of_two_takes_over_and_a_renamed_file_has_no_owner(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.write(exchange())
    path = killed(out)
    with recover_segment(path) as first, recover_segment(path) as second:
        assert first is not None
        assert second is None
    with recover_segment(path) as third:
        assert third is None


def test_a_new_file_removed_before_it_was_locked_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    flock = locks.fcntl.flock

    def late(fd: int, how: int) -> None:
        flock(fd, how)
        calls.append(fd)
        if len(calls) == 1:
            open_segments(tmp_path)[0].unlink()

    monkeypatch.setattr(locks.fcntl, "flock", late)
    with writer(tmp_path) as out:
        out.write(exchange())
    assert len(calls) == 3  # the two files, and the manifest at the close
    (path,) = tmp_path.glob("*.warc.gz*")
    assert kinds(path) == ["warcinfo", "response", "request"]


def test_what_was_synced_and_not_committed_is_read_into_the_index(tmp_path: Path) -> None:
    page = article()
    out = writer(tmp_path)
    location = out.write(page)
    killed(out)
    assert [str(result.verdict) for result in mend(tmp_path)] == ["new"]
    original = RevisitOf(page.url, page.captured_at, payload_digest(page), location.record_id)
    out = SegmentWriter(tmp_path)
    out.write_revisit(
        exchange(url=page.url, head=OK.replace(b"200 OK", b"304 Not Modified"), body=b""), original
    )
    out.write(exchange(url="https://www.etoday.co.kr/robots.txt", head=OK, body=b"User-agent: *\n"))
    out.write(exchange(url="https://elsewhere.example/", head=OK, body=b"<p>"))
    killed(out)
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        dead = Frontier(index, "etoday", "dead", lambda: MOMENT)
        dead.discover([FrontierLink("9000000001", page.url, None, "feed")])
        assert dead.lease(9)
    results = mend(tmp_path, "etoday")
    assert [str(result.verdict) for result in results] == ["unchanged"]
    with Index(url_of(tmp_path / "index.sqlite3")) as index, index.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT record_type, status, outlet, outcome, reason, revision_id FROM captures ORDER BY id"
        ).fetchall()
        visits = connection.exec_driver_sql(
            "SELECT state, outcome, visits, etag FROM frontier"
        ).fetchall()
    assert rows == [
        ("response", 200, "etoday", "new", "", 1),
        ("revisit", 304, "etoday", "unchanged", "", 1),
        ("response", 200, "etoday", "skipped", "not_an_article", None),
        ("response", 200, "", "skipped", "unknown_outlet", None),
    ]
    assert visits == [("due", "unchanged", 1, '"1"')]
    assert mend(tmp_path, "etoday") == []
    assert open_segments(tmp_path) == []


def test_what_was_committed_and_not_read_is_read(tmp_path: Path) -> None:
    """A batch may be written, and the crawl be killed, before a page of it is read."""
    page = article()
    page_of_nothing = replace(page, url="https://www.etoday.co.kr/news/view/1", body=b"<p>")
    out = writer(tmp_path)
    with Index(url_of(tmp_path / "index.sqlite3")) as index:
        dead = Frontier(index, "etoday", "dead", lambda: MOMENT)
        dead.discover([FrontierLink("9000000001", page.url, None, "feed")])
        assert dead.lease(9)
        store = CaptureStore(out, index, RunRecorder("test"), lambda _: None, dead)
        for arrived in (page, page_of_nothing):
            store.append(provisional_page(arrived, outlet_named("etoday"), arrived.url))
        store.flush()
    killed(out)
    results = mend(tmp_path, "etoday")
    assert sorted(str(result.verdict) for result in results) == ["new", "unparsed/no_layout"]
    with Index(url_of(tmp_path / "index.sqlite3")) as index, index.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT outcome, reason, revision_id FROM captures ORDER BY id"
        ).fetchall()
        visits = connection.exec_driver_sql("SELECT state, outcome FROM frontier").fetchall()
    assert rows == [("new", "", 1), ("unparsed", "no_layout", None)]
    assert visits == [("due", "new")]
    assert mend(tmp_path, "etoday") == []


def test_a_full_segment_stays_open_until_its_records_are_in_the_index(tmp_path: Path) -> None:
    out = writer(tmp_path, max_bytes=1)
    out.write(article())
    out.write(exchange(url="https://www.etoday.co.kr/robots.txt", head=OK, body=b"User-agent: *\n"))
    out.sync()
    assert len(open_segments(tmp_path)) == 2
    for fd, _ in out._full:
        os.close(fd)
    killed(out)
    assert [str(result.verdict) for result in mend(tmp_path)] == ["new"]
    assert open_segments(tmp_path) == []
    assert mend(tmp_path) == []


def test_full_segments_get_their_names_when_all_is_settled(tmp_path: Path) -> None:
    with (
        Index(url_of(tmp_path / "index.sqlite3")) as index,
        writer(tmp_path / "archive", max_bytes=1) as out,
    ):
        store = CaptureStore(out, index, RunRecorder("test"), [].append)
        for number in range(3):
            url = f"https://www.etoday.co.kr/robots.txt?{number}"
            store.add_page(
                read_exchange(
                    exchange(url=url, head=OK, body=b"User-agent: *\n"), outlet_named("etoday")
                )
            )
            assert len(open_segments(tmp_path / "archive")) == min(number, 1)
            store.flush()
        assert len(open_segments(tmp_path / "archive")) == 1
    assert [path.suffix for path in (tmp_path / "archive").glob("*.warc.gz*")] == [".gz"] * 3


def test_a_full_segment_stays_open_until_its_pages_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipelines.deposit, "_READ_WITHIN", 600.0)
    folder = tmp_path / "archive"
    arrived = [replace(article(), url=f"{etoday.address(etoday_seed())}{n}") for n in range(4)]
    outlet = outlet_named("etoday")
    with (
        Index(url_of(tmp_path / "index.sqlite3")) as index,
        writer(folder, max_bytes=1) as out,
    ):
        store = CaptureStore(out, index, RunRecorder("test"), [].append)

        def closed() -> int:
            store.flush()
            return len(list(folder.glob("*.warc.gz")))

        for page in arrived:
            store.append(provisional_page(page, outlet, page.url))
        assert closed() == 0
        store.add_page(read_exchange(arrived[1], outlet))
        assert closed() == 1, "the pages of the others are not read yet"
        monkeypatch.setattr(pipelines.deposit, "_READ_WITHIN", -1.0)
        assert closed() == 3, "what is not read for long never is; one is being written"
        store.close()
    assert len(list(folder.glob("*.warc.gz"))) == 4


def test_what_an_index_that_fails_did_not_get_lies_in_an_open_segment(tmp_path: Path) -> None:
    """And so the next run brings it in."""
    url = url_of(tmp_path / "index.sqlite3")
    with (
        Index(url) as index,
        refused_rows(url, "captures"),
        pytest.raises(IndexUnusableError),
        writer(tmp_path, max_bytes=1) as out,
    ):
        _deposit(out, index)
    assert len(open_segments(tmp_path)) == 2
    assert [str(result.verdict) for result in mend(tmp_path)] == ["new"]
    assert open_segments(tmp_path) == []


def _deposit(out: SegmentWriter, index: Index) -> None:
    store = CaptureStore(out, index, RunRecorder("test"), [].append)
    for page in (article(), exchange(url="https://www.etoday.co.kr/robots.txt", head=OK)):
        store.add_page(read_exchange(page, outlet_named("etoday")))
    store.flush()


def with_a_hole(folder: Path) -> tuple[Path, int, list[str]]:
    """A segment whose second of four exchanges is missing two sectors; where its record begins, and all their ids."""
    out = writer(folder)
    pages = [
        exchange(url=f"https://www.etoday.co.kr/robots.txt?{n}", body=os.urandom(3000))
        for n in range(4)
    ]
    places = [out.write(page) for page in pages]
    path = killed(out)
    data = bytearray(path.read_bytes())
    start = -(-places[1].offset // 512) * 512 + 512
    data[start : start + 1024] = bytes(1024)
    path.write_bytes(data)
    return path, places[1].offset, [place.record_id for place in places]


def test_a_hole_that_a_loss_of_power_left_is_closed(tmp_path: Path) -> None:
    path, hole, ids = with_a_hole(tmp_path)
    before = path.read_bytes()
    mend(tmp_path)
    closed = path.with_name(path.name.removesuffix(".open"))
    assert closed.read_bytes()[:hole] == before[:hole]
    assert kinds(closed) == ["warcinfo", *["response", "request"] * 3], (
        "a request goes with its answer"
    )
    with Index(url_of(tmp_path / "index.sqlite3")) as index, index.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT warc_offset, record_id FROM captures ORDER BY id"
        ).fetchall()
    found = [
        (record.offset, record.record_id) for record in iterate(closed) if record.kind == "response"
    ]  # type: ignore[union-attr]
    assert [tuple(row) for row in rows] == found
    assert [record_id for _, record_id in found] == [ids[0], *ids[2:]]


def test_a_hole_before_what_rows_lead_to_is_left_for_verify(tmp_path: Path) -> None:
    path, hole, _ = with_a_hole(tmp_path)
    before = path.read_bytes()
    with recover_segment(path, lambda _: hole + 1) as segment:
        assert segment is not None
        assert path.read_bytes() == before


def test_what_a_lost_description_was_to_explain_goes_with_it(tmp_path: Path) -> None:
    out = writer(tmp_path)
    first = out.write(exchange())
    start = out._end
    origin = out.describe("from elsewhere: " + os.urandom(2000).hex())
    out.write(exchange(url="https://www.etoday.co.kr/robots.txt?1"), warcinfo_id=origin)
    last = out.write(exchange(url="https://www.etoday.co.kr/robots.txt?2"))
    path = killed(out)
    data = bytearray(path.read_bytes())
    start = -(-start // 512) * 512
    data[start : start + 512] = bytes(512)
    path.write_bytes(data)
    with recover_segment(path) as segment:
        assert segment is not None
        assert [place.record_id for _, place in segment.documents()] == [
            first.record_id,
            last.record_id,
        ]


def test_a_segment_that_has_both_its_names_loses_the_open_one(tmp_path: Path) -> None:
    """As power lost within a rename leaves it on a file system without a journal."""
    out = writer(tmp_path)
    out.write(article())
    path = killed(out)
    closed = path.with_name(path.name.removesuffix(".open"))
    closed.hardlink_to(path)
    assert [str(result.verdict) for result in mend(tmp_path)] == ["new"]
    assert open_segments(tmp_path) == []
    assert kinds(closed) == ["warcinfo", "response", "request"]
    assert mend(tmp_path) == []


def test_a_kill_during_a_repair_only_delays_it(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.write(article())
    path = killed(out)
    with pytest.raises(KeyboardInterrupt), recover_segment(path):
        raise KeyboardInterrupt
    assert path.exists()
    assert [str(result.verdict) for result in mend(tmp_path)] == ["new"]
    assert not path.exists()
