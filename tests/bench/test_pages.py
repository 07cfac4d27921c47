"""The pages that are measured with are as large as they claim, and make a WARC that others read."""

from __future__ import annotations

import zlib
from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType
from selectolax.lexbor import LexborHTMLParser

from bench.pages import page, pages, write


def test_pages_have_the_size_of_real_ones() -> None:
    for n in range(8):
        url, html = page(n)
        assert (url, html) == page(n)
        assert 75_000 < len(html.encode()) < 90_000
        assert 850 < len(LexborHTMLParser(html).css("*")) < 1150
        assert 17_000 < len(zlib.compress(html.encode())) < 21_000
    assert len(dict(pages(50))) == 50


def test_the_warc_is_the_same_every_time_and_readable() -> None:
    once, again = BytesIO(), BytesIO()
    write(once, 4)
    write(again, 4)
    assert once.getvalue() == again.getvalue()
    records = [
        (
            record.headers["WARC-Target-URI"],
            record.reader.read(),
            record.http_headers["Content-Encoding"],
        )
        for record in ArchiveIterator(
            BytesIO(once.getvalue()), record_types=WarcRecordType.response
        )
    ]
    assert [(url, zlib.decompress(body, 31).decode()) for url, body, _ in records] == list(pages(4))
    assert {coding for _, _, coding in records} == {"gzip"}
