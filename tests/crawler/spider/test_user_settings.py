"""What a user adds to the settings is added; what every crawl owes stays, or no crawl begins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.crawling.user_crawls import USED, WAYS, Seen, observed, stated_in_warcinfo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite

USER_PARTS = "tests.support.crawling.user_parts"


@pytest.fixture(scope="module")
def site() -> Any:
    with site_of_today("newspim", 8) as one:
        yield one


@pytest.fixture(scope="module")
def without(site: MockSite, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return observed(tmp_path_factory.mktemp("without"), site, {})


@pytest.mark.parametrize("way", WAYS)
def test_added_components_change_nothing_that_a_crawl_owes(
    tmp_path: Path, site: MockSite, without: Seen, way: str
) -> None:
    env, settings = WAYS[way]
    seen = observed(tmp_path, site, env, **settings)
    assert seen.used == USED
    assert seen == without
    (agent,) = seen.agents
    assert agent.endswith("(+desk@example.org)")
    assert seen.warcinfo[0]["robots"] == "obey"
    assert {path for _, path in seen.requests} >= {"/robots.txt"}


OFF = {
    "robots": ("DOWNLOADER_MIDDLEWARES", "crawler.middlewares.robots.RobotsMiddleware"),
    "pace": ("DOWNLOADER_MIDDLEWARES", "crawler.middlewares.pacing.PaceMiddleware"),
    "user agent": (
        "DOWNLOADER_MIDDLEWARES",
        "scrapy.downloadermiddlewares.useragent.UserAgentMiddleware",
    ),
    "deposit": ("ITEM_PIPELINES", "pipelines.deposit.DepositPipeline"),
    "archiving": ("DOWNLOAD_HANDLERS", "https"),
}


@pytest.mark.parametrize("what", OFF)
def test_a_crawl_without_what_it_owes_does_not_start(
    tmp_path: Path, site: MockSite, what: str
) -> None:
    name, part = OFF[what]
    before = len(site.log)
    said = Crawls.into(tmp_path, site).run(**{name: json.dumps({part: None})})
    assert said.code == 1
    assert what in said.sentences[-1].lower() or part in said.sentences[-1]
    assert "the crawl was not started: " in said.sentences[-1]
    assert "Traceback" not in said.err
    assert site.log[before:] == []


NOT_IMPORTED = {
    "DOWNLOADER_MIDDLEWARES": '{"nothing.Here": 1}',
    "SPIDER_MIDDLEWARES": '{"tests.support.crawling.user_parts.Missing": 1}',
    "ITEM_PIPELINES": '{"nodots": 1}',
    "EXTENSIONS": '{"nothing.Here": null}',
    "ADDONS": '{"nothing.Here": 1}',
    "DOWNLOAD_HANDLERS": '{"ftp": "nothing.Here"}',
    "STATS_CLASS": "nothing.Here",
    "SPIDER_LOADER_CLASS": "nothing.Here",
}


@pytest.mark.parametrize("name", NOT_IMPORTED)
def test_what_cannot_be_imported_is_one_sentence_with_its_setting(
    tmp_path: Path, site: MockSite, name: str
) -> None:
    before = len(site.log)
    said = Crawls.into(tmp_path, site).run(**{name: NOT_IMPORTED[name]})
    assert said.code == 2
    assert f"error: {name}: " in said.sentences[-1]
    assert "cannot be imported (" in said.sentences[-1]
    assert "Traceback" not in said.err
    assert site.log[before:] == []
    assert list(tmp_path.iterdir()) == []


UNREADY = {
    "DOWNLOADER_MIDDLEWARES": ("Unready", "KeyError: 'UNREADY_TOKEN'"),
    "SPIDER_MIDDLEWARES": ("Unready", "KeyError: 'UNREADY_TOKEN'"),
    "ITEM_PIPELINES": ("Unready", "KeyError: 'UNREADY_TOKEN'"),
    "EXTENSIONS": ("Unready", "KeyError: 'UNREADY_TOKEN'"),
    "ADDONS": ("UnreadyAddOn", "ModuleNotFoundError: No module named"),
}


@pytest.mark.parametrize("name", UNREADY)
def test_what_cannot_be_made_is_one_sentence(tmp_path: Path, site: MockSite, name: str) -> None:
    part, why = UNREADY[name]
    before = len(site.log)
    said = Crawls.into(tmp_path, site).run(**{name: json.dumps({f"{USER_PARTS}.{part}": 1})})
    assert said.code == 1
    (sentence,) = said.sentences
    what = f"{name}: {USER_PARTS}.{part}: " if name != "ADDONS" else ""
    assert f"crawl: the crawl could not be started: {what}{why}" in sentence
    assert name == "ADDONS" or "user_parts.py, line " in sentence
    assert site.log[before:] == []


#: Components that raise when the spider is opened or closed: their kind, class, and articles kept.
OPENED_OR_CLOSED = [
    ("ITEM_PIPELINES", "Opening", 0),
    ("ITEM_PIPELINES", "Closing", 8),
    ("EXTENSIONS", "Listening", 8),
    ("DOWNLOADER_MIDDLEWARES", "Listening", 8),
]


@pytest.mark.parametrize(("name", "part", "kept"), OPENED_OR_CLOSED)
def test_what_raises_at_the_begin_or_end_is_one_sentence_and_exit_1(
    tmp_path: Path, site: MockSite, name: str, part: str, kept: int
) -> None:
    crawls = Crawls.into(tmp_path, site)
    said = crawls.run(**{name: json.dumps({f"{USER_PARTS}.{part}": 300})}, LOG_LEVEL="ERROR")
    assert said.code == 1
    first, *rest = said.sentences
    assert f"{name}: {USER_PARTS}.{part}: KeyError: '{part.upper()}_TOKEN' (" in first
    assert "user_parts.py, line " in first
    assert all("1 unexpected exception in the log above" in line for line in rest)
    assert len(rest) == (1 if kept else 0)
    assert tally(said.out)["stored"] == kept
    assert all(run["ended_at"] for run in crawls.workspace.rows("runs"))


def test_the_log_has_the_traceback_of_what_cannot_be_made(tmp_path: Path, site: MockSite) -> None:
    extension = json.dumps({f"{USER_PARTS}.Unready": 1})
    said = Crawls.into(tmp_path, site).run(EXTENSIONS=extension, LOG_LEVEL="DEBUG")
    assert said.code == 1
    assert said.err.count("Traceback") == 1


def test_the_verdict_needs_no_stats_and_no_extension(tmp_path: Path, site: MockSite) -> None:
    said = Crawls.into(tmp_path, site).run(
        STATS_CLASS="scrapy.statscollectors.DummyStatsCollector",
        EXTENSIONS='{"scrapy.extensions.corestats.CoreStats": null}',
    )
    assert said.code == 0, said


def test_robots_may_be_off_for_local_hosts_only_and_warcinfo_says_so(
    tmp_path: Path, site: MockSite
) -> None:
    crawls = Crawls.into(tmp_path, site)
    assert crawls.run(ROBOTSTXT_OBEY="0").code == 0
    assert stated_in_warcinfo(crawls.segments()[0])["robots"] == "ignore"
    said = crawls.workspace.run("crawl", "newspim", "-s", "ROBOTSTXT_OBEY=0")
    assert said.code == 1
    assert "must obey robots.txt" in said.sentences[-1]


def test_korean_is_asked_for_first_and_arguments_of_a_scheduler_change_nothing(
    tmp_path: Path, site: MockSite
) -> None:
    before = len(site.log)
    said = Crawls.into(tmp_path, site).run("-a", "_job=1", "-a", "_wait=2", "-a", "limit=1")
    assert said.code == 0, said
    assert all(b"\r\nAccept-Language: ko," in one.raw for one in site.log[before:])


def test_settings_without_effect_are_named_in_one_warning(tmp_path: Path, site: MockSite) -> None:
    given = {"JOBDIR": str(tmp_path / "job"), "HTTPCACHE_ENABLED": "1", "COOKIES_ENABLED": "1"}
    said = Crawls.into(tmp_path, site).run("-a", "limit=1", METAREFRESH_ENABLED="0", **given)
    assert said.code == 0, said
    (line,) = [line for line in said.sentences if "without effect" in line]
    assert all(f"{name} (" in line for name in given)
    assert "METAREFRESH_ENABLED" not in line
    assert not (tmp_path / "job").exists()
