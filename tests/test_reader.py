"""Reading any WARC: our own back exactly, others' leniently, and damage told instead of crashed on or passed over."""

from __future__ import annotations

import gzip
import io
import random
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import isal_zlib
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.exchange import digest
from archive.reader import Damage, Found, Reason, iterate
from tests.warc_samples import HEAD, MOMENT, exchange, resource, the_segment, writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KINDS = ["warcinfo", "response", "request", "resource", "response", "request"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("good")
    with writer(folder) as out:
        out.write(exchange())
        out.write(resource())
        out.write(exchange(body=b"<p>" * 50, url="https://www.etoday.co.kr/news/view/2"))
    return the_segment(folder).read_bytes()


def read(path: Path, data: bytes, limit: int = 2**20) -> list[Found | Damage]:
    path.write_bytes(data)
    return list(iterate(path, limit))


def kinds(items: Iterable[Found | Damage]) -> list[str]:
    """Kinds of records and, in capitals, reasons of damage."""
    return [item.kind if isinstance(item, Found) else item.reason.name for item in items]


def plain(data: bytes) -> bytes:
    return gzip.decompress(data)


def record(block: bytes = HEAD + b"body", version: str = "WARC/1.0", drop: str = "", **fields: str) -> bytes:
    facts = {
        "WARC-Type": "response",
        "WARC-Record-ID": "<urn:uuid:1>",
        "WARC-Date": "2019-01-02T03:04:05Z",
        "WARC-Target-URI": "http://a.kr/",
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    } | {name.replace("_", "-"): value for name, value in fields.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in facts.items() if name != drop)
    return f"{version}\r\n{lines}\r\n".encode() + block + b"\r\n\r\n"


def test_our_own_comes_back_exactly(tmp_path: Path, good: bytes) -> None:
    items = read(tmp_path / "a", good)
    assert kinds(items) == KINDS
    first = items[1]
    assert isinstance(first, Found)
    assert first.exchange == exchange(request=b"")
    assert first.payload_digest == digest(exchange().body)
    assert items[3] == next(item for item in items if getattr(item, "kind", "") == "resource")
    assert getattr(items[3], "exchange", None) == resource()
    at = 0
    for item in items:
        assert isinstance(item, Found)
        assert item.offset == at
        at += item.length
    assert at == len(good)


@pytest.mark.parametrize("form", ["plain", "one member", "record apart from its member", "padded", "lf"])
def test_every_way_of_packing(tmp_path: Path, good: bytes, form: str) -> None:
    text = plain(good)
    data = {
        "plain": text,
        "one member": gzip.compress(text),
        "record apart from its member": b"".join(gzip.compress(text[at : at + 100]) for at in range(0, len(text), 100)),
        "padded": good + b"\0" * 700,
        "lf": record().replace(b"\r\n", b"\n", 7),
    }[form]
    items = read(tmp_path / "a", data)
    assert kinds(items) == (["response"] if form == "lf" else KINDS)
    if form in ("one member", "record apart from its member"):
        assert {item.length for item in items if isinstance(item, Found)} <= {0}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio leaves its spool files open
def test_what_warcio_writes_at_1_0(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    out = WARCWriter(buffer, gzip=True, warc_version="1.0")
    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    for uri in ("http://a.kr/", "http://a.kr/한글"):
        out.write_record(out.create_warc_record(uri, "response", payload=io.BytesIO(b"body"), http_headers=head))
    out.write_record(
        out.create_warc_record("dns:a.kr", "response", payload=io.BytesIO(b"1.2.3.4"), warc_content_type="text/dns")
    )
    items = read(tmp_path / "a", buffer.getvalue())
    assert kinds(items) == ["response"] * 3
    bodies = [item.exchange and (item.exchange.url, item.exchange.body) for item in items if isinstance(item, Found)]
    assert bodies == [("http://a.kr/", b"body"), ("http://a.kr/%ED%95%9C%EA%B8%80", b"body"), None]


@pytest.mark.parametrize("packed", [True, False])
def test_a_cut_at_any_byte_gives_what_lies_before_it_and_is_told(tmp_path: Path, good: bytes, *, packed: bool) -> None:
    whole = [item for item in read(tmp_path / "a", good) if isinstance(item, Found)]
    data = good
    if not packed:
        data = plain(good)
        whole = [item for item in read(tmp_path / "a", data) if isinstance(item, Found)]
    ends = [item.offset + item.length for item in whole]
    for cut in range(len(data)):
        items = read(tmp_path / "a", data[:cut])
        found = [item for item in items if isinstance(item, Found)]
        complete = sum(end <= cut for end in ends)
        assert found[:complete] == whole[:complete], cut
        # At most the record whose block is whole and only its end mark or checksum cut; never more.
        assert len(found) - complete in (0, 1), cut
        if cut in ends:
            assert len(items) == complete, cut  # a shorter file, nothing tells
        else:
            assert isinstance(items[-1], Damage), cut
            assert items[-1].reason in (Reason.TRUNCATED, Reason.NOT_A_WARC)
            assert len(items) == len(found) + 1


@pytest.mark.parametrize("cut", [900, 1200, 1300])
def test_a_cut_one_member_file_gives_the_records_before(tmp_path: Path, good: bytes, cut: int) -> None:
    data = gzip.compress(plain(good), 0)
    items = read(tmp_path / "a", data[:cut])
    ends = [item.offset + item.length for item in read(tmp_path / "a", plain(good)) if isinstance(item, Found)]
    kept = sum(end + 15 <= cut for end in ends)  # stored blocks: 10 bytes of gzip head, 5 of the block's
    assert kinds(items) == [*KINDS[:kept], "TRUNCATED"]


def test_fastwarc_would_not_have_told(tmp_path: Path, good: bytes) -> None:
    """Why the members are walked here: it gives half a record for whole."""
    path = tmp_path / "a"
    read(path, good[:-30])
    with path.open("rb") as file:
        assert len(list(ArchiveIterator(file))) == len(KINDS)
    assert kinds(iterate(path))[-1] == "TRUNCATED"


@pytest.mark.parametrize("packed", ["members", "plain", "one member"])
def test_random_flips_never_crash_and_never_pass(tmp_path: Path, good: bytes, packed: str) -> None:
    data = {"members": good, "plain": plain(good), "one member": gzip.compress(plain(good))}[packed]
    bodies = {exchange().body, resource().body, b"<p>" * 50}
    dice = random.Random(5)
    for _ in range(300):
        flipped = bytearray(data)
        for _ in range(dice.choice((1, 1, 5))):
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        items = read(tmp_path / "a", bytes(flipped))
        assert {item.exchange.body for item in items if isinstance(item, Found) and item.exchange} <= bodies
        if packed == "members":
            assert sum(isinstance(item, Found) for item in items) >= 1


@pytest.mark.parametrize("gone", range(6))
def test_a_damaged_member_costs_only_itself(tmp_path: Path, good: bytes, gone: int) -> None:
    whole = [item for item in read(tmp_path / "a", good) if isinstance(item, Found)]
    for damage in (b"\0" * 20, b"\xff" * 20, b""):
        at = whole[gone].offset + 15
        items = read(tmp_path / "a", good[:at] + damage + good[at + 20 :])
        assert [item for item in items if isinstance(item, Found)] == [
            (item if n < gone or damage else moved(item, -20)) for n, item in enumerate(whole) if n != gone
        ]
        assert [item.offset for item in items if isinstance(item, Damage)] == [whole[gone].offset]


def moved(item: Found, by: int) -> Found:
    from dataclasses import replace

    return replace(item, offset=item.offset + by)


def packed_each(*records: bytes) -> bytes:
    return b"".join(map(gzip.compress, records))


def joined(*records: bytes) -> bytes:
    return b"".join(records)


BAD = {
    "no address": (record(drop="WARC-Target-URI"), "BAD_RECORD"),
    "no URI": (record(WARC_Target_URI="nowhere"), "BAD_RECORD"),
    "no date": (record(drop="WARC-Date"), "BAD_RECORD"),
    "no such date": (record(WARC_Date="2019-02-30T00:00:00Z"), "BAD_RECORD"),
    "no length": (record(drop="Content-Length"), "BAD_RECORD"),
    "strange length": (record(Content_Length="-1"), "BAD_RECORD"),
    "short length": (record(Content_Length="90"), "BAD_RECORD"),
    "no HTTP head": (record(b"HTTP/1.1 200 OK"), "BAD_RECORD"),
    "segmented": (record(WARC_Segment_Number="1"), "BAD_RECORD"),
    "too large": (record(HEAD + b"x" * 9000), "TOO_LARGE"),
    "block digest": (record(WARC_Block_Digest="sha1:" + "A" * 32), "BAD_DIGEST"),
    "payload digest": (record(WARC_Payload_Digest="sha256:00"), "BAD_DIGEST"),
    "revisit without address": (record(WARC_Type="revisit", drop="WARC-Target-URI"), "BAD_RECORD"),
    "long head": (record(X="x" * 2**19), "BAD_RECORD"),
}


@pytest.mark.parametrize("pack", [packed_each, joined])
@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_bad_record_is_told_and_the_next_one_read(
    tmp_path: Path, pack: Callable[..., bytes], bad: bytes, reason: str
) -> None:
    items = read(tmp_path / "a", pack(record(), bad, record()), 4000)
    assert kinds(items) == ["response", reason, "response"]
    assert isinstance(items[1], Damage)
    assert items[1].offset == len(pack(record()))
    assert items[1].sentence.endswith(".")


@pytest.mark.parametrize("pack", [packed_each, joined])
@pytest.mark.parametrize("length", ["3000", "9000", "99999999999"])
def test_a_length_beyond_the_record_does_not_cost_the_next_in_members(
    tmp_path: Path, pack: Callable[..., bytes], length: str
) -> None:
    items = read(tmp_path / "a", pack(record(), record(Content_Length=length), record(), record()), 4000)
    assert kinds(items)[0] == "response"
    assert kinds(items)[1] in ("BAD_RECORD", "TOO_LARGE", "TRUNCATED")
    assert kinds(items)[2:] == ["response"] * 2


@pytest.mark.parametrize(
    "claim", ["of the chunks", "without chunks", "in capitals, by another"], ids=lambda text: text.replace(" ", "-")
)
def test_payload_digests_of_chunked_bodies_as_others_take_them(tmp_path: Path, claim: str) -> None:
    body = b"2\r\nab\r\n0\r\n\r\n"
    value = {"of the chunks": digest(body), "without chunks": digest(b"ab")}.get(claim, "crc:1")
    block = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    (item,) = read(tmp_path / "a", record(block, WARC_Payload_Digest=value))
    assert isinstance(item, Found)
    assert item.payload_digest == digest(b"ab")


NOT_WARC = {
    "empty": b"",
    "text": b"hello\n" * 99,
    "html in gzip": gzip.compress(b"<html>" * 9999),
    "only magic": b"\x1f\x8b\x08",
    "not even gzip": b"\x1f" + b"x" * 99,
    "zeros": b"\0" * 9999,
    "blank": b"\r\n" * 9999,
    "zip": b"PK\x03\x04" + b"x" * 99,
}


@pytest.mark.parametrize("data", NOT_WARC.values(), ids=NOT_WARC)
def test_what_is_no_warc_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (item,) = read(tmp_path / "a", data)
    assert isinstance(item, Damage)
    assert item.reason in (Reason.NOT_A_WARC, Reason.TRUNCATED)


def test_a_record_that_spans_many_pieces(tmp_path: Path) -> None:
    body = random.Random(1).randbytes(3 * 2**20) + b"\0" * (2**21)
    with writer(tmp_path) as out:
        location = out.write(exchange(body=body))
        out.write(resource())
    path = the_segment(tmp_path)
    for data in (path.read_bytes(), plain(path.read_bytes()), gzip.compress(plain(path.read_bytes()), 1)):
        items = read(tmp_path / "a", data, 2**23)
        assert kinds(items) == ["warcinfo", "response", "request", "resource"]
        assert getattr(items[1], "payload_digest", "") == location.payload_digest
    assert kinds(read(tmp_path / "a", path.read_bytes(), 2**20)) == ["warcinfo", "TOO_LARGE", "request", "resource"]


@pytest.mark.parametrize("size", [2**20 - 5, 2**20 - 4, 2**20, 2**20 + 1, 2**21, 2**22 - 4])
def test_members_that_fill_pieces_exactly(tmp_path: Path, size: int) -> None:
    frame = record(b"", WARC_Type="metadata", Content_Length=str(size))[:-4]
    block = b"\0" * (size - len(frame))
    data = record(block, WARC_Type="metadata")
    assert kinds(read(tmp_path / "a", gzip.compress(data) * 2, 2**23)) == ["metadata"] * 2


def test_a_bomb_costs_neither_memory_nor_hours(tmp_path: Path) -> None:
    bomb = gzip.compress(record(b"", Content_Length=str(2**40))[:-4] + b"\0" * 2**28, 9)
    path = tmp_path / "a"
    path.write_bytes(bomb + gzip.compress(record()))
    began = time.process_time()
    tracemalloc.start()
    items = list(iterate(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds(items)[-1] == "response"
    assert len(items) == 2
    assert peak < 2**24
    assert time.process_time() - began < 5


def test_a_thousand_damaged_places_are_enough(tmp_path: Path) -> None:
    data = (record(drop="Content-Length") + b"\n") * 1500
    items = read(tmp_path / "a", data)
    assert len(items) == 1001
    assert "not read" in getattr(items[-1], "sentence", "")


header_text = st.binary(max_size=40).filter(lambda raw: b"\n" not in raw and raw not in (b"", b"\r"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=3000),
    lines=st.lists(header_text, max_size=6),
    newline=st.sampled_from([b"\r\n", b"\n"]),
    truncated=st.sampled_from(["", "length", "time", "disconnect"]),
    request=st.sampled_from([b"", b"GET / HTTP/1.1\r\n\r\n"]),
)
def test_any_exchange_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    body: bytes,
    lines: list[bytes],
    newline: bytes,
    truncated: str,
    request: bytes,
) -> None:
    head = newline.join([b"HTTP/1.1 200 OK", *lines]) + newline * 2
    folder = tmp_path_factory.mktemp("any")
    sample = exchange(body=body, head=head, truncated=truncated, request=request)
    with writer(folder) as out:
        location = out.write(sample)
    found = [item for item in iterate(the_segment(folder)) if isinstance(item, Found) and item.exchange]
    assert [item.exchange for item in found] == [exchange(body=body, head=head, truncated=truncated, request=b"")]
    assert [(item.offset, item.length, item.payload_digest) for item in found] == [
        (location.offset, location.length, location.payload_digest)
    ]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"WARC/1.0\r\n", record()[:200], gzip.compress(record())])
)
def test_any_bytes_are_read_or_told(tmp_path_factory: pytest.TempPathFactory, data: bytes, start: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a"
    assert read(path, start + data)
    assert read(path, isal_zlib.compress(start + data, 1, 31))


def test_the_date_forms_of_the_standard(tmp_path: Path) -> None:
    for text in ("2019", "2019-01", "2019-01-01", "2019-01-01T00:00Z", "2019-01-01T09:00:00.000000000+09:00"):
        (item,) = read(tmp_path / "a", record(WARC_Date=text))
        assert isinstance(item, Found)
        assert item.exchange is not None
        assert item.exchange.captured_at == MOMENT.replace(2019, 1, 1, 0, 0, 0)
