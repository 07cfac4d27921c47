"""What stands in for parts of Scrapy's engine: the queue of requests, its stats and its log of pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request, Spider
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawler.spider.scheduler import RequestQueue
from crawler.spider.stats import PageLog, Stats

QUIET = {"TELNETCONSOLE_ENABLED": False, "REMOTE_CONTROL_ENABLED": False}


@given(st.lists(st.none() | st.integers(-2, 2)))
def test_the_highest_priority_goes_first_and_of_one_priority_the_longest_waiting(
    steps: list[int | None],
) -> None:
    queue = RequestQueue()
    waiting: list[Request] = []
    for step in steps:
        if step is None:
            # the first of the highest
            wanted = max(waiting, key=lambda request: request.priority, default=None)
            assert queue.next_request() is wanted
            if wanted is not None:
                waiting.remove(wanted)
        else:
            waiting.append(Request("https://news.example.kr/", priority=step))
            assert queue.enqueue_request(waiting[-1])
        assert queue.has_pending_requests() is bool(waiting)


def test_stats_count_as_scrapy_s_do() -> None:
    stats = Stats(get_crawler(settings_dict=QUIET))
    stats.inc_value("pages")
    stats.inc_value("pages", 2)
    assert stats.get_stats() == {"pages": 3}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"LOG_LEVEL": "DEBUG"}, True),
        ({"LOG_LEVEL": "debug"}, True),
        ({"LOG_LEVEL": 10}, True),
        ({"LOG_LEVEL": "INFO"}, False),
        ({"LOG_LEVEL": 30}, False),
        ({"LOG_LEVEL": "DEBUG", "LOG_ENABLED": False}, False),
    ],
)
def test_a_page_has_a_line_in_the_log_only_where_it_would_be_seen(
    settings: dict[str, object], wanted: bool
) -> None:
    log = PageLog.from_crawler(get_crawler(settings_dict=QUIET | settings))
    url = "https://news.example.kr/"
    line = log.crawled(Request(url), Response(url), Spider("probe"))
    assert (line is not None) is wanted
    assert line is None or url in line["msg"] % line["args"]
    assert (log.scraped({}, Response(url), Spider("probe")) is not None) is wanted
