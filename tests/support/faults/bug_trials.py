"""A bug in one function of a crawl, then a crawl without it: what became of the articles (F9)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from archive.frontier.accounting import balance_of
from archive.index.database import Index
from tests.support.crawling.crawls import Crawls, site_of_today, tally

if TYPE_CHECKING:
    from pathlib import Path

#: What a crawl calls for its articles, its sources and itself, by stage.
PLACES = {
    "wire": (
        "crawler.httpclient.budget:ByteBudget.begin",
        "crawler.httpclient.budget:ByteBudget.end",
        "crawler.httpclient.budget:ByteBudget.received",
        "crawler.httpclient.connect:Connector.connect",
        "crawler.httpclient.connection:Connection.connection_made",
        "crawler.httpclient.connection:Connection.perform",
        "crawler.httpclient.dns:Resolver.resolve",
        "crawler.httpclient.handler:ArchivingDownloadHandler._bind",
        "crawler.httpclient.handler:ArchivingDownloadHandler._connect",
        "crawler.httpclient.handler:ArchivingDownloadHandler._count",
        "crawler.httpclient.handler:ArchivingDownloadHandler._fetch",
        "crawler.httpclient.handler:ArchivingDownloadHandler._flags",
        "crawler.httpclient.handler:ArchivingDownloadHandler._perform",
        "crawler.httpclient.handler:ArchivingDownloadHandler._response",
        "crawler.httpclient.handler:ArchivingDownloadHandler.download_request",
        "crawler.httpclient.handler:request_bytes",
        "crawler.httpclient.handler:split_url",
        "crawler.httpclient.pool:Pool.add",
        "crawler.httpclient.pool:Pool.give_back",
        "crawler.httpclient.pool:Pool.take",
        "crawler.httpclient.response_parser:ResponseReader.feed_head",
        "crawler.httpclient.transfer:Transfer._body_received",
        "crawler.httpclient.transfer:Transfer._head_received",
        "crawler.httpclient.transfer:Transfer.feed",
        "crawler.httpclient.transfer:Transfer.lost",
    ),
    "keep": (
        "archive.segments.writer:SegmentWriter._append",
        "archive.segments.writer:SegmentWriter._warcinfo",
        "archive.segments.writer:SegmentWriter.write",
        "crawler.httpclient.handler:ArchivingDownloadHandler._store",
        "crawler.spider.session:CrawlSession.store",
        "crawler.spider.session:provisional_page",
        "pipelines.deposit:CaptureStore._append",
        "pipelines.deposit:CaptureStore._is_blocked",
        "pipelines.deposit:CaptureStore._make_room",
        "pipelines.deposit:CaptureStore.append",
        "pipelines.deposit:_key",
    ),
    "middleware": (
        "archive.index.robots_store:RobotsTable.get",
        "archive.index.robots_store:RobotsTable.put",
        "crawler.middlewares.decompression:DecompressionMiddleware.process_response",
        "crawler.middlewares.pace:Pace._admit",
        "crawler.middlewares.pace:Pace.answered",
        "crawler.middlewares.pace:Pace.at_least",
        "crawler.middlewares.pace:Pace.done",
        "crawler.middlewares.pace:Pace.turn",
        "crawler.middlewares.pacing:PaceMiddleware._end_turn",
        "crawler.middlewares.pacing:PaceMiddleware._stopping",
        "crawler.middlewares.pacing:PaceMiddleware.process_request",
        "crawler.middlewares.pacing:PaceMiddleware.process_response",
        "crawler.middlewares.pacing:RetryAfterMiddleware.process_response",
        "crawler.middlewares.redirects:CheckedRedirectMiddleware.process_response",
        "crawler.middlewares.robots:RobotsMiddleware._fetch",
        "crawler.middlewares.robots:RobotsMiddleware._load",
        "crawler.middlewares.robots:RobotsMiddleware._read",
        "crawler.middlewares.robots:RobotsMiddleware.process_request",
        "scrapy.downloadermiddlewares.stats:DownloaderStats.process_request",
        "scrapy.downloadermiddlewares.stats:DownloaderStats.process_response",
    ),
    "discovery": (
        "crawler.discovery.plan:Plan._advance",
        "crawler.discovery.plan:Plan._begin",
        "crawler.discovery.plan:Plan._settle",
        "crawler.discovery.plan:Plan.finished",
        "crawler.discovery.plan:Plan.next_requests",
        "crawler.discovery.plan:Plan.read_response",
        "crawler.discovery.plan:Plan.reports",
        "crawler.discovery.plan:read_feed",
        "crawler.spider.candidates:Candidates.add_next",
        "crawler.spider.session:CrawlSession.discover",
        "crawler.spider.spider:OutletSpider._discover",
        "crawler.spider.spider:OutletSpider._is_requestable",
        "crawler.spider.spider:OutletSpider._source_done",
        "crawler.spider.spider:OutletSpider._source_request",
        "crawler.spider.spider:OutletSpider.parse_source",
    ),
    "spider": (
        "crawler.spider.session:CrawlSession.add_page",
        "crawler.spider.session:CrawlSession.last_captures",
        "crawler.spider.session:CrawlSession.lease_visits",
        "crawler.spider.spider:OutletSpider._is_finished",
        "crawler.spider.spider:OutletSpider._is_waiting",
        "crawler.spider.spider:OutletSpider._last_captures",
        "crawler.spider.spider:OutletSpider._next_requests",
        "crawler.spider.spider:OutletSpider._visit_done",
        "crawler.spider.spider:OutletSpider._visit_request",
        "crawler.spider.spider:OutletSpider._visit_requests",
        "crawler.spider.spider:OutletSpider._wait",
        "crawler.spider.spider:OutletSpider.deposit",
        "crawler.spider.spider:OutletSpider.parse",
        "crawler.spider.spider:OutletSpider.start",
        "crawler.spider.spider:Plan",
        "crawler.spider.spider:extract",
        "crawler.spider.spider:judge",
    ),
    "pipelines": (
        "pipelines.deposit:DepositPipeline.process_item",
        "pipelines.deposit:page_of",
        "pipelines.deposit:to_item",
        "pipelines.normalise:NormalisePipeline.process_item",
        "pipelines.validate:ValidatePipeline.process_item",
        "pipelines.widgets:WidgetsPipeline.process_item",
    ),
    "deposit": (
        "archive.articles.blocklist:Blocklist.apply",
        "archive.articles.blocklist:Blocklist.update",
        "archive.segments.writer:SegmentWriter.settle",
        "archive.segments.writer:SegmentWriter.sync",
        "pipelines.deposit:CaptureStore._new_entry",
        "pipelines.deposit:CaptureStore._report_all",
        "pipelines.deposit:CaptureStore._write",
        "pipelines.deposit:CaptureStore._write_records",
        "pipelines.deposit:CaptureStore._write_rows",
        "pipelines.deposit:CaptureStore.add_page",
        "pipelines.deposit:CaptureStore.flush",
        "pipelines.deposit:CaptureStore.flush_if_due",
        "pipelines.deposit:_head_facts",
        "pipelines.deposit:_result",
        "pipelines.deposit:_visit_result",
        "pipelines.deposit:columns_of",
        "pipelines.deposit:in_halves",
        "pipelines.deposit:known_captures",
    ),
    "ingest": (
        "archive.articles.ingest:ArticleWriter.enter",
        "archive.articles.ingest:ArticleWriter.load",
        "archive.articles.ingest:ArticleWriter.write",
        "archive.articles.ingest:add_documents",
        "archive.articles.ingest:insert_rows",
        "archive.articles.ingest:to_row",
        "archive.articles.placement:Placement.place",
        "archive.articles.placement:content_key",
        "pipelines.deposit:enter",
    ),
    "frontier": (
        "archive.frontier.frontier:Frontier._due_rows",
        "archive.frontier.frontier:Frontier.discover",
        "archive.frontier.frontier:Frontier.lease",
        "archive.frontier.frontier:Frontier.settle",
        "archive.frontier.frontier:_update",
        "archive.frontier.frontier:after_visit",
        "archive.frontier.frontier:visit_kind",
        "archive.frontier.gone_looks:GoneLooks.add",
        "archive.frontier.gone_looks:Look.of_visit",
        "archive.frontier.settle:next_visit",
        "archive.index.database:Index.reading",
        "archive.index.database:Index.writing",
    ),
    "recorder": (
        "archive.runs.recorder:RunRecorder._table",
        "archive.runs.recorder:RunRecorder._write_row",
        "archive.runs.recorder:RunRecorder.note",
        "archive.runs.recorder:RunRecorder.undone_on_error",
        "archive.runs.recorder:RunRecorder.write",
        "archive.runs.recorder:insert_rows",
        "crawler.cli.output.summary:Report.add",
        "crawler.spider.session:CrawlSession._count",
    ),
    "signals": (
        "archive.frontier.frontier:Frontier.balance",
        "archive.frontier.frontier:Frontier.end_gone",
        "archive.frontier.frontier:Frontier.last_new_at",
        "archive.frontier.frontier:Frontier.release",
        "archive.index.database:Index.close",
        "archive.index.writers.leases:Leases.release",
        "archive.segments.writer:SegmentWriter.close",
        "archive.segments.writer:SegmentWriter.state",
        "crawler.middlewares.pacing:PaceMiddleware._add_slot",
        "crawler.middlewares.pacing:PaceMiddleware._closed",
        "crawler.spider.session:CrawlSession._write_last_batch",
        "crawler.spider.session:CrawlSession._opened",
        "crawler.spider.session:CrawlSession._renew_leases",
        "crawler.spider.session:CrawlSession._stop_ticking",
        "crawler.spider.session:CrawlSession._tick",
        "crawler.spider.session:new_articles",
        "crawler.spider.session:recover",
        "crawler.spider.session:refusal",
        "crawler.spider.session:warcinfo_fields",
        "crawler.spider.session:warning",
    ),
    "errbacks": (
        "crawler.middlewares.failures:_own_reason",
        "crawler.middlewares.pacing:PaceMiddleware.process_exception",
        "crawler.spider.session:CrawlSession.add_result",
        "crawler.spider.spider:OutletSpider._add_unparsed",
        "crawler.spider.spider:OutletSpider._visit_failed",
        "crawler.spider.spider:OutletSpider.failed",
        "crawler.spider.spider:retry_time",
        "crawler.spider.spider:verdict_of",
    ),
}
#: The stage whose functions are called for what fails: there a tenth of the pages is cut short.
_OF_FAILURES = "errbacks"
#: Seconds after which a crawl counts as hanging.
_HANGS = 90.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a crawl with a bug, and of the crawl after it.

    ``met`` is how often the bug was met, ``first`` and ``second`` are the exit codes, None of a
    crawl that hung. ``is_even`` is whether the counts of the first add up, ``has_ended`` whether its
    run has an end and nothing is leased. ``is_complete`` is whether every article is stored after
    the second, and archive and index agree; ``twice`` counts articles that were stored or fetched
    again. ``seconds`` are those of the longer crawl.
    """

    place: str
    calls: str
    met: int
    first: int | None
    second: int | None
    figures: str
    is_even: bool
    has_ended: bool
    is_complete: bool
    twice: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Whether a bug was reported, nothing was lost and nothing done twice."""
        codes = (1 if self.met else 0, 0)
        is_whole = self.is_even and self.has_ended and self.is_complete and not self.twice
        return is_whole and codes == (self.first, self.second)


def fault_settings(place: str, **more: str) -> dict[str, str]:
    """Return the settings of a crawl with a bug; one lost turn of its host must make it hang."""
    loader = "tests.support.faults.buggy_components.FaultyLoader"
    of_bug = {"SPIDER_LOADER_CLASS": loader, "FAULT_AT": place}
    return of_bug | {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"} | more


def try_bug(folder: Path, stage: str, place: str, calls: str, articles: int) -> Trial:
    """Crawl a mock site with a bug that meets these calls (see `FaultyLoader`), then without it."""
    record = folder / "met"
    settings = fault_settings(place, FAULT_CALLS=calls, FAULT_RECORD=str(record))
    with site_of_today("newspim", articles) as site:
        if stage == _OF_FAILURES:
            site.fault(r"/view/.*3$", "short")
            settings["RETRY_TIMES"] = "0"
        crawls = Crawls.into(folder, site)
        first = _crawl(crawls, settings)
        is_even, figures = _counts(crawls, first.out)
        has_ended = _has_ended(crawls)
        stored = {name for name, outcome in _outcomes(crawls).items() if outcome == "new"}
        site.heal()
        crawls.make_due("outcome IN ('failed', 'unparsed')")
        number = len(site.log)
        second = _crawl(crawls, {})
        again = crawls.fetched(number)
        revisions = crawls.revisions()
        twice = [
            name
            for name, found in revisions.items()
            if len(found) > 1 or (name in again and name in stored)
        ]
        return Trial(
            place,
            calls,
            len(record.read_text().splitlines()) if record.exists() else 0,
            first.code,
            second.code,
            figures,
            is_even,
            has_ended,
            sorted(revisions) == site.ids() and _agrees(crawls) and _has_ended(crawls),
            len(twice),
            max(first.seconds, second.seconds),
        )


@dataclass(frozen=True, slots=True)
class _Ended:
    code: int | None
    out: str
    seconds: float


def _crawl(crawls: Crawls, settings: dict[str, str]) -> _Ended:
    """Crawl to the end; a crawl that hangs is killed."""
    began = monotonic()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with crawls.start(settings=settings, **pipes) as process:
        try:
            out, _ = process.communicate(timeout=_HANGS)
        except subprocess.TimeoutExpired:
            process.kill()
            return _Ended(None, "", monotonic() - began)
    return _Ended(process.returncode, out.decode(), monotonic() - began)


def _counts(crawls: Crawls, out: str) -> tuple[bool, str]:
    """Return whether the counts of the only crawl add up, printed and in the index; and the latter.

    A bug where the crawl takes or prints them leaves only the index.
    """
    if "discovered or due" in out:
        try:
            tally(out)
        except AssertionError as error:
            return False, f"printed: {error}"
    if not crawls.workspace.index.exists():
        return True, "nothing begun"
    runs = {row["discovered_run"] for row in crawls.frontier().values()} or {""}
    with Index(crawls.workspace.index_url) as index, index.reading() as connection:
        (balance,) = (balance_of(connection, crawls.site.outlet, run) for run in runs)
    figures = {
        "discovered": balance.discovered,
        "stored": balance.stored,
        "unchanged": balance.unchanged,
        "failed": sum(balance.failed.values()),
        "skipped": sum(balance.skipped.values()),
        "pending": balance.pending,
    }
    said = ", ".join(f"{name} {number}" for name, number in figures.items() if number)
    return balance.is_even and not balance.missing, said or "nothing discovered"


def _outcomes(crawls: Crawls) -> dict[str, str]:
    return crawls.outcomes() if crawls.workspace.index.exists() else {}


def _has_ended(crawls: Crawls) -> bool:
    if not crawls.workspace.index.exists():
        return True
    runs = crawls.workspace.rows("runs")
    return all(run["ended_at"] for run in runs) and not crawls.workspace.rows("leases")


def _agrees(crawls: Crawls) -> bool:
    try:
        crawls.check_captures()
    except AssertionError:
        return False
    return True
