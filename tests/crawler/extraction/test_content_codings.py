"""Pages whose head says another content coding than the bytes have: read as the bytes are."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from tests.support.archives.foreign_archives import PAGE, URL
from tests.support.archives.warc_samples import exchange

PACKED = gzip.compress(PAGE)


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ("Content-Encoding: none", PAGE),
        ("Content-Encoding: utf-8", PAGE),
        ("Content-Encoding: text/html; charset=UTF-8", b"\xef\xbb\xbf\r\n" + PAGE),
        ("Content-Encoding: zstd", PAGE),
        ("Content-Encoding: gzip", PAGE),
        ("Content-Encoding: br", PAGE),
        ("Content-Encoding: deflate", PAGE),
        ("Content-Encoding: none", PACKED),
        ("Content-Encoding: br", PACKED),
        ("X-Other: 1", PACKED),
        ("Content-Encoding: gzip", gzip.compress(PACKED)),
        ("Content-Encoding: gzip, gzip", PACKED),
        ("Content-Encoding: br, gzip", gzip.compress(brotli.compress(PAGE))),
        ("Content-Encoding: deflate", zlib.compress(PAGE)),
        ("Transfer-Encoding: gzip, chunked", chunked(PACKED)),
        ("Content-Encoding: br\r\nTransfer-Encoding: gzip, chunked", chunked(PACKED)),
    ],
)
def test_a_page_is_read_whatever_its_head_says_of_codings(fields: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}\r\n\r\n".encode()
    page = read_exchange(exchange(url=URL, head=head, body=body), outlet_named("etoday"))
    assert page.article is not None, page.verdict


@pytest.mark.parametrize(
    ("coding", "body", "reason"),
    [
        ("zstd", b"\x28\xb5\x2f\xfd" + bytes(range(256)), "unknown_coding"),
        ("gzip", PACKED[:-40], "bad_content"),
        ("gzip", b"\x00\x01" + PACKED, "bad_content"),
    ],
)
def test_what_the_bytes_do_not_show_either_is_not_read(
    coding: str, body: bytes, reason: str
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: {coding}\r\n\r\n"
    page = read_exchange(exchange(url=URL, head=head.encode(), body=body), outlet_named("etoday"))
    assert page.verdict is not None
    assert page.verdict.reason == reason
