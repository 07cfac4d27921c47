"""Discovery over real sockets: every article of the mock site, of the days asked for, whatever source is dead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crawler.discovery.plan import plan
from crawler.outlets import outlet_named
from tests.support.mock_site.catalogue import CLOCK
from tests.support.mock_site.server import MockSite
from tests.support.sites.discovery import drive, over_sockets


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_all_channels_together_find_every_article_of_the_mock_site(name: str) -> None:
    outlet = outlet_named(name)
    with MockSite(name, 120) as site:
        work = plan(outlet, None, None, CLOCK)
        found = drive(work, over_sockets(site))
        assert sorted(found) == sorted(site.ids())
        assert set(found.values()) == {site.address(article_id) for article_id in site.ids()}
        assert len({entry.url for entry in site.requests()}) == len(site.requests())
        for report in work.reports():
            assert report.asked == report.answered + len(report.faults)
            assert report.found | report.share.missing == set(found)
        assert work.failure == ""


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_a_window_gives_its_days_and_no_others(name: str) -> None:
    outlet = outlet_named(name)
    with MockSite(name, 1500) as site:
        days = {article_id: site.story(article_id).published.date() for article_id in site.ids()}
        newest = CLOCK.date()
        for back, length in ((0, 1), (1, 2), (3, 1), (4, 2)):
            until = newest - timedelta(days=back)
            since = until - timedelta(days=length - 1)
            found = drive(plan(outlet, since, until, CLOCK), over_sockets(site), site)
            assert sorted(found) == sorted(a for a, day in days.items() if since <= day <= until)


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_days_that_no_list_reaches_are_walked(name: str) -> None:
    with MockSite(name, 1500) as site:
        now = CLOCK + timedelta(days=200)
        wanted = CLOCK.date() - timedelta(days=3)
        work = plan(outlet_named(name), wanted, wanted, now)
        found = drive(work, over_sockets(site), site)
        days = {article_id: site.story(article_id).published.date() for article_id in site.ids()}
        assert sorted(found) == sorted(a for a, day in days.items() if day == wanted)
        assert [report.name for report in work.reports()] == ["id_walk"]
        assert not site.requests()
        assert work.reports()[0].asked < 700


@pytest.mark.parametrize("name", ["etoday", "newspim"])
@pytest.mark.parametrize(
    "kind", ["html", "status", "empty", "short", "bad_gzip", "login", "soft_404", "reset"]
)
def test_dead_feeds_are_reported_and_lists_find_what_they_list(name: str, kind: str) -> None:
    with MockSite(name, 60) as site:
        site.fault(r"^rss\.|sitemap", kind, **({"status": 404} if kind == "status" else {}))
        work = plan(outlet_named(name), None, None, CLOCK)
        found = drive(work, over_sockets(site))
        assert sorted(found) == sorted(site.ids())
        dead = {report.name for report in work.reports() if report.dead}
        assert dead >= (
            {"sitemap", "feed", "section_feeds"} if name == "etoday" else {"sitemap", "feeds"}
        )
        assert all(fault.sentence for report in work.reports() for fault in report.faults)
        assert work.failure == ""


def test_section_lists_stand_in_for_a_dead_list() -> None:
    with MockSite("newspim", 60) as site:
        site.fault(r"category_cd=1&", "status")
        site.fault(r"^rss\.|sitemap", "status")
        work = plan(outlet_named("newspim"), None, None, CLOCK)
        assert sorted(drive(work, over_sockets(site))) == sorted(site.ids())
        assert [report.name for report in work.reports() if not report.dead] == ["section_lists"]
    with MockSite("newspim", 60) as site:
        drive(plan(outlet_named("newspim"), None, None, CLOCK), over_sockets(site))
        assert not [entry for entry in site.requests() if "category_cd=101" in entry.path]


def test_the_walk_takes_over_for_a_list_that_breaks_on_the_way() -> None:
    with MockSite("newspim", 300) as site:
        site.fault(r"category_cd=1&page=40", "status")
        site.fault(r"^rss\.|sitemap", "status")
        work = plan(outlet_named("newspim"), CLOCK.date(), CLOCK.date(), CLOCK)
        days = {article_id: site.story(article_id).published.date() for article_id in site.ids()}
        found = drive(work, over_sockets(site), site)
        assert sorted(found) == sorted(a for a, day in days.items() if day == CLOCK.date())
