"""The verdict on a crawl: one that finds nothing new for a day fails, a quiet hour does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from archive.frontier.accounting import Balance
from archive.model.outcome import Outcome
from archive.runs.new_articles import NewArticles
from crawler.alarms.crawl_verdict import EndedCrawl, judge_crawl, shortfall
from crawler.discovery.plan import Plan
from crawler.model.window import Window
from crawler.outlets import known_outlets, outlet_named
from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOTHING = Balance(discovered=0, stored=0, unchanged=0, failed={}, skipped={}, pending=0, missing=())


@pytest.mark.parametrize(
    ("per_day", "waited", "said"),
    [
        (300, 5 * HOUR / 60, False),
        (300, 14 * HOUR, False),  # a night
        (300, DAY - HOUR, False),
        (300, DAY, True),
        (300, 40 * DAY, True),
        (300, -DAY, False),  # the clock was set back
        (10, 2 * DAY, False),
        (10, 3 * DAY, True),
        (0, 400 * DAY, False),
    ],
)
def test_silence_is_an_alarm_only_where_it_cannot_be(
    per_day: int, waited: timedelta, said: bool
) -> None:
    outlet = replace(outlet_named("etoday"), per_day=per_day)
    assert bool(shortfall(outlet, NOTHING, NOW - waited, NOW)) is said


def ended(reason: str | None = "finished", plan: Any = None, **session: Any) -> EndedCrawl:
    """A crawl of which nothing is wrong but what is given."""
    facts: dict[str, Any] = {
        "fault": "",
        "bugs": 0,
        "is_out_of_memory": False,
        "balance": NOTHING,
        "last_new": NOW,
        "outlet": outlet_named("etoday"),
        "new": NewArticles(),
        "report": SimpleNamespace(counts=Counter(), exit_code=0),
    }
    return EndedCrawl(SimpleNamespace(**(facts | session)), plan, reason, NOW)  # type: ignore[arg-type]  # as much of it as is judged


def plan(**facts: Any) -> Any:
    """A plan whose only channel found an article, but for what is given."""
    found = SimpleNamespace(found=["1"], outside=0)
    given: dict[str, Any] = {
        "failure": "",
        "walk_problem": "",
        "up_to_date": True,
        "window": Window(None, None),
        "reports": lambda: (found,),
    }
    return SimpleNamespace(**(given | facts))


@pytest.mark.parametrize(
    ("crawl", "sentences"),
    [
        (ended(), []),
        (ended(plan=plan()), []),
        (ended("shutdown", fault="the disk is full."), ["the disk is full."]),
        (ended("shutdown"), ["stopped before the end (shutdown)."]),
        (ended(None), ["the crawl could not be started"]),
        (ended(None, balance=None), ["the crawl could not be started"]),
        (ended(bugs=1), ["1 unexpected exception in the log"]),
        (ended(bugs=2), ["2 unexpected exceptions in the log"]),
        (ended(plan=plan(failure="no channel answered")), ["no channel answered; no article"]),
        (ended("shutdown", plan(failure="no channel answered")), ["stopped before the end"]),
        (ended(plan=plan(reports=tuple)), ["the channels of etoday answered, but listed no"]),
        (ended(plan=plan(walk_problem="too many")), ["articles are missing, because the ids"]),
        (
            ended(new=NewArticles(6, 4, "http_status (403)", 3)),
            ["4 of 6 new articles ended without an article, 3 of them by http_status (403)."],
        ),
        (ended(new=NewArticles(6, 3, "http_status (403)", 3)), []),
        (ended(new=NewArticles(3, 3, "http_status (403)", 3)), []),
        (ended(balance=None), ["the crawl ended before its articles could be counted."]),
        (ended(balance=replace(NOTHING, missing=("u1", "u2"))), ["the counts do not add up"]),
        (ended(balance=replace(NOTHING, discovered=1)), ["missing: unknown"]),
        (ended(plan=plan(), last_new=NOW - DAY), ["etoday publishes about 300 articles a day"]),
        (ended(plan=plan(up_to_date=False), last_new=NOW - DAY), []),
        # one fault is enough: that nothing is new follows from it
        (ended(plan=plan(walk_problem="too many"), last_new=NOW - DAY), ["articles are missing"]),
    ],
)
def test_each_rule_has_its_sentence(crawl: EndedCrawl, sentences: list[str]) -> None:
    verdict = judge_crawl(crawl)
    assert len(verdict.faults) == len(sentences), verdict
    for sentence, fault in zip(sentences, verdict.faults, strict=True):
        assert sentence in fault
    assert verdict.exit_code == (1 if sentences else 0)


def test_a_failed_page_fails_the_crawl_without_another_sentence() -> None:
    report = SimpleNamespace(counts=Counter({("etoday", Outcome.FAILED): 1}), exit_code=0)
    verdict = judge_crawl(ended(report=report))
    assert (verdict.faults, verdict.exit_code) == ((), 1)


@pytest.mark.parametrize(
    ("balance", "said"),
    [
        (NOTHING, False),
        (replace(NOTHING, discovered=9, skipped={"robots": 9}), True),
        # a limit left the rest
        (replace(NOTHING, discovered=9, skipped={"robots": 1}, pending=8), False),
    ],
)
def test_a_first_crawl_that_stores_nothing_of_what_it_found_says_so(
    balance: Balance, said: bool
) -> None:
    for outlet in known_outlets().values():
        assert bool(shortfall(outlet, balance, None, NOW)) is said


def test_days_gone_by_are_no_measure_of_what_is_new_today() -> None:
    today = NOW.date()
    for since, until, expected in (
        (None, None, True),
        (today - DAY, None, True),
        (today - DAY, today, True),
        (today - 2 * DAY, today - DAY, False),
    ):
        assert Plan(outlet_named("etoday"), Window(since, until), NOW).up_to_date is expected


def test_a_feed_without_new_entries_is_noticed_after_a_day(tmp_path: Path) -> None:
    with site_of_today("etoday", 30) as site:
        crawls = Crawls.into(tmp_path, site)
        assert crawls.run().code == 0
        crawls.edit_frontier("SET first_visit_at = '2026-01-02 03:04:05.000000'")
        result = crawls.run()
        assert result.code == 1
        assert "no new one was found since 2026-01-02 12:04 KST" in result.sentences[-1]
        assert crawls.run("-a", f"url={site.address(site.ids()[0])}").code == 0
        site.publish(1)
        assert crawls.run().code == 0


def test_where_robots_forbid_all_articles_a_crawl_does_not_end_well(tmp_path: Path) -> None:
    with site_of_today("newspim", 20, robots="User-agent: *\nDisallow: /news/view/\n") as site:
        crawls = Crawls.into(tmp_path, site)
        result = crawls.run()
        assert crawls.fetched() == {}
        assert set(crawls.outcomes().values()) == {"skipped/robots"}
        assert result.code == 1
        assert "no article of newspim was ever stored" in result.sentences[-1]
