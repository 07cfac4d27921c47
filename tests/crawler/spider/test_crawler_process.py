"""A script with Scrapy's CrawlerProcess crawls an outlet as the verb does."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.crawling.user_parts import PARTS
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def crawls(tmp_path: Path) -> Iterator[Crawls]:
    with site_of_today("newspim", 5) as site:
        yield Crawls.into(tmp_path, site)


def script(crawls: Crawls, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run the script with what leads a crawl to the mock site."""
    words = crawls.command()[2:]
    given = dict(word.split("=", 1) for word in words if word != "-s") | settings
    return subprocess.run(
        [sys.executable, "-m", "tests.support.processes.crawler_script"],
        cwd=ROOT,
        env=crawls.workspace.environment(),
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_script_archives_obeys_robots_and_sends_the_contact(crawls: Crawls) -> None:
    said = script(crawls, LOG_LEVEL="WARNING")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {"item_scraped_count": 3, "finish_reason": "finished"}
    assert len(crawls.revisions()) == 3
    agents = {entry.header("User-Agent") for entry in crawls.site.requests()}
    assert len(agents) == 1
    assert agents.pop().endswith("(+desk@example.org)")
    assert "/robots.txt" in {entry.path for entry in crawls.site.requests()}
    crawls.check_captures()


def test_a_contact_given_to_the_script_is_sent(crawls: Crawls) -> None:
    said = script(crawls, CONTACT="other@example.org")
    assert said.returncode == 0, said.stderr
    agents = {entry.header("User-Agent") for entry in crawls.site.requests()}
    assert [agent[-20:] for agent in agents] == ["(+other@example.org)"]


def test_without_a_contact_a_script_sends_nothing_to_real_hosts(crawls: Crawls) -> None:
    said = script(crawls, CONTACT="", RESOLVER_MAP="{}", LOG_LEVEL="ERROR")
    assert json.loads(said.stdout)["finish_reason"] == "refused"
    assert "the crawl was not started: A live crawl (" in said.stderr
    assert "needs a CONTACT" in said.stderr
    assert "Traceback" not in said.stderr
    assert not crawls.site.log


def test_custom_settings_of_a_spider_are_added_to_what_a_crawl_owes(crawls: Crawls) -> None:
    said = script(crawls, CUSTOM_SETTINGS=PARTS, LOG_LEVEL="INFO")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == {"item_scraped_count": 3, "finish_reason": "finished"}
    for part in ("middleware", "spider middleware", "pipeline", "extension"):
        assert f"'used/{part}': " in said.stderr
    assert "/robots.txt" in {entry.path for entry in crawls.site.requests()}
    crawls.check_captures()


HTTP = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"
ROBOTS = "crawler.middlewares.robots.RobotsMiddleware"
OFF: dict[str, tuple[dict[str, Any], str]] = {
    "robots": ({"DOWNLOADER_MIDDLEWARES": {ROBOTS: None}}, "turn off what obeys robots.txt"),
    "all middlewares": ({"DOWNLOADER_MIDDLEWARES_BASE": {}}, "the pace of requests"),
    "all pipelines": ({"ITEM_PIPELINES_BASE": {}}, "the deposit of what is fetched"),
    "guard": ({"DOWNLOAD_HANDLERS": {"https": HTTP}}, "the archiving of every exchange"),
    "archive": ({"EXCHANGE_SINK": None}, "the archiving of every exchange"),
    "user agent": ({"USER_AGENT": ""}, "USER_AGENT is empty"),
    "contact": ({"CONTACT": "x"}, "CONTACT"),
}


@pytest.mark.parametrize("what", OFF)
def test_custom_settings_that_turn_off_what_a_crawl_owes_refuse_it(
    crawls: Crawls, what: str
) -> None:
    custom, sentence = OFF[what]
    said = script(crawls, CUSTOM_SETTINGS=custom, LOG_LEVEL="ERROR")
    assert json.loads(said.stdout)["finish_reason"] == "refused"
    (line,) = said.stderr.splitlines()
    assert "the crawl was not started: " in line
    assert sentence in line
    assert not crawls.site.log
