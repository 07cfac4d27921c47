"""Exceptions in each stage of a page: the counts add up, and the next crawl completes."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import Crawls, site_of_today, tally
from tests.support.faults.bug_trials import fault_settings, try_bug
from tests.support.faults.buggy_components import is_hit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes.cli import CommandResult

FAULTY = "tests.support.faults.buggy_components"
STAGES = {
    "first step": ("ITEM_PIPELINES", {f"{FAULTY}.FaultyPipeline": 5}),
    "before the deposit": ("ITEM_PIPELINES", {f"{FAULTY}.FaultyPipeline": 35}),
    "downloader middleware": (
        "DOWNLOADER_MIDDLEWARES",
        {f"{FAULTY}.FaultyDownloaderMiddleware": 570},
    ),
    "spider middleware": ("SPIDER_MIDDLEWARES", {f"{FAULTY}.FaultySpiderMiddleware": 500}),
}
#: Three of them meet a bug.
ARTICLES = 20


@pytest.mark.parametrize("stage", STAGES)
def test_a_bug_fails_its_articles_until_it_is_fixed(tmp_path: Path, stage: str) -> None:
    setting, faulty = STAGES[stage]
    with site_of_today("newspim", ARTICLES) as site:
        hit = {article_id for article_id in site.ids() if is_hit(article_id)}
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run(**{setting: json.dumps(faulty)})
        assert said.code == 1
        figures = tally(said.out)
        assert (figures["discovered"], figures["failed"]) == (ARTICLES, len(hit))
        bad = {
            article_id
            for article_id, outcome in crawls.outcomes().items()
            if outcome == "failed/internal_error"
        }
        assert bad == hit
        assert set(crawls.revisions()) == set(site.ids()) - hit
        crawls.check_captures()
        said = crawls.run()
        assert said.code == 0, said
        assert tally(said.out)["stored"] == len(hit)
        assert sorted(crawls.revisions()) == site.ids()
        assert max(crawls.fetched()[article_id] for article_id in set(site.ids()) - hit) == 1
        crawls.check_captures()


def test_a_bug_after_the_deposit_loses_nothing_and_is_reported(tmp_path: Path) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = crawls.run(ITEM_PIPELINES=json.dumps({f"{FAULTY}.FaultyPipeline": 450}))
        assert said.code == 1
        hit = sum(map(is_hit, site.ids()))
        assert f"{hit} unexpected exceptions in the log above" in said.err
        assert sorted(crawls.revisions()) == site.ids()
        assert tally(said.out)["stored"] == ARTICLES


#: Functions of a crawl that are called for an article, or several times for each.
PLACES = (
    "archive.articles.placement:Placement.place",
    "archive.frontier.frontier:after_visit",
    "archive.frontier.gone_looks:Look.of_visit",
    "archive.runs.recorder:RunRecorder.note",
    "crawler.httpclient.connection:Connection.perform",
    "crawler.httpclient.handler:ArchivingDownloadHandler._store",
    "crawler.httpclient.handler:ArchivingDownloadHandler._response",
    "crawler.httpclient.pool:Pool.give_back",
    "crawler.httpclient.transfer:Transfer.feed",
    "crawler.middlewares.pace:Pace.answered",
    "crawler.middlewares.pace:Pace.done",
    "crawler.middlewares.pace:Pace.turn",
    "crawler.spider.session:CrawlSession.store",
    "crawler.spider.spider:OutletSpider.parse",
    "crawler.spider.spider:extract",
    "pipelines.deposit:_result",
    "pipelines.deposit:columns_of",
    "pipelines.normalise:NormalisePipeline.process_item",
    "pipelines.validate:ValidatePipeline.process_item",
    "pipelines.widgets:WidgetsPipeline.process_item",
    "scrapy.downloadermiddlewares.stats:DownloaderStats.process_response",
)
#: Functions that are called for a source of addresses, or for the crawl.
SOURCES = (
    "archive.index.robots_store:RobotsTable.get",
    "crawler.discovery.plan:Plan._settle",
    "crawler.discovery.plan:Plan.next_requests",
    "crawler.discovery.plan:read_feed",
    "crawler.spider.session:CrawlSession.discover",
    "crawler.spider.spider:OutletSpider._source_request",
    "crawler.spider.spider:OutletSpider.parse_source",
)
#: Functions that are called when the crawl ends.
ENDS = (
    "archive.frontier.frontier:Frontier.release",
    "archive.segments.writer:SegmentWriter.close",
    "crawler.cli.output.summary:Report.add",
    "crawler.middlewares.pacing:PaceMiddleware._closed",
    "crawler.spider.session:CrawlSession._tick",
    "crawler.spider.session:new_articles",
)


def with_bug(crawls: Crawls, place: str, **more: str) -> CommandResult:
    """Crawl with a bug in a function."""
    return crawls.run(**fault_settings(place, **more))


@pytest.mark.parametrize("place", PLACES)
def test_a_bug_anywhere_costs_only_the_articles_it_meets(tmp_path: Path, place: str) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, place)
        assert said.code == 1
        figures = tally(said.out)
        assert figures["discovered"] == ARTICLES
        assert 0 < figures["failed"] == ARTICLES - figures["stored"]
        named = Counter(crawls.outcomes().values())
        assert named["failed/internal_error"] == figures["failed"]
        assert said.err.count("failed/internal_error: ") == figures["failed"]
        said = crawls.run()
        assert said.code == 0, said
        assert tally(said.out)["stored"] == figures["failed"]
        assert sorted(crawls.revisions()) == site.ids()
        crawls.check_captures()


def test_a_bug_in_a_call_that_time_makes_hangs_no_crawl(tmp_path: Path) -> None:
    # Pace admits requests by a timer, too: which call is for an article and which for a source
    # depends on the time that passes, and what a lost source lists is found by the next crawl.
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, "crawler.middlewares.pace:Pace._admit")
        assert said.code == 1
        figures = tally(said.out)
        assert figures["failed"] == figures["discovered"] - figures["stored"]
        named = Counter(crawls.outcomes().values())
        assert named["failed/internal_error"] == figures["failed"]
        assert said.err.count("failed/internal_error: ") == figures["failed"]
        assert all(run["ended_at"] for run in crawls.workspace.rows("runs"))
        assert crawls.run().code == 0
        assert sorted(crawls.revisions()) == site.ids()
        crawls.check_captures()


def test_a_bug_in_the_handler_that_begins_the_work_is_reported(tmp_path: Path) -> None:
    with site_of_today("newspim", 10) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, "crawler.spider.session:CrawlSession._opened", FAULT_CALLS="1")
        assert said.code == 1
        assert "unexpected exception" in said.err
        assert tally(said.out)["stored"] == 10


def test_a_bug_in_what_a_timer_calls_is_reported(tmp_path: Path) -> None:
    with site_of_today("newspim", 10) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(
            crawls,
            "crawler.middlewares.pacing:PaceMiddleware._stopping",
            FAULT_CALLS="1",
            DOWNLOAD_DELAY="0.1",  # so that requests still wait when it is called
        )
        assert said.code == 1
        assert "1 unexpected exception in the log above" in said.err
        assert tally(said.out)["stored"] == 10


@pytest.mark.parametrize("place", SOURCES)
def test_a_bug_in_discovery_ends_no_crawl_without_its_counts(tmp_path: Path, place: str) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, place, FAULT_CALLS="1")
        assert said.code == 1
        assert "unexpected exception" in said.err
        tally(said.out)
        assert all(run["ended_at"] for run in crawls.workspace.rows("runs"))
        assert crawls.run().code == 0
        assert sorted(crawls.revisions()) == site.ids()
        assert max(crawls.fetched().values()) == 1
        crawls.check_captures()


@pytest.mark.parametrize("place", ENDS)
def test_a_bug_at_the_end_leaves_the_other_steps_of_it(tmp_path: Path, place: str) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, place, FAULT_CALLS="1")
        assert said.code == 1
        assert "unexpected exception" in said.err
        assert tally(said.out)["stored"] == ARTICLES
        assert all(run["ended_at"] for run in crawls.workspace.rows("runs"))
        assert not crawls.workspace.rows("leases")
        assert crawls.run().code == 0
        assert max(crawls.fetched().values()) == 1
        crawls.check_captures()


def test_a_last_batch_that_a_bug_keeps_is_left_to_recovery(tmp_path: Path) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        place = "crawler.spider.session:CrawlSession._write_last_batch"
        said = with_bug(crawls, place, FAULT_CALLS="1")
        assert said.code == 1
        figures = tally(said.out)
        assert figures["pending"] == ARTICLES - figures["stored"]
        assert all(run["ended_at"] for run in crawls.workspace.rows("runs"))
        assert crawls.run().code == 0
        assert sorted(crawls.revisions()) == site.ids()
        assert max(crawls.fetched().values()) == 1
        crawls.check_captures()


def test_a_bug_in_ending_a_visit_hangs_no_crawl(tmp_path: Path) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, "crawler.spider.spider:OutletSpider._visit_done")
        assert said.code == 1
        figures = tally(said.out)
        # The bug is met behind the deposit: what was deposited may be stored, and nothing is lost.
        assert figures["failed"] == ARTICLES - figures["stored"]
        assert crawls.run().code == 0
        assert sorted(crawls.revisions()) == site.ids()
        crawls.check_captures()


@pytest.mark.parametrize("name", ["failed", "_add_unparsed", "_visit_failed"])
def test_a_bug_in_an_errback_ends_its_visit(tmp_path: Path, name: str) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        site.fault(r"/view/.*3$", "short")
        crawls = Crawls.into(tmp_path, site)
        place = f"crawler.spider.spider:OutletSpider.{name}"
        said = with_bug(crawls, place, FAULT_CALLS="1", RETRY_TIMES="0")
        assert said.code == 1
        assert tally(said.out)["failed"] == sum(map(is_hit, site.ids()))
        assert "failed/internal_error" in crawls.outcomes().values()


def test_a_page_that_a_spider_middleware_withholds_is_a_failed_visit(tmp_path: Path) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        added = {f"{FAULTY}.SwallowingSpiderMiddleware": 50}
        said = crawls.run(SPIDER_MIDDLEWARES=json.dumps(added))
        assert said.code == 1
        hit = {article_id for article_id in site.ids() if is_hit(article_id)}
        assert tally(said.out)["failed"] == len(hit)
        assert {crawls.outcomes()[article_id] for article_id in hit} == {"failed/internal_error"}


#: What becomes of the visits that a component of the user's meets, by its number and what it does.
MET = {
    ("DroppingPipeline", 5): "skipped/dropped",
    ("DroppingPipeline", 35): "skipped/dropped",
    ("DroppingPipeline", 300): "new",
    ("ReplacingPipeline", 5): "failed/internal_error",
    ("ReplacingPipeline", 35): "failed/internal_error",
    ("ReplacingPipeline", 300): "new",
    ("EmptyPipeline", 35): "failed/internal_error",
    ("EmptyPipeline", 300): "new",
    ("IgnoringMiddleware", 570): "skipped/ignored",
    ("IgnoringMiddleware", 970): "skipped/ignored",
    ("AnsweringMiddleware", 570): "failed/internal_error",
    ("ReplacingMiddleware", 970): "new",
    ("RepeatingMiddleware", 570): "new",
    ("ReplacingSpiderMiddleware", 543): "failed/internal_error",
}
#: The setting of each kind of component.
KINDS = {
    "SpiderMiddleware": "SPIDER_MIDDLEWARES",
    "Middleware": "DOWNLOADER_MIDDLEWARES",
    "Pipeline": "ITEM_PIPELINES",
}


@pytest.mark.parametrize(("stage", "number"), MET)
def test_a_component_may_drop_or_replace_before_and_behind_ours(
    tmp_path: Path, stage: str, number: int
) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        setting = next(name for kind, name in KINDS.items() if stage.endswith(kind))
        said = crawls.run(**{setting: json.dumps({f"{FAULTY}.{stage}": number})})
        hit = {article_id for article_id in site.ids() if is_hit(article_id)}
        assert {crawls.outcomes()[article_id] for article_id in hit} == {MET[stage, number]}
        figures = tally(said.out)
        outcome = MET[stage, number].partition("/")[0]
        assert figures["discovered"] == ARTICLES
        assert figures["stored" if outcome == "new" else outcome] >= len(hit) > 0
        assert said.code == (1 if outcome == "failed" else 0)
        assert "never answered" not in said.err
        assert "<html" not in said.err, "no bytes of a page are logged"
        crawls.check_captures()


#: Functions that are called once for a batch, and the number of a call that is made for one.
BATCHES = {
    "archive.articles.blocklist:Blocklist.update": "2",
    "archive.articles.ingest:ArticleWriter.write": "1",
    "archive.frontier.frontier:Frontier.settle": "1",
    "archive.runs.recorder:RunRecorder.write": "1",
    "archive.segments.writer:SegmentWriter.sync": "1",
}


@pytest.mark.parametrize("place", BATCHES)
def test_a_bug_that_one_batch_meets_loses_nothing_and_is_reported(
    tmp_path: Path, place: str
) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, place, FAULT_CALLS=BATCHES[place])
        assert said.code == 1
        assert "1 unexpected exception in the log above" in said.err
        assert "a bug: a batch was written at the second try" in said.err
        assert tally(said.out)["stored"] == ARTICLES
        (run,) = crawls.workspace.rows("runs")
        assert run["ended_at"]
        assert json.loads(run["counts"]) == {"newspim": {"new": ARTICLES}}
        crawls.check_captures()
        assert crawls.run().code == 0
        assert max(crawls.fetched().values()) == 1


@pytest.mark.parametrize(
    "place",
    ["archive.segments.writer:SegmentWriter.sync", "archive.runs.recorder:RunRecorder.write"],
)
def test_a_bug_that_every_batch_meets_ends_the_crawl_and_its_run(
    tmp_path: Path, place: str
) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, place, FAULT_CALLS="all")
        assert said.code == 1
        assert "a batch could not be stored (ZeroDivisionError" in said.err
        assert tally(said.out)["stored"] == 0
        (run,) = crawls.workspace.rows("runs")
        assert run["ended_at"]
        assert not crawls.workspace.rows("leases")
        again = crawls.run()
        assert again.code == 0, again
        assert sorted(crawls.revisions()) == site.ids()
        assert {len(revisions) for revisions in crawls.revisions().values()} == {1}
        crawls.check_captures()


def test_a_crawl_whose_settings_a_bug_keeps_from_being_checked_fetches_nothing(
    tmp_path: Path,
) -> None:
    with site_of_today("newspim", ARTICLES) as site:
        crawls = Crawls.into(tmp_path, site)
        said = with_bug(crawls, "crawler.spider.session:refusal", FAULT_CALLS="1")
        assert said.code == 1
        assert "the crawl was not started: its settings could not be checked" in said.err
        assert not site.log


def test_a_trial_of_the_survey_is_judged(tmp_path: Path) -> None:
    place = "archive.articles.ingest:to_row"
    trial = try_bug(tmp_path, "ingest", place, "1", 10)
    assert trial.is_good, trial
    assert (trial.met, trial.first, trial.second) == (1, 1, 0)
