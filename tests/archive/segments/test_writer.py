"""Segments: other readers can read them, and faults are reported and lose nothing synced."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from isal import isal_zlib

from archive.http.message import parse_head, payload
from archive.model.errors import SegmentError
from archive.model.exchange import digest
from archive.segments.lookup import RecordError, read_at
from archive.warc import record_writer as warc
from archive.warc.compression.gzip_member import member
from archive.warc.reader import iterate
from archive.warc.record_writer import RevisitOf, WarcError
from tests.support.archives.warc_samples import (
    HEAD,
    MOMENT,
    REQUEST,
    by_fastwarc,
    by_warcio,
    check,
    exchange,
    gzip_is_whole,
    ids,
    resource,
    the_segment,
    writer,
)

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.exchange import Exchange

CHUNKED = exchange(
    head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    body=b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
)
KINDS = {
    "page": exchange(),
    "without request": exchange(request=b""),
    "not found": exchange(head=b"HTTP/1.1 404 Not Found\r\nX: 1\r\nX: 2\r\n\r\n", body=b""),
    "gzip": exchange(
        head=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
        body=isal_zlib.compress(b"a", 1, 31),
    ),
    "cut": exchange(truncated="length"),
    "binary": exchange(body=bytes(range(256)) * 999),
    "saved": resource(),
    "empty": resource(b""),
}


def test_a_segment_is_these_records(tmp_path: Path) -> None:
    with writer(tmp_path, software={"software": "Sacho/0"}, job="daily") as out:
        location = out.write(exchange())
    path = the_segment(tmp_path)
    assert path.name == "sacho-20230901030405-00000-test+5909b008.warc.gz" == location.file
    info, page = (
        "urn:uuid:00000000-0000-4000-8000-000000000002",
        "urn:uuid:00000000-0000-4000-8000-000000000001",
    )
    facts = {
        "format": "WARC File Format 1.1",
        "conformsTo": "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "hostname": "test",
        "software": "Sacho/0",
        "isPartOf": "daily",
    }
    records = (
        warc.warcinfo(info, MOMENT, facts, path.name),
        b"".join(warc.response(exchange(), page, info, digest(exchange().body))),
        warc.request(exchange(), "urn:uuid:00000000-0000-4000-8000-000000000003", info, page),
    )
    data = path.read_bytes()
    assert data == b"".join(map(member, records))
    assert isal_zlib.decompress(data[location.offset :][: location.length], 31) == records[1]
    assert data[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize("sample", KINDS.values(), ids=KINDS)
def test_every_reader_gets_the_same_bytes(tmp_path: Path, sample: Exchange) -> None:
    with writer(tmp_path) as out:
        location = out.write(sample)
    path = the_segment(tmp_path)
    kind = "response" if sample.head else "resource"
    body = next(payload for type_, _, payload, _ in by_warcio(path) if type_ == kind)
    assert body == sample.body
    fields, block = next(
        (fields, block) for type_, fields, block in by_fastwarc(path) if type_ == kind
    )
    assert block == sample.head + sample.body
    assert fields["WARC-Payload-Digest"] == location.payload_digest == digest(body)
    found = read_at(tmp_path, location)
    assert found.exchange is not None
    assert (found.exchange.head, found.exchange.body) == (sample.head, sample.body)
    assert found.exchange.truncated == sample.truncated
    assert found in list(iterate(path))


def test_the_checkers_pass_it(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        for sample in KINDS.values():
            location = out.write(sample)
        handle = out.describe("from a folder of saved pages")
        out.write(resource(), warcinfo_id=handle)
        page = exchange()
        out.write_revisit(page, RevisitOf(page.url, MOMENT, digest(page.body), location.record_id))
    path = the_segment(tmp_path)
    result = check(path)
    assert result.returncode == 0, result.stdout
    assert "fail" not in result.stdout
    assert gzip_is_whole(path)


def test_warcio_check_takes_chunks_for_payload(tmp_path: Path) -> None:
    """Pins the one disagreement: ISO 28500's payload has no chunks, warcio's check digests them."""
    with writer(tmp_path) as out:
        location = out.write(CHUNKED)
    assert (
        location.payload_digest
        == digest(payload(parse_head(CHUNKED.head), CHUNKED.body))
        == digest(b"abc")
    )
    assert [
        line.strip()[:21]
        for line in check(the_segment(tmp_path)).stdout.splitlines()
        if "fail" in line
    ] == ["payload digest failed"]


def test_a_revisit_leads_to_its_original(tmp_path: Path) -> None:
    again = exchange(captured_at=MOMENT + timedelta(days=1))
    with writer(tmp_path) as out:
        first = out.write(exchange())
        out.sync()
        second = out.write_revisit(
            again, RevisitOf(again.url, MOMENT, first.payload_digest, first.record_id)
        )
    found = read_at(tmp_path, second)
    assert found.kind == "revisit"
    assert found.exchange is None
    assert found.block == HEAD
    assert found.fields["warc-refers-to"] == first.record_id
    assert by_warcio(the_segment(tmp_path))[-1][2] == REQUEST.partition(b"\r\n\r\n")[2]


def test_rolled_over_between_exchanges_with_descriptions_repeated(tmp_path: Path) -> None:
    with writer(tmp_path, max_bytes=1) as out:
        handle = out.describe("import of 2019")
        places = [out.write(exchange(), warcinfo_id=handle) for _ in range(3)]
    files = sorted(tmp_path.glob("*.warc.gz"))
    # 00000 held descriptions only
    assert [path.name[21:26] for path in files] == ["00001", "00002", "00003"]
    assert len({place.file for place in places}) == 3
    for place in places:
        records = by_fastwarc(tmp_path / place.file)
        local = next(
            f["WARC-Record-ID"]
            for t, f, block in records
            if t == "warcinfo" and b"import of 2019" in block
        )
        kinds = [
            (kind, fields["WARC-Warcinfo-ID"]) for kind, fields, _ in records if kind != "warcinfo"
        ]
        assert kinds == [("response", local), ("request", local)]
    every = [fields["WARC-Record-ID"] for path in files for _, fields, _ in by_fastwarc(path)]
    assert len(every) == len(set(every))


def test_an_unused_writer_leaves_no_file(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.sync()
    with writer(tmp_path) as out, pytest.raises(WarcError):
        out.write(exchange(url="nowhere"))
    with writer(tmp_path) as out, pytest.raises(WarcError, match="is not a warcinfo"):
        out.write(exchange(), warcinfo_id="urn:uuid:never")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_record_leaves_the_writer_as_it_was(tmp_path: Path) -> None:
    with writer(tmp_path) as out:
        out.write(exchange())
        with pytest.raises(WarcError):
            out.write(exchange(url="nowhere"))
        with pytest.raises(WarcError):
            out.write_revisit(exchange(), RevisitOf("https://a", MOMENT, "sha256:0"))
        out.write(resource())
    assert [kind for kind, _, _ in by_fastwarc(the_segment(tmp_path))] == [
        "warcinfo",
        "response",
        "request",
        "resource",
    ]


def test_closed_is_closed(tmp_path: Path) -> None:
    out = writer(tmp_path)
    out.close()
    out.close()
    with pytest.raises(SegmentError, match="closed"):
        out.write(exchange())


def test_a_wrong_location_is_refused(tmp_path: Path) -> None:
    with writer(tmp_path, new_id=ids()) as out:
        one, two = out.write(exchange()), out.write(resource())
    path = the_segment(tmp_path)

    for wrong, said in (
        (replace(one, record_id="urn:x:1"), "another record"),
        (replace(one, payload_digest="sha256:0"), "has payload"),
        (replace(one, length=one.length - 1), "not the one gzip member"),
        (replace(one, length=one.length + 1), "not the one gzip member"),
        (replace(one, offset=one.offset + 1), "does not inflate"),
        (replace(two, length=two.length + 1), "the file ends after"),
        (replace(one, offset=-1), "cannot be read"),
        (replace(one, file="none.warc.gz"), "does not exist"),
        (replace(one, file="../" + one.file), "not a file of the archive"),
        (replace(one, file=""), "not a file|cannot be read"),
    ):
        with pytest.raises(RecordError, match=said):
            read_at(tmp_path, wrong)
    data = bytearray(path.read_bytes())
    data[one.offset + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(RecordError):
        read_at(tmp_path, one)
