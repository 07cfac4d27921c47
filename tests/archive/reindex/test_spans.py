"""A segment split into spans, read apart and joined, gives what reading it at once gives."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING

import pytest

from archive.reindex import spans
from archive.reindex.spans import END, SpanReader, list_segments, split
from archive.segments import writer as segments
from archive.segments.writer import SegmentWriter
from archive.warc.reader import iterate
from archive.warc.record_parser import Damage
from crawler.offline.workers import read_span, read_spans
from tests.support.archives.captures import SOFTWARE, exchange
from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (SEEDS / "etoday" / "own-desktop-2020.html").read_bytes()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a segment of pages and of documents that are WARC files, which look like records."""
    with SegmentWriter(tmp_path / "inner", software=SOFTWARE) as inner:
        for number in range(30):
            inner.write(exchange(f"https://www.etoday.co.kr/news/view/{number + 1}", PAGE))
    (within,) = (tmp_path / "inner").glob("*.warc.gz")
    monkeypatch.setattr(segments, "member", stored)
    folder = tmp_path / "archive"
    with SegmentWriter(folder, software=SOFTWARE) as out:
        for number in range(12):
            out.write(
                exchange(
                    f"https://www.etoday.co.kr/news/view/{9_000_000 + number}", PAGE + b" " * number
                )
            )
            data = within.read_bytes() + bytes([number])
            out.write(
                exchange(
                    f"https://www.etoday.co.kr/files/{number}.warc.gz",
                    data,
                    media_type="application/warc",
                )
            )
    return folder


def stored(record: bytes) -> bytes:
    """Return a gzip member with the record uncompressed, as packers leave compressed content."""
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return packer.compress(record) + packer.flush()


@pytest.mark.parametrize(("step", "processes"), [(9_000, 1), (50_000, 1), (50_000, 2)])
def test_however_it_is_cut_the_records_are_the_same(
    archive: Path, monkeypatch: pytest.MonkeyPatch, step: int, processes: int
) -> None:
    (segment,) = list_segments(archive)
    (whole,) = split(segment)
    expected = read_span(whole)
    assert len(expected.captures) == 24
    monkeypatch.setattr(spans, "STEP", step)
    parts = list(split(segment))
    guesses = [SpanReader(part) for part in parts]
    assert [list(guess) for guess in guesses]
    true = {found.offset for found in iterate(archive / segment.name)} | {END}
    assert {guess.first for guess in guesses} - true, (
        "a guess must be wrong, or this test shows nothing"
    )
    found = [part for _, part in read_spans(parts, processes)]
    assert [one for part in found for one in part.captures] == expected.captures
    assert [part.next for part in found][-1] == END


def test_damage_across_spans_is_reported_once(
    archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (segment,) = list_segments(archive)
    path = archive / segment.name
    data = bytearray(path.read_bytes())
    pick = random.Random(3)
    for _ in range(12):
        data[pick.randrange(len(data))] ^= 1 << pick.randrange(8)
    path.write_bytes(data)
    expected = list(iterate(path, 2**31))
    damaged = [found.offset for found in expected if isinstance(found, Damage)]
    assert len(damaged) > 5
    for step in (20_000, 90_000):
        monkeypatch.setattr(spans, "STEP", step)
        found = [part for _, part in read_spans(list(split(segment)), 1)]
        assert [f.source for part in found for f in part.findings] == [
            f"{segment.name}@{at}" for at in damaged
        ]
        records = [one.capture["record_id"] for part in found for one in part.captures]
        assert records == [
            f.record_id for f in expected if not isinstance(f, Damage) and f.kind == "resource"
        ]


def test_segments_come_in_the_order_in_which_they_were_begun(tmp_path: Path) -> None:
    begun: list[str] = []
    for number in range(5):
        with SegmentWriter(tmp_path, software=SOFTWARE) as out:
            begun.append(out.write(exchange("", b"%d" % number)).file)
    assert [segment.name for segment in list_segments(tmp_path)] == begun
