"""One crawl's archive, index, frontier and lease, used by download handler, spider, pipelines."""

from __future__ import annotations

import asyncio
import logging
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from scrapy import signals
from scrapy.exceptions import CloseSpider

from archive.articles.queries import published_times
from archive.captures.rows import captured_urls, last_captures
from archive.frontier.doubted import doubted
from archive.frontier.frontier import Frontier
from archive.index.database import Index, IndexUnusableError
from archive.index.robots_store import RobotsTable
from archive.index.writers.leases import (
    RENEWAL,
    LeaseHeldError,
    LeaseLostError,
    Leases,
    host_lease,
    outlet_lease,
)
from archive.index.writers.process_identity import is_here
from archive.model.errors import OUT_OF_MEMORY, SegmentError
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.history import crawled_until
from archive.runs.new_articles import NewArticles, new_articles
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc import record_writer as warc
from crawler import VERSION
from crawler.cli.configuration.archive_store import archive_store
from crawler.cli.output.summary import Report
from crawler.cli.output.times import kst_minute
from crawler.extraction.judge import provisional_page
from crawler.middlewares.pacing import PaceMiddleware
from crawler.model.outlet import Outlet
from crawler.offline.recovery import recover
from crawler.outlets import known_outlets, outlet_named
from crawler.spider.loop_errors import unwatch_loop, watch_loop, watched_runs
from crawler.spider.memory_guard import MemoryGuard
from crawler.spider.obligations import refusal, warcinfo_fields
from crawler.spider.void_settings import warning
from pipelines.deposit import CaptureStore
from pipelines.page import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date

    from scrapy import Request
    from scrapy.crawler import Crawler

    from archive.captures.rows import LastCapture
    from archive.frontier.accounting import Balance
    from archive.frontier.visits import FrontierLink, Visit
    from archive.model.exchange import Exchange
    from archive.runs.recorder import Result
    from pipelines.page import Page

_log = logging.getLogger(__name__)

#: Seconds between checks whether a batch is due to be written.
_TICK = 1.0
#: Crawls in a process that each write a batch as soon as one alone would. Of more, each waits
#: longer: a batch holds up all of them, for as long as the disk takes to make it durable.
_AT_EASE = 10
#: What there is one run of, by the kind of the lease.
_ONE_OF = {"outlet": "an outlet", "host": "a host, whichever outlet it is for,"}
_FAULTS = (SegmentError, IndexUnusableError, LeaseLostError)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_SESSIONS: WeakKeyDictionary[Crawler, CrawlSession] = WeakKeyDictionary()


def _stops_on_fault(
    method: Callable[Concatenate[CrawlSession, _P], _T],
) -> Callable[Concatenate[CrawlSession, _P], _T | None]:
    """Make a fault of the archive or the index stop the crawl.

    From the first fault on the method does nothing and returns None. It must not run then: bytes
    that are not durable must not be indexed. A context manager could not skip its block.
    """

    @wraps(method)
    def guarded(session: CrawlSession, /, *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        if session.fault:
            return None
        try:
            return method(session, *args, **kwargs)
        except _FAULTS as error:
            session._stop(str(error))
            return None

    return guarded


class CrawlRobotsStore:
    """ROBOTS_STORE of a crawl: copies of robots.txt in the crawl's index."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsTable:
        """Return the robots.txt store of the crawl's index."""
        return RobotsTable(CrawlSession.from_crawler(crawler).index)


class CrawlSession:
    """Stores a crawl's exchanges, pages and visits.

    Reads ARCHIVE_URL, INDEX_URL and what `crawler.spider.obligations` reads. A fault of the archive
    or the index stops the crawl: ``fault`` is then the message for the operator, and nothing is
    reported as stored that is not durable. Methods that return something return None after a fault.
    ``reason`` is Scrapy's for the end of the crawl, None until then. ``bugs`` counts the exceptions
    that nothing of ours handles; ``looked_again`` the articles that `look_again` made due, None if
    it was not called.
    """

    def __init__(self, crawler: Crawler, run: RunRecorder | None = None) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self.outlet = _outlet_of(crawler)
        self.report = Report()
        self.fault = ""
        self.reason: str | None = None
        self.bugs = 0
        self.looked_again: int | None = None
        self.balance: Balance | None = None
        self.last_new: datetime | None = None
        self.new = NewArticles()
        self._was_opened = self._is_kept = self._run_ended = False
        self.run = run or RunRecorder("crawl", outlet=self.outlet.name, version=VERSION)
        self.index = Index(str(settings.get("INDEX_URL") or ""))
        self._has_pictures = settings.getbool("ARCHIVE_IMAGES")
        hosts = map(host_lease, self.outlet.hosts_asked(pictures=self._has_pictures))
        wanted = [outlet_lease(self.outlet.name), *hosts]
        self._leases = Leases(self.index, wanted, self.run.id)
        self._take_leases()
        self._hosts_used_at = self._last_use_of_hosts()
        software = {"software": f"Sacho/{VERSION}"}
        self._archive = archive_store(settings)
        self._segments = SegmentWriter(self._archive, software=software, job=self.run.id)
        self._frontier = Frontier(self.index, self.outlet.name, self.run.id)
        self._store = CaptureStore(
            self._segments, self.index, self.run, self._count, self._frontier, self.count_bug
        )
        self._memory = MemoryGuard(self._end_for_memory)
        self._context = copy_context()
        self._ticking: asyncio.Task[None] | None = None
        self._stopping: asyncio.Future[None] | None = None
        crawler.signals.connect(self._note_opened, signals.spider_opened)
        crawler.signals.connect(self._opened, signals.spider_opened)
        crawler.signals.connect(self._closed, signals.spider_closed)
        crawler.signals.connect(self.count_bug, signals.item_error)
        crawler.signals.connect(self.count_bug, signals.spider_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> CrawlSession:
        """Return the crawl's one session."""
        if crawler not in _SESSIONS:
            _SESSIONS[crawler] = cls(crawler)
        return _SESSIONS[crawler]

    @classmethod
    def of_run(cls, crawler: Crawler, run: RunRecorder) -> CrawlSession:
        """Create the crawl's one session, which records what it stores under ``run``.

        :raises LeaseHeldError: another run is crawling the outlet.
        """
        _SESSIONS[crawler] = cls(crawler, run)
        return _SESSIONS[crawler]

    @staticmethod
    def forget(crawler: Crawler) -> None:
        """Let go of the session of a crawl that has ended: it and its crawler hold each other."""
        _SESSIONS.pop(crawler, None)

    def count_bug(self) -> None:
        """Count a bug that was logged; the crawl then ends with status 1."""
        self.bugs += 1

    @property
    def is_out_of_memory(self) -> bool:
        """Whether the crawl was stopped because there was no more memory."""
        return self._memory.is_over

    def count_passed_over(self) -> bool:
        """Count a bug that Scrapy passed over; return False if the crawl could not be opened.

        It then says itself why, and what fails at its end only follows from that.
        """
        if self._was_opened:
            self.bugs += 1
        return self._was_opened

    def note_bug(self, what: str) -> None:
        """Count and log a bug; the crawl then ends with status 1."""
        self.bugs += 1
        _log.error("%s", what)

    @_stops_on_fault
    def store(self, request: Request, exchange: Exchange) -> None:
        """Append an exchange to the archive before it is parsed.

        A payload that the URL's last capture has as well is stored as a revisit record; then
        ``request.meta["repeats"]`` is True.
        """
        last: LastCapture | None = request.meta.get("last_capture")
        visit: Visit | None = request.meta.get("visit")
        source = exchange.url if visit is None else visit.url
        page = provisional_page(exchange, self.outlet, source)
        if visit is None and page.rules.of_any_site:
            # What lists the articles of a site may have the address of one. Without the name of the
            # site its record is not read as one.
            unknown = Verdict(Outcome.SKIPPED, Reason.UNKNOWN_OUTLET)
            page = replace(page, outlet="", rules=Rules(), article_id="", url="", verdict=unknown)
        original = None
        if last is not None and _repeats(exchange, last):
            original = warc.RevisitOf(
                last.url, last.captured_at, last.payload_digest, last.record_id
            )
            page = replace(page, verdict=Verdict(Outcome.UNCHANGED), revision_id=last.revision_id)
        request.meta["repeats"] = original is not None
        self._store.append(page, original)
        self._memory.check()

    @_stops_on_fault
    def add_page(self, page: Page) -> None:
        """Store a page that was parsed."""
        self._store.add_page(page)

    @_stops_on_fault
    def add_result(self, result: Result) -> None:
        """Record a visit that gave no page."""
        self._store.add_result(result)

    @_stops_on_fault
    def end_visit(self, article_id: str) -> None:
        """Record as ``failed/internal_error`` a visit of which a bug keeps any result."""
        with self.index.writing(self._frontier.part) as connection:
            self._frontier.set_aside(connection, article_id)

    @_stops_on_fault
    def discover(self, links: Iterable[FrontierLink]) -> None:
        """Add links to the frontier."""
        self._frontier.discover(links)

    @_stops_on_fault
    def visit_again(self, article_ids: Collection[str]) -> None:
        """Make articles due now."""
        self._frontier.make_due(article_ids)

    @_stops_on_fault
    def look_again(self, first: date, last: date) -> None:
        """Make due what was found gone, or given up, on these days (KST) and not seen since."""
        with self.index.reading() as connection:
            article_ids = doubted(connection, self.outlet.name, first, last)
        self._frontier.make_due(article_ids)
        self.looked_again = len(article_ids)

    @_stops_on_fault
    def lease_visits(self, number: int) -> list[Visit]:
        """Lease at most ``number`` articles that are due."""
        return self._frontier.lease(number)

    @_stops_on_fault
    def in_frontier(self, article_ids: Collection[str]) -> set[str]:
        """Return the ids that the frontier has."""
        return self._frontier.known_ids(article_ids)

    @_stops_on_fault
    def leased_by_others(self) -> set[str]:
        """Return the ids of the articles that other runs have leased."""
        return self._frontier.leased_by_others()

    @_stops_on_fault
    def last_captures(self, urls: Iterable[str]) -> dict[str, LastCapture]:
        """Return the last complete capture of each URL that has one."""
        with self.index.reading() as connection:
            return last_captures(connection, urls)

    @_stops_on_fault
    def published_times(self, article_ids: Iterable[str]) -> dict[str, datetime | None]:
        """Return the publication times of those articles that are in the index."""
        with self.index.reading() as connection:
            return published_times(connection, self.outlet.name, article_ids)

    @_stops_on_fault
    def captured_urls(self, urls: Iterable[str]) -> set[str]:
        """Return the URLs that have a capture in the index."""
        with self.index.reading() as connection:
            return captured_urls(connection, urls)

    def _take_leases(self) -> None:
        other = self._leases.take()
        if other is None:
            return
        self.index.close()
        kind, _, what = other.name.partition(" ")
        there = f"process {other.holder.split()[1]}" if is_here(other.holder) else "another machine"
        raise LeaseHeldError(
            f"{what} is being crawled since "
            f"{kst_minute(other.taken_at)} KST "
            f"({there}); only one run of {_ONE_OF[kind]} is possible at "
            "a time. Run the same command when it has ended."
        )

    def _last_use_of_hosts(self) -> datetime | None:
        """Return when another run may last have asked a host of this crawl, None if none has.

        Whoever holds the leases asks it: no other crawl does from now on.
        """
        pictures = self._has_pictures
        hosts = set(self.outlet.hosts_asked(pictures=pictures))
        names = {
            name
            for name, outlet in known_outlets().items()
            if not hosts.isdisjoint(outlet.hosts_asked(pictures=pictures))
        }
        now = datetime.now(UTC)
        with self.index.reading() as connection:
            return crawled_until(connection, {*names, self.outlet.name}, self.run.id, now)

    def _keep_distance(self) -> None:
        """Let the first request to a host keep its delay from the last one of an earlier run."""
        pacing = self._crawler.get_downloader_middleware(PaceMiddleware)
        if pacing is not None and self._hosts_used_at is not None:
            pacing.pace.used((datetime.now(UTC) - self._hosts_used_at).total_seconds())

    def _stop(self, message: str) -> None:
        self.fault = message
        _log.error("%s", message)
        if self._crawler.engine is not None:
            self._stopping = asyncio.ensure_future(
                self._crawler.engine.close_spider_async(reason="archive_fault")
            )

    def _count(self, result: Result) -> None:
        self.report.add(result)
        if self._crawler.stats is not None:
            self._crawler.stats.inc_value(f"{result.verdict}/{result.outlet}")

    def _note_opened(self) -> None:
        """Note that Scrapy has opened the crawl: what a handler raises from now on is a bug."""
        self._was_opened = True

    def _opened(self) -> None:
        """Start the work, now that the settings are final.

        :raises CloseSpider: with these settings the crawl must not start; ``fault`` says why.
        """
        why = self._refusal()
        if why:
            self.fault = f"the crawl was not started: {why}"
            _log.error("%s", self.fault)
            raise CloseSpider("refused")
        self._keep_distance()
        self._ticking = asyncio.ensure_future(self._tick())
        self._memory.watch()
        self._context = copy_context()
        watch_loop(self._ticking.get_loop(), self.run.id, self.count_bug)
        self.attempt(self._warn)
        self.attempt(self._state_settings)
        self.attempt(self._recover)

    def _refusal(self) -> str:
        """Return why the crawl must not start, ``""`` if it may."""
        try:
            return refusal(self._crawler, self.outlet)
        except Exception as error:  # noqa: BLE001 - any bug: nothing is fetched unchecked
            _log.exception("The settings could not be checked")
            return f"its settings could not be checked ({error!r}); this is a bug."

    def _warn(self) -> None:
        if without_effect := warning(self._crawler):
            _log.warning("%s", without_effect)

    def _state_settings(self) -> None:
        self._segments.state(warcinfo_fields(self._crawler))

    @_stops_on_fault
    def _recover(self) -> None:
        recover(self._archive, self.index, self._store, self._frontier, self.outlet.name)

    async def _tick(self) -> None:
        """Write batches when they are due and renew the leases, until the crawl ends."""
        # By chance: crawls that begin at the same moment must not write at the same moments.
        share = uniform(0.5, 1.5)  # noqa: S311  (no secret)
        renewed_at = monotonic() - uniform(0, RENEWAL / 2)  # noqa: S311
        while not self.fault:
            await asyncio.sleep(_TICK)
            self._memory.check()
            self._store.patience = max(1.0, share * watched_runs() / _AT_EASE)
            # First of all, as a process that was halted may have lost its leases meanwhile.
            if monotonic() - renewed_at >= RENEWAL:
                renewed_at = monotonic()
                self.attempt(self._renew_leases)
            self.attempt(self._flush_if_due)

    def _stop_ticking(self) -> None:
        """End `_tick`; raise what ended it before."""
        if self._ticking is None:
            return
        if self._ticking.done() and not self._ticking.cancelled():
            self._ticking.result()
        self._ticking.cancel()

    def attempt(self, step: Callable[[], None]) -> None:
        """Take a step on which others do not depend: a bug in it is logged and counted."""
        try:
            step()
        except _FAULTS as error:
            self.fault = self.fault or str(error)  # the first fault is the one to report
        except Exception:  # noqa: BLE001 - any bug of ours, which the verdict of the crawl reports
            self.bugs += 1
            _log.exception("A bug in %s", getattr(step, "__name__", step))

    @_stops_on_fault
    def _flush_if_due(self) -> None:
        self._store.flush_if_due()

    @_stops_on_fault
    def _renew_leases(self) -> None:
        self._leases.renew()

    @_stops_on_fault
    def _write_last_batch(self) -> None:
        self._store.flush()
        self._is_kept = True

    @_stops_on_fault
    def _close_segments(self) -> None:
        if self._is_kept:  # else they are left open, and the next run's recovery makes the rows
            self._segments.close()

    def _end_run(self) -> None:
        with self.run.undone_on_error(), self.index.writing(self.run.part) as connection:
            self.run.write(connection, ended=True)
        self._run_ended = True

    def _end_run_without_results(self) -> None:
        """End the run in the index, if a bug keeps its results from being written."""
        if not self._run_ended:
            with self.index.writing(self.run.part) as connection:
                self.run.end(connection)

    def _closed(self, reason: str) -> None:
        """Write the last batch, count the run's results and release the leases, whatever raises."""
        self.reason = reason
        ending = [self._end_run, self._end_run_without_results]
        closing = [self._write_last_batch, self._close_segments, *ending, self._end_gone]
        for step in [self._stop_ticking, *closing]:
            self.attempt(step)
        # After a complete crawl nothing may still be leased. What is was lost, and the counts must
        # show it, so they are taken before the release; not if the last batch is left to recovery.
        counting = [self._take_balance, self._release_visits]
        if reason != "finished" or not self._is_kept:
            counting.reverse()
        closing = [self._count_new, self._leases.release, self.index.close, self._memory.stop]
        for step in [*counting, *closing]:
            self.attempt(step)
        unwatch_loop(self.run.id)

    def end_left(self) -> None:
        """End the crawl if its reactor has stopped before Scrapy closed it: at a second signal."""
        if self._was_opened and self.reason is None:
            self._closed("shutdown")

    def _end_for_memory(self) -> None:
        """Stop the crawl: whatever it goes on with would find no memory either."""
        assert self._ticking is not None, "the memory is watched from then on"
        if not self.fault:
            self.fault = f"{OUT_OF_MEMORY}."
            # what finds that may be another crawl of this process
            self._ticking.get_loop().call_soon_threadsafe(
                self._stop, self.fault, context=self._context
            )

    @_stops_on_fault
    def _end_gone(self) -> None:
        self._frontier.end_gone(self.outlet.walks)

    def _count_new(self) -> None:
        with self.index.reading() as connection:
            self.new = new_articles(connection, self.outlet.name, self.run.id, self.outlet.walks)

    def _take_balance(self) -> None:
        self.balance = self._frontier.balance()
        self.last_new = self._frontier.last_new_at()

    def _release_visits(self) -> None:
        self._frontier.release()


def _outlet_of(crawler: Crawler) -> Outlet:
    """Return the outlet of the crawl's spider, which of a site knows where articles are listed."""
    outlet = getattr(crawler.spidercls, "outlet", None)
    if isinstance(outlet, Outlet):
        return outlet
    return outlet_named(str(getattr(crawler.spidercls, "name", "")))


def _repeats(exchange: Exchange, last: LastCapture) -> bool:
    """Return whether an exchange has the payload of the URL's last capture."""
    if last.url != exchange.url or exchange.truncated:
        return False
    same_payload = warc.payload_digest(exchange) == last.payload_digest
    return same_payload or warc.is_not_modified(exchange)
