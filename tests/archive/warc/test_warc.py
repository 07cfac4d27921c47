"""Record bytes: pinned whole, truthful in every field, and not to be forged through any of them."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.http.repair import repair_head
from archive.model.exchange import digest
from archive.warc import record_writer as warc
from archive.warc.dates import parse_date
from archive.warc.digests import agrees
from archive.warc.reader import iterate_file
from archive.warc.record_header import parse_header
from archive.warc.record_parser import Record, revisit_exchange
from archive.warc.record_writer import RevisitOf, WarcError, safe_url
from tests.support.archives.warc_samples import HEAD, MOMENT, exchange, resource

ID, INFO = "urn:uuid:1", "urn:uuid:0"


def fields_of(*record: bytes) -> dict[str, str]:
    return dict(parse_header(b"".join(record).partition(b"\r\n\r\n")[0]).pairs)


def test_a_response_is_these_bytes() -> None:
    sample = exchange(body=b"ab")
    assert b"".join(warc.response(sample, ID, INFO, warc.payload_digest(sample))) == (
        b"WARC/1.1\r\n"
        b"WARC-Type: response\r\n"
        b"WARC-Record-ID: <urn:uuid:1>\r\n"
        b"WARC-Date: 2023-09-01T03:04:05Z\r\n"
        b"WARC-Target-URI: https://www.etoday.co.kr/news/view/1\r\n"
        b"WARC-Warcinfo-ID: <urn:uuid:0>\r\n"
        b"WARC-IP-Address: 203.0.113.7\r\n"
        b"WARC-Payload-Digest: sha256:fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603\r\n"
        b"Content-Type: application/http;msgtype=response\r\n"
        b"WARC-Block-Digest: " + digest(HEAD + b"ab").encode() + b"\r\n"
        b"Content-Length: " + str(len(HEAD) + 2).encode() + b"\r\n\r\n" + HEAD + b"ab\r\n\r\n"
    )


def test_a_request_goes_with_its_response_and_has_no_payload_digest() -> None:
    fields = fields_of(warc.request(exchange(), "urn:uuid:2", INFO, ID))
    assert fields["warc-concurrent-to"] == "<urn:uuid:1>"
    assert fields["warc-ip-address"] == "203.0.113.7"
    assert fields["warc-date"] == "2023-09-01T03:04:05Z"
    assert "warc-payload-digest" not in fields


def test_warcinfo_has_neither_address_nor_payload_digest_and_folds_its_values() -> None:
    record = warc.warcinfo(
        ID, MOMENT, {"software": "Sacho\r\nWARC-Type: response", "isPartOf": ""}, "a.warc.gz"
    )
    fields = fields_of(record)
    assert fields["warc-filename"] == "a.warc.gz"
    assert not {"warc-target-uri", "warc-payload-digest"} & fields.keys()
    assert record.endswith(b"\r\n\r\nsoftware: Sacho WARC-Type: response\r\n\r\n\r\n")


def test_a_resource_keeps_its_media_type_and_says_when_its_time_is_not_known() -> None:
    fields = fields_of(*warc.resource(resource(time_known=False), ID, INFO, "sha256:0"))
    assert fields["content-type"] == "text/plain"
    assert fields["x-archive-capture-time"] == "unknown"
    assert (
        fields_of(*warc.resource(resource(media_type=""), ID, INFO, "s"))["content-type"]
        == "application/octet-stream"
    )


def test_the_same_payload_again_is_a_revisit_with_the_new_head() -> None:
    again = exchange(captured_at=MOMENT + timedelta(days=1))
    original = RevisitOf(again.url, MOMENT, warc.payload_digest(again), "urn:uuid:7")
    record = warc.revisit(again, ID, INFO, original)
    fields = fields_of(record)
    assert fields["warc-profile"] == warc.IDENTICAL
    assert fields["warc-refers-to"] == "<urn:uuid:7>"
    assert fields["warc-refers-to-target-uri"] == again.url
    assert fields["warc-refers-to-date"] == "2023-09-01T03:04:05Z"
    assert fields["warc-payload-digest"] == original.payload_digest
    assert fields["warc-truncated"] == "length"
    assert record.endswith(b"\r\n\r\n" + HEAD + b"\r\n\r\n")


def test_the_body_that_a_revisit_leaves_out_is_no_cut_of_the_answer() -> None:
    again = exchange(captured_at=MOMENT + timedelta(days=1))
    original = RevisitOf(again.url, MOMENT, warc.payload_digest(again), "urn:uuid:7")
    made = warc.revisit(again, ID, INFO, original)
    (read,) = iterate_file(BytesIO(gzip.compress(made)))
    assert isinstance(read, Record)
    assert read.fields["warc-truncated"] == "length"
    assert revisit_exchange(read).truncated == ""
    cut = warc.revisit(replace(again, truncated="time"), ID, INFO, original)
    (read,) = iterate_file(BytesIO(gzip.compress(cut)))
    assert isinstance(read, Record)
    assert revisit_exchange(read).truncated == "time"


def test_another_payload_is_no_revisit() -> None:
    with pytest.raises(WarcError, match="another payload"):
        warc.revisit(exchange(), ID, INFO, RevisitOf(exchange().url, MOMENT, digest(b"other")))


def test_304_is_a_revisit_of_its_own_profile() -> None:
    answer = exchange(head=b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", body=b"")
    fields = fields_of(
        warc.revisit(answer, ID, INFO, RevisitOf(answer.url, MOMENT, digest(b"page")))
    )
    assert fields["warc-profile"] == warc.NOT_MODIFIED
    assert fields["warc-refers-to-target-uri"] == answer.url
    assert "warc-refers-to" not in fields
    assert "warc-truncated" not in fields, "there is no body that is left out"


def test_metadata_is_filed_under_a_urn_without_payload_digest() -> None:
    record = warc.metadata(
        ID,
        MOMENT,
        "urn:a:b",
        b"{}",
        media_type="application/json",
        refers_to="urn:x:1",
        warcinfo_id=INFO,
    )
    assert fields_of(record)["warc-refers-to"] == "<urn:x:1>"
    assert "warc-payload-digest" not in fields_of(record)
    with pytest.raises(WarcError, match="played back"):
        warc.metadata(
            ID, MOMENT, "HTTPS://a/", b"", media_type="a/b", refers_to="urn:x:1", warcinfo_id=INFO
        )


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"CHUNKED", b"gzip, chunked"])
def test_the_payload_digest_is_of_the_body_without_chunks(coding: bytes) -> None:
    head = b"HTTP/1.1 200 OK\nTransfer-Encoding: " + coding + b"\n\n"
    assert warc.payload_digest(
        exchange(head=head, body=b"2;x=y\r\nab\r\n0\r\nT: v\r\n\r\n")
    ) == digest(b"ab")
    assert warc.payload_digest(exchange(head=head, body=b"not chunked")) == digest(b"not chunked")
    assert warc.payload_digest(exchange(head=b"chunked\r\n\r\n", body=b"0\r\n\r\n")) == digest(
        b"0\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2023-09-01T03:04:05Z"),
        (MOMENT.replace(microsecond=70), "2023-09-01T03:04:05.000070Z"),
        (datetime(2023, 9, 1, 3, tzinfo=timezone(timedelta(hours=9))), "2023-08-31T18:00:00Z"),
    ],
)
def test_dates_are_utc(moment: datetime, text: str) -> None:
    assert warc.format_date(moment) == text
    assert parse_date(text) == moment


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(WarcError, match="zone"):
        warc.format_date(MOMENT.replace(tzinfo=None))


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_date_comes_back(moment: datetime) -> None:
    assert parse_date(warc.format_date(moment)) == moment


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.kr/?q=1%20", "https://a.kr/?q=1%20"),
        ("https://a.kr/a b", "https://a.kr/a%20b"),
        ("https://a.kr/\r\nWARC-Type: x", "https://a.kr/%0D%0AWARC-Type:%20x"),
        ("https://a.kr/뉴스", "https://a.kr/%EB%89%B4%EC%8A%A4"),
        ("https://a.kr/<b>\x00\x7f\x85\u2028", "https://a.kr/%3Cb%3E%00%7F%C2%85%E2%80%A8"),
        ("https://a.kr/\udcff", "https://a.kr/%ED%B3%BF"),
    ],
)
def test_urls_cannot_break_out_of_their_line(url: str, safe: str) -> None:
    assert safe_url(url) == safe == safe_url(safe)


@given(st.text())
def test_no_url_writes_a_second_line(text: str) -> None:
    record = warc.response(exchange(url="http:" + text + "x"), ID, INFO, "sha256:0")
    head = b"".join(record).partition(b"\r\n\r\n")[0]
    assert len(re.split(rb"[\r\n]+", head)) == 11


@pytest.mark.parametrize("url", ["", "no scheme", "/path", "http:", "\r\nhttp://a", " http://a"])
def test_what_is_no_uri_is_refused(url: str) -> None:
    with pytest.raises(WarcError, match="absolute URI"):
        safe_url(url)


@pytest.mark.parametrize(
    "parts",
    [
        {"ip_address": "1.2.3"},
        {"ip_address": "fe80::1%\r\nX: y"},
        {"truncated": "length\r\nX: y"},
        {"truncated": "why"},
    ],
)
def test_forged_fields_are_refused(parts: dict[str, str]) -> None:
    with pytest.raises(WarcError):
        warc.response(exchange(**parts), ID, INFO, "sha256:0")


@pytest.mark.parametrize("record_id", ["", "x", "urn:a>\r\nX: y", "<urn:a>", "urn:a b"])
def test_forged_record_ids_are_refused(record_id: str) -> None:
    with pytest.raises(WarcError):
        warc.response(exchange(), record_id, INFO, "sha256:0")


@pytest.mark.parametrize(
    "claim",
    [
        "sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5",
        "sha1:a9993e364706816aba3e25717850c26c9cd0d89d",
        "SHA-1:A9993E364706816ABA3E25717850C26C9CD0D89D",
        "md5:900150983cd24fb0d6963f7d28e17f72",
        "md5:kAFQmDzST7DWlj99KOF/cg==",
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha256:XJ4BNP4PAHH6UQKBIDPF3LRCEOYAGYNDSYLXVHFUCD7WD4QACWWQ====",
        "blake3:unknown-to-us",
    ],
)
def test_digests_as_others_write_them(claim: str) -> None:
    assert agrees(claim, b"abc")
    assert agrees(claim, b"abd") == claim.startswith("blake3")


@pytest.mark.parametrize(
    ("head", "body", "repaired"),
    [
        (  # curl -i: chunks removed
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n",
            b"<html>",
            b"HTTP/1.1 200 OK\r\nX-Archive-Orig-Transfer-Encoding: chunked\r\nA: b\r\nContent-Length: 6\r\n\r\n",
        ),
        (  # curl -i --compressed: HTTP/2 head, decoded body
            b"HTTP/2 200\ncontent-encoding: gzip\ncontent-length: 3\n\n",
            b"<html>",
            b"HTTP/2 200\nX-Archive-Orig-content-encoding: gzip\nX-Archive-Orig-content-length: 3\n"
            b"Content-Length: 6\n\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 6\r\n\r\n",
            b"<html>",
            b"HTTP/1.1 200 OK\r\nX-Archive-Orig-Content-Encoding: br\r\nContent-Length: 6\r\n\r\n",
        ),
        (  # chunks kept, but decoded inside
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n",
            b"6\r\n<html>\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Archive-Orig-Content-Encoding: gzip\r\n\r\n",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"<html>",
            b"HTTP/1.1 200 OK\r\nX-Archive-Orig-Content-Length: 3\r\nContent-Length: 6\r\n\r\n",
        ),
    ],
)
def test_a_head_its_body_contradicts_is_repaired_once(
    head: bytes, body: bytes, repaired: bytes
) -> None:
    assert repair_head(head, body) == repaired == repair_head(repaired, body)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (HEAD, b"<html>"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"6\r\n<html>\r\n0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"6\r\n<ht"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"6\r\n<html>\r\n5\r\ncut"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"\x1f\x8b\x08cut"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"<html>"),
        (b"no status line\r\nTransfer-Encoding: chunked\r\n\r\n", b"<html>"),
    ],
)
def test_a_true_head_stays_byte_for_byte(head: bytes, body: bytes) -> None:
    assert repair_head(head, body) == head
