"""What warcio reads for us: ARC files, and WARC records that our own reader refuses."""

from __future__ import annotations

import gzip
import io
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.model.exchange import digest
from archive.model.outcome import Reason
from archive.warc.reader import Damage, Record, iterate_file
from archive.warc.warcio_reader import iterate_arc_file, iterate_with_fallback
from tests.support.archives.warc_samples import HEAD, kinds, record

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = b"1 0 InternetArchive\nURL IP-address Archive-date Content-type Archive-length\n"
MESSAGE = HEAD + b"<html>page</html>"


def arc(
    url: str, block: bytes, media_type: str = "text/html", date: str = "20090102030405"
) -> bytes:
    return f"{url} 203.0.113.9 {date} {media_type} {len(block)}\n".encode() + block + b"\n"


def description(text: bytes = b"") -> bytes:
    return arc("filedesc://IA-001.arc", LINES + text, "text/plain").replace(
        b"203.0.113.9", b"0.0.0.0"
    )


FILE = [
    description(b"<arcmetadata/>\n"),
    arc("http://a.kr/1", MESSAGE),
    arc("dns:a.kr", b"a.kr. 1 IN A 203.0.113.9\n", "text/dns"),
    arc("http://a.kr/2", b"HTTP/1.1 404 Not Found\r\n\r\n"),
]


def joined(records: list[bytes]) -> bytes:
    return b"".join(records)


def packed(records: list[bytes]) -> bytes:
    return b"".join(gzip.compress(one) for one in records)


def one_member(records: list[bytes]) -> bytes:
    return gzip.compress(b"".join(records))


def read_arc(data: bytes, limit: int = 2**20) -> list[Record | Damage]:
    return list(iterate_arc_file(io.BytesIO(data), limit))


@pytest.mark.parametrize("pack", [joined, packed, one_member])
def test_an_arc_file_gives_its_documents(pack: Callable[[list[bytes]], bytes]) -> None:
    items = read_arc(pack(FILE))
    assert kinds(items) == ["warcinfo", "response", "resource", "response"]
    info, page, _, last = items
    assert isinstance(info, Record)
    assert info.fields["warc-filename"] == "IA-001.arc"
    assert isinstance(page, Record)
    assert page.exchange is not None
    assert (page.exchange.url, page.exchange.head) == ("http://a.kr/1", HEAD)
    assert page.exchange.body == b"<html>page</html>"
    assert page.exchange.captured_at == datetime(2009, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert page.exchange.ip_address == "203.0.113.9"
    assert page.payload_digest == digest(b"<html>page</html>")
    assert isinstance(last, Record)
    assert last.record_id == ""


@pytest.mark.parametrize("pack", [joined, packed])
def test_offsets_lead_to_the_records(pack: Callable[[list[bytes]], bytes]) -> None:
    offsets = [item.offset for item in read_arc(pack(FILE))]
    assert offsets == [len(pack(FILE[:n])) for n in range(len(FILE))]


@pytest.mark.parametrize("number", range(len(FILE)))
def test_a_damaged_member_costs_only_itself(number: int) -> None:
    parts = [gzip.compress(one) for one in FILE]
    parts[number] = parts[number][:15] + b"\xff" * 9 + parts[number][24:]
    items = read_arc(b"".join(parts))
    assert sum(isinstance(item, Record) for item in items) == len(FILE) - 1
    assert [item.offset for item in items if isinstance(item, Damage)] == [
        len(b"".join(parts[:number]))
    ]


@pytest.mark.parametrize("pack", [joined, packed])
def test_a_cut_file_gives_what_comes_before_and_the_cut(
    pack: Callable[[list[bytes]], bytes],
) -> None:
    data = pack(FILE)
    ends = [len(pack(FILE[: n + 1])) for n in range(len(FILE))]
    for cut in range(1, len(data)):
        items = read_arc(data[:cut])
        found = [item for item in items if isinstance(item, Record)]
        whole = sum(end <= cut for end in ends)
        assert len(found) - whole in (0, 1), cut  # at most the record that lacks its line end only
        if len(found) == whole and cut not in ends:
            assert isinstance(items[-1], Damage), cut


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (arc("http://a.kr/1", MESSAGE, date="20091302030405"), Reason.BAD_RECORD),
        (arc("http://a.kr/1", MESSAGE).replace(b"text/html ", b""), Reason.BAD_RECORD),
        (arc("http://a.kr/1", b"HTTP/1.1 200 OK no end"), Reason.BAD_RECORD),
        (arc("http://a.kr/1", MESSAGE * 100), Reason.TOO_LARGE),
    ],
)
def test_a_bad_record_is_reported_and_the_next_one_read(bad: bytes, reason: Reason) -> None:
    for pack in (joined, packed):
        items = read_arc(pack([FILE[0], bad, FILE[3]]), 4000)
        assert isinstance(items[-1], Record)
        assert reason in {item.reason for item in items if isinstance(item, Damage)}
        assert sum(isinstance(item, Record) for item in items) == 2


@pytest.mark.parametrize(
    "data", [b"", b"text\n" * 99, gzip.compress(b"<html>", mtime=0), record(), b"\n"]
)
def test_what_is_not_an_arc_file_is_reported(data: bytes) -> None:
    (item,) = read_arc(data)
    assert isinstance(item, Damage)
    assert item.reason is Reason.NOT_A_WARC


def test_an_arc_bomb_costs_no_memory() -> None:
    bomb = gzip.compress(arc("http://a.kr/1", b"\0" * 2**27), 9)
    items = read_arc(bomb + gzip.compress(FILE[1]))
    assert kinds(items)[-1] == "response"
    assert isinstance(items[0], Damage)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([b"", FILE[0], FILE[0] + FILE[1], FILE[1][:90]]),
)
def test_any_bytes_are_read_or_reported(data: bytes, start: bytes) -> None:
    for one in (start + data, gzip.compress(start + data)):
        assert read_arc(one)
        assert list(iterate_with_fallback(io.BytesIO(one)))


REFUSED = {
    "no length": record(drop="Content-Length"),
    "date of 14 digits": record(WARC_Date="20190102030405"),
    "lower case": record().replace(b"WARC/1.0", b"warc/1.0"),
    "length with a sign": record(Content_Length=f"+{len(HEAD + b'body')}"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_record_that_our_reader_refuses_is_read_by_warcio(name: str) -> None:
    data = packed([record(), REFUSED[name], record()])
    assert kinds(iterate_file(io.BytesIO(data)))[1] == "BAD_RECORD"
    items = list(iterate_with_fallback(io.BytesIO(data)))
    assert kinds(items) == ["response"] * 3
    one, other = items[0], items[1]
    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert other.exchange == one.exchange
    assert other.offset == len(packed([record()]))


@pytest.mark.parametrize(
    "bad",
    [
        record(WARC_Block_Digest="sha1:" + "A" * 32),
        record(WARC_Payload_Digest="sha256:00", WARC_Date="20190102030405"),
        record(Content_Length="90"),
        record(Content_Length="9000"),
        record(WARC_Type="respomse"),
        record(drop="WARC-Target-URI"),
        record(drop="Content-Length")[:-4],
        record(b"HTTP/1.1 200 OK"),
    ],
)
def test_what_is_damaged_stays_damage(bad: bytes) -> None:
    data = packed([record(), bad, record()])
    items = list(iterate_with_fallback(io.BytesIO(data)))
    assert items == list(iterate_file(io.BytesIO(data)))
    assert len(kinds(items)) == 3


@pytest.mark.parametrize("size", [2**16, 2**21])
def test_a_header_full_of_versions_is_given_up_soon(size: int) -> None:
    """Each of its lines may begin a record, whose header then is all the rest."""
    bad = b"WARC/1.1\r\nWARC-Type: resource\r\n" + b"WARC/0.17\r\n" * (size // 11) + b"\r\n"
    began = time.process_time()
    items = list(iterate_with_fallback(io.BytesIO(bad + record())))
    assert time.process_time() - began < 60  # 2 seconds; one by one it would be minutes
    assert all(isinstance(item, Damage) for item in items[:-1])


def test_many_records_that_only_warcio_reads_are_read_all() -> None:
    """What is refused by both may not take up much; what warcio reads may."""
    one = record(WARC_Date="20190102030405", X_Note="x" * 60_000)
    items = list(iterate_with_fallback(io.BytesIO(packed([one] * 100))))
    assert kinds(items) == ["response"] * 100
