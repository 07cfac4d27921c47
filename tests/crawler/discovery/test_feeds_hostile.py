"""Any bytes are entries or a SourceError, in bounded time: nothing that an outlet serves stops the crawl."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.discovery import feeds
from crawler.discovery.entries import SourceError
from crawler.discovery.list_pages import read_list_page
from tests.crawler.discovery.test_feeds import BOMB, NOW, URL, read
from tests.crawler.discovery.test_lists import EVERYTHING, FLASH, SECTION

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTS = (FLASH, SECTION, EVERYTHING)

PIECES_TO_REPEAT = [
    "<![CDATA[",
    "<!--",
    "&",
    "&#",
    "<!DOCTYPE ",
    "<?xml ",
    "<a",
    "<a b='",
    "]]>",
    "<",
    "<b '\"",
]


def many(*parts: str) -> bytes:
    return "".join(parts).encode()


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(BOMB.encode(), id="entities in entities"),
        pytest.param(
            many(f"<!DOCTYPE rss [<!ENTITY a '{'A' * 50_000}'>]><rss>", "&a;" * 10_000),
            id="one entity, 500 MB",
        ),
        pytest.param(gzip.compress(b"\0" * 2**26, 1), id="gzip"),
    ],
)
def test_bombs_cost_nothing(bomb: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(SourceError):
        read(bomb)
    assert time.process_time() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 4 * feeds.MAX_BYTES
    tracemalloc.stop()


FLOODS = [many("<rss>", piece * (500_000 // len(piece))) for piece in PIECES_TO_REPEAT]
FLOODS += [
    many("<rss><item><title>", "&#65;" * 200_000, "'"),
    many("<rss>", "<item/>" * 100_000, '"'),
]
FLOODS += [
    many("<div>" * 250, "<a href=x></a>" * 10_000),
    many("<a ", *(f"x{n} " for n in range(100_000)), ">"),
]
FLOODS += [many("<a ", *(f"x{n}/" for n in range(100_000)), ">"), many('<a x="', "'<b " * 100_000)]


@pytest.mark.parametrize(
    "flood", FLOODS, ids=[repr(flood[:20]) + str(n) for n, flood in enumerate(FLOODS)]
)
def test_time_is_linear_in_what_is_repeated(flood: bytes) -> None:
    started = time.process_time()
    for read_it in (lambda: read(flood), lambda: read_list_page(flood, "", URL, FLASH, NOW)):
        with contextlib.suppress(SourceError):
            read_it()
    assert time.process_time() - started < 4


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "text/xml; charset=utf-8", "text/html; charset=euc-kr", "x"]),
)
def test_any_bytes_are_entries_or_a_source_error(body: bytes, content_type: str) -> None:
    check(body, content_type)


PIECES = [
    *(
        "<rss>",
        "</rss>",
        "<channel>",
        "<item>",
        "</item>",
        "<link>",
        "</link>",
        "<link href='x' rel=''/>",
        "<urlset>",
    ),
    *(
        "<url>",
        "</url>",
        "<loc>",
        "</loc>",
        "<sitemapindex>",
        "<feed>",
        "<entry>",
        "<rdf:RDF>",
        "<news:news>",
        "<item ",
    ),
    *(
        "<title>",
        "</title>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "<!DOCTYPE x>",
        "<!DOCTYPE x [",
        "<!ENTITY a 'b'>",
        "&a;",
    ),
    *(
        "&amp;",
        "&#x0;",
        "&#99999999;",
        "&nbsp;",
        "<?xml version='1.1' encoding='utf-7'?>",
        "<?x?>",
        "http://[",
        "/news/view/1",
    ),
    *(
        "2026-13-45 99:99",
        "Sun, 99 Nov 99999 99:99:99 +99999999",
        "0001-01-01T00:00:00+14:00",
        "5분 전",
        "\x00",
        "\ufffe",
    ),
    *(
        "<ul id=list_W><li class=sp_newslist>",
        "<div class=cluster_text_headline21><a href='/news/view/1'>",
        "</a></div>",
    ),
    *(
        "<div class=cluster_text_press21>",
        "<p class=byline>",
        "<p class=summary><a href='http://[x'>",
        "<svg><path/>",
    ),
]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join))
def test_any_order_of_a_feeds_parts_is_entries_or_a_source_error(text: str) -> None:
    check(text.encode(errors="replace"), "")


def check(body: bytes, content_type: str) -> None:
    readers = [lambda: read(body, content_type).entries]
    readers += [
        lambda of=of: read_list_page(body, content_type, URL, of, NOW)  # type: ignore[misc]
        for of in LISTS
    ]
    for read_it in readers:
        try:
            entries = read_it()
        except SourceError as error:
            entries = error.partial
        for entry in entries:
            assert entry.url.startswith(("http://", "https://"))
            assert entry.published_at is None or entry.published_at.utcoffset() == timedelta(
                hours=9
            )


PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}
TWO = b"<urlset><url><loc>https://x.example/1</loc></url><url><loc>/2</loc></url></urlset>"


@pytest.mark.parametrize("codings", ["gzip", "deflate", "br", "gzip, br", "br, gzip", "gzip, gzip"])
def test_a_document_is_unpacked_while_it_is_read(codings: str) -> None:
    body = TWO
    for coding in codings.split(", "):
        body = PACK[coding](body)
    assert len(coded(body, codings).entries) == 2
    with pytest.raises(SourceError) as caught:
        coded(body[:-30], codings)
    assert caught.value.reason in ("broken", "not_xml", "empty")


@pytest.mark.parametrize("codings", ["gzip", "deflate", "br", "zstd"])
def test_a_document_that_is_in_no_coding_is_read_as_it_is(codings: str) -> None:
    assert len(coded(TWO, codings).entries) == 2


def test_a_gzip_file_sent_in_a_coding_is_unpacked_twice() -> None:
    assert len(coded(brotli.compress(gzip.compress(TWO)), "br").entries) == 2


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_of_a_packed_document_a_part_is_in_memory(coding: str) -> None:
    comments = f"<!--{' ' * 1017}-->" * 1024 * 30
    body = PACK[coding](f"<urlset>{comments}</urlset>".encode())
    with memory_within(40), pytest.raises(SourceError, match="no entries"):
        coded(body, coding)


def test_of_an_entry_without_end_a_part_is_in_memory() -> None:
    body = b"<urlset><url>" + f"<a>{' ' * 1017}</a>".encode() * 1024 * 30
    with memory_within(40), pytest.raises(SourceError, match="breaks off"):
        read(body)


@contextlib.contextmanager
def memory_within(mebibytes: int) -> Iterator[None]:
    tracemalloc.stop()
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * 2**20
    finally:
        tracemalloc.stop()


def coded(body: bytes, codings: str) -> feeds.Document:
    return feeds.read_feed(body, "text/xml", URL, NOW, codings.split(", "))
