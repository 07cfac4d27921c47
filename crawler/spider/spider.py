"""The spider of every outlet: discovers articles and fetches those that are due."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.settings import SETTINGS_PRIORITIES

from archive.frontier.visits import FrontierLink, VisitResult
from archive.http.content_coding import split_codings
from archive.http.message import NO_STATUS, REDIRECT_STATUSES, status_of, validator
from archive.model.outcome import OF_HOST, Outcome, Reason, Verdict
from archive.runs.recorder import Result
from crawler import VERSION
from crawler.discovery import feeds, list_pages
from crawler.discovery.plan import Plan
from crawler.discovery.requests import Limits
from crawler.extraction.extract import extract
from crawler.extraction.judge import judge
from crawler.extraction.reading import read_exchange
from crawler.httpclient.errors import RequestRefused
from crawler.httpclient.request import check_url
from crawler.middlewares.failures import verdict_of
from crawler.middlewares.identity import NAME, ContactError, agent
from crawler.middlewares.pace import CrawlStopped
from crawler.model.channels import ListPage
from crawler.model.window import Window, parse_day, parse_days
from crawler.spider.candidates import Candidates
from crawler.spider.images import Images
from crawler.spider.session import CrawlSession
from crawler.spider.void_settings import UNUSED_JOBDIR
from pipelines.deposit import retry_time
from pipelines.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.exceptions import DropItem
    from scrapy.http import Response
    from scrapy.settings import BaseSettings
    from twisted.python.failure import Failure

    from archive.captures.rows import LastCapture
    from archive.frontier.visits import Visit
    from archive.model.exchange import Exchange
    from crawler.discovery.requests import SourceRequest
    from crawler.model.outlet import Outlet

#: Visits given to Scrapy at once: enough to keep the connections busy, few enough to be done before
#: their leases end.
_MAX_VISITS = 64
#: Requests for sources and images given to Scrapy at once; a page may show hundreds of images.
_MAX_OTHERS = 32
#: Links added to the frontier at once; their rows take a kilobyte each.
_MAX_LINKS = 2_000
#: Seconds until the index is asked again for what has become due, while visits are under way.
_LOOK_AGAIN = 10.0
#: Seconds between checks of what other crawls have leased, while there is nothing else to do.
_WAIT_FOR_OTHERS = 1.0
#: Seconds between checks for requests that Scrapy no longer has and that were never answered.
_CHECK_LOST = 1.0
#: Above the priority of the command line, whose settings Scrapy applies once more.
_ABOVE_ALL = SETTINGS_PRIORITIES["cmdline"] + 1
#: Sources are fetched before articles: what they list may be due sooner.
_SOURCE_PRIORITY = 100
#: The spider handles every status but redirects, which are followed: those of no standard, too.
_HANDLED_STATUSES = [
    NO_STATUS,
    *(status for status in range(300, 1000) if status not in REDIRECT_STATUSES),
]


class OutletSpider(Spider):
    """Base class of the outlets' spiders, which `crawler.spider.loader.OutletLoader` creates.

    Arguments: ``since`` and ``until`` (days of publication in KST, inclusive), ``url`` (one
    article, without discovery), ``limit`` (most visits), ``discover=no`` (only visit what is due),
    ``again`` (days, KST: visit what was found gone on them, without discovery).
    Reads ARCHIVE_IMAGES, IMAGES_PER_ARTICLE and IMAGE_HOSTS.
    """

    outlet: Outlet
    #: The ports of the outlet's addresses, which the download handler may connect to.
    ports: frozenset[int]
    #: How far discovery goes.
    limits = Limits()

    def __init__(
        self,
        since: str = "",
        until: str = "",
        url: str = "",
        limit: str = "",
        discover: str = "",
        again: str = "",
        **kwargs: Any,
    ) -> None:
        # Scrapy makes attributes of them; none may take the place of a method.
        super().__init__(**{name: kwargs[name] for name in kwargs if not hasattr(type(self), name)})
        self._window = Window(
            parse_day(since) if since else None, parse_day(until) if until else None
        )
        self._url = url
        self._discovers = discover != "no"
        self._again = parse_days(again) if again else None
        self._visits_left = int(limit) if limit else None
        self.plan: Plan | None = None
        self._visits: dict[str, Visit] = {}
        #: Until then nothing more is due but what is discovered meanwhile.
        self._none_due_until = 0.0
        self._candidates: Candidates | None = None
        #: Sources requested and not yet answered.
        self._sources: set[SourceRequest] = set()
        self._said_unreachable: set[str] = set()
        self._changed = asyncio.Event()
        self.session: CrawlSession
        self.images: Images

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Put CONTACT into the user agent, if that is ours, whoever starts the crawl.

        An invalid one is left for `crawler.spider.obligations`, which refuses the crawl.
        """
        super().update_settings(settings)
        if str(settings.get("USER_AGENT") or "").startswith(f"{NAME}/{VERSION}"):
            with suppress(ContactError):
                user_agent = agent(str(settings.get("CONTACT") or ""), VERSION)
                settings.set("USER_AGENT", user_agent, priority="cmdline")
        # The index remembers what a stopped crawl has left to fetch; no queue is needed on disk.
        settings.set(UNUSED_JOBDIR, settings.get("JOBDIR"), priority="cmdline")
        settings.set("JOBDIR", None, priority=_ABOVE_ALL)

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Create the spider with the crawl's session."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.session = CrawlSession.from_crawler(crawler)
        spider.images = Images(cls.outlet, crawler.settings)
        crawler.signals.connect(spider._bug_in_pipeline, signals.item_error)
        crawler.signals.connect(spider._dropped, signals.item_dropped)
        crawler.signals.connect(spider._bug_in_callback, signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Yield requests for sources, images and due articles until nothing is left to fetch."""
        if self._url:
            self._discover_url(self._url)
        elif self._again is not None:
            self.session.look_again(*self._again)
        elif self._discovers:
            self.plan = Plan(self.outlet, self._window, datetime.now(UTC), self.limits)
            self._candidates = Candidates(self.plan, self.session)
        watch = asyncio.ensure_future(self._end_lost_requests())
        try:
            while not self.session.fault:
                self._changed.clear()
                for request in self._next_requests():
                    yield request
                if not self._is_waiting() and self._is_finished():
                    break
                await self._wait()
        finally:
            watch.cancel()

    def _next_requests(self) -> Iterator[Request]:
        """Yield the requests that may be sent now."""
        for source in self.plan.next_requests() if self.plan else ():
            self._sources.add(source)
            if self._is_requestable(source):
                yield self._source_request(source)
        while len(self._sources) + len(self.images.under_way) < _MAX_OTHERS:
            image = self.images.take()
            if image is None:
                break
            yield self._image_request(image)
        if self._candidates is not None and self._candidates.add_next(self._visits):
            self._changed.set()
            self._none_due_until = 0.0
        yield from self._visit_requests()

    def _is_requestable(self, source: SourceRequest) -> bool:
        """Return whether a source's URL is valid; if it is not, the source has failed."""
        assert self.plan is not None, "sources are requested only by a plan"
        try:
            check_url(source.url)
        except RequestRefused as refusal:
            self.logger.warning("%s: %s", source.channel, refusal)
            self.plan.fail(source, f"{refusal.reason}: {refusal}")
            self._source_done(source)
            return False
        return True

    def _is_waiting(self) -> bool:
        """Return whether any request is not answered yet."""
        return bool(self._sources or self.images.under_way or self._visits)

    def _is_finished(self) -> bool:
        """Return whether nothing more can be discovered or visited."""
        return self.plan is None or self.plan.finished or self._visits_left == 0

    async def _wait(self) -> None:
        """Wait for a result of our requests, or for one of another crawl if there are none.

        :raises RuntimeError: there is nothing to wait for, though discovery is not finished.
        """
        if self._is_waiting():
            await self._changed.wait()
        elif not self._changed.is_set():
            if self._candidates is None or not self._candidates.are_open:
                raise RuntimeError("discovery is not finished, but has nothing to request")
            if not self._candidates.learn_from_others():
                await asyncio.sleep(_WAIT_FOR_OTHERS)

    def parse_source(self, response: Response, source: SourceRequest) -> None:
        """Parse a feed, sitemap or list page, and add its links to the frontier."""
        assert self.plan is not None, "sources are requested only by a plan"
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        fields = response.headers.getlist("Content-Encoding")
        codings = split_codings(field.decode("latin-1") for field in fields)
        result = self.plan.read_response(
            source, response.body, content_type, response.status, codings
        )
        if result.fault is not None:
            self.logger.warning(
                "%s %s: %s", source.channel, result.fault.url, result.fault.sentence
            )
        self._discover(
            FrontierLink(
                link.article_id, link.url, link.published_at, link.channel, link.modified_at
            )
            for link in result.links
        )
        self._source_done(source)

    def parse(self, response: Response, **_: Any) -> list[Page]:
        """Parse an article's page from the archived exchange.

        Returns a list and is no generator: Scrapy inspects a generator's source code once a
        response.

        :raises TypeError: a component of the user's made the response, so nothing is archived.
        """
        request = response.request
        assert request is not None, "Scrapy sets a response's request before the callback"
        visit: Visit = request.meta["visit"]
        exchange: Exchange | None = request.meta.get("exchange")
        if exchange is None:
            raise TypeError("a downloader middleware answered in place of the outlet")
        last: LastCapture | None = request.meta.get("last_capture")
        if last is not None and request.meta.get("repeats"):
            page = Page(
                exchange=exchange,
                outlet=self.name,
                rules=self.outlet.rules,
                source=visit.url,
                visit=visit.article_id,
                verdict=Verdict(Outcome.UNCHANGED),
                revision_id=last.revision_id,
            )
            return [page]
        page = judge(extract(exchange, self.outlet, source=visit.url), self.outlet)
        return [replace(page, visit=visit.article_id)]

    def deposit(self, page: Page) -> None:
        """Store a page that has passed the pipelines, and end its visit."""
        self.session.add_page(page)
        article = page.article
        self._visit_done(page.visit, article.published_at if article else None)
        if article is not None and self.settings.getbool("ARCHIVE_IMAGES"):
            self.images.add((image.url for image in article.images), self.session.captured_urls)

    def failed(self, failure: Failure) -> None:
        """Record a visit that got no response."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        visit: Visit = request.meta["visit"]
        if isinstance(failure.value, CrawlStopped):
            # The request was not sent. The article stays leased until the session is closed.
            self._visit_done(visit.article_id, None)
            return
        exchange: Exchange | None = request.meta.get("exchange")
        status = again = None
        if exchange is not None:
            status = status_of(exchange.head)
            again = retry_time(exchange)
            if not request.meta.get("repeats"):
                self._add_unparsed(exchange, visit)
        self._visit_failed(visit, verdict_of(failure.value), status, again)

    def source_failed(self, failure: Failure) -> None:
        """Report to the plan a source that could not be fetched."""
        assert self.plan is not None, "sources are requested only by a plan"
        request: Request = failure.request  # type: ignore[attr-defined]  # as above
        source: SourceRequest = request.cb_kwargs["source"]
        if isinstance(failure.value, CrawlStopped):
            # The request was not sent, so nothing is known of the source.
            self.plan.fail(source, "the crawl was stopped before it was requested")
        else:
            verdict = verdict_of(failure.value)
            self._log_failed(source.channel, source.url, verdict)
            self.plan.fail(source, f"{verdict.reason}: {verdict.detail}")
        self._source_done(source)

    def image_stored(self, _: Response, image: str) -> None:
        """Count an image as done; the download handler has archived it."""
        self._image_done(image)

    def image_failed(self, failure: Failure) -> None:
        """Log an image that could not be fetched; its article is complete without it."""
        request: Request = failure.request  # type: ignore[attr-defined]  # as above
        self._log_failed("image", request.url, verdict_of(failure.value))
        self._image_done(request.cb_kwargs["image"])

    def _log_failed(self, what: str, url: str, verdict: Verdict) -> None:
        """Log why a source or image could not be fetched; a bug of ours fails the crawl.

        A host that cannot be reached is told of once.
        """
        sentence = f"{what} {url}: {verdict} {verdict.detail}"
        if verdict.reason is Reason.INTERNAL_ERROR:
            self.session.note_bug(sentence)
        else:
            level = logging.DEBUG if self._was_said(url, verdict) else logging.WARNING
            self.logger.log(level, "%s", sentence)

    def _was_said(self, url: str, verdict: Verdict) -> bool:
        """Return whether it was told before that the host cannot be reached; from now on it was."""
        if verdict.reason is Reason.ROBOTS_UNREACHABLE:
            return True  # by the robots middleware
        if verdict.reason not in OF_HOST:
            return False
        host = urlsplit(url).netloc
        was_said = host in self._said_unreachable
        self._said_unreachable.add(host)
        return was_said

    def _add_unparsed(self, exchange: Exchange, visit: Visit) -> None:
        """Store why an archived exchange of a failed visit gives no article."""
        page = judge(read_exchange(exchange, self.outlet, source=visit.url), self.outlet)
        if page.verdict is not None:
            self.session.add_page(replace(page, final=False))

    def _image_request(self, url: str) -> Request:
        return Request(
            url,
            callback=self.image_stored,
            errback=self.image_failed,
            cb_kwargs={"image": url},
            meta={
                "handle_httpstatus_list": _HANDLED_STATUSES,
                "as_served": True,
                "redirect_hosts": self.images.hosts,
            },
            dont_filter=True,
        )

    def _source_request(self, source: SourceRequest) -> Request:
        meta: dict[str, Any] = {"handle_httpstatus_list": _HANDLED_STATUSES}
        if isinstance(source.source, ListPage):
            meta |= {"decoded_maxsize": list_pages.MAX_BYTES}
        else:
            # A sitemap may be larger than any page, on the wire and decoded. It is decoded while it
            # is read: many at once, packed at a thousandth, must not be in memory unpacked.
            meta |= {"download_maxsize": feeds.MAX_BYTES, "as_served": True}
        return Request(
            source.url,
            callback=self.parse_source,
            errback=self.source_failed,
            cb_kwargs={"source": source},
            meta=meta,
            priority=_SOURCE_PRIORITY,
            dont_filter=True,
        )

    def _visit_requests(self) -> Iterator[Request]:
        """Lease articles that are due and yield their requests, when half of the room is free.

        Where fewer were due than there was room, the index is not asked again after each page.
        """
        if self._visits and monotonic() < self._none_due_until:
            return
        room = _MAX_VISITS - len(self._visits)
        wanted = _MAX_VISITS // 2
        if self._visits_left is not None:
            room = min(room, self._visits_left)
            wanted = min(wanted, self._visits_left or _MAX_VISITS)
        if room < wanted:
            return
        visits = self.session.lease_visits(room) or []
        if len(visits) < room:
            self._none_due_until = monotonic() + _LOOK_AGAIN
        last_captures = self._last_captures(visits)
        for visit in visits:
            self._visits[visit.article_id] = visit
            if self._visits_left is not None:
                self._visits_left -= 1
            yield self._visit_request(visit, last_captures.get(visit.url))

    def _last_captures(self, visits: Iterable[Visit]) -> dict[str, LastCapture]:
        """Return the last capture by URL of those articles that were visited before."""
        urls = [visit.url for visit in visits if visit.visits]
        if not urls:
            return {}
        return self.session.last_captures(urls) or {}

    def _visit_request(self, visit: Visit, last: LastCapture | None) -> Request:
        headers: dict[str, bytes] = {}
        if last is not None and (etag := validator(visit.etag)):
            headers["If-None-Match"] = etag.encode("latin-1")
        if last is not None and (modified := validator(visit.last_modified)):
            headers["If-Modified-Since"] = modified.encode("latin-1")
        return Request(
            visit.url,
            callback=self.parse,
            errback=self.failed,
            headers=headers,
            meta={
                "visit": visit,
                "last_capture": last,
                "handle_httpstatus_list": _HANDLED_STATUSES,
                "as_served": True,
            },
            dont_filter=True,
        )

    def _discover_url(self, url: str) -> None:
        """Add one article to the frontier and make it due now."""
        address = self.outlet.identify(url)
        assert address is not None, "the command checks the URL"
        self._discover([FrontierLink(address.article_id, address.url, None, "argument")])
        self.session.visit_again([address.article_id])

    def _discover(self, links: Iterable[FrontierLink]) -> None:
        """Add links to the frontier, in parts: a sitemap may have 50,000."""
        self._none_due_until = 0.0
        rest = iter(links)
        while part := list(islice(rest, _MAX_LINKS)):
            self.session.discover(part)

    def _visit_failed(
        self,
        visit: Visit,
        verdict: Verdict,
        status: int | None = None,
        again: datetime | None = None,
    ) -> None:
        visited = VisitResult(
            article_id=visit.article_id, verdict=verdict, status=status, retry_at=again
        )
        result = Result(
            source=visit.url, verdict=verdict, outlet=self.name, url=visit.url, visited=visited
        )
        # At a bug here the visit stays open; `_bug_in_callback` or `_end_if_lost` ends it.
        self.session.add_result(result)
        self._visit_done(visit.article_id, None)

    def _visit_done(self, article_id: str, published_at: datetime | None) -> None:
        self._visits.pop(article_id, None)
        self._changed.set()
        if self._candidates is not None:
            self._candidates.learn(article_id, published_at)

    def _source_done(self, source: SourceRequest) -> None:
        self._sources.discard(source)
        self._changed.set()

    def _image_done(self, image: str) -> None:
        self.images.done(image)
        self._changed.set()

    def _bug_in_pipeline(self, response: Response | None, failure: Failure) -> None:
        """Record the visit of a page whose pipeline raised; its exchange is in the archive."""
        visit = self._open_visit(response)
        if visit is not None:
            self._visit_broke(visit.article_id, repr(failure.value))

    def _dropped(self, response: Response | None, exception: DropItem) -> None:
        """Record the visit of a page that a pipeline of the user's dropped before the deposit."""
        # Scrapy's frames refer to the exception, and its traceback to them: the page would stay in
        # memory until Python looks for cycles.
        exception.__traceback__ = None
        visit = self._open_visit(response)
        if visit is not None:
            verdict = Verdict(Outcome.SKIPPED, Reason.DROPPED, str(exception))
            self._visit_failed(visit, verdict, response.status if response is not None else None)

    def _open_visit(self, response: Response | None) -> Visit | None:
        """Return the visit that a response answers, None if it has ended or there is none.

        The item is not asked: a component of the user's may have replaced it.
        """
        request = response.request if response is not None else None
        visit: Visit | None = request.meta.get("visit") if request is not None else None
        return self._visits.get(visit.article_id) if visit is not None else None

    def _bug_in_callback(self, failure: Failure, response: Response | Failure | None) -> None:
        """Record the visit, or end the request, whose callback or errback raised.

        ``response`` is what that was called with, None if `start` raised.
        """
        request: Request | None = getattr(response, "request", None)
        if request is None:
            return
        bug = repr(failure.value)
        visit = request.meta.get("visit")
        if visit is not None:
            self._visit_broke(visit.article_id, bug)
        elif "source" in request.cb_kwargs:
            self._source_broke(request.cb_kwargs["source"], bug)
        elif "image" in request.cb_kwargs:
            self._image_done(request.cb_kwargs["image"])

    def _visit_broke(self, article_id: str, bug: str) -> None:
        """Record a visit that a bug ended, unless it has ended before."""
        visit = self._visits.get(article_id)
        if visit is not None:
            self._visit_failed(visit, Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, bug))

    def _source_broke(self, source: SourceRequest, bug: str) -> None:
        """Report to the plan a source whose reading a bug ended, unless it has an answer."""
        assert self.plan is not None, "sources are requested only by a plan"
        try:
            self.plan.give_up(source, bug)
        finally:
            self._source_done(source)

    async def _end_lost_requests(self) -> None:
        """End what Scrapy no longer has and never answered, so that no bug can make a crawl hang.

        For instance, a middleware of the user's may swallow what a callback returns.
        """
        while True:
            await asyncio.sleep(_CHECK_LOST)
            self.session.attempt(self._end_if_lost)

    def _end_if_lost(self) -> None:
        if not self._is_waiting() or not self._scrapy_is_idle():
            return
        self.session.note_bug("requests were never answered; they are counted as failed")
        why = "the request was never answered"
        for article_id in list(self._visits):
            self.session.attempt(partial(self._visit_broke, article_id, why))
            if self._visits.pop(article_id, None) is not None:
                self.session.attempt(partial(self.session.end_visit, article_id))
        for source in list(self._sources):
            self.session.attempt(partial(self._source_broke, source, why))
            self._sources.discard(source)
        for image in list(self.images.under_way):
            self._image_done(image)
        self._changed.set()  # whatever raised: nothing of it is waited for any longer

    def _scrapy_is_idle(self) -> bool:
        """Return whether no request is waiting, being downloaded or being processed."""
        engine = self.crawler.engine
        if engine is None or engine.scheduler is None or engine.scraper.slot is None:
            return False
        return (
            not engine.downloader.active
            and not engine.scheduler.has_pending_requests()
            and engine.scraper.slot.is_idle()
        )
