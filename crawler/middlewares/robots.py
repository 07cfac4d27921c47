"""robots.txt as RFC 9309 wants it read: fetched once, unreachable means no, kept a day."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import urljoin

from scrapy import Request, signals
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotConfigured,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser
from scrapy.utils.misc import build_from_crawler, load_object

from archive.warc.http_message import REDIRECT_STATUSES
from crawler.httpclient.errors import AddressRefused, RequestRefused
from crawler.httpclient.request import split_url
from crawler.middlewares.identity import NAME
from crawler.middlewares.pace import CrawlStopped, HostBusy
from crawler.middlewares.pacing import pace_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser

    from crawler.httpclient.request import Origin

_log = logging.getLogger(__name__)

#: How long a copy is good for (RFC 9309 section 2.4).
KEPT = timedelta(hours=24)
#: Bytes of it that are read; section 2.5 asks for no less.
PARSED = 500 * 1024
#: Redirects followed, to any authority; section 2.3.1.2 asks for no fewer.
REDIRECTS = 5
#: Ahead of everything else that waits.
_PRIORITY = 1000
#: What fetching may fail with so that the outlet, not we, is the cause.
_UNREACHABLE = (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)


class RobotsDisallowed(IgnoreRequest):
    """The request is not sent because of robots.txt; ``reason`` is ``robots`` or ``robots_unreachable``."""

    def __init__(self, message: str, reason: str = "robots") -> None:
        super().__init__(message)
        self.reason = reason


class RobotsCopy(NamedTuple):
    """What an origin answered for its robots.txt, redirects followed: when (aware), status, body as decoded.

    The status is 2xx, 4xx, or 3xx where the redirects lead nowhere; only 2xx has a body. A failure
    is never kept.
    """

    fetched_at: datetime
    status: int
    body: bytes


class RobotsStore(Protocol):
    """Where copies outlive a run: what the class that ``ROBOTS_STORE`` names must be. Built once a crawl.

    ``origin`` is scheme, host and, unless it is the scheme's own, port:
    ``https://www.example.org``.
    """

    def get(self, origin: str) -> tuple[datetime, int, bytes] | None:
        """The last copy put, however old; None if there is none."""

    def put(self, origin: str, fetched_at: datetime, status: int, body: bytes) -> None:
        """Keep a copy in place of the last."""


class MemoryStore:
    """Keeps copies for the run alone."""

    def __init__(self) -> None:
        self._copies: dict[str, RobotsCopy] = {}

    def get(self, origin: str) -> RobotsCopy | None:
        """The last copy put."""
        return self._copies.get(origin)

    def put(self, origin: str, fetched_at: datetime, status: int, body: bytes) -> None:
        """Keep a copy."""
        self._copies[origin] = RobotsCopy(fetched_at, status, body)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for an origin until ``until``: a parser, nothing forbidden (None), or all of it (``why``)."""

    until: datetime
    parser: RobotParser | None = None
    why: str = ""


class RobotsMiddleware:
    """Sends only what robots.txt allows, in place of Scrapy's RobotsTxtMiddleware.

    However many requests wait, robots.txt is fetched once an origin. 2xx is read, 4xx allows
    everything but 429, which with 5xx and any failure to get an answer disallows everything, until
    it is tried again after ``ROBOTS_RETRY_AFTER``. It is read for our own name. Crawl-delay,
    capped, becomes the least distance of the host's requests. More than five redirects count as
    4xx, as RFC 9309 allows.

    Settings: ``ROBOTSTXT_OBEY`` (Scrapy's, and ours is off without it), ``ROBOTS_STORE`` (dotted
    path of a `RobotsStore`; None: memory), ``ROBOTS_MAX_DELAY`` (seconds of Crawl-delay obeyed at
    most, 60), ``ROBOTS_RETRY_AFTER`` (seconds, 300). Meta key: ``dont_obey_robotstxt``, as
    Scrapy's. Signal: ``robots_parsed``. Stats: ``robots/request_count``, ``robots/response_count``,
    ``robots/response_status_count/<status>``, ``robots/from_store``, ``robots/unreachable`` (times
    an origin was), ``robots/refused/<reason>`` (requests).
    """

    def __init__(
        self,
        crawler: Crawler,
        store: RobotsStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self._store = store
        self._clock = clock
        self._most = settings.getfloat("ROBOTS_MAX_DELAY", 60.0)
        self._again = timedelta(seconds=settings.getfloat("ROBOTS_RETRY_AFTER", 300.0))
        self._rules: dict[Origin, _Rules] = {}
        self._under_way: dict[Origin, asyncio.Task[_Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build it."""
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        store = crawler.settings.get("ROBOTS_STORE")
        return cls(
            crawler, build_from_crawler(load_object(store), crawler) if store else MemoryStore()
        )

    async def process_request(self, request: Request) -> None:
        """Let the request through, or not.

        :raises RobotsDisallowed: robots.txt forbids it, or cannot be had.
        :raises AddressRefused: the host is not one that may be asked.
        :raises HostBusy: the host was given up before it gave its robots.txt.
        :raises CrawlStopped: the crawl is ending.
        """
        if request.meta.get("dont_obey_robotstxt"):
            return
        try:
            origin, _ = split_url(request.url)
        except RequestRefused:
            return  # no http(s) address: the wire refuses it, and says why
        rules = self._rules.get(origin)
        if rules is None or rules.until <= self._clock():
            rules = await self._shared(origin, request)
        if rules.why:
            self._count("refused/robots_unreachable")
            raise RobotsDisallowed(rules.why, "robots_unreachable")
        if rules.parser is not None and not rules.parser.allowed(request.url, NAME):
            self._count("refused/robots")
            raise RobotsDisallowed(f"the robots.txt of {_key(origin)} disallows {request.url}")

    async def _shared(self, origin: Origin, request: Request) -> _Rules:
        """The origin's rules, of the one look at them that all who wait share."""
        task = self._under_way.get(origin)
        if task is None:
            task = self._under_way[origin] = asyncio.ensure_future(self._look(origin, request))
            task.add_done_callback(lambda _: self._under_way.pop(origin))
        return await asyncio.shield(task)

    async def _look(self, origin: Origin, request: Request) -> _Rules:
        kept = self._store.get(_key(origin))
        if kept is not None and (copy := RobotsCopy(*kept)).fetched_at + KEPT > self._clock():
            self._count("from_store")
        else:
            try:
                copy = await self._fetch(origin)
            except (AddressRefused, HostBusy, CrawlStopped):
                raise  # no word of the host's: it was not asked
            except _UNREACHABLE as error:
                why = f"the robots.txt of {_key(origin)} cannot be had ({error}), which forbids everything"
                self._count("unreachable")
                _log.warning("%s; tried again in %.0f s", why, self._again.total_seconds())
                rules = self._rules[origin] = _Rules(self._clock() + self._again, why=why)
                return rules
            self._store.put(_key(origin), *copy)
        rules = self._rules[origin] = self._read(origin, copy, request)
        return rules

    async def _fetch(self, origin: Origin) -> RobotsCopy:
        engine = self._crawler.engine
        assert engine is not None
        url = first = f"{_key(origin)}/robots.txt"
        for _ in range(REDIRECTS + 1):
            request = Request(
                url,
                callback=NO_CALLBACK,
                priority=_PRIORITY,
                # Redirects are followed here, where their number is ours and none is asked for its
                # own robots.txt.
                meta={"dont_obey_robotstxt": True, "dont_redirect": True, "allow_offsite": True},
            )
            self._count("request_count")
            try:
                response = await engine.download_async(request)
            except AddressRefused as error:
                if url == first:
                    raise
                raise DownloadFailedError(f"{first} redirects inward: {error}") from error
            self._count("response_count")
            self._count(f"response_status_count/{response.status}")
            where = _location(response)
            if where is None:
                break
            url = where
        if response.status == 429 or response.status >= 500:
            raise DownloadFailedError(f"{url} answers {response.status}")
        ok = 200 <= response.status < 300
        body = response.body if ok else b""
        if len(body) > PARSED:
            # Half a line could forbid, or allow, more than the whole one.
            body = body[: body.rfind(b"\n", 0, PARSED) + 1]
        return RobotsCopy(self._clock(), response.status, body)

    def _read(self, origin: Origin, copy: RobotsCopy, request: Request) -> _Rules:
        until = copy.fetched_at + KEPT
        parser = None
        delay = 0.0
        if 200 <= copy.status < 300:
            parser = ProtegoRobotParser.from_crawler(self._crawler, copy.body)
            delay = parser.crawl_delay(NAME) or 0.0
            self._crawler.signals.send_catch_log(
                signals.robots_parsed, robotparser=parser, request=request
            )
        if delay > self._most:
            _log.warning(
                "%s wants a Crawl-delay of %g s: %g s it is", _key(origin), delay, self._most
            )
            delay = self._most
        pace_of(self._crawler).at_least(origin.host, _key(origin), delay)
        return _Rules(until, parser)

    def _count(self, name: str) -> None:
        if self._crawler.stats is not None:
            self._crawler.stats.inc_value(f"robots/{name}")


def _key(origin: Origin) -> str:
    return f"{origin.scheme}://{origin.netloc}"


def _location(response: Response) -> str | None:
    """Where a redirect leads, None if it is none or says nothing.

    :raises DownloadFailedError: it is no address that could be asked.
    """
    value = response.headers.get("Location")
    if response.status not in REDIRECT_STATUSES or not value:
        return None
    try:
        where = urljoin(response.url, value.decode("latin-1"))
    except ValueError as error:
        raise DownloadFailedError(f"{response.url} redirects to no address: {error}") from error
    if not where.startswith(("http://", "https://")):
        raise DownloadFailedError(f"{response.url} redirects to {where!r}, which is not the web")
    return where
