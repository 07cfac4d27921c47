"""The download handler: sends Scrapy's requests and archives the exchanges."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.exceptions import DownloadTimeoutError, ResponseDataLossError
from scrapy.responsetypes import responsetypes
from scrapy.utils.misc import build_from_crawler, load_object

from archive.http.message import states_status
from archive.http.redact import redact
from archive.model.exchange import Exchange, digest
from archive.warc.record_writer import payload_digest
from crawler.httpclient.budget import ByteBudget
from crawler.httpclient.connect import Connector, Route
from crawler.httpclient.deadline import Deadline
from crawler.httpclient.dns import Resolver
from crawler.httpclient.errors import (
    AddressRefused,
    CertificateError,
    HeadTooLargeError,
    RequestRefused,
    TunnelError,
)
from crawler.httpclient.pool import Pool
from crawler.httpclient.proxy import proxy_of
from crawler.httpclient.request import clean_url, request_bytes, split_url
from crawler.httpclient.tls import tls_context
from crawler.httpclient.transfer import Transfer

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response

    from crawler.httpclient.connection import Connection

_log = logging.getLogger(__name__)

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_REFUSALS = (AddressRefused, CertificateError, HeadTooLargeError, RequestRefused, TunnelError)
#: Seconds that connecting to one address may take, TLS included, without CONNECT_TIMEOUT.
_CONNECT_TIMEOUT = 10.0
_HANDLERS: WeakValueDictionary[int, ArchivingDownloadHandler] = WeakValueDictionary()


class ExchangeSink(Protocol):
    """Stores exchanges; the class that ``EXCHANGE_SINK`` names. Created once for a crawl."""

    def store(self, request: Request, exchange: Exchange) -> None:
        """Store an exchange; an exception fails the request, so that no unstored page is parsed."""


class ArchivingDownloadHandler(BaseDownloadHandler):
    """Fetches over HTTP/1.1 and stores every exchange, with its bytes as they were transferred.

    The exchange is given to the sink, and put into ``request.meta["exchange"]``, before the
    response is returned or, if the body is incomplete, before the exception is raised.

    Own settings: ``EXCHANGE_SINK`` (dotted path of an `ExchangeSink`; None: none),
    ``ALLOWED_PORTS``, ``ALLOW_LOOPBACK`` and ``RESOLVER_MAP`` (see `Resolver`; the spider's
    ``ports`` are allowed as well), ``CONNECT_TIMEOUT`` (seconds for one
    address, 10). Scrapy's, as Scrapy documents them: ``DOWNLOAD_TIMEOUT`` (for the whole
    exchange, but for the time that we hold it back ourselves, see `Deadline`),
    ``DOWNLOAD_MAXSIZE``, ``DOWNLOAD_WARNSIZE``, ``DOWNLOAD_FAIL_ON_DATALOSS``,
    ``DOWNLOAD_BIND_ADDRESS``, ``CONCURRENT_REQUESTS`` and ``…_PER_DOMAIN`` (idle connections
    kept), those of `Resolver` and of `tls_context`; and their request meta keys. Stats:
    ``httpclient/connections``, ``httpclient/stale_retries``, ``httpclient/refused/<reason>``,
    ``httpclient/truncated/<reason>``, ``httpclient/longest_held`` (the most seconds that one
    response was held back; only where one was).
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        settings = crawler.settings
        self._timeout = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._maxsize = settings.getint("DOWNLOAD_MAXSIZE")
        self._warnsize = settings.getint("DOWNLOAD_WARNSIZE")
        self._fail_on_dataloss = settings.getbool("DOWNLOAD_FAIL_ON_DATALOSS")
        self._bind_address = settings.get("DOWNLOAD_BIND_ADDRESS")
        self._pool = Pool(
            per_key=settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN") or 8,
            total=settings.getint("CONCURRENT_REQUESTS") or 16,
        )
        self._connector = Connector(
            Resolver(settings, getattr(crawler.spidercls, "ports", ())),
            tls_context(settings),
            settings.getfloat("CONNECT_TIMEOUT", _CONNECT_TIMEOUT),
        )
        self._budget = ByteBudget(self._unprocessed)
        sink = settings.get("EXCHANGE_SINK")
        self._sink: ExchangeSink | None = (
            build_from_crawler(load_object(sink), crawler) if sink else None
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the crawl's one handler.

        Scrapy asks for one for each scheme; both share one sink and one pool.
        """
        handler = _HANDLERS.get(id(crawler))
        if type(handler) is not cls:
            handler = _HANDLERS[id(crawler)] = cls(crawler)
        return handler

    async def download_request(self, request: Request) -> Response:
        """Send a request and return its response, whose exchange has been stored.

        :raises Exception: those of ``scrapy.exceptions`` and ``crawler.httpclient.errors``.
        """
        try:
            return await self._fetch(request)
        except _REFUSALS as refusal:
            self._count(f"refused/{refusal.reason}")
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def _fetch(self, request: Request) -> Response:
        captured_at = datetime.now(UTC)
        # A retry or a redirect is a copy of another request, with its exchange.
        request.meta.pop("exchange", None)
        origin, path = split_url(request.url)
        proxy = proxy_of(request)
        if proxy is None or origin.scheme == "https":
            message = request_bytes(request, origin, path, None)
        else:
            absolute = f"http://{origin.netloc}{path}"
            message = request_bytes(request, origin, absolute, proxy.authorization)
        transfer = Transfer(request, self.crawler, self._maxsize, self._warnsize, self._budget)
        self._budget.begin(transfer)
        seconds = request.meta.get("download_timeout") or self._timeout
        try:
            async with asyncio.timeout(seconds or None) as limit:
                transfer.deadline = Deadline(limit)
                await self._perform(Route(origin, proxy, self._bind(request)), message, transfer)
        except TimeoutError as error:
            failure = DownloadTimeoutError(f"{request.url} took longer than {seconds} seconds")
            failure.__cause__ = error
            transfer.fail(failure, "time")
        finally:
            self._budget.end(transfer)
            self._note_held(transfer)
        if transfer.reader.head is None:
            assert transfer.error is not None
            if transfer.reader.has_answer:
                self._store(request, transfer, message, captured_at)
            raise transfer.error
        self._store(request, transfer, message, captured_at)
        return self._response(request, transfer)

    async def _perform(self, route: Route, message: bytes, transfer: Transfer) -> None:
        connection = self._pool.take(route)
        if connection is None:
            connection = await self._connect(route)
        while True:
            try:
                await connection.perform(message, transfer)
            except BaseException:  # cancelled by the timeout or by the end of the crawl
                connection.abort()
                raise
            if not (
                connection.reused and transfer.unanswered and transfer.request.method in _IDEMPOTENT
            ):
                break
            # The server closed an idle connection while the request was being sent, as it may.
            # That is not counted as a failed try.
            self._count("stale_retries")
            transfer.restart()
            connection = await self._connect(route)
        if transfer.error is None and transfer.stopped is None and transfer.reader.keeps_alive():
            self._pool.give_back(route, connection)
        else:
            connection.abort()

    async def _connect(self, route: Route) -> Connection:
        connection = await self._connector.connect(route)
        self._pool.add(connection)
        self._count("connections")
        return connection

    def _store(
        self, request: Request, transfer: Transfer, message: bytes, captured_at: datetime
    ) -> None:
        peer = transfer.connection.ip_address if transfer.connection else None
        body = transfer.reader.body
        if transfer.truncated == "length" and transfer.maxsize:
            body.cut(transfer.maxsize)
        exchange = Exchange(
            url=clean_url(request.url),
            captured_at=captured_at,
            head=transfer.reader.raw_head,
            body=body.as_served(),
            request=redact(message),
            ip_address=str(peer or ""),
            truncated=transfer.truncated,
        )
        # Computed once for all that need it; a chunked body is not decoded again for it.
        # Readers remove chunk framing only under a valid status line.
        is_framing_known = states_status(exchange.head)
        is_whole = body.complete and not transfer.truncated and is_framing_known
        known = digest(body.payload()) if is_whole else payload_digest(exchange)
        exchange = replace(exchange, payload_digest=known)
        request.meta["exchange"] = exchange
        if exchange.truncated:
            self._count(f"truncated/{exchange.truncated}")
        if self._sink is not None:
            self._sink.store(request, exchange)

    def _response(self, request: Request, transfer: Transfer) -> Response:
        connection = transfer.connection
        head, body = transfer.reader.head, transfer.reader.body
        assert head is not None
        flags = self._flags(request, transfer)
        payload = body.payload()
        url = request.url.partition("#")[0]
        response_class = responsetypes.from_args(headers=transfer.headers, url=url, body=payload)
        response = response_class(
            url=url,
            status=head.status,
            headers=transfer.headers,
            body=payload,
            flags=flags,
            certificate=connection.certificate if connection else None,
            ip_address=connection.ip_address if connection else None,
            protocol=head.version.upper(),
        )
        if transfer.stopped is not None and transfer.stopped.fail:
            transfer.stopped.response = response
            raise transfer.stopped
        return response

    def _flags(self, request: Request, transfer: Transfer) -> list[str]:
        """Return the flags of a response, those that Scrapy's handlers set.

        :raises Exception: the transfer failed, and the response must not be used.
        """
        body = transfer.reader.body
        if transfer.error is not None:
            fails = request.meta.get("download_fail_on_dataloss", self._fail_on_dataloss)
            if fails or not isinstance(transfer.error, ResponseDataLossError):
                raise transfer.error
            return ["dataloss"]
        if transfer.stopped is not None:
            return ["download_stopped"]
        if not body.complete and body.expected is None:
            return ["partial"]  # ended by the server's closing the connection
        return []

    def _unprocessed(self) -> int:
        """Return the bytes of the responses that wait for their callbacks and pipelines."""
        try:
            engine = self.crawler.engine
        except RuntimeError:  # there is none yet: a request without a crawl
            return 0
        slot = engine.scraper.slot if engine is not None else None
        return slot.active_size if slot is not None else 0

    def _bind(self, request: Request) -> tuple[str, int] | None:
        bind = request.meta.get("bindaddress") or self._bind_address
        if not bind:
            return None
        return (bind, 0) if isinstance(bind, str) else tuple(bind)

    def _note_held(self, transfer: Transfer) -> None:
        deadline = transfer.deadline
        if deadline is not None and deadline.held and self.crawler.stats is not None:
            self.crawler.stats.max_value("httpclient/longest_held", deadline.held)

    def _count(self, name: str) -> None:
        if self.crawler.stats is not None:
            self.crawler.stats.inc_value(f"httpclient/{name}")
