"""Discovery finds every article of the window, says what it asked and stopped at, and outlives dead sources."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from archive.article import KST
from crawler.asks import Ask, End, Limits
from crawler.coverage import Share, shares
from crawler.discovery import Plan, plan
from crawler.outlet import Outlet, known_outlets, outlet_named
from crawler.sources import Channel, Feed, ListPage, Reason, Sitemap, Window, WindowError, parse_day
from tests.twin.catalogue import CLOCK
from tests.twin.server import Twin

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=KST)
ETODAY, NEWSPIM = outlet_named("etoday"), outlet_named("newspim")


def over_sockets(twin: Twin) -> Callable[[str], tuple[int, str, bytes]]:
    context = ssl.create_default_context(cafile=twin.ca_file)

    def fetch(url: str) -> tuple[int, str, bytes]:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection("127.0.0.1", twin.port(parts.scheme), timeout=10)
        with contextlib.closing(connection):
            connection.connect()
            if parts.scheme == "https":
                connection.sock = context.wrap_socket(connection.sock, server_hostname=parts.hostname)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request("GET", target, headers={"Host": parts.netloc})
            answer = connection.getresponse()
            return answer.status, answer.headers["Content-Type"] or "", answer.read()

    return fetch


def drive(work: Plan, fetch: Callable[[str], tuple[int, str, bytes]], twin: Twin | None = None) -> dict[str, str]:
    """Do what the spider does; gives the articles found in the window, id -> canonical address."""
    found: dict[str, str] = {}
    for _ in range(10_000):
        if work.finished:
            return found
        for ask in work.next_requests():
            try:
                status, content_type, body = fetch(ask.url)
            except (OSError, http.client.HTTPException) as error:
                work.fail(ask, repr(error))
                continue
            found.update((link.article_id, link.url) for link in work.take(ask, body, content_type, status).links)
        for link in work.candidates(50):
            story = twin.catalogue.story(link.article_id) if twin else None
            work.learn(link.article_id, story.published if story else None)
            if story and not work.window.excludes(story.published.date()):
                found[link.article_id] = link.url
    raise AssertionError("discovery does not end")


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_all_channels_together_find_every_article_of_the_twin(name: str) -> None:
    outlet = outlet_named(name)
    with Twin(name, 120) as twin:
        work = plan(outlet, None, None, CLOCK)
        found = drive(work, over_sockets(twin))
        assert sorted(found) == sorted(twin.ids())
        assert set(found.values()) == {twin.address(article_id) for article_id in twin.ids()}
        assert len({entry.url for entry in twin.requests()}) == len(twin.requests())
        for report in work.reports():
            assert report.asked == report.answered + len(report.faults)
            assert report.found | report.share.missed == set(found)
        assert work.failure == ""


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_a_window_gives_its_days_and_no_others(name: str) -> None:
    outlet = outlet_named(name)
    with Twin(name, 1500) as twin:
        days = {article_id: twin.story(article_id).published.date() for article_id in twin.ids()}
        newest = CLOCK.date()
        for back, length in ((0, 1), (1, 2), (3, 1), (4, 2)):
            until = newest - timedelta(days=back)
            since = until - timedelta(days=length - 1)
            found = drive(plan(outlet, since, until, CLOCK), over_sockets(twin), twin)
            assert sorted(found) == sorted(a for a, day in days.items() if since <= day <= until)


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_days_that_no_list_reaches_are_walked(name: str) -> None:
    with Twin(name, 1500) as twin:
        now = CLOCK + timedelta(days=200)
        wanted = CLOCK.date() - timedelta(days=3)
        work = plan(outlet_named(name), wanted, wanted, now)
        found = drive(work, over_sockets(twin), twin)
        days = {article_id: twin.story(article_id).published.date() for article_id in twin.ids()}
        assert sorted(found) == sorted(a for a, day in days.items() if day == wanted)
        assert [report.name for report in work.reports()] == ["id_walk"]
        assert not twin.requests()
        assert work.reports()[0].asked < 700


@pytest.mark.parametrize("name", ["etoday", "newspim"])
@pytest.mark.parametrize("kind", ["html", "status", "empty", "short", "bad_gzip", "login", "soft_404", "reset"])
def test_dead_feeds_are_reported_and_lists_find_what_they_list(name: str, kind: str) -> None:
    with Twin(name, 60) as twin:
        twin.fault(r"^rss\.|sitemap", kind, **({"status": 404} if kind == "status" else {}))
        work = plan(outlet_named(name), None, None, CLOCK)
        found = drive(work, over_sockets(twin))
        assert sorted(found) == sorted(twin.ids())
        dead = {report.name for report in work.reports() if report.dead}
        assert dead >= ({"sitemap", "feed", "section_feeds"} if name == "etoday" else {"sitemap", "feeds"})
        assert all(fault.sentence for report in work.reports() for fault in report.faults)
        assert work.failure == ""


def test_section_lists_stand_in_for_a_dead_list() -> None:
    with Twin("newspim", 60) as twin:
        twin.fault(r"category_cd=1&", "status")
        twin.fault(r"^rss\.|sitemap", "status")
        work = plan(NEWSPIM, None, None, CLOCK)
        assert sorted(drive(work, over_sockets(twin))) == sorted(twin.ids())
        assert [report.name for report in work.reports() if not report.dead] == ["section_lists"]
    with Twin("newspim", 60) as twin:
        drive(plan(NEWSPIM, None, None, CLOCK), over_sockets(twin))
        assert not [entry for entry in twin.requests() if "category_cd=101" in entry.path]


def test_the_walk_takes_over_for_a_list_that_breaks_on_the_way() -> None:
    with Twin("newspim", 300) as twin:
        twin.fault(r"category_cd=1&page=40", "status")
        twin.fault(r"^rss\.|sitemap", "status")
        work = plan(NEWSPIM, CLOCK.date(), CLOCK.date(), CLOCK)
        days = {article_id: twin.story(article_id).published.date() for article_id in twin.ids()}
        found = drive(work, over_sockets(twin), twin)
        assert sorted(found) == sorted(a for a, day in days.items() if day == CLOCK.date())


@pytest.mark.parametrize("outlet", known_outlets().values(), ids=lambda outlet: outlet.name)
def test_the_crawl_fails_only_when_every_channel_is_dead(outlet: Outlet) -> None:
    work = plan(outlet, None, None, NOW)
    assert drive(work, lambda _: (503, "text/html", b"")) == {}
    assert all(report.dead for report in work.reports())
    assert outlet.name in work.failure
    assert "503" in work.failure


LIST = ListPage(
    url="https://www.newspim.com/news/lists/?page={page}",
    confidence="B",
    link="p a",
    date="i",
    first=0,
    step=20,
)


def site(pages: dict[int, list[tuple[int, str]]], asked: list[str]) -> Callable[[str], tuple[int, str, bytes]]:
    """Lists of (number, date); what is not there is an empty list."""

    def fetch(url: str) -> tuple[int, str, bytes]:
        asked.append(url)
        items = pages.get(int(url.rpartition("=")[2]), [])
        parts = (f"<p><a href='/news/view/{20261101000000 + n}'>x</a></p><i>{day}</i>" for n, day in items)
        return 200, "text/html", f"<html>{''.join(parts)}</html>".encode()

    return fetch


TODAY = [(n, "2026-11-01 10:00") for n in range(3)]


@pytest.mark.parametrize(
    ("pages", "end", "requests"),
    [
        ({0: TODAY, 20: [(3, "2026-10-31 10:00")], 40: [(4, "2026-10-31")]}, End.OLDER, 2),
        ({0: TODAY, 20: [(3, "2026-10-31 10:00"), (4, "2026-11-01")], 40: [(5, "2026-10-31")]}, End.OLDER, 3),
        ({0: TODAY, 20: [(5, "2026-11-01")]}, End.EMPTY, 3),
        ({0: TODAY, 20: TODAY}, End.REPEATED, 2),
        ({n * 20: [(n, "2026-11-01")] for n in range(9)}, End.LIMIT, 9),
    ],
    ids=["older", "one of the day among older ones", "empty", "repeated", "limit"],
)
def test_paging_ends_for_a_reason(pages: dict[int, list[tuple[int, str]]], end: End, requests: int) -> None:
    asked: list[str] = []
    outlet = replace(NEWSPIM, channels=(Channel("list", (LIST,)),))
    work = Plan(outlet, Window(date(2026, 11, 1)), NOW, Limits(pages=9))
    found = drive(work, site(pages, asked))
    assert dict(work.reports()[0].ends) == {end: 1}
    assert len(asked) == requests
    assert len(found) == len({n for items in pages.values() for n, day in items if day.startswith("2026-11-01")})


def test_pages_count_from_one_or_by_offset() -> None:
    section = next(channel for channel in ETODAY.channels if channel.name == "section_lists").sources[0]
    everything = next(channel for channel in NEWSPIM.channels if channel.name == "list").sources[0]
    assert isinstance(section, ListPage)
    assert isinstance(everything, ListPage)
    assert [section.page_url(n).rpartition("=")[2] for n in range(3)] == ["1", "2", "3"]
    assert [everything.page_url(n).rpartition("=")[2] for n in range(3)] == ["0", "20", "40"]


def index(*urls: str, lastmod: str = "") -> bytes:
    entries = (f"<sitemap><loc>{url}</loc><lastmod>{lastmod}</lastmod></sitemap>" for url in urls)
    return f"<sitemapindex>{''.join(entries)}</sitemapindex>".encode()


def sitemap_plan(window: Window | None = None, **limits: int) -> tuple[Plan, Ask]:
    top = Sitemap("https://www.newspim.com/sitemap", "B")
    work = Plan(replace(NEWSPIM, channels=(Channel("sitemap", (top,)),)), window or Window(), NOW, Limits(**limits))
    (ask,) = work.next_requests()
    return work, ask


def test_an_index_leads_to_its_sitemaps_on_the_outlets_hosts_only() -> None:
    work, ask = sitemap_plan()
    taken = work.take(
        ask, index("/1", "https://m.newspim.com/2", "http://169.254.169.254/", "https://x.example/", "/1")
    )
    assert taken.links == ()
    children = work.next_requests()
    assert sorted(child.url for child in children) == ["https://m.newspim.com/2", "https://www.newspim.com/1"]
    body = b"<urlset><url><loc>https://gam.newspim.com/news/view/20261101000001</loc></url></urlset>"
    assert [link.url for link in work.take(children[0], body).links] == [
        "https://www.newspim.com/news/view/20261101000001"
    ]
    work.take(children[1], b"<urlset/>")
    assert work.finished
    assert work.reports()[0].dropped == 2


@pytest.mark.parametrize(
    ("limits", "reason"), [({"sitemap_depth": 2}, "too_deep"), ({"sitemaps": 5, "sitemap_depth": 99}, "too_many")]
)
def test_indexes_are_followed_so_deep_and_so_often(limits: dict[str, int], reason: str) -> None:
    work, ask = sitemap_plan(**limits)
    work.take(ask, index("/0"))
    for n in range(20):
        for child in work.next_requests():
            work.take(child, index(f"/{n}/a", f"/{n}/b"))
    assert work.finished
    assert {fault.reason for fault in work.reports()[0].faults} == {Reason(reason)}
    assert work.reports()[0].dead


def test_sitemaps_that_last_changed_before_the_window_are_not_asked() -> None:
    work, ask = sitemap_plan(Window(date(2026, 11, 1)))
    work.take(ask, index("/old", lastmod="2026-10-31T23:59:59+09:00"))
    assert work.next_requests() == []


def test_a_feed_that_is_cut_is_a_fault_and_what_it_held_is_found() -> None:
    work = Plan(replace(ETODAY, channels=(Channel("feed", (Feed("https://x.example/f", "A"),)),)), Window(), NOW)
    (ask,) = work.next_requests()
    item = "<item><link>https://m.etoday.co.kr/news/view/{}?trc=x</link></item>"
    taken = work.take(ask, f"<rss>{item.format(1)}{item.format(2)}<item><li".encode())
    assert [link.article_id for link in taken.links] == ["1", "2"]
    assert taken.fault is not None
    assert taken.fault.reason is Reason.BROKEN
    assert work.failure == ""


def test_304_is_life_and_foreign_addresses_are_a_fault() -> None:
    work = Plan(replace(ETODAY, channels=(Channel("feed", (Feed("https://x.example/f", "A"),)),)), Window(), NOW)
    (ask,) = work.next_requests()
    work.take(ask, b"", status=304)
    assert (work.finished, work.failure) == (True, "")
    work = Plan(work.outlet, Window(), NOW)
    (ask,) = work.next_requests()
    taken = work.take(ask, b"<rss><item><link>https://bravo.etoday.co.kr/news/view/1</link></item></rss>")
    assert taken.fault is not None
    assert taken.fault.reason is Reason.WRONG_SHAPE


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
                *(f"http://{h}newspim.com/news/view/20261101000007" for h in ("", "m.", "search.", "gam.")),
                "http://m.newspim.com/newsamp/view/20261101000007",
            ),
        ),
    ],
)
def test_all_addresses_of_an_article_are_one(name: str, addresses: tuple[str, ...]) -> None:
    outlet = replace(outlet_named(name), channels=(Channel("feed", (Feed("https://x.example/f", "A"),)),))
    work = Plan(outlet, Window(), NOW)
    (ask,) = work.next_requests()
    body = "".join(f"<item><link>{url}</link></item>" for url in addresses)
    taken = work.take(ask, f"<rss>{body}</rss>".encode())
    assert {link.url for link in taken.links} == {addresses[0]}
    assert tuple(link.alias for link in taken.links) == addresses
    assert len(work.reports()[0].found) == 1


def test_shares_say_what_each_had_alone_and_what_it_missed() -> None:
    assert shares({"a": {"1", "2"}, "b": {"2", "3"}, "c": set()}) == {
        "a": Share(frozenset("1"), frozenset("3")),
        "b": Share(frozenset("3"), frozenset("1")),
        "c": Share(frozenset(), frozenset("123")),
    }


def test_dates_that_contradict_each_other_are_refused() -> None:
    assert parse_day("2023-09-01") == date(2023, 9, 1)
    for wrong in ("2023-9-1", "20230901", "2023-02-30", "yesterday", ""):
        with pytest.raises(WindowError, match="2023-09-01"):
            parse_day(wrong)
    with pytest.raises(WindowError, match="after"):
        Window(date(2023, 9, 2), date(2023, 9, 1))
    with pytest.raises(WindowError, match="since"):
        Window(None, date(2023, 9, 1))
