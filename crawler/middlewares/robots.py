"""Obey robots.txt as RFC 9309 defines it: fetched once, kept a day, unreachable is disallowed."""

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

from archive.http.message import REDIRECT_STATUSES
from crawler.httpclient.errors import AddressRefused, RequestRefused
from crawler.httpclient.request import check_url, shortened, split_url
from crawler.middlewares.identity import NAME
from crawler.middlewares.pace import CrawlStopped, HostBusy
from crawler.middlewares.pacing import pace_of
from crawler.middlewares.robots_groups import MAX_RULES, UnreadableError, own_groups

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.robotstxt import RobotParser

    from crawler.httpclient.request import Origin

_log = logging.getLogger(__name__)

#: How long a copy is valid (RFC 9309 section 2.4).
VALID_FOR = timedelta(hours=24)
#: Bytes that are parsed; section 2.5 requires at least this.
MAX_PARSED = 500 * 1024
#: Redirects followed, to any host; section 2.3.1.2 requires at least this many.
MAX_REDIRECTS = 5
#: Statuses that say nothing of what is allowed: a part of a file, and to be asked later.
_NO_ANSWERS = frozenset({206, 429})
#: Higher than that of all other requests.
_PRIORITY = 1000
#: Failures that mean the host did not serve its robots.txt.
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
    """The request is not sent because of robots.txt.

    ``reason`` is ``robots`` or ``robots_unreachable``.
    """

    def __init__(self, message: str, reason: str = "robots") -> None:
        super().__init__(message)
        self.reason = reason


class RobotsCopy(NamedTuple):
    """An origin's response for its robots.txt, redirects followed.

    ``fetched_at`` is aware, ``body`` is decoded and empty unless the status is 2xx. Other statuses
    are 4xx, and 3xx if the redirects do not end. Failures are never stored.
    """

    fetched_at: datetime
    status: int
    body: bytes


class RobotsStore(Protocol):
    """Stores copies between runs; the class that ``ROBOTS_STORE`` names. Created once for a crawl.

    ``origin`` is scheme, host and, unless it is the scheme's default, port:
    ``https://www.example.org``.
    """

    def get(self, origin: str) -> tuple[datetime, int, bytes] | None:
        """Return the stored copy, however old, None without one."""

    def put(self, origin: str, fetched_at: datetime, status: int, body: bytes) -> None:
        """Store a copy in place of the last one."""


class MemoryStore:
    """Stores copies in memory, for one run."""

    def __init__(self) -> None:
        self._copies: dict[str, RobotsCopy] = {}

    def get(self, origin: str) -> RobotsCopy | None:
        """Return the stored copy, None without one."""
        return self._copies.get(origin)

    def put(self, origin: str, fetched_at: datetime, status: int, body: bytes) -> None:
        """Store a copy in place of the last one."""
        self._copies[origin] = RobotsCopy(fetched_at, status, body)


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of an origin, valid until ``until``.

    They are those of ``parser``; without one everything is allowed or, with ``why``, disallowed.
    """

    until: datetime
    parser: RobotParser | None = None
    why: str = ""


class RobotsMiddleware:
    """Sends only requests that robots.txt allows; replaces Scrapy's RobotsTxtMiddleware.

    robots.txt is fetched once for each origin, however many requests wait for it. 2xx is parsed,
    for our own name; 4xx except 429 allows everything; 429, 5xx and any failure disallow
    everything until the next try after ``ROBOTS_RETRY_AFTER``. Crawl-delay, up to
    ``ROBOTS_MAX_DELAY``, is the host's minimum delay. More than five redirects count as 4xx, as RFC
    9309 allows.

    Settings: ``ROBOTSTXT_OBEY`` (as Scrapy's), ``ROBOTS_STORE`` (dotted path of a `RobotsStore`;
    None: memory), ``ROBOTS_MAX_DELAY`` (seconds, 60), ``ROBOTS_RETRY_AFTER`` (seconds, 300).
    Meta key: ``dont_obey_robotstxt``, as Scrapy's. Signal: ``robots_parsed``.

    Stats: Scrapy's ``robotstxt/request_count``, ``robotstxt/response_count``,
    ``robotstxt/response_status_count/<status>``, ``robotstxt/exception_count/<class>`` and
    ``robotstxt/forbidden`` (requests); ``robots/from_store``, ``robots/unreachable`` (failed
    fetches), ``robots/refused/robots_unreachable`` (requests).
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
        self._retry_after = timedelta(seconds=settings.getfloat("ROBOTS_RETRY_AFTER", 300.0))
        self._rules: dict[Origin, _Rules] = {}
        self._said_unreachable: set[Origin] = set()
        self._under_way: dict[Origin, asyncio.Task[_Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Create the middleware, as Scrapy does."""
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        store = crawler.settings.get("ROBOTS_STORE")
        return cls(
            crawler, build_from_crawler(load_object(store), crawler) if store else MemoryStore()
        )

    async def process_request(self, request: Request) -> None:
        """Return if the request is allowed.

        :raises RobotsDisallowed: robots.txt disallows it, or could not be fetched.
        :raises AddressRefused: the host may not be connected to.
        :raises HostBusy: the host was abandoned before it served its robots.txt.
        :raises CrawlStopped: the crawl is ending.
        """
        if request.meta.get("dont_obey_robotstxt"):
            return
        try:
            origin, _ = split_url(request.url)
        except RequestRefused:
            return  # the download handler refuses it with a message
        rules = self._rules.get(origin)
        now = self._clock()
        if rules is None or not now < rules.until <= now + VALID_FOR:  # it may be set back
            rules = await self._shared(origin, request)
        if rules.why:
            self._count("robots/refused/robots_unreachable")
            raise RobotsDisallowed(rules.why, "robots_unreachable")
        if rules.parser is not None and not rules.parser.allowed(request.url, NAME):
            self._count("robotstxt/forbidden")
            raise RobotsDisallowed(f"the robots.txt of {_key(origin)} disallows {request.url}")

    async def _shared(self, origin: Origin, request: Request) -> _Rules:
        """Return the origin's rules from the one fetch that all waiting requests share."""
        task = self._under_way.get(origin)
        if task is None:
            task = self._under_way[origin] = asyncio.ensure_future(self._load(origin, request))
            task.add_done_callback(lambda _: self._under_way.pop(origin))
        return await asyncio.shield(task)

    async def _load(self, origin: Origin, request: Request) -> _Rules:
        kept = self._store.get(_key(origin))
        now = self._clock()
        # A copy of a time to come is of a clock that was ahead: nothing says how old it is.
        if kept is not None and now - VALID_FOR < (copy := RobotsCopy(*kept)).fetched_at <= now:
            self._count("robots/from_store")
        else:
            try:
                copy = await self._fetch(origin)
            except (AddressRefused, HostBusy, CrawlStopped):
                raise  # the host was not contacted, so nothing is known of it
            except _UNREACHABLE as error:
                self._count(f"robotstxt/exception_count/{type(error)}")
                return self._unreachable(origin, error)
            self._store.put(_key(origin), *copy)
        rules = self._rules[origin] = self._read(origin, copy, request)
        return rules

    def _unreachable(self, origin: Origin, error: Exception) -> _Rules:
        why = f"could not read {_key(origin)}/robots.txt ({error}); treating the host as disallowed"
        self._count("robots/unreachable")
        level = logging.DEBUG if origin in self._said_unreachable else logging.WARNING
        self._said_unreachable.add(origin)
        _log.log(level, "%s; next try in %.0f s", why, self._retry_after.total_seconds())
        rules = self._rules[origin] = _Rules(self._clock() + self._retry_after, why=why)
        return rules

    async def _fetch(self, origin: Origin) -> RobotsCopy:
        engine = self._crawler.engine
        assert engine is not None
        url = first = f"{_key(origin)}/robots.txt"
        for _ in range(MAX_REDIRECTS + 1):
            request = Request(
                url,
                callback=NO_CALLBACK,
                priority=_PRIORITY,
                # Redirects are followed here, with our own limit and without a robots.txt check.
                meta={"dont_obey_robotstxt": True, "dont_redirect": True, "allow_offsite": True},
            )
            self._count("robotstxt/request_count")
            try:
                response = await engine.download_async(request)
            except AddressRefused as error:
                if url == first:
                    raise
                raise DownloadFailedError(
                    f"{first} redirects to an address that is not public: {error}"
                ) from error
            self._count("robotstxt/response_count")
            self._count(f"robotstxt/response_status_count/{response.status}")
            where = _location(response)
            if where is None:
                break
            url = where
        self._check_answer(response, moved=where is not None)
        body = response.body if 200 <= response.status < 300 else b""
        if len(body) > MAX_PARSED:
            # Part of a line could allow or disallow more than the whole line.
            body = body[: body.rfind(b"\n", 0, MAX_PARSED) + 1]
        return RobotsCopy(self._clock(), response.status, body)

    def _check_answer(self, response: Response, *, moved: bool) -> None:
        """Check that the last response says what is allowed; ``moved`` if it redirects further.

        :raises DownloadFailedError: it does not: nothing is allowed by a status that RFC 9309 does
            not name, a part of a file, or a body that does not decode.
        """
        status = response.status
        answers = 200 <= status < 300 or 400 <= status < 500
        if not moved and (not answers or status in _NO_ANSWERS):
            raise DownloadFailedError(f"{response.url} answers {status}")
        if status < 300 and "dataloss" in response.flags:
            raise DownloadFailedError(f"{response.url} does not decode")

    def _read(self, origin: Origin, copy: RobotsCopy, request: Request) -> _Rules:
        until = copy.fetched_at + VALID_FOR
        parser = None
        delay = 0.0
        if 200 <= copy.status < 300:
            try:
                groups, whole = own_groups(copy.body, NAME)
            except UnreadableError as error:
                return self._unreachable(origin, error)
            if not whole:
                _log.warning(
                    "robots.txt of %s has more than %d rules for us; the others are not read",
                    _key(origin),
                    MAX_RULES,
                )
            parser = ProtegoRobotParser.from_crawler(self._crawler, groups)
            delay = parser.crawl_delay(NAME) or 0.0
            self._crawler.signals.send_catch_log(
                signals.robots_parsed, robotparser=parser, request=request
            )
        if delay > self._most:
            _log.warning(
                "robots.txt of %s asks for a crawl delay of %g s; using %g s (ROBOTS_MAX_DELAY)",
                _key(origin),
                delay,
                self._most,
            )
            delay = self._most
        pace_of(self._crawler).at_least(origin.host, _key(origin), delay)
        return _Rules(until, parser)

    def _count(self, name: str) -> None:
        if self._crawler.stats is not None:
            self._crawler.stats.inc_value(name)


def _key(origin: Origin) -> str:
    return f"{origin.scheme}://{origin.netloc}"


def _location(response: Response) -> str | None:
    """Return the URL that a redirect leads to, None for other responses and without Location.

    :raises DownloadFailedError: no request can be made of the Location.
    """
    value = response.headers.get("Location")
    if response.status not in REDIRECT_STATUSES or not value:
        return None
    try:
        where = urljoin(response.url, value.decode("latin-1"))
        check_url(where)
    except (ValueError, RequestRefused) as error:
        target = shortened(value.decode("latin-1"))
        raise DownloadFailedError(f"{response.url} redirects to {target}: {error}") from error
    return where
