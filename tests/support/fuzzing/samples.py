"""Samples that fuzzing starts from, all of our own making, and words that are put into them."""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from archive.model.exchange import Exchange
from archive.warc.compression.gzip_member import member
from archive.warc.record_writer import (
    RevisitOf,
    payload_digest,
    resource,
    response,
    revisit,
    warcinfo,
)
from tests.support.documents import fixtures, read_fixture

if TYPE_CHECKING:
    from archive.model.article import Article

MOMENT = datetime(2026, 3, 2, 1, 2, 3, tzinfo=UTC)
_PAGE = b"<!doctype html><html lang=ko><title>\xea\xb8\xb0\xeb\xa1\x9d</title><p>\xea\xb8\xb0\xec\x82\xac</p></html>"
_HEADS = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 302 Found\r\nLocation: /news/view/1\r\nRetry-After: 120\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 429 \r\n"
    b"Retry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\nConnection: close\r\n\r\n",
    b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nETag: W/"1"\r\n folded\r\n\r\n'
    + gzip.compress(b"hello", mtime=0),
)
_FEEDS = (
    b'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><item><title>a &amp; b</title>'
    b"<link>https://www.newspim.com/news/view/20260302000001</link>"
    b"<pubDate>Mon, 02 Mar 2026 10:11:12 +0900</pubDate></item></channel></rss>",
    b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/news/view/1"/>'
    b"<updated>2026-03-02T10:11:12Z</updated><title><![CDATA[x]]></title></entry></feed>",
    b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="n"><url>'
    b"<loc>https://www.etoday.co.kr/news/view/1</loc><lastmod>2026-03-02</lastmod><news:news>"
    b"<news:publication_date>2026-03-02T01:00+09:00</news:publication_date></news:news></url></urlset>",
    b"<sitemapindex><sitemap><loc>https://www.etoday.co.kr/s.xml</loc></sitemap></sitemapindex>",
    b"https://www.etoday.co.kr/news/view/1\nhttps://www.etoday.co.kr/news/view/2\n",
)
_LISTS = (
    "<article><strong class=subject_h>기사</strong><p class=summary><a href=/news/view/20260302000001>글"
    "</a></p><p class=byline>2026-03-02 10:11</p></article>".encode(),
    "<ul><li><div class=cluster_text_headline21><a href=/news/view/1>제목</a></div><span>03-02 10:11</span></li></ul>".encode(),
)
_ROBOTS = (
    b"User-agent: *\nDisallow: /admin\nAllow: /admin/news$\nCrawl-delay: 2\n",
    b"\xef\xbb\xbfuser-agent: Sacho/0.1\r\nUser-agent: Googlebot\r\nDisallow: /*?q=\r\n"
    b"Sitemap: https://www.newspim.com/sitemap.xml\r\nRequest-rate: 1/5\nVisit-time: 0100-0200\n",
)
_TIMES = (
    "입력 2023-09-05 14:41 수정 2023.09.05. (화) 오후 02:41",
    "기사입력 : 2018년 9월 5일 오후 2시 41분 최종수정 5분 전",
    "Tue, 05 Sep 2023 14:41:33 +0900",
    "20230905T1441Z",
    "Sep 5, 2023 2:41 PM KST (한국시간)",
    "등록 '23.9.5 | 승인 2023/09/05 14:41:33.123+09:00",
    "0001-01-01T00:00:00",
)
_BYLINES = (
    "[휴스턴=뉴스핌] 고인원 특파원= 기록은 남는다.",
    "홍길동·김철수 기자 gildong@example.kr",
    "(서울=뉴스핌) 나단비 인턴기자 = 시장이 열렸다.",
    "이투데이/한누리 기자 (nuri@etoday.co.kr) | 편집국 부장, 번역 김아무개",
)
_QUERIES = (
    "푸틴 OR 김정은 -미사일 since:2023-01-01",
    '"한반도 관련" outlet:newspim until:2026-12-31',
    "1,234 金正恩 AND (러시아) NOT x*",
    'NEAR(a b) "a" ^b {c d} headline:x col:*',
)
_JOBS = (
    b'[[job]]\noutlet = "etoday"\nevery = "15m"\n\n[[job]]\nname = "check"\ncommand = "verify --sample 5"\n'
    b'cron = "7 4 * * mon-fri"\ntime_limit = "2h"\nretries = 1\nbackoff = "90s"\nalert = false\n',
    b'[[job]]\noutlet = "newspim"\ncron = "*/10 0-6 1,15 * *"\n[job.arguments]\nlimit = 5\nsince = "2026-01-01"\n'
    b'[job.settings]\nLOG_LEVEL = "INFO"\n',
)

#: Words that matter to a reader, put in the midst of samples.
WORDS: dict[str, tuple[bytes, ...]] = {
    "heads": (
        b"\r\n", b"\n", b"\r", b"\0", b"HTTP/1.1 ", b"HTTP/0.9", b"Content-Length: ", b"-1", b"99999999999999999999",
        b"Transfer-Encoding: chunked\r\n", b"chunked, gzip", b"Content-Encoding: br\r\n", b"Retry-After: ",
        b"ffffffffffffffff\r\n", b"0\r\n\r\n", b"Mon, 01 Jan 0001 00:00:00 GMT", b"31 Dec 9999 23:59:59 -2400",
        b"Set-Cookie: a=b\r\n", b" \t", b"101 ", b"304", b"999",
    ),
    "warc": (
        b"WARC/1.1\r\n", b"WARC/0.17\r\n", b"WARC-Type: response\r\n", b"revisit", b"WARC-Date: ", b"9999-12-31T23:59:59Z",
        b"0001-01-01T00:00:00Z", b"2026-02-30", b"Content-Length: ", b"\r\n\r\n", b"-5", b"4294967296", b"WARC-Target-URI: ",
        b"http://[", b"WARC-Payload-Digest: sha1:", b"WARC-Segment-Number: 2\r\n", b"Content-Type: application/http; msgtype=response\r\n",
        b"WARC-Truncated: length\r\n", b"\0", b"WARC-Refers-To: <urn:uuid:x>\r\n", b"\xff",
    ),
    "gzip": (b"\x1f\x8b\x08\0", b"\x1f\x8b\x08\x1f", b"\0" * 64, b"\xff\xff\xff\xff", b"\x03\0", b"\x4b\x4c\x4a\x06\0"),
    "wacz": (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"\xff\xff\xff\xff", b"../../", b"archive/a.warc.gz", b"\0"),
    "pages": (
        b"<div>", b"</div>", b"<p>", b"</p>", b"<br>", b"<figure>", b"<figcaption>", b"<!--", b"-->", b"<script>", b"</script>",
        b"<script type=application/ld+json>", b'{"@type":"NewsArticle","datePublished":"0001-01-01T00:00:00"}', b"\\ud800", b"&#0;", b"&#xD800;",
        b"&#1114112;", b"<template>", b"<svg>", b"<math>", b"<table>", b"<tr><td>", b"<select><option>", b"<noscript>", b"<style>", b"<title>",
        b"<meta charset=utf-16>", b"<meta charset=idna>", b'<meta property="article:published_time" content="9999-12-31T23:59:59-14:00">',
        b'<base href="http://[">', b'<img src="http://[" srcset="a 1x, b 99999999999999999999w">', b"\0", b"\xff\xfe", b"\xed\xa0\x80",
        "관련 뉴스".encode(), "주요 뉴스".encode(), "기자".encode(), "입력 0001.01.01 00:00".encode(), "\u202e".encode(), b"\x1b[2J",
        b'<link rel=canonical href="https://www.etoday.co.kr/news/view/7">', b"<details>", b"<ruby><rt>", b"<listing>", b"<plaintext>", b"<frameset>",
    ),
    "texts": (
        b"\n", b"\r\n", b"\n\n", b"\t", "• ".encode(), b"* ", b"| ", b"# ", b"[](", b"![](http://x)", b"\x0c", b"\xff", "관련 뉴스".encode(),
        "입력 2023-09-05 14:41".encode(), "기자".encode(), b"----\n", "\u2028".encode(), b"\0",
    ),
    "times": (
        "오전".encode(), "오후".encode(), "입력".encode(), "수정".encode(), b"2023", b"0000", b"9999", b"31", b"24:00", b"25:61", b" PM", b" +0900", b"-2400", b"Z", b" KST",
        "년".encode(), "월".encode(), "일".encode(), "시".encode(), "분 전".encode(), "(화)".encode(), "９".encode(), "٣".encode(), b"Feb", b"T", b".", b"/", b" ",
    ),
    "bylines": ("기자".encode(), "특파원".encode(), b"=", b"[", b"]", b"(", b")", b"@", "·".encode(), b",", b"a@b.kr", "뉴스핌".encode(), "金".encode(), b" ", "▲".encode(), b"|"),
    "feeds": (
        b"<item>", b"</item>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"&nbsp;", b"&#0;", b"&#x110000;", b"<?xml ", b'encoding="utf-16"?>',
        b"<loc>http://[</loc>", b"http://a:99999/", b"\xff\xfe", b"\x1f\x8b\x08", b"\0", b"<pubDate>0001-01-01</pubDate>", b"xmlns:a='b'", b"<a:date>", b"<", b"&", b"\xed\xa0\x80",
    ),
    "lists": (b"<a href='http://['>", b"<a href=//x:99999/>", b"<article>", b"</article>", b"<p class=byline>", b"<strong class=subject_h>", b"\0", b"<a href='javascript:'>", b"<base href='x:'>"),
    "robots": (b"User-agent: ", b"Disallow: ", b"Allow: ", b"*", b"$", b"%", b"%zz", b"#", b"Crawl-delay: ", b"1e400", b"nan", b"-1", b"\r", b"\0", b"\xff", b"Request-rate: 1/0s 9999-9999", b"Visit-time: ", b"http://["),
    "jobs": (b"[[job]]\n", b"[job.settings]\n", b"every = ", b"cron = ", b'"', b"'''", b"= 1\n", b"[", b"]", b"{", b"}", b"1d", b"*/0", b"0-60", b"99999999999999999999", b"nan", b"inf", b"1979-05-27", b"\\u0000", b"name.x = 1\n", b"job = 1\n"),
    "queries": (b'"', b"OR", b"AND", b"NOT", b"-", b"(", b")", b"*", b"^", b":", b"outlet:", b"since:", b"until:", b"9999-12-31", b"0000-00-00", b"'", b";--", b"\0", b"\xff", b"\xed\xa0\x80", "金".encode(), "\u200b".encode(), b"%", b"{", b"NEAR("),
    "cdxj": (b" ", b"\n", b"\t", b"http://[", b"urn:x", b"%", b"%zz", b"//", b":99999", b"@", b"?", b"#", b"xn--", "한글".encode(), b"\\", b"\0", b"\xff", b"www2.", b";jsessionid="),
}  # fmt: skip


@dataclass(frozen=True)
class Seed:
    """A saved page of ours: its bytes without head, and what it is read as."""

    name: str
    outlet: str
    exchange: Exchange
    article: Article


@cache
def seeds(*, html: bool) -> tuple[Seed, ...]:
    """Return the saved pages without an HTTP head, or the text renderings."""
    found: list[Seed] = []
    for path in fixtures():
        page = read_fixture(path)
        is_html = page.exchange.media_type.startswith("text/html")
        if page.article and not page.exchange.head and is_html is html:
            found.append(Seed(path.name, page.outlet, page.exchange, page.article))
    return tuple(found)


@cache
def warc() -> tuple[bytes, ...]:
    """Return the records of a small WARC file of our own writing."""
    number = iter(range(1, 9))

    def new_id() -> str:
        return f"urn:uuid:00000000-0000-4000-8000-{next(number):012d}"

    about = new_id()
    page = Exchange(
        url="https://www.etoday.co.kr/news/view/1",
        captured_at=MOMENT,
        body=_PAGE,
        head=_HEADS[0][:-5],
    )
    saved = Exchange(
        url="https://www.newspim.com/news/view/20260302000001",
        captured_at=MOMENT,
        body=_PAGE,
        media_type="text/html",
    )
    checksum = payload_digest(page)
    original = RevisitOf(page.url, MOMENT, checksum, "")
    return (
        warcinfo(about, MOMENT, {"software": "Sacho"}, "a.warc.gz"),
        b"".join(response(page, new_id(), about, checksum)),
        b"".join(resource(saved, new_id(), about, payload_digest(saved))),
        revisit(page, new_id(), about, original),
    )


def _gzip_files() -> tuple[bytes, ...]:
    return (
        b"".join(map(member, warc())),
        gzip.compress(b"".join(warc()), mtime=0),
        member(warc()[0]) + b"\0" * 32 + member(warc()[1]),
        gzip.compress(b"", mtime=0) + gzip.compress(b"hello", mtime=0),
    )


def _packages() -> tuple[bytes, ...]:
    found: list[bytes] = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as package:
            package.writestr("archive/a.warc.gz", _gzip_files()[0])
            package.writestr("archive/b.warc", b"".join(warc()))
            package.writestr(
                "datapackage.json", b'{"title": "x", "software": "y", "resources": []}'
            )
            package.writestr("indexes/index.cdx", b"kr,co,etoday)/ 20260302010203 {}\n")
        found.append(file.getvalue())
    return tuple(found)


def _pages() -> tuple[bytes, ...]:
    return tuple(bytes([at]) + seed.exchange.body for at, seed in enumerate(seeds(html=True)))


def _texts() -> tuple[bytes, ...]:
    return tuple(bytes([at]) + seed.exchange.body for at, seed in enumerate(seeds(html=False)))


def _encoded(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


@cache
def samples(target: str) -> tuple[bytes, ...]:
    """Return what the fuzzing of a target starts from."""
    return {
        "heads": lambda: _HEADS,
        "warc": lambda: (b"".join(warc()), *warc()),
        "gzip": _gzip_files,
        "wacz": _packages,
        "pages": _pages,
        "texts": _texts,
        "times": lambda: _encoded(_TIMES),
        "bylines": lambda: _encoded(_BYLINES),
        "feeds": lambda: _FEEDS,
        "lists": lambda: _LISTS,
        "robots": lambda: _ROBOTS,
        "jobs": lambda: _JOBS,
        "queries": lambda: _encoded(_QUERIES),
        "cdxj": lambda: (
            b"https://www.etoday.co.kr/news/view/1?a=b#c text/html; charset=utf-8",
            b"urn:sha256:00 text/plain",
        ),
    }[target]()
