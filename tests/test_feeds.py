"""Feeds, sitemaps and list pages are read whatever state they are in; what is none is refused with a reason."""

from __future__ import annotations

import contextlib
import gzip
import re
import time
import tracemalloc
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.article import KST
from crawler import feeds, lists
from crawler.feeds import Document, read_xml
from crawler.lists import read_list
from crawler.outlets import etoday, newspim
from crawler.sources import Entry, ListPage, Reason, SourceError
from crawler.stamps import read_stamp

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
URL = "https://rss.etoday.co.kr/eto/etoday_news_all.xml"
AT = datetime(2026, 11, 1, 9, 30, tzinfo=KST)
ONE = "https://www.etoday.co.kr/news/view/1"
WANTED = Entry(ONE, "똠얌꿍 & 국수", AT)

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
    return read_xml(body if isinstance(body, bytes) else body.encode(), content_type, URL, NOW)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(RSS.encode(), id="rss"),
        pytest.param(ATOM.encode(), id="atom"),
        pytest.param(RDF.encode(), id="rdf"),
        pytest.param(NEWS.encode(), id="news sitemap"),
        pytest.param(NEWS.replace("<news:", "<n:").replace("</news:", "</n:").encode(), id="undeclared prefix"),
        pytest.param(NEWS.replace("<news:", "<").replace("</news:", "</").encode(), id="prefix forgotten"),
        pytest.param(NEWS.replace(' xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"', "").encode(), id="no xmlns"),
        pytest.param(re.sub(r"<(/?)(url|loc)", r"<\1s:\2", NEWS).encode(), id="prefixed throughout"),
        pytest.param(RSS.replace("UTF-8", "euc-kr").encode(), id="utf-8 labelled euc-kr"),
        pytest.param(RSS.encode("cp949"), id="cp949 labelled utf-8"),
        pytest.param(RSS.replace("UTF-8", "EUC-KR").encode("cp949"), id="cp949"),
        pytest.param(b"\xef\xbb\xbf" + RSS.encode(), id="byte order mark"),
        pytest.param(RSS.encode("utf-16"), id="utf-16"),
        pytest.param(b"\r\n\n " + RSS.encode(), id="white space before the declaration"),
        pytest.param(
            RSS.replace("<rss", '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://x/r.dtd">\n<rss').encode(),
            id="document type that only names",
        ),
        pytest.param(RSS.replace("<![CDATA[", "").replace("]]>", "").encode(), id="lone ampersand"),
        pytest.param(RSS.replace("똠얌꿍", "\x0b똠얌꿍\x00").encode(), id="control characters"),
        pytest.param(
            RSS.replace("</channel>", "<x>&nbsp;&hellip;&nosuch;&#0;&#xD800;1 < 2</x></channel>").encode(),
            id="html's entities and impossible characters",
        ),
        pytest.param(RSS.replace(f"<link>{ONE}</link>", f"<link/><guid>{ONE}</guid>").encode(), id="guid"),
        pytest.param(RSS.replace("https://www.etoday.co.kr/news", "//www.etoday.co.kr/news").encode(), id="relative"),
        pytest.param(gzip.compress(RSS.encode()), id="gzip file"),
    ],
)
def test_every_form_and_every_usual_damage_gives_the_same_entry(body: bytes) -> None:
    assert read(body, "text/xml") == Document((WANTED,))


def test_an_address_with_a_lone_ampersand_is_whole() -> None:
    body = RSS.replace(ONE, "https://www.etoday.co.kr/news/section/newsview.php?a=1&idxno=7&copy=2")
    assert read(body).entries[0].url.endswith("newsview.php?a=1&idxno=7&copy=2")


def test_a_lastmod_is_not_a_publication() -> None:
    entry = read(f"<urlset><url><loc>{ONE}</loc><lastmod>2026-11-01</lastmod></url></urlset>").entries[0]
    assert (entry.published_at, entry.modified_at) == (None, AT.replace(hour=0, minute=0))


def test_an_index_names_sitemaps() -> None:
    body = "<sitemapindex><sitemap><loc>/sitemap/1</loc><lastmod>2026-11-01T09:30:00</lastmod></sitemap></sitemapindex>"
    assert read(body) == Document(sitemaps=(Entry("https://rss.etoday.co.kr/sitemap/1", modified_at=AT),))


BOMB = (
    "<!DOCTYPE rss [<!ENTITY a 'AAAAAAAAAA'>{}]><rss><channel><item><title>&i;</title></item></channel></rss>".format(
        "".join(f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefgh", "bcdefghi", strict=True))
    )
)
EXTERNAL = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]><rss><item><title>&x;</title></item></rss>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", Reason.EMPTY),
        ("\ufeff \n", Reason.EMPTY),
        ("<rss><channel><title>x</title></channel></rss>", Reason.EMPTY),
        ('<?xml version="1.0"?><urlset/>', Reason.EMPTY),
        ("<!DOCTYPE html><html><body>점검 중</body></html>", Reason.NOT_XML),
        ("<p>x</p><script>", Reason.WRONG_SHAPE),
        ('{"error": 404}', Reason.NOT_XML),
        ("<<<", Reason.NOT_XML),
        ("<opml><body/></opml>", Reason.WRONG_SHAPE),
        (BOMB, Reason.UNSAFE),
        (EXTERNAL, Reason.UNSAFE),
        (EXTERNAL.replace("<!ENTITY x", "<!ENTITY % x"), Reason.UNSAFE),
        ("<rss>" + "<a>" * 100, Reason.TOO_DEEP),
        ("<rss><channel><item><link>http", Reason.BROKEN),
        (b"\x1f\x8b\x08broken", Reason.BROKEN),
        (b" " * (feeds.MOST_BYTES + 1), Reason.TOO_LARGE),
        (gzip.compress(b" " * (feeds.MOST_BYTES + 1)), Reason.TOO_LARGE),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(body: str | bytes, reason: Reason) -> None:
    with pytest.raises(SourceError) as refused:
        read(body)
    assert refused.value.reason is reason
    assert str(refused.value)


def test_a_cut_feed_gives_what_came_before_the_cut() -> None:
    with pytest.raises(SourceError) as refused:
        read(RSS[: RSS.index("</channel>")] + "<item><title>half")
    assert refused.value.reason is Reason.BROKEN
    assert refused.value.partial == (WANTED,)


def test_more_entries_than_the_standard_allows_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST_ENTRIES", 3)
    with pytest.raises(SourceError) as refused:
        read("<urlset>" + f"<url><loc>{ONE}</loc></url>" * 9)
    assert (refused.value.reason, len(refused.value.partial)) == (Reason.TOO_LARGE, 3)


PIECES_TO_REPEAT = ["<![CDATA[", "<!--", "&", "&#", "<!DOCTYPE ", "<?xml ", "<a", "<a b='", "]]>", "<", "<b '\""]


def many(*parts: str) -> bytes:
    return "".join(parts).encode()


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(BOMB.encode(), id="entities in entities"),
        pytest.param(
            many(f"<!DOCTYPE rss [<!ENTITY a '{'A' * 50_000}'>]><rss>", "&a;" * 10_000), id="one entity, 500 MB"
        ),
        pytest.param(gzip.compress(b"\0" * 2**26), id="gzip"),
    ],
)
def test_bombs_cost_nothing(bomb: bytes) -> None:
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(SourceError):
        read(bomb)
    assert time.process_time() - started < 1
    assert tracemalloc.get_traced_memory()[1] < 4 * feeds.MOST_BYTES
    tracemalloc.stop()


FLOODS = [many("<rss>", piece * (500_000 // len(piece))) for piece in PIECES_TO_REPEAT]
FLOODS += [many("<rss><item><title>", "&#65;" * 200_000, "'"), many("<rss>", "<item/>" * 100_000, '"')]
FLOODS += [many("<div>" * 250, "<a href=x></a>" * 10_000), many("<a ", *(f"x{n} " for n in range(100_000)), ">")]
FLOODS += [many("<a ", *(f"x{n}/" for n in range(100_000)), ">"), many('<a x="', "'<b " * 100_000)]


@pytest.mark.parametrize("flood", FLOODS, ids=[repr(flood[:20]) + str(n) for n, flood in enumerate(FLOODS)])
def test_time_is_linear_in_what_is_repeated(flood: bytes) -> None:
    started = time.process_time()
    for read_it in (lambda: read(flood), lambda: read_list(flood, "", URL, FLASH, NOW)):
        with contextlib.suppress(SourceError):
            read_it()
    assert time.process_time() - started < 4


@given(st.binary(max_size=400), st.sampled_from(["", "text/xml; charset=utf-8", "text/html; charset=euc-kr", "x"]))
def test_any_bytes_are_entries_or_a_source_error(body: bytes, content_type: str) -> None:
    check(body, content_type)


PIECES = [
    *("<rss>", "</rss>", "<channel>", "<item>", "</item>", "<link>", "</link>", "<link href='x' rel=''/>", "<urlset>"),
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
    *("<div class=cluster_text_press21>", "<p class=byline>", "<p class=summary><a href='http://[x'>", "<svg><path/>"),
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join))
def test_any_order_of_a_feeds_parts_is_entries_or_a_source_error(text: str) -> None:
    check(text.encode(errors="replace"), "")


def check(body: bytes, content_type: str) -> None:
    forms = [form for channel in (*etoday.CHANNELS, *newspim.CHANNELS[1:2]) for form in channel.sources]
    readers = [lambda: read(body, content_type).entries]
    readers += [
        lambda form=form: read_list(body, content_type, URL, form, NOW)  # type: ignore[misc]
        for form in forms[-4:]
        if isinstance(form, ListPage)
    ]
    for read_it in readers:
        try:
            entries = read_it()
        except SourceError as error:
            entries = error.partial
        for entry in entries:
            assert entry.url.startswith(("http://", "https://"))
            assert entry.published_at is None or entry.published_at.utcoffset() == timedelta(hours=9)


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
        ("Nov", None),
        ("어제", None),
        ("", None),
    ],
)
def test_times_are_kst_unless_they_say_otherwise(text: str, wanted: datetime | None) -> None:
    assert read_stamp(text, NOW) == wanted


(FLASH,) = (s for channel in etoday.CHANNELS if channel.name == "flash_list" for s in channel.sources)
SECTION = next(s for channel in etoday.CHANNELS if channel.name == "section_lists" for s in channel.sources)
EVERYTHING = next(s for channel in newspim.CHANNELS if channel.name == "list" for s in channel.sources)
assert isinstance(FLASH, ListPage)
assert isinstance(SECTION, ListPage)
assert isinstance(EVERYTHING, ListPage)


def test_a_list_without_item_elements_gives_titles_and_dates_to_the_right_links() -> None:
    item = '<strong class="subject_h">{0}</strong><p class="summary"><a href="/news/view/{0}">글</a></p>{1}'
    date = '<p class="byline">2026-11-01 09:30</p>'
    page = "<div>" + item.format(1, date) + item.format(2, "") + item.format(3, date) + "</div>"
    entries = read_list(page.encode(), "text/html", "https://www.newspim.com/news/lists/", EVERYTHING, NOW)
    assert entries == tuple(
        Entry(f"https://www.newspim.com/news/view/{n}", str(n), at) for n, at in ((1, AT), (2, None), (3, AT))
    )


@pytest.mark.parametrize(
    ("body", "form", "reason"),
    [
        (b"", SECTION, Reason.EMPTY),
        (b"<html><body><h1>404</h1></body></html>", SECTION, Reason.WRONG_SHAPE),
        (b"<rss/>", SECTION, Reason.WRONG_SHAPE),
        (b"<div>" * 1000, FLASH, Reason.TOO_DEEP),
        (b"<div>" * 100_000 + b"<a href=x></a>" * 1000, FLASH, Reason.TOO_DEEP),
        (b" " * (lists.MOST_BYTES + 1), FLASH, Reason.TOO_LARGE),
        (b"<a href=/x>1</a>" * (lists.MOST_ENTRIES + 1), FLASH, Reason.TOO_LARGE),
    ],
)
def test_what_is_not_the_list_is_refused_with_its_reason(body: bytes, form: ListPage, reason: Reason) -> None:
    with pytest.raises(SourceError) as refused:
        read_list(body, "", URL, form, NOW)
    assert refused.value.reason is reason


def test_an_empty_list_is_no_error_and_icons_are_not_depth() -> None:
    icons = '<svg><path d="x"/><path d="y"/></svg>' * 500
    assert read_list(f"{icons}<ul id=list_W></ul>".encode(), "", URL, SECTION, NOW) == ()
