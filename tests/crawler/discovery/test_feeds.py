"""Feeds and sitemaps are read whatever state they are in; what is none is refused with a reason."""

from __future__ import annotations

import gzip
import re
import tracemalloc
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from crawler.discovery import feeds
from crawler.discovery.entries import FeedEntry, SourceError, SourceFault
from crawler.discovery.feeds import Document, read_feed
from crawler.discovery.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
URL = "https://rss.etoday.co.kr/eto/etoday_news_all.xml"
AT = datetime(2026, 11, 1, 9, 30, tzinfo=KST)
ONE = "https://www.etoday.co.kr/news/view/1"
WANTED = FeedEntry(ONE, "똠얌꿍 & 국수", AT)

RSS = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>이투데이</title><link>https://www.etoday.co.kr</link>
<item><title><![CDATA[똠얌꿍 & 국수]]></title><link>{ONE}</link>
<pubDate>Sun, 01 Nov 2026 09:30:00 +0900</pubDate></item>
</channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><link href="https://www.etoday.co.kr"/>
<entry><title>똠얌꿍 &amp; 국수</title><link rel="edit" href="https://x.example/e"/><link href="{ONE}"/>
<published>2026-11-01T00:30:00Z</published></entry></feed>"""
RDF = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://x.example/"><title>x</title></channel>
<item rdf:about="{ONE}"><title>똠얌꿍 &amp; 국수</title><dc:date>2026-11-01T09:30:00+09:00</dc:date></item></rdf:RDF>"""
NEWS = f"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{ONE}</loc>
<image:image><image:loc>https://img.etoday.co.kr/1.jpg</image:loc><image:title>그림</image:title></image:image>
<news:news><news:publication><news:name>이투데이</news:name></news:publication>
<news:publication_date>2026-11-01T09:30+09:00</news:publication_date>
<news:title>똠얌꿍 &amp; 국수</news:title></news:news>
</url></urlset>"""


def read(body: str | bytes, content_type: str = "") -> Document:
    return read_feed(body if isinstance(body, bytes) else body.encode(), content_type, URL, NOW)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(RSS.encode(), id="rss"),
        pytest.param(ATOM.encode(), id="atom"),
        pytest.param(RDF.encode(), id="rdf"),
        pytest.param(NEWS.encode(), id="news sitemap"),
        pytest.param(
            NEWS.replace("<news:", "<n:").replace("</news:", "</n:").encode(),
            id="undeclared prefix",
        ),
        pytest.param(
            NEWS.replace("<news:", "<").replace("</news:", "</").encode(), id="prefix forgotten"
        ),
        pytest.param(
            NEWS.replace(' xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"', "").encode(),
            id="no xmlns",
        ),
        pytest.param(
            re.sub(r"<(/?)(url|loc)", r"<\1s:\2", NEWS).encode(), id="prefixed throughout"
        ),
        pytest.param(RSS.replace("UTF-8", "euc-kr").encode(), id="utf-8 labelled euc-kr"),
        pytest.param(RSS.encode("cp949"), id="cp949 labelled utf-8"),
        pytest.param(RSS.replace("UTF-8", "EUC-KR").encode("cp949"), id="cp949"),
        pytest.param(b"\xef\xbb\xbf" + RSS.encode(), id="byte order mark"),
        pytest.param(RSS.encode("utf-16"), id="utf-16"),
        pytest.param(b"\r\n\n " + RSS.encode(), id="white space before the declaration"),
        pytest.param(
            RSS.replace(
                "<rss", '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://x/r.dtd">\n<rss'
            ).encode(),
            id="document type that only names",
        ),
        pytest.param(RSS.replace("<![CDATA[", "").replace("]]>", "").encode(), id="lone ampersand"),
        pytest.param(RSS.replace("똠얌꿍", "\x0b똠얌꿍\x00").encode(), id="control characters"),
        pytest.param(
            RSS.replace(
                "</channel>", "<x>&nbsp;&hellip;&nosuch;&#0;&#xD800;1 < 2</x></channel>"
            ).encode(),
            id="html's entities and impossible characters",
        ),
        pytest.param(
            RSS.replace(f"<link>{ONE}</link>", f"<link/><guid>{ONE}</guid>").encode(), id="guid"
        ),
        pytest.param(
            RSS.replace("https://www.etoday.co.kr/news", "//www.etoday.co.kr/news").encode(),
            id="relative",
        ),
        pytest.param(gzip.compress(RSS.encode()), id="gzip file"),
        pytest.param(
            b"".join(gzip.compress(RSS.encode()[n : n + 9]) for n in range(0, 999, 9)),
            id="gzip file of many members",
        ),
        pytest.param(
            b"<!-- made by x -->\n<!-- <html> -->"
            + RSS.encode("cp949").replace(b"UTF-8", b"EUC-KR"),
            id="comments before the declaration",
        ),
    ],
)
def test_every_form_and_every_usual_damage_gives_the_same_entry(body: bytes) -> None:
    assert read(body, "text/xml") == Document((WANTED,))


def test_an_address_with_a_lone_ampersand_is_whole() -> None:
    body = RSS.replace(ONE, "https://www.etoday.co.kr/news/section/newsview.php?a=1&idxno=7&copy=2")
    assert read(body).entries[0].url.endswith("newsview.php?a=1&idxno=7&copy=2")


@pytest.mark.parametrize(
    "escaped", ["&amp;amp;", "&amp;amp;amp;", "&amp;#38;", "&#38;amp;", "&amp;"]
)
def test_an_ampersand_escaped_more_than_once_is_one(escaped: str) -> None:
    body = f"<urlset><url><loc>{ONE}?a=1{escaped}b=2</loc></url></urlset>"
    assert read(body).entries[0].url == f"{ONE}?a=1&b=2"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://www.etoday.co.kr./news/view/1", ONE),
        ("https://www.etoday.co.kr.", "https://www.etoday.co.kr"),
        ("https://www.etoday.co.kr.:8443/a./b", "https://www.etoday.co.kr:8443/a./b"),
        ("https://www.etoday.co.kr/a.", "https://www.etoday.co.kr/a."),
        ("//www.etoday.co.kr./?x=.", "https://www.etoday.co.kr/?x=."),
    ],
)
def test_a_host_is_named_without_the_roots_dot(address: str, url: str) -> None:
    assert read(f"<urlset><url><loc>{address}</loc></url></urlset>").entries[0].url == url


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("begin", ["", "\ufeff", "\r\n"])
def test_a_text_sitemap_has_an_address_a_line(pack: Callable[[bytes], bytes], begin: str) -> None:
    body = f"{begin}{ONE}\r\n\nhttps://www.etoday.co.kr./news/view/2?a=1&b=2  \n"
    assert read(pack(body.encode()), "text/plain") == Document(
        (FeedEntry(ONE), FeedEntry("https://www.etoday.co.kr/news/view/2?a=1&b=2"))
    )


def test_a_text_sitemap_ends_where_a_line_is_no_address() -> None:
    with pytest.raises(SourceError, match="line 2 is no address: 'Fatal error'") as refused:
        read(f"{ONE}\nFatal error\n{ONE}")
    assert refused.value.reason is SourceFault.BROKEN
    assert refused.value.partial == (FeedEntry(ONE),)


def test_a_sitemap_in_blocks_is_read_as_one_in_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "<?xml version='1.0'?><urlset>" + "".join(
        f"<url><loc>{ONE}{n}?a=1&b=2</loc><!-- 뷁 </url> --><title><![CDATA[똠 & {n} </url>]]></title></url>"
        for n in range(300)
    )
    whole = read((body + "</urlset>").encode())
    assert len(whole.entries) == 300
    for charset in ("utf-8", "cp949", "utf-16"):
        encoded = (body + "</urlset>").encode(charset)
        with monkeypatch.context() as patch:
            patch.setattr(feeds, "_BLOCK", 1000)
            for packed in (encoded, gzip.compress(encoded)):
                assert [one.url for one in read(packed).entries] == [
                    one.url for one in whole.entries
                ]
            with pytest.raises(SourceError) as refused:
                read(gzip.compress(encoded)[:-30])
            assert refused.value.partial


def test_a_sitemap_of_the_standards_size_is_read_in_little_memory() -> None:
    """50,000 entries in 49 MB: never twice in memory as a whole."""
    entry = f"<url><loc>{ONE}%s?{'x' * 900}</loc><lastmod>2026-11-01</lastmod></url>\n"
    packed = gzip.compress(
        "".join(["<urlset>", *(entry % n for n in range(50_000)), "</urlset>"]).encode(), 1
    )
    tracemalloc.start()
    found = read(packed).entries
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 50_000
    assert peak < 110 * 2**20  # the addresses themselves are 49 MB


def test_a_lastmod_is_not_a_publication() -> None:
    entry = read(
        f"<urlset><url><loc>{ONE}</loc><lastmod>2026-11-01</lastmod></url></urlset>"
    ).entries[0]
    assert (entry.published_at, entry.modified_at) == (None, AT.replace(hour=0, minute=0))


def test_an_index_names_sitemaps() -> None:
    body = "<sitemapindex><sitemap><loc>/sitemap/1</loc><lastmod>2026-11-01T09:30:00</lastmod></sitemap></sitemapindex>"
    assert read(body) == Document(
        sitemaps=(FeedEntry("https://rss.etoday.co.kr/sitemap/1", modified_at=AT),)
    )


BOMB = (
    "<!DOCTYPE rss [<!ENTITY a 'AAAAAAAAAA'>{}]>"
    "<rss><channel><item><title>&i;</title></item></channel></rss>"
).format(
    "".join(
        f"<!ENTITY {name} '{f'&{before};' * 10}'>"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
)
EXTERNAL = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss><item><title>&x;</title></item></rss>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", SourceFault.EMPTY),
        ("\ufeff \n", SourceFault.EMPTY),
        ("<rss><channel><title>x</title></channel></rss>", SourceFault.EMPTY),
        ('<?xml version="1.0"?><urlset/>', SourceFault.EMPTY),
        ("<!DOCTYPE html><html><body>점검 중</body></html>", SourceFault.NOT_XML),
        ("<p>x</p><script>", SourceFault.WRONG_SHAPE),
        ('{"error": 404}', SourceFault.NOT_XML),
        ("<<<", SourceFault.NOT_XML),
        ("<opml><body/></opml>", SourceFault.WRONG_SHAPE),
        (BOMB, SourceFault.UNSAFE),
        (EXTERNAL, SourceFault.UNSAFE),
        (EXTERNAL.replace("<!ENTITY x", "<!ENTITY % x"), SourceFault.UNSAFE),
        ("<rss>" + "<a>" * 100, SourceFault.TOO_DEEP),
        ("<rss " + "a" * (feeds.MAX_UNCLOSED + 2**16), SourceFault.BROKEN),
        ("<rss><channel><item><link>http", SourceFault.BROKEN),
        (b"\x1f\x8b\x08broken", SourceFault.BROKEN),
        (b" " * (feeds.MAX_BYTES + 1), SourceFault.TOO_LARGE),
        (gzip.compress(b" " * (feeds.MAX_BYTES + 1), 1), SourceFault.TOO_LARGE),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(body: str | bytes, reason: SourceFault) -> None:
    with pytest.raises(SourceError) as refused:
        read(body)
    assert refused.value.reason is reason
    assert str(refused.value)


def test_a_cut_feed_gives_what_came_before_the_cut() -> None:
    with pytest.raises(SourceError) as refused:
        read(RSS[: RSS.index("</channel>")] + "<item><title>half")
    assert refused.value.reason is SourceFault.BROKEN
    assert refused.value.partial == (WANTED,)


def test_more_entries_than_the_standard_allows_end_the_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "MAX_ENTRIES", 3)
    with pytest.raises(SourceError) as refused:
        read("<urlset>" + f"<url><loc>{ONE}</loc></url>" * 9)
    assert (refused.value.reason, len(refused.value.partial)) == (SourceFault.TOO_LARGE, 3)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Sun, 01 Nov 2026 09:30:00 +0900", AT),
        ("Sun, 01 Nov 2026 00:30:00 GMT", AT),
        ("Sun, 01 Nov 2026 09:30:00 KST", AT),
        ("01 Nov 2026 09:30", AT),
        ("2026-11-01T09:30:00+09:00", AT),
        ("2026-11-01T00:30:00Z", AT),
        ("2026-11-01T09:30:00", AT),
        ("2026-11-01 09:30:00", AT),
        ("2026.11.01 09:30", AT),
        ("2시간 전", AT.replace(hour=10, minute=0)),
        ("Sun, 01 Nov 2026 00:30:00 -0000", AT),
        ("20261101093000", AT),
        ("2026-11-01 오전 9:30", AT),
        ("Nov", None),
        ("1970-01-01T00:00:00Z", None),
        ("2027-11-01T09:30:00+09:00", None),
        ("어제", None),
        ("", None),
    ],
)
def test_times_are_kst_unless_they_say_otherwise(text: str, wanted: datetime | None) -> None:
    assert parse_timestamp(text, NOW) == wanted


def test_a_tag_without_an_end_is_read_in_linear_time() -> None:
    """The parser would read 10 MB of it again with each further 64 KB."""
    with pytest.raises(SourceError, match="without the end of a tag"):
        read("<urlset " + 'a="b" ' * 2_000_000)
