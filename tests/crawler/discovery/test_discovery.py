"""Discovery finds every article of the window, says what it asked and stopped at, and outlives dead sources."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.model.article import KST
from crawler.discovery.coverage import ChannelShare, channel_shares
from crawler.discovery.entries import SourceFault
from crawler.discovery.plan import Plan, plan
from crawler.discovery.requests import Limits, PagingEnd, SourceRequest
from crawler.model.channels import Channel, Feed, ListPage, Sitemap
from crawler.model.window import Window, WindowError, parse_day
from crawler.outlets import known_outlets, outlet_named, outlet_of
from tests.support.sites.discovery import drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.model.outlet import Outlet

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
ETODAY, NEWSPIM = outlet_named("etoday"), outlet_named("newspim")


@pytest.mark.parametrize("outlet", known_outlets().values(), ids=lambda outlet: outlet.name)
def test_the_crawl_fails_only_when_every_channel_is_dead(outlet: Outlet) -> None:
    work = plan(outlet, None, None, NOW)
    assert drive(work, lambda _: (503, "text/html", b"")) == {}
    assert all(report.dead for report in work.reports())
    assert outlet.name in work.failure
    assert ("503" if outlet.channels else "-a url=ADDRESS") in work.failure


def test_a_walk_alone_does_not_count_where_every_list_failed() -> None:
    work = plan(NEWSPIM, NOW.date(), None, NOW)
    drive(work, lambda _: (503, "text/html", b""))
    assert {report.name: report.dead for report in work.reports()}["id_walk"] is False
    assert "503" in work.failure


LIST = ListPage(
    url="https://www.newspim.com/news/lists/?page={page}",
    link="p a",
    date="i",
    first=0,
    step=20,
)


def site(
    pages: dict[int, list[tuple[int, str]]], asked: list[str]
) -> Callable[[str], tuple[int, str, bytes]]:
    """Lists of (number, date); what is not there is an empty list."""

    def fetch(url: str) -> tuple[int, str, bytes]:
        asked.append(url)
        items = pages.get(int(url.rpartition("=")[2]), [])
        parts = (
            f"<p><a href='/news/view/{20261101000000 + n}'>x</a></p><i>{day}</i>"
            for n, day in items
        )
        return 200, "text/html", f"<html>{''.join(parts)}</html>".encode()

    return fetch


TODAY = [(n, "2026-11-01 10:00") for n in range(3)]


@pytest.mark.parametrize(
    ("pages", "end", "requests"),
    [
        ({0: TODAY, 20: [(3, "2026-10-31 10:00")], 40: [(4, "2026-10-31")]}, PagingEnd.OLDER, 2),
        (
            {0: TODAY, 20: [(3, "2026-10-31 10:00"), (4, "2026-11-01")], 40: [(5, "2026-10-31")]},
            PagingEnd.OLDER,
            3,
        ),
        ({0: TODAY, 20: [(5, "2026-11-01")]}, PagingEnd.EMPTY, 3),
        ({0: TODAY, 20: TODAY}, PagingEnd.REPEATED, 2),
        ({n * 20: [(n, "2026-11-01")] for n in range(9)}, PagingEnd.LIMIT, 9),
    ],
    ids=["older", "one of the day among older ones", "empty", "repeated", "limit"],
)
def test_paging_ends_for_a_reason(
    pages: dict[int, list[tuple[int, str]]], end: PagingEnd, requests: int
) -> None:
    asked: list[str] = []
    outlet = replace(NEWSPIM, channels=(Channel("list", (LIST,)),))
    work = Plan(outlet, Window(date(2026, 11, 1)), NOW, Limits(pages=9))
    found = drive(work, site(pages, asked))
    assert dict(work.reports()[0].ends) == {end: 1}
    assert len(asked) == requests
    faults = [fault.reason for fault in work.reports()[0].faults]
    assert faults == [SourceFault.TOO_MANY] * (end is PagingEnd.LIMIT)
    assert len(found) == len(
        {n for items in pages.values() for n, day in items if day.startswith("2026-11-01")}
    )


def test_pages_count_from_one_or_by_offset() -> None:
    section = next(
        channel for channel in ETODAY.channels if channel.name == "section_lists"
    ).sources[0]
    everything = next(channel for channel in NEWSPIM.channels if channel.name == "list").sources[0]
    assert isinstance(section, ListPage)
    assert isinstance(everything, ListPage)
    assert [section.page_url(n).rpartition("=")[2] for n in range(3)] == ["1", "2", "3"]
    assert [everything.page_url(n).rpartition("=")[2] for n in range(3)] == ["0", "20", "40"]


def index(*urls: str, lastmod: str = "") -> bytes:
    entries = (f"<sitemap><loc>{url}</loc><lastmod>{lastmod}</lastmod></sitemap>" for url in urls)
    return f"<sitemapindex>{''.join(entries)}</sitemapindex>".encode()


def sitemap_plan(window: Window | None = None, **limits: int) -> tuple[Plan, SourceRequest]:
    top = Sitemap("https://www.newspim.com/sitemap")
    work = Plan(
        replace(NEWSPIM, channels=(Channel("sitemap", (top,)),)),
        window or Window(),
        NOW,
        Limits(**limits),
    )
    (request,) = work.next_requests()
    return work, request


def test_articles_beyond_the_limit_of_a_crawl_are_left_out_and_counted() -> None:
    work, request = sitemap_plan(articles=4)
    urls = (f"https://www.newspim.com/news/view/20261101{n:06}" for n in range(7))
    body = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    result = work.read_response(request, f"<urlset>{body}</urlset>".encode(), "text/xml")
    assert [link.article_id[-1] for link in result.links] == ["0", "1", "2", "3"]
    assert result.fault is not None
    assert result.fault.reason is SourceFault.TOO_MANY
    assert "more than 4 articles" in result.fault.sentence
    assert "3 of this source are left out" in result.fault.sentence


def test_the_roots_dot_names_the_same_host() -> None:
    url = "https://www.newspim.com./news/view/20261101000001"
    assert NEWSPIM.identify(url) == NEWSPIM.identify(url.replace("com.", "com"))
    assert NEWSPIM.identify(url) is not None
    assert NEWSPIM.serves(url)
    assert outlet_of(url) == NEWSPIM


def test_an_article_that_an_index_names_is_an_article() -> None:
    work, request = sitemap_plan()
    result = work.read_response(
        request, index("https://www.newspim.com./news/view/20261101000001", "/1")
    )
    assert [link.article_id for link in result.links] == ["20261101000001"]
    assert [child.url for child in work.next_requests()] == ["https://www.newspim.com/1"]


def test_an_index_of_articles_alone_needs_nothing_more() -> None:
    work, request = sitemap_plan()
    result = work.read_response(request, index("https://gam.newspim.com/news/view/20261101000001"))
    assert [link.article_id for link in result.links] == ["20261101000001"]
    assert result.fault is None
    assert work.next_requests() == []


def test_an_index_leads_to_its_sitemaps_on_the_outlets_hosts_only() -> None:
    work, request = sitemap_plan()
    result = work.read_response(
        request,
        index(
            "/1", "https://m.newspim.com/2", "http://169.254.169.254/", "https://x.example/", "/1"
        ),
    )
    assert result.links == ()
    children = work.next_requests()
    assert sorted(child.url for child in children) == [
        "https://m.newspim.com/2",
        "https://www.newspim.com/1",
    ]
    body = (
        b"<urlset><url><loc>https://gam.newspim.com/news/view/20261101000001</loc></url></urlset>"
    )
    assert [link.url for link in work.read_response(children[0], body).links] == [
        "https://www.newspim.com/news/view/20261101000001"
    ]
    work.read_response(children[1], b"<urlset/>")
    assert work.finished
    assert work.reports()[0].dropped == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"sitemap_depth": 2}, "too_deep"), ({"sitemaps": 5, "sitemap_depth": 99}, "too_many")],
)
def test_indexes_are_followed_so_deep_and_so_often(limits: dict[str, int], reason: str) -> None:
    work, request = sitemap_plan(**limits)
    work.read_response(request, index("/0"))
    for n in range(20):
        for child in work.next_requests():
            work.read_response(child, index(f"/{n}/a", f"/{n}/b"))
    assert work.finished
    assert {fault.reason for fault in work.reports()[0].faults} == {SourceFault(reason)}
    assert work.reports()[0].dead


def test_sitemaps_that_last_changed_before_the_window_are_not_asked() -> None:
    work, request = sitemap_plan(Window(date(2026, 11, 1)))
    work.read_response(request, index("/old", lastmod="2026-10-31T23:59:59+09:00"))
    assert work.next_requests() == []


def test_a_truncated_feed_is_a_fault_and_its_entries_are_found() -> None:
    work = Plan(
        replace(ETODAY, channels=(Channel("feed", (Feed("https://x.example/f"),)),)),
        Window(),
        NOW,
    )
    (request,) = work.next_requests()
    item = "<item><link>https://m.etoday.co.kr/news/view/{}?trc=x</link></item>"
    result = work.read_response(request, f"<rss>{item.format(1)}{item.format(2)}<item><li".encode())
    assert [link.article_id for link in result.links] == ["1", "2"]
    assert result.fault is not None
    assert result.fault.reason is SourceFault.BROKEN
    assert work.failure == ""


def test_a_304_counts_as_an_answer_and_foreign_addresses_are_a_fault() -> None:
    work = Plan(
        replace(ETODAY, channels=(Channel("feed", (Feed("https://x.example/f"),)),)),
        Window(),
        NOW,
    )
    (request,) = work.next_requests()
    work.read_response(request, b"", status=304)
    assert (work.finished, work.failure) == (True, "")
    work = Plan(work.outlet, Window(), NOW)
    (request,) = work.next_requests()
    result = work.read_response(
        request, b"<rss><item><link>https://bravo.etoday.co.kr/news/view/1</link></item></rss>"
    )
    assert result.fault is not None
    assert result.fault.reason is SourceFault.WRONG_SHAPE


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        (
            "etoday",
            (
                "https://www.etoday.co.kr/news/view/7",
                "http://etoday.co.kr/news/view/7/",
                "https://m.etoday.co.kr/news/view/7?trc=rss",
                "https://www.etoday.co.kr/news/section/newsview.php?idxno=7",
                "https://www.etoday.co.kr/news/flashnews/flash_view?idxno=7",
            ),
        ),
        (
            "newspim",
            (
                "https://www.newspim.com/news/view/20261101000007",
                *(
                    f"http://{h}newspim.com/news/view/20261101000007"
                    for h in ("", "m.", "search.", "gam.")
                ),
                "http://m.newspim.com/newsamp/view/20261101000007",
            ),
        ),
    ],
)
def test_all_addresses_of_an_article_are_one(name: str, addresses: tuple[str, ...]) -> None:
    outlet = replace(
        outlet_named(name), channels=(Channel("feed", (Feed("https://x.example/f"),)),)
    )
    work = Plan(outlet, Window(), NOW)
    (request,) = work.next_requests()
    body = "".join(f"<item><link>{url}</link></item>" for url in addresses)
    result = work.read_response(request, f"<rss>{body}</rss>".encode())
    assert {link.url for link in result.links} == {addresses[0]}
    assert tuple(link.alias for link in result.links) == addresses
    assert len(work.reports()[0].found) == 1


def test_coverage_counts_what_each_channel_had_alone_and_what_it_missed() -> None:
    assert channel_shares({"a": {"1", "2"}, "b": {"2", "3"}, "c": set()}) == {
        "a": ChannelShare(frozenset("1"), frozenset("3")),
        "b": ChannelShare(frozenset("3"), frozenset("1")),
        "c": ChannelShare(frozenset(), frozenset("123")),
    }


def test_dates_that_contradict_each_other_are_refused() -> None:
    assert parse_day("2023-09-01") == date(2023, 9, 1)
    for wrong in ("2023-9-1", "20230901", "2023-02-30", "yesterday", ""):
        with pytest.raises(WindowError, match="is not a valid date: write YYYY-MM-DD"):
            parse_day(wrong)
    with pytest.raises(WindowError, match="after"):
        Window(date(2023, 9, 2), date(2023, 9, 1))
    with pytest.raises(WindowError, match="since"):
        Window(None, date(2023, 9, 1))
    with pytest.raises(WindowError, match="future"):
        plan(ETODAY, date(2026, 11, 2), None, NOW)


PARTS = [
    "<rss>",
    "<sitemapindex>",
    "<sitemap>",
    "</sitemap>",
    "<item>",
    "</item>",
    "<loc>",
    "</loc>",
    "<link>",
    "</link>",
]
PARTS += [
    "https://www.newspim.com/news/view/20269999000001",
    "http://[",
    "//www.etoday.co.kr:x/a",
    "</rss>",
    "<ul id=list_W>",
]
PARTS += [
    "<lastmod>2026-11-01</lastmod>",
    "<p class=summary><a href=/news/view/20261101000001>",
    "<a href=/news/view/1>",
]


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(PARTS), max_size=12).map("".join) | st.text(max_size=40),
    st.sampled_from([200, 304, 404]),
)
def test_discovery_ends_and_balances_whatever_sources_say(text: str, status: int) -> None:
    for outlet in (ETODAY, NEWSPIM):
        work = Plan(outlet, Window(), NOW, Limits(pages=5, sitemaps=5))
        drive(work, lambda _: (status, "", text.encode(errors="replace")))
        assert all(
            report.asked == report.answered + len(report.faults) for report in work.reports()
        )
