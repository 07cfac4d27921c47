"""Crawls under clocks that are wrong by a day or a year, in several time zones (F13).

The outlet and its articles are the same; only the crawler's time of day and zone are ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.processes.fake_clock import clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

#: A day behind, right and a day ahead, in each zone.
CLOCKS = tuple((offset, zone) for offset in ("-1d", "+0d", "+1d") for zone in ("UTC", "Asia/Seoul"))
ARTICLES = 12
#: Ages at which an article is neither in the future of a clock a day behind, nor of an odd hour.
_AGE = timedelta(minutes=10)
#: What must not depend on the clock.
_DATES = ("published_at", "published_raw", "modified_at", "modified_raw", "headline", "body")


@dataclass
class DatesUnderClocks:
    """What crawls under each clock made of one outlet."""

    crawls: int = 0
    articles: int = 0
    other_dates: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)

    @property
    def doubled(self) -> int:
        """How many names of segments there are twice."""
        return len(self.segments) - len(set(self.segments))


def crawl_under_clocks(
    folder: Path, clocks: Sequence[tuple[str, str]] = CLOCKS
) -> DatesUnderClocks:
    """Crawl an outlet under each clock, into an archive of its own; compare what was read."""
    found = DatesUnderClocks()
    first: dict[str, dict[str, Any]] = {}
    with site_of_today("newspim", ARTICLES, age=_AGE) as site:
        for offset, zone in clocks:
            place = folder / f"{offset}{zone.replace('/', '-')}"
            place.mkdir()
            crawls = Crawls.into(place, site)
            result = _crawl(crawls, offset, zone)
            assert result.code == 0, result.err
            dates = {
                row["article_id"]: {name: row[name] for name in _DATES}
                for row in crawls.workspace.export()
            }
            first = first or dates
            found.crawls += 1
            found.articles += len(dates)
            found.segments += [path.name for path in crawls.segments()]
            found.other_dates += [
                f"{article_id} under {offset} in {zone}"
                for article_id in first.keys() | dates.keys()
                if first.get(article_id) != dates.get(article_id)
            ]
    return found


@dataclass
class YearAhead:
    """A crawl, one a year ahead, and one when the clock is right again; what the last one did.

    ``asked`` counts the articles that it asked for, ``robots`` the requests for robots.txt.
    ``current`` counts the articles whose current revision is what the outlet shows, of those that
    changed once, before the wrong crawl, and of those that did not change. ``beyond`` counts those
    that are dated by the wrong clock.
    """

    articles: int
    asked: int
    robots: int
    current: int
    beyond: int
    balance: dict[str, int]
    due_again: int


def crawl_a_year_ahead(folder: Path) -> YearAhead:
    """Crawl rightly, a year ahead, and rightly again; articles change before the wrong crawl."""
    with site_of_today("newspim", ARTICLES, age=_AGE) as site:
        crawls = Crawls.into(folder, site)
        assert _crawl(crawls, "+0d").code == 0
        for article_id in site.ids()[::3]:
            site.edit(article_id)
        assert _crawl(crawls, "+1y").code == 0
        before = len(site.log)
        result = _crawl(crawls, "+1h")
        assert result.code == 0, result.err
        again = _crawl(crawls, "+1h")
        headlines = {
            article_id: revisions[-1]["headline"]
            for article_id, revisions in crawls.revisions().items()
        }
        asked = site.log[before:]
        far = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"
        begun = [row["captured_at"] for row in crawls.workspace.rows("revisions") if row["current"]]
        return YearAhead(
            articles=len(site.ids()),
            asked=len(crawls.fetched(before)),
            robots=sum(entry.path == "/robots.txt" for entry in asked),
            current=sum(headlines[one] == site.story(one).headline for one in site.ids()),
            beyond=sum(moment > far for moment in begun),
            balance=tally(result.out),
            due_again=tally(again.out)["discovered"],
        )


def _crawl(crawls: Crawls, offset: str, zone: str = "UTC") -> CommandResult:
    """Crawl to the end under a clock that differs from ours."""
    return crawls.workspace.run(*crawls.command(), env=clock(zone, FAKETIME=offset))
