"""Reading any WARC: our own comes back exactly, others' is read leniently."""

from __future__ import annotations

import gzip
import io
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from archive.model.exchange import digest
from archive.model.outcome import Reason
from archive.warc.reader import Damage, Record, iterate
from tests.support.archives.warc_samples import (
    KINDS,
    MOMENT,
    exchange,
    kinds,
    plain,
    read,
    record,
    resource,
    the_segment,
    writer,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_our_own_comes_back_exactly(tmp_path: Path, good: bytes) -> None:
    items = read(tmp_path / "a", good)
    assert kinds(items) == KINDS
    first = items[1]
    assert isinstance(first, Record)
    assert first.exchange == exchange(request=b"")
    assert first.payload_digest == digest(exchange().body)
    assert items[3] == next(item for item in items if getattr(item, "kind", "") == "resource")
    assert getattr(items[3], "exchange", None) == resource()
    at = 0
    for item in items:
        assert isinstance(item, Record)
        assert item.offset == at
        at += item.length
    assert at == len(good)


@pytest.mark.parametrize(
    "form", ["plain", "one member", "record apart from its member", "padded", "lf"]
)
def test_every_way_of_packing(tmp_path: Path, good: bytes, form: str) -> None:
    text = plain(good)
    data = {
        "plain": text,
        "one member": gzip.compress(text),
        "record apart from its member": b"".join(
            gzip.compress(text[at : at + 100]) for at in range(0, len(text), 100)
        ),
        "padded": good + b"\0" * 700,
        "lf": record().replace(b"\r\n", b"\n", 7),
    }[form]
    items = read(tmp_path / "a", data)
    assert kinds(items) == (["response"] if form == "lf" else KINDS)
    if form in ("one member", "record apart from its member"):
        assert {item.length for item in items if isinstance(item, Record)} <= {0}


# warcio leaves its spool files open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_warcio_writes_at_1_0(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    out = WARCWriter(buffer, gzip=True, warc_version="1.0")
    head = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
    for uri in ("http://a.kr/", "http://a.kr/한글"):
        out.write_record(
            out.create_warc_record(uri, "response", payload=io.BytesIO(b"body"), http_headers=head)
        )
    out.write_record(
        out.create_warc_record(
            "dns:a.kr", "response", payload=io.BytesIO(b"1.2.3.4"), warc_content_type="text/dns"
        )
    )
    items = read(tmp_path / "a", buffer.getvalue())
    assert kinds(items) == ["response"] * 3
    bodies = [
        item.exchange and (item.exchange.url, item.exchange.body)
        for item in items
        if isinstance(item, Record)
    ]
    assert bodies == [("http://a.kr/", b"body"), ("http://a.kr/%ED%95%9C%EA%B8%80", b"body"), None]


@pytest.mark.parametrize(
    "claim",
    ["of the chunks", "without chunks", "in capitals, by another"],
    ids=lambda text: text.replace(" ", "-"),
)
def test_payload_digests_of_chunked_bodies_as_others_take_them(tmp_path: Path, claim: str) -> None:
    body = b"2\r\nab\r\n0\r\n\r\n"
    value = {"of the chunks": digest(body), "without chunks": digest(b"ab")}.get(claim, "crc:1")
    block = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    (item,) = read(tmp_path / "a", record(block, WARC_Payload_Digest=value))
    assert isinstance(item, Record)
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
def test_what_is_not_a_warc_is_reported_as_none(tmp_path: Path, data: bytes) -> None:
    (item,) = read(tmp_path / "a", data)
    assert isinstance(item, Damage)
    assert item.reason in (Reason.NOT_A_WARC, Reason.TRUNCATED)


def test_a_record_that_spans_many_pieces(tmp_path: Path) -> None:
    body = random.Random(1).randbytes(3 * 2**20) + b"\0" * (2**21)
    with writer(tmp_path) as out:
        location = out.write(exchange(body=body))
        out.write(resource())
    path = the_segment(tmp_path)
    for data in (
        path.read_bytes(),
        plain(path.read_bytes()),
        gzip.compress(plain(path.read_bytes()), 1),
    ):
        items = read(tmp_path / "a", data, 2**23)
        assert kinds(items) == ["warcinfo", "response", "request", "resource"]
        assert getattr(items[1], "payload_digest", "") == location.payload_digest
    assert kinds(read(tmp_path / "a", path.read_bytes(), 2**20)) == [
        "warcinfo",
        "TOO_LARGE",
        "request",
        "resource",
    ]


@pytest.mark.parametrize("size", [2**20 - 5, 2**20 - 4, 2**20, 2**20 + 1, 2**21, 2**22 - 4])
def test_members_that_fill_pieces_exactly(tmp_path: Path, size: int) -> None:
    frame = record(b"", WARC_Type="metadata", Content_Length=str(size))[:-4]
    block = b"\0" * (size - len(frame))
    data = record(block, WARC_Type="metadata")
    assert kinds(read(tmp_path / "a", gzip.compress(data) * 2, 2**23)) == ["metadata"] * 2


header_text = st.binary(max_size=40).filter(
    lambda raw: b"\n" not in raw and raw not in (b"", b"\r")
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
    found = [
        item for item in iterate(the_segment(folder)) if isinstance(item, Record) and item.exchange
    ]
    assert [item.exchange for item in found] == [
        exchange(body=body, head=head, truncated=truncated, request=b"")
    ]
    assert [(item.offset, item.length, item.payload_digest) for item in found] == [
        (location.offset, location.length, location.payload_digest)
    ]


def test_the_date_forms_of_the_standard(tmp_path: Path) -> None:
    for text in (
        "2019",
        "2019-01",
        "2019-01-01",
        "2019-01-01T00:00Z",
        "2019-01-01T09:00:00.000000000+09:00",
    ):
        (item,) = read(tmp_path / "a", record(WARC_Date=text))
        assert isinstance(item, Record)
        assert item.exchange is not None
        assert item.exchange.captured_at == MOMENT.replace(2019, 1, 1, 0, 0, 0)
