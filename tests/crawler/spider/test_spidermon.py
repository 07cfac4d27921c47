"""Monitors by Spidermon, the real package, see the true figures of a crawl at its end."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

ARTICLES = 8
MONITORS = {
    "EXTENSIONS": '{"spidermon.contrib.scrapy.extensions.Spidermon": 500}',
    "SPIDERMON_ENABLED": "1",
    "SPIDERMON_SPIDER_CLOSE_MONITORS": "tests.support.crawling.monitors.Suite",
    "SPIDERMON_ADD_FIELD_COVERAGE": "1",
    "SPIDERMON_FIELD_COVERAGE_RULES": '{"dict/headline": 1.0, "dict/url": 1.0}',
    "SPIDERMON_UNWANTED_HTTP_CODES": '{"500": 0}',
}


@pytest.fixture
def crawls(tmp_path: Path) -> Iterator[Crawls]:
    with site_of_today("newspim", ARTICLES) as site:
        yield Crawls.into(tmp_path, site)


def crawl(crawls: Crawls, least: int) -> tuple[CommandResult, dict[str, Any]]:
    """Crawl under monitors that want so many items; return what was said and what they saw."""
    seen = crawls.workspace.folder / "seen.json"
    own = {"MONITOR_FILE": str(seen), "SPIDERMON_MIN_ITEMS": str(least)}
    said = crawls.run(LOG_LEVEL="INFO", **MONITORS, **own)
    return said, json.loads(seen.read_text("utf-8"))


def test_monitors_see_the_figures_of_the_crawl(crawls: Crawls) -> None:
    said, stats = crawl(crawls, least=ARTICLES)
    assert said.code == 0, said
    assert "Traceback" not in said.err
    assert "FAILED (" not in said.err
    assert len(crawls.revisions()) == ARTICLES
    assert stats["item_scraped_count"] == stats["spidermon_item_scraped_count"] == ARTICLES
    assert stats["finish_reason"] == "finished"
    asked = crawls.site.log
    assert stats["downloader/request_count"] == stats["downloader/response_count"] == len(asked)
    answers = Counter(entry.status for entry in asked)
    name = "downloader/response_status_count/"
    counted = {key.removeprefix(name): stats[key] for key in stats if key.startswith(name)}
    assert counted == {str(status): count for status, count in answers.items()}


def test_a_monitor_that_wants_more_items_fails(crawls: Crawls) -> None:
    said, stats = crawl(crawls, least=ARTICLES + 1)
    assert stats["item_scraped_count"] == ARTICLES
    assert "Expecting 'item_scraped_count' to be '>=' to '9.0'. Current value: '8.0'" in said.err
    assert "FAILED (failures=1)" in said.err
    assert said.code == 0, "Spidermon's verdict is its own, not the crawl's"
