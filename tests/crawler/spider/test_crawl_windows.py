"""Crawls of given days, of one address and with a limit fetch what was asked for, once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from crawler.discovery.id_walks import GAP
from tests.support.crawling.crawls import Crawls, tally
from tests.support.mock_site.catalogue import CLOCK
from tests.support.mock_site.server import MockSite
from tests.support.mock_site.story import KST
from tests.support.sites.odd_answers import LATER, pass_time

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

#: Articles half an hour apart: at any time of day, these hold two whole days before today, and some
#: of what was before, as at an outlet there always is something before.
APART, ARTICLES = timedelta(minutes=30), 160
#: Articles that bisecting may look at besides those of the days asked for.
PROBES = 60


def of_days(site: MockSite, first: date, last: date) -> list[str]:
    """The mock site's own list of the days, both included, KST."""
    return [
        a for a in site.ids() if first <= site.story(a).published.astimezone(KST).date() <= last
    ]


@pytest.mark.parametrize(("outlet", "first", "last"), [("etoday", 2, 1), ("newspim", 1, 0)])
def test_days_that_lists_reach_are_fetched_whole_and_once(
    tmp_path: Path, outlet: str, first: int, last: int
) -> None:
    now = datetime.now(KST)
    with MockSite(outlet, ARTICLES, clock=now, between=APART) as site:
        today = now.date()
        check(
            Crawls.into(tmp_path, site), today - timedelta(days=first), today - timedelta(days=last)
        )


@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
def test_a_day_that_only_a_walk_reaches_is_fetched_whole_and_once(
    tmp_path: Path, outlet: str
) -> None:
    with MockSite(outlet, 1200) as site:
        day = CLOCK.date() - timedelta(days=3)
        check(Crawls.into(tmp_path, site), day, day)
        assert not [
            entry for entry in site.requests() if "rss" in entry.url or "sitemap" in entry.url
        ]


def test_a_walk_that_is_given_up_is_reported(tmp_path: Path) -> None:
    with MockSite("etoday", 600) as site:  # of the ids before these, weeks of them, there is none
        day = CLOCK.date() - timedelta(days=1)
        said = Crawls.into(tmp_path, site).run("-a", f"since={day}", "-a", f"until={day}")
        assert said.code == 1
        assert "articles are missing, because" in said.sentences[-1]
        assert "no article between the ids" in said.sentences[-1]
        tally(said.out)


def check(crawls: Crawls, since: date, until: date) -> None:
    """Crawl the days twice."""
    site = crawls.site
    wanted = of_days(site, since, until)
    assert len(wanted) >= 48
    arguments = ("-a", f"since={since}", "-a", f"until={until}")
    said = crawls.run(*arguments)
    assert said.code == 0, said
    told = crawls.revisions()
    assert set(told) >= set(wanted)
    assert len(told) <= len(wanted) + PROBES
    assert {len(revisions) for revisions in told.values()} == {1}
    figures = tally(said.out)
    assert (figures["stored"], figures["failed"], figures["pending"]) == (len(told), 0, 0)
    assert max(crawls.fetched().values()) == 1
    assert set(crawls.outcomes().values()) <= {"new", "skipped/http_status"}
    crawls.check_captures()
    before = len(site.log)
    said = crawls.run(*arguments)
    assert said.code == 0, said
    assert crawls.fetched(before) == Counter()
    assert tally(said.out)["discovered"] == 0
    assert crawls.revisions() == told


def test_an_id_that_was_never_given_is_asked_for_twice_hours_apart(tmp_path: Path) -> None:
    with MockSite("newspim", 300) as site:
        crawls, day = Crawls.into(tmp_path, site), CLOCK.date() - timedelta(days=1)
        walk = ("-a", f"since={day}", "-a", f"until={day}")
        assert crawls.run(*walk).code == 0
        gaps = set(crawls.fetched()) - set(site.ids())
        assert len(gaps) >= GAP
        assert set(crawls.fetched().values()) == {1}
        asked = []
        for hours in (0, 1, LATER, LATER, 24 * 60):
            pass_time(crawls, hours)
            served = site.publish(1)[0]
            before = len(site.log)
            assert crawls.run("-a", f"url={site.address(served)}").code == 0
            crawls.run(*walk)
            now = crawls.fetched(before)
            asked.append(sum(now[gap] for gap in gaps))
        assert asked == [0, 0, len(gaps), 0, 0]


def test_a_limit_bounds_the_visits_and_the_next_crawl_goes_on(tmp_path: Path) -> None:
    with MockSite("newspim", 40, clock=datetime.now(KST)) as site:
        crawls = Crawls.into(tmp_path, site)
        for visits, left in ((15, 25), (15, 10), (10, 0)):
            before = len(site.log)
            said = crawls.run("-a", "limit=15")
            assert said.code == 0, said
            assert sum(crawls.fetched(before).values()) == visits
            assert len(crawls.revisions()) == 40 - left
            assert (
                sum(
                    row["state"] == "due" and not row["visits"]
                    for row in crawls.frontier().values()
                )
                == left
            )
        assert crawls.fetched() == Counter(site.ids())


def test_a_limit_ends_a_walk_too(tmp_path: Path) -> None:
    with MockSite("newspim", 600) as site:
        crawls, day = Crawls.into(tmp_path, site), CLOCK.date() - timedelta(days=1)
        said = crawls.run("-a", f"since={day}", "-a", f"until={day}", "-a", "limit=20")
        assert said.code == 0, said
        assert sum(crawls.fetched().values()) == 20
        assert tally(said.out)["discovered"] >= 20


@pytest.mark.parametrize(
    ("outlet", "form"),
    [
        ("etoday", "https://m.etoday.co.kr/news/view/{}?trc=rss"),
        ("newspim", "https://gam.newspim.com/news/view/{}"),
    ],
)
def test_one_address_is_fetched_under_its_canonical_form_and_nothing_else_is(
    tmp_path: Path, outlet: str, form: str
) -> None:
    with MockSite(outlet, 20, clock=datetime.now(KST)) as site:
        crawls, (other, wanted) = Crawls.into(tmp_path, site), site.ids()[3:5]
        verb, _, *words = crawls.command()
        address = form.format(wanted)
        commands = ((verb, outlet, "-a", f"url={address}", *words), (verb, address, *words))
        for command, stored, unchanged in zip(commands, (1, 0), (0, 1), strict=True):
            before = len(site.log)
            said = crawls.workspace.run(*command)
            assert said.code == 0, said
            figures = tally(said.out)
            assert (figures["discovered"], figures["stored"], figures["unchanged"]) == (
                1,
                stored,
                unchanged,
            )
            asked = {entry.url for entry in list(site.log)[before:] if entry.path != "/robots.txt"}
            assert asked == {site.address(wanted)}
        assert set(crawls.revisions()) == {wanted}
        site.delete(other, 404)
        said = crawls.run("-a", f"url={form.format(other)}")
        assert set(crawls.revisions()) == {wanted}
        assert crawls.outcomes()[other] == "skipped/http_status"
        crawls.check_captures()


def test_days_without_an_article_until_now_are_no_failure(tmp_path: Path) -> None:
    two_days_ago = datetime.now(KST) - timedelta(days=2)
    with MockSite("newspim", 6, clock=two_days_ago) as site:
        crawls = Crawls.into(tmp_path, site)
        today = datetime.now(KST).date()
        said = crawls.run("-a", f"since={today}")
        assert said.code == 0, said.err
        assert tally(said.out)["discovered"] == 0
        # But that days long past hold none is nothing that channels of what is new can tell.
        day = today - timedelta(days=900)
        assert crawls.run("-a", f"since={day}", "-a", f"until={day}").code == 1
