"""What a crawl keeps things with: one index, one segment writer, one frontier, shared by wire, pipelines and spider."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from scrapy import signals

from archive.articles.captures import captured_urls, last_captures
from archive.articles.queries import published_times
from archive.frontier.frontier import Frontier
from archive.index.database import Index, IndexUnusableError
from archive.index.leases import RENEWAL, Lease, LeaseHeldError, outlet_lease
from archive.index.robots_store import RobotsShelf
from archive.model.article import KST
from archive.model.errors import SegmentError
from archive.model.outcome import Outcome, Verdict
from archive.runs.recorder import Run
from archive.segments.writer import SegmentWriter
from archive.warc import record_writer as warc
from crawler import VERSION
from crawler.cli.summary import Report
from crawler.extraction.judge import provisional_page
from crawler.offline.recovery import recover
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from scrapy import Request
    from scrapy.crawler import Crawler

    from archive.articles.captures import LastCapture
    from archive.frontier.accounting import Balance
    from archive.frontier.visits import Visit
    from archive.model.exchange import Exchange
    from archive.runs.recorder import Result
    from pipelines.page import Page

_log = logging.getLogger(__name__)

#: Seconds between looks at what waits to be written.
_TICK = 1.0
_FAULTS = (SegmentError, IndexUnusableError)
_T = TypeVar("_T")
_SESSIONS: WeakKeyDictionary[Crawler, CrawlSession] = WeakKeyDictionary()


class CrawlRobotsStore:
    """ROBOTS_STORE of a crawl: copies of robots.txt, kept in its index."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsShelf:
        """Give the shelf in the crawl's index."""
        return RobotsShelf(CrawlSession.from_crawler(crawler).index)


class CrawlSession:
    """Keeps a crawl's exchanges, pages and visits. Reads ARCHIVE_URL, INDEX_URL, CONTACT, USER_AGENT.

    A fault of the archive or the index stops the crawl: ``fault`` is then the sentence that says
    why, and nothing that was not durable is reported as kept. ``bugs`` counts the exceptions of
    steps and callbacks.
    """

    def __init__(self, crawler: Crawler, run: Run | None = None) -> None:
        from archive.segments.names import archive_folder

        settings = crawler.settings
        self._crawler = crawler
        self.outlet = outlet_named(str(getattr(crawler.spidercls, "name", "")))
        self.report = Report()
        self.fault = ""
        self.bugs = 0
        self.balance: Balance | None = None
        self.last_new: datetime | None = None
        self.run = run or Run("crawl", outlet=self.outlet.name, version=VERSION)
        self._index = Index(str(settings.get("INDEX_URL") or ""))
        self._lease = Lease(self._index, outlet_lease(self.outlet.name), self.run.id)
        self._take_lease()
        software = {
            "software": f"Sacho/{VERSION}",
            "operator": str(settings.get("CONTACT") or ""),
            "http-header-user-agent": str(settings.get("USER_AGENT") or ""),
            "robots": "obey" if settings.getbool("ROBOTSTXT_OBEY") else "ignore",
        }
        self._folder = archive_folder(str(settings.get("ARCHIVE_URL") or ""))
        self._segments = SegmentWriter(self._folder, software=software, job=self.run.id)
        self.frontier = Frontier(self._index, self.outlet.name, self.run.id)
        self._store = CaptureStore(
            self._segments, self._index, self.run, self._count, self.frontier
        )
        self._ticking: asyncio.Task[None] | None = None
        self._stopping: asyncio.Future[None] | None = None
        crawler.signals.connect(self._opened, signals.spider_opened)
        crawler.signals.connect(self._closed, signals.spider_closed)
        crawler.signals.connect(self._bug, signals.item_error)
        crawler.signals.connect(self._bug, signals.spider_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CrawlSession:
        """Give the crawl's one session."""
        if crawler not in _SESSIONS:
            _SESSIONS[crawler] = cls(crawler)
        return _SESSIONS[crawler]

    @classmethod
    def of_run(cls, crawler: Crawler, run: Run) -> CrawlSession:
        """Make the crawl's one session, which writes down what it keeps as that run's.

        :raises LeaseHeldError: another run is crawling the outlet.
        """
        _SESSIONS[crawler] = cls(crawler, run)
        return _SESSIONS[crawler]

    @property
    def index(self) -> Index:
        """The crawl's index."""
        return self._index

    def keep(self, request: Request, exchange: Exchange) -> None:
        """Append an exchange to the archive before anybody reads it; a repeated payload becomes a revisit."""
        last: LastCapture | None = request.meta.get("last_capture")
        original = None
        if last is not None and last.url == exchange.url and not exchange.truncated:
            same = warc.payload_digest(exchange) == last.payload_digest
            if same or warc.is_not_modified(exchange):
                original = warc.RevisitOf(
                    last.url, last.captured_at, last.payload_digest, last.record_id
                )
        visit: Visit | None = request.meta.get("visit")
        page = provisional_page(
            exchange, self.outlet, visit.url if visit is not None else exchange.url
        )
        if last is not None and original is not None:
            page = replace(page, verdict=Verdict(Outcome.UNCHANGED), revision_id=last.revision_id)
        request.meta["repeats"] = original is not None
        self.attempt(lambda: self._store.append(page, original))

    def add(self, page: Page) -> None:
        """Deposit a page that was read."""
        self.attempt(lambda: self._store.add_page(page))

    def note(self, result: Result) -> None:
        """Note a visit that gave no page."""
        self.attempt(lambda: self._store.add_result(result))

    def take(self, number: int) -> list[Visit]:
        """Lease articles that are due; none after a fault."""
        return self.attempt(lambda: self.frontier.take(number)) or []

    def last_captures(self, urls: Iterable[str]) -> dict[str, LastCapture]:
        """The last whole capture of each address that has one; none after a fault."""
        return self._read(lambda connection: last_captures(connection, urls)) or {}

    def published(self, article_ids: Iterable[str]) -> dict[str, datetime | None]:
        """When the articles of the index were published; nothing after a fault."""
        return (
            self._read(
                lambda connection: published_times(connection, self.outlet.name, article_ids)
            )
            or {}
        )

    def captured(self, urls: Iterable[str]) -> set[str] | None:
        """Those of the addresses that the index has a capture of; None after a fault."""
        return self._read(lambda connection: captured_urls(connection, urls))

    def attempt(self, work: Callable[[], _T]) -> _T | None:
        """What work on the archive or the index gives; None after a fault, which ends the crawl."""
        if not self.fault:
            try:
                return work()
            except _FAULTS as error:
                self._stop(str(error))
        return None

    def _read(self, query: Callable[[Any], _T]) -> _T | None:
        def work() -> _T:
            with self._index.reading() as connection:
                return query(connection)

        return self.attempt(work)

    def _take_lease(self) -> None:
        other = self._lease.take()
        if other is not None:
            self._index.close()
            raise LeaseHeldError(
                f"{self.outlet.name} is being crawled, since {other.taken_at.astimezone(KST):%Y-%m-%d %H:%M} KST "
                f"(process {other.holder.split()[1]}): one run of an outlet at a time. "
                "Run the same command when it has ended."
            )

    def _stop(self, sentence: str) -> None:
        self.fault = sentence
        _log.error("%s", sentence)
        if self._crawler.engine is not None:
            self._stopping = asyncio.ensure_future(
                self._crawler.engine.close_spider_async(reason="archive_fault")
            )

    def _count(self, result: Result) -> None:
        self.report.add(result)
        if self._crawler.stats is not None:
            self._crawler.stats.inc_value(f"{result.verdict}/{result.outlet}")

    def _bug(self) -> None:
        self.bugs += 1

    def _opened(self) -> None:
        self.attempt(
            lambda: recover(self._folder, self._index, self._store, self.frontier, self.outlet.name)
        )
        self._ticking = asyncio.ensure_future(self._tick())

    async def _tick(self) -> None:
        waited = 0.0
        while not self.fault:
            await asyncio.sleep(_TICK)
            waited += _TICK
            self.attempt(self._store.flush_if_due)
            if waited >= RENEWAL:
                waited = 0.0
                self.attempt(self.frontier.renew)
                self.attempt(self._lease.renew)

    def _closed(self, reason: str) -> None:
        """Write what waits, give back what was not visited, and do the books."""
        if self._ticking is not None:
            self._ticking.cancel()
        self.attempt(self._store.close)
        self.attempt(self._segments.close)
        with suppress(*_FAULTS):  # the first fault is what the operator has to hear about
            # At a whole crawl's end nothing may still be in hand: what is, was lost, and the books
            # must show it.
            if reason == "finished":
                self.balance = self.frontier.balance()
                self.last_new = self.frontier.last_new()
            self.frontier.release()
            self.balance = self.balance or self.frontier.balance()
            self._lease.release()
        self._index.close()
