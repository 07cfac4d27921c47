"""The one spider: an outlet's articles discovered, fetched when they are due, and handed to the pipelines."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals

from archive.frontier.visits import FrontierLink, VisitResult
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result
from archive.warc.http_message import REDIRECT_STATUSES, status_of
from crawler.discovery.plan import Plan
from crawler.extraction.extract import extract, read_exchange
from crawler.extraction.judge import judge
from crawler.middlewares.failures import verdict_of
from crawler.middlewares.pace import CrawlStopped
from crawler.model.window import Window, parse_day
from crawler.spider.candidates import Candidates
from crawler.spider.session import CrawlSession
from pipelines.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from twisted.python.failure import Failure

    from archive.articles.captures import LastCapture
    from archive.frontier.visits import Visit
    from archive.model.exchange import Exchange
    from crawler.discovery.requests import SourceRequest
    from crawler.model.outlet import Outlet

#: Visits under way at once in the scheduler: enough to keep the connections busy, few enough to
#: lease for a while.
_UNDER_WAY = 64
#: Pictures (and other asks) likewise: a page may show hundreds.
_PICTURES = 32
#: Seconds between looks at what another crawl has in hand, while there is nothing else to do.
_OTHERS = 1.0
#: Discovery goes before articles: what it shows may be due sooner.
_FIRST = 100
#: Every status comes to the spider, but for redirects, which are followed.
_STATUSES = [
    status.value for status in HTTPStatus if status >= 300 and status not in REDIRECT_STATUSES
]


class OutletSpider(Spider):
    """Base of all outlets' spiders, which :class:`crawler.spider.loader.OutletLoader` makes.

    Arguments: ``since`` and ``until`` (days of publication in KST, inclusive), ``url`` (one
    article, without discovery), ``limit`` (at most so many visits). Reads ARCHIVE_IMAGES.
    """

    outlet: Outlet

    def __init__(
        self,
        since: str = "",
        until: str = "",
        url: str = "",
        limit: str = "",
        discover: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._window = Window(
            parse_day(since) if since else None, parse_day(until) if until else None
        )
        self._url = url
        self._discovers = discover != "no"
        self._left = int(limit) if limit else None
        self.plan: Plan | None = None
        self._visits: dict[str, Visit] = {}
        self._walk: Candidates | None = None
        self._asked = 0
        self._pictures: deque[str] = deque()
        self._pictured: set[str] = set()
        self._changed = asyncio.Event()
        self.session: CrawlSession

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Make the spider and its session."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.session = CrawlSession.from_crawler(crawler)
        crawler.signals.connect(spider._bug_in_pipeline, signals.item_error)
        crawler.signals.connect(spider._bug_in_callback, signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Ask the channels, then visit what is due, until nothing is left of either."""
        if self._url:
            self._discover_one(self._url)
        elif self._discovers:
            self.plan = Plan(self.outlet, self._window, datetime.now(UTC))
            self._walk = Candidates(self.plan, self.session)
        while not self.session.fault:
            self._changed.clear()
            for source in self.plan.next_requests() if self.plan else ():
                self._asked += 1
                yield self._source_request(source)
            while self._pictures and self._asked < _PICTURES:
                self._asked += 1
                yield self._picture(self._pictures.popleft())
            if self._walk is not None and self._walk.take_up(self._visits):
                self._changed.set()
            for request in self._visit_requests():
                yield request
            if self._asked or self._visits:
                await self._changed.wait()
            elif self.plan is None or self.plan.finished or self._left == 0:
                break
            elif (
                self._walk is not None
                and not self._changed.is_set()
                and not self._walk.learn_from_others()
            ):
                await asyncio.sleep(_OTHERS)

    def parse_source(self, response: Response, source: SourceRequest) -> None:
        """Read a feed, sitemap or list page."""
        assert self.plan is not None, "only a plan asks sources"
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        result = self.plan.read_response(source, response.body, content_type, response.status)
        if result.fault is not None:
            self.logger.warning(
                "%s %s: %s", source.channel, result.fault.url, result.fault.sentence
            )
        self._discover(
            FrontierLink(link.article_id, link.url, link.published_at, link.channel)
            for link in result.links
        )
        self._source_done()

    def parse(self, response: Response, **_: Any) -> list[Page]:
        """Read an article's page, from the exchange that the wire kept.

        A list and no generator: of a generator Scrapy reads the source again for every response.
        """
        request = response.request
        assert request is not None, "Scrapy sets a response's request before the callback"
        visit: Visit = request.meta["visit"]
        exchange: Exchange = request.meta["exchange"]
        last: LastCapture | None = request.meta.get("last_capture")
        if last is not None and request.meta.get("repeats"):
            rules, source = self.outlet.rules, visit.url
            page = Page(
                exchange=exchange,
                outlet=self.name,
                rules=rules,
                source=source,
                visit=visit.article_id,
            )
            return [replace(page, verdict=Verdict(Outcome.UNCHANGED), revision_id=last.revision_id)]
        page = judge(extract(exchange, self.outlet, source=visit.url), self.outlet)
        return [replace(page, visit=visit.article_id)]

    def deposit(self, page: Page) -> None:
        """Take the page at the end of the pipelines."""
        self.session.add(page)
        if page.article is not None and self.settings.getbool("ARCHIVE_IMAGES"):
            self._want_pictures([image.url for image in page.article.images])
        self._visit_done(page.visit, page.article.published_at if page.article else None)

    def failed(self, failure: Failure) -> None:
        """Note a visit that gave no response."""
        request: Request = failure.request  # type: ignore[attr-defined]  # set by Scrapy
        # never sent: it stays leased, and is given back at the end
        if isinstance(failure.value, CrawlStopped):
            self._visit_done(request.meta["visit"].article_id, None)
            return
        visit: Visit = request.meta["visit"]
        exchange: Exchange | None = request.meta.get("exchange")
        # it is kept, and its row has to say as what
        if exchange is not None and not request.meta.get("repeats"):
            page = judge(read_exchange(exchange, self.outlet, source=visit.url), self.outlet)
            if page.article is None:
                self.session.add(replace(page, final=False))
        self._note(
            visit,
            verdict_of(failure.value),
            status_of(exchange.head) if exchange is not None else None,
        )

    def source_failed(self, failure: Failure) -> None:
        """Tell the plan of a source that could not be fetched."""
        assert self.plan is not None, "only a plan asks sources"
        request: Request = failure.request  # type: ignore[attr-defined]  # as above
        source: SourceRequest = request.cb_kwargs["source"]
        if isinstance(failure.value, CrawlStopped):  # never sent: that says nothing of the source
            self.plan.fail(source, "the crawl was stopped before it was asked")
            self._source_done()
            return
        verdict = verdict_of(failure.value)
        self.logger.warning("%s %s: %s %s", source.channel, source.url, verdict, verdict.detail)
        self.plan.fail(source, f"{verdict.reason}: {verdict.detail}")
        self._source_done()

    def picture_kept(self, _: Response) -> None:
        """Note that a picture has come; the wire has kept it."""
        self._source_done()

    def picture_failed(self, failure: Failure) -> None:
        """Note that a picture did not come: the article stands without it."""
        request: Request = failure.request  # type: ignore[attr-defined]  # as above
        self.logger.warning("picture %s: %s", request.url, verdict_of(failure.value))
        self._source_done()

    def _want_pictures(self, urls: Iterable[str]) -> None:
        wanted = {url for url in urls if url.startswith(("http://", "https://"))} - self._pictured
        known = self.session.captured(wanted) if wanted else None
        if known is not None:
            self._pictured |= wanted
            self._pictures.extend(sorted(wanted - known))

    def _picture(self, url: str) -> Request:
        return Request(
            url,
            callback=self.picture_kept,
            errback=self.picture_failed,
            meta={"handle_httpstatus_list": _STATUSES, "as_served": True},
            dont_filter=True,
        )

    def _source_request(self, source: SourceRequest) -> Request:
        return Request(
            source.url,
            callback=self.parse_source,
            errback=self.source_failed,
            cb_kwargs={"source": source},
            meta={"handle_httpstatus_list": _STATUSES},
            priority=_FIRST,
            dont_filter=True,
        )

    def _visit_requests(self) -> Iterable[Request]:
        room = _UNDER_WAY - len(self._visits)
        if self._left is not None:
            room = min(room, self._left)
        if room < min(_UNDER_WAY // 2, self._left or _UNDER_WAY):
            return
        visits = self.session.take(room)
        again = [visit.url for visit in visits if visit.looks]
        known = self.session.last_captures(again) if again else {}
        for visit in visits:
            self._visits[visit.article_id] = visit
            if self._left is not None:
                self._left -= 1
            yield self._visit_request(visit, known.get(visit.url))

    def _visit_request(self, visit: Visit, last: LastCapture | None) -> Request:
        headers: dict[str, str] = {}
        if last is not None and visit.etag:
            headers["If-None-Match"] = visit.etag
        if last is not None and visit.last_modified:
            headers["If-Modified-Since"] = visit.last_modified
        return Request(
            visit.url,
            callback=self.parse,
            errback=self.failed,
            headers=headers,
            meta={
                "visit": visit,
                "last_capture": last,
                "handle_httpstatus_list": _STATUSES,
                "as_served": True,
            },
            dont_filter=True,
        )

    def _discover_one(self, url: str) -> None:
        address = self.outlet.identify(url)
        assert address is not None, "the command checks the address"
        self._discover([FrontierLink(address.article_id, address.url, None, "argument")])
        self.session.attempt(lambda: self.session.frontier.again([address.article_id]))

    def _discover(self, links: Iterable[FrontierLink]) -> None:
        links = list(links)
        if links:
            self.session.attempt(lambda: self.session.frontier.discover(links))

    def _note(self, visit: Visit, verdict: Verdict, status: int | None = None) -> None:
        visited = VisitResult(article_id=visit.article_id, verdict=verdict, status=status)
        result = Result(
            source=visit.url, verdict=verdict, outlet=self.name, url=visit.url, visited=visited
        )
        self.session.note(result)
        self._visit_done(visit.article_id, None)

    def _visit_done(self, article_id: str, published_at: datetime | None) -> None:
        self._visits.pop(article_id, None)
        if self._walk is not None:
            self._walk.learn(article_id, published_at)
        self._changed.set()

    def _source_done(self) -> None:
        self._asked -= 1
        self._changed.set()

    def _bug_in_pipeline(self, item: Page, failure: Failure) -> None:
        """Keep a page whose step raised: its bytes are in the archive, its visit failed by our own fault."""
        visit = self._visits.get(item.visit)
        if visit is not None:
            self._note(visit, Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, repr(failure.value)))

    def _bug_in_callback(self, failure: Failure, response: Response) -> None:
        visit = response.meta.get("visit")
        if visit is not None and visit.article_id in self._visits:
            self._note(visit, Verdict(Outcome.FAILED, Reason.INTERNAL_ERROR, repr(failure.value)))
        elif visit is None:
            self._source_done()
