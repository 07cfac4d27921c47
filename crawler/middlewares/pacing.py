"""Downloader middlewares that send requests at a host's pace and retry when it is busy."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.utils.httpobj import urlparse_cached
from scrapy.utils.response import response_status_message

from archive.http.message import BUSY_STATUSES, retry_after
from crawler.middlewares.pace import AdaptiveDelay, Backoff, CrawlStopped, HostBusy, Pace, Turn

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

_log = logging.getLogger(__name__)

#: The name of the slot of Scrapy's downloader that all paced requests use.
_SLOT = "paced"
_AUTOTHROTTLE = "scrapy.extensions.throttle.AutoThrottle"


class PaceMiddleware:
    """Delays each request until its host's turn has come; replaces Scrapy's delays.

    A request that waits in one of Scrapy's download slots can neither be held back when the host
    asks for it nor be withdrawn when the crawl ends. So requests wait here, and all go through one
    slot of Scrapy's downloader that has no delay. No middleware nearer to the downloader may wait,
    and Scrapy's AutoThrottle extension must be off: its rule is applied here, where the
    delay cannot go below a host's Crawl-delay.

    Settings, Scrapy's and with their meaning, for each host: ``CONCURRENT_REQUESTS_PER_DOMAIN``,
    ``DOWNLOAD_DELAY``, ``DOWNLOAD_DELAY_JITTER``, ``DOWNLOAD_SLOTS``, ``AUTOTHROTTLE_ENABLED``,
    ``AUTOTHROTTLE_START_DELAY``, ``AUTOTHROTTLE_MAX_DELAY``, ``AUTOTHROTTLE_TARGET_CONCURRENCY``
    and the request meta key ``autothrottle_dont_adjust_delay``. Own ones: ``RETRY_AFTER_MAX``
    (longest wait for a host, in seconds, before it is abandoned for the run; 600),
    ``RETRY_BACKOFF`` (seconds after the first busy response without Retry-After, doubled with each
    one in a row; 5). Stats:
    ``pace/holds``, ``pace/held_seconds``, ``pace/hosts_abandoned``, ``pace/refused/<reason>``.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self._under_way: dict[Request, Turn] = {}
        self.pace = Pace(
            concurrency=max(1, settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")),
            delay=settings.getfloat("DOWNLOAD_DELAY"),
            jitter=min(1.0, settings.getfloat("DOWNLOAD_DELAY_JITTER")),
            backoff=Backoff(
                settings.getfloat("RETRY_BACKOFF", 5.0), settings.getfloat("RETRY_AFTER_MAX", 600.0)
            ),
            adaptive=_adaptive_delay(settings),
            hosts=settings.getdict("DOWNLOAD_SLOTS"),
            stopping=self._stopping,
            lost=self._lost_turns,
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware, as Scrapy does."""
        middleware = cls(crawler)
        crawler.signals.connect(middleware._add_slot, signal=signals.engine_started)
        crawler.signals.connect(middleware._closed, signal=signals.spider_closed)
        return middleware

    async def process_request(self, request: Request) -> None:
        """Wait for the host's turn.

        :raises HostBusy: the host was abandoned.
        :raises CrawlStopped: the crawl is ending.
        """
        host = host_of(request)
        try:
            turn = await self.pace.turn(host)
        except (HostBusy, CrawlStopped) as refusal:
            self._count(f"refused/{refusal.reason}")
            raise
        self._under_way[request] = turn
        request.meta["download_slot"] = _SLOT

    def process_response(self, request: Request, response: Response) -> Response:
        """Report the response to the pace, and end the turn."""
        turn = self._under_way.get(request)
        if turn is None:
            return response
        try:
            if response.status in BUSY_STATUSES:
                self._hold(turn.host, response)
            else:
                latency = None
                if not request.meta.get("autothrottle_dont_adjust_delay"):
                    latency = request.meta.get("download_latency")
                self.pace.answered(turn.host, latency, ok=response.status == 200)
        finally:
            self._end_turn(request, turn)
        return response

    def process_exception(
        self,
        request: Request,
        exception: Exception,  # noqa: ARG002 - Scrapy's signature
    ) -> None:
        """End the turn."""
        turn = self._under_way.get(request)
        if turn is not None:
            self._end_turn(request, turn)

    def _end_turn(self, request: Request, turn: Turn) -> None:
        self.pace.done(turn)
        del self._under_way[request]

    def _lost_turns(self) -> list[Turn]:
        """Forget the requests that Scrapy no longer has, and return their turns.

        A middleware nearer to the downloader that raises ends its request without us.
        """
        engine = self._crawler.engine
        assert engine is not None, "requests are waiting"
        lost = [request for request in self._under_way if request not in engine.downloader.active]
        return [self._under_way.pop(request) for request in lost]

    def _add_slot(self) -> None:
        """Configure the one download slot, as an entry of DOWNLOAD_SLOTS would."""
        engine = self._crawler.engine
        assert engine is not None, "engine_started is sent by the engine"
        engine.downloader.per_slot_settings[_SLOT] = {
            "concurrency": sys.maxsize,
            "delay": 0.0,
            "jitter": 0.0,
        }

    def _hold(self, host: str, response: Response) -> None:
        value = (response.headers.get("Retry-After") or b"").decode("latin-1")
        seconds = self.pace.busy(host, retry_after(value, datetime.now(UTC)))
        if seconds < 0:
            self._count("hosts_abandoned")
            _log.warning("%s", self.pace.abandoned(host))
        else:
            self._count("holds")
            self._count("held_seconds", round(seconds, 3))
            _log.info(
                "%s answers %d; no requests are sent to it for %.1f s",
                host,
                response.status,
                seconds,
            )

    def _stopping(self) -> bool:
        engine = self._crawler.engine
        if engine is None or not engine.running:
            return True
        # Scrapy sends no signal when it starts to close a spider. The engine then accepts no
        # requests although neither the downloader nor the scraper is full.
        scraping = engine.scraper.slot
        full = engine.downloader.needs_backout() or (
            scraping is not None and scraping.needs_backout()
        )
        return engine.needs_backout() and not full

    def _closed(self) -> None:
        self.pace.stop()

    def _count(self, name: str, by: float = 1) -> None:
        if self._crawler.stats is not None:
            # Typed as int, but it adds floats as well.
            self._crawler.stats.inc_value(f"pace/{name}", by)  # type: ignore[arg-type]


class RetryAfterMiddleware:
    """Retries requests that a busy host (429, 503) did not answer; the pace delays the retries.

    It must come right after Scrapy's RetryMiddleware, which does not see the retried responses.
    Settings: ``RETRY_ENABLED``, ``RETRY_TIMES``, ``RETRY_PRIORITY_ADJUST`` and their meta keys,
    ``dont_retry`` among them, as Scrapy documents them. Stats: ``retry/…``, as Scrapy's.
    After the last try the spider gets the response.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._enabled = crawler.settings.getbool("RETRY_ENABLED")
        self._codes_of_scrapy = {int(code) for code in crawler.settings.getlist("RETRY_HTTP_CODES")}
        if self._enabled and self._codes_of_scrapy & BUSY_STATUSES:
            raise ValueError(
                "RETRY_HTTP_CODES must not contain 429 and 503: RetryAfterMiddleware retries them"
            )
        self._pace: Pace | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware, as Scrapy does."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Return the response, or a new request to retry.

        :raises HostBusy: the host was abandoned after this response.
        """
        if response.status not in BUSY_STATUSES:
            return response
        if self._pace is None:
            self._pace = pace_of(self._crawler)
        if why := self._pace.abandoned(host_of(request)):
            raise HostBusy(why)
        if not self._enabled or request.meta.get("dont_retry"):
            return response
        assert self._crawler.spider is not None
        again = get_retry_request(
            request,
            spider=self._crawler.spider,
            reason=response_status_message(response.status),
            max_retry_times=request.meta.get("max_retry_times"),
            priority_adjust=request.meta.get("priority_adjust"),
            give_up_log_level=request.meta.get("give_up_log_level"),
        )
        return again or response


def _adaptive_delay(settings: BaseSettings) -> AdaptiveDelay | None:
    """Return the rule of AutoThrottle with its settings, None if it is off.

    :raises ValueError: the settings contradict each other.
    """
    if not settings.getbool("AUTOTHROTTLE_ENABLED"):
        return None
    extensions = settings.get_component_priority_dict_with_base("EXTENSIONS")
    if extensions.get(_AUTOTHROTTLE) is not None:
        raise ValueError(
            f"PaceMiddleware replaces AutoThrottle; put {_AUTOTHROTTLE!r}: None into EXTENSIONS"
        )
    target = settings.getfloat("AUTOTHROTTLE_TARGET_CONCURRENCY")
    if target <= 0:
        raise ValueError(f"AUTOTHROTTLE_TARGET_CONCURRENCY must be above 0, not {target}")
    return AdaptiveDelay(
        start=settings.getfloat("AUTOTHROTTLE_START_DELAY"),
        most=settings.getfloat("AUTOTHROTTLE_MAX_DELAY"),
        target=target,
    )


def host_of(request: Request) -> str:
    """Return the host of a request in lower case, without the port."""
    return urlparse_cached(request).hostname or ""


def pace_of(crawler: Crawler) -> Pace:
    """Return the crawl's pace; the engine must exist.

    :raises RuntimeError: `PaceMiddleware` is not in DOWNLOADER_MIDDLEWARES.
    """
    middleware = crawler.get_downloader_middleware(PaceMiddleware)
    if middleware is None:
        raise RuntimeError(
            "crawler.middlewares.pacing.PaceMiddleware is missing from DOWNLOADER_MIDDLEWARES"
        )
    return middleware.pace
