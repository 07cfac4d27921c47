"""Each moment fires once, in the right window, whatever the clock does and whatever zone the machine is in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from tests.support.crawling.clock_crawls import ARTICLES, crawl_a_year_ahead, crawl_under_clocks
from tests.support.mock_site.server import MockSite
from tests.support.processes.fake_clock import SHORT, library, live_through
from tests.support.processes.schedules import Schedule, by_the_scheduler

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.skipif(
    library() is None, reason="libfaketime is not installed (Debian: faketime)"
)


def test_dates_and_names_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    found = crawl_under_clocks(tmp_path, [("-1d", "UTC"), ("+1d", "Asia/Seoul")])
    assert (found.crawls, found.articles) == (2, 2 * ARTICLES)
    assert found.other_dates == []
    assert found.doubled == 0


def test_after_a_crawl_a_year_ahead_all_is_looked_at_once_more(tmp_path: Path) -> None:
    found = crawl_a_year_ahead(tmp_path)
    assert found.asked == found.current == found.articles == ARTICLES
    assert found.robots > 0
    assert found.balance["pending"] == found.balance["failed"] == found.due_again == 0


@by_the_scheduler
def test_through_midnight_the_new_year_and_a_clock_that_jumps(tmp_path: Path) -> None:
    with MockSite("newspim", 6, clock=datetime(2026, 12, 31, 23, tzinfo=KST)) as site:
        schedule = Schedule(tmp_path, [site])
        schedule.jobs('outlet = "newspim"\nevery = "1h"')
        assert live_through(schedule, SHORT) == []
        (crawls,) = schedule.crawls
        assert set(crawls.revisions()) == set(site.ids())
