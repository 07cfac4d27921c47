"""The download handler: Scrapy's request in, the exchange kept, Scrapy's response out."""

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

from archive.model.exchange import Exchange
from archive.warc.record_writer import payload_digest
from archive.warc.redact import redact
from crawler.httpclient.connect import Dialler, Route
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
#: Seconds one address may take to connect, TLS included, where CONNECT_TIMEOUT is not set.
_CONNECT_TIMEOUT = 10.0
_HANDLERS: WeakValueDictionary[int, ArchivingDownloadHandler] = WeakValueDictionary()


class ExchangeSink(Protocol):
    """Where exchanges go: what the class that ``EXCHANGE_SINK`` names must be. Built once a crawl."""

    def store(self, request: Request, exchange: Exchange) -> None:
        """Take an exchange; what is raised here fails the request, so that nothing unkept is read."""


class ArchivingDownloadHandler(BaseDownloadHandler):
    """Fetches over HTTP/1.1 and keeps every exchange, bytes as they were on the wire.

    The exchange is handed to the sink, and put into ``request.meta["exchange"]``, before the
    response is returned or, when only part of the body came, before the exception is raised.

    Own settings: ``EXCHANGE_SINK`` (dotted path of an `ExchangeSink`; None: none),
    ``ALLOW_LOOPBACK`` and ``RESOLVER_MAP`` (see `Resolver`), ``CONNECT_TIMEOUT`` (seconds one
    address may take, 10). Scrapy's, as Scrapy documents them: ``DOWNLOAD_TIMEOUT`` (bounds the
    whole fetch), ``DOWNLOAD_MAXSIZE``, ``DOWNLOAD_WARNSIZE``, ``DOWNLOAD_FAIL_ON_DATALOSS``,
    ``DOWNLOAD_BIND_ADDRESS``, ``CONCURRENT_REQUESTS`` and ``…_PER_DOMAIN`` (idle connections kept),
    those of `Resolver` and of `tls_context`; and their request meta keys. Stats:
    ``httpclient/connections``, ``httpclient/stale_retries``, ``httpclient/refused/<reason>``,
    ``httpclient/truncated/<reason>``.
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
        self._dialler = Dialler(
            Resolver(settings),
            tls_context(settings),
            settings.getfloat("CONNECT_TIMEOUT", _CONNECT_TIMEOUT),
        )
        sink = settings.get("EXCHANGE_SINK")
        self._sink: ExchangeSink | None = (
            build_from_crawler(load_object(sink), crawler) if sink else None
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """The crawl's one handler: Scrapy asks once a scheme, and there is one sink and one pool for both."""
        handler = _HANDLERS.get(id(crawler))
        if type(handler) is not cls:
            handler = _HANDLERS[id(crawler)] = cls(crawler)
        return handler

    async def download_request(self, request: Request) -> Response:
        """Fetch; the returned response's exchange has been kept.

        :raises Exception: those of ``scrapy.exceptions`` and of ``crawler.httpclient.errors``.
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
        # of the try or the redirect that this request was copied from
        request.meta.pop("exchange", None)
        origin, path = split_url(request.url)
        proxy = proxy_of(request)
        if proxy is None or origin.scheme == "https":
            message = request_bytes(request, origin, path, None)
        else:
            absolute = f"http://{origin.netloc}{path}"
            message = request_bytes(request, origin, absolute, proxy.authorization)
        transfer = Transfer(request, self.crawler, self._maxsize, self._warnsize)
        seconds = request.meta.get("download_timeout") or self._timeout
        try:
            async with asyncio.timeout(seconds or None):
                await self._perform(Route(origin, proxy, self._bind(request)), message, transfer)
        except TimeoutError as error:
            failure = DownloadTimeoutError(
                f"getting {request.url} took longer than {seconds} seconds"
            )
            failure.__cause__ = error
            transfer.fail(failure, "time")
        if transfer.reader.head is None:
            assert transfer.error is not None
            raise transfer.error
        self._keep(request, transfer, message, captured_at)
        return self._response(request, transfer)

    async def _perform(self, route: Route, message: bytes, transfer: Transfer) -> None:
        connection = self._pool.take(route)
        if connection is None:
            connection = await self._dial(route)
        while True:
            try:
                await connection.perform(message, transfer)
            except BaseException:  # cancelled: the time is up, or the crawl is
                connection.abort()
                raise
            if not (
                connection.reused and transfer.unanswered and transfer.request.method in _IDEMPOTENT
            ):
                break
            # The server closed it while our request was under way, as it may: that is no failed
            # try.
            self._count("stale_retries")
            transfer.restart()
            connection = await self._dial(route)
        if transfer.error is None and transfer.stopped is None and transfer.reader.keeps_alive():
            self._pool.give_back(route, connection)
        else:
            connection.abort()

    async def _dial(self, route: Route) -> Connection:
        connection = await self._dialler.dial(route)
        self._pool.add(connection)
        self._count("connections")
        return connection

    def _keep(
        self, request: Request, transfer: Transfer, message: bytes, captured_at: datetime
    ) -> None:
        peer = transfer.connection.ip_address if transfer.connection else None
        served = transfer.reader.body.as_served()
        if transfer.truncated == "length" and transfer.maxsize:
            served = served[: transfer.maxsize]
        exchange = Exchange(
            url=clean_url(request.url),
            captured_at=captured_at,
            head=transfer.reader.raw_head,
            body=served,
            request=redact(message),
            ip_address=str(peer or ""),
            truncated=transfer.truncated,
        )
        # once for all who ask
        exchange = replace(exchange, payload_digest=payload_digest(exchange))
        request.meta["exchange"] = exchange
        if exchange.truncated:
            self._count(f"truncated/{exchange.truncated}")
        if self._sink is not None:
            self._sink.store(request, exchange)

    def _response(self, request: Request, transfer: Transfer) -> Response:
        connection = transfer.connection
        head, body = transfer.reader.head, transfer.reader.body
        assert head is not None
        flags: list[str] = []
        if transfer.error is not None:
            if not isinstance(transfer.error, ResponseDataLossError) or request.meta.get(
                "download_fail_on_dataloss", self._fail_on_dataloss
            ):
                raise transfer.error
            flags.append("dataloss")
        elif transfer.stopped is not None:
            flags.append("download_stopped")
        elif not body.complete and body.expected is None:
            flags.append("partial")  # ended by the server's close, as Scrapy marks it
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

    def _bind(self, request: Request) -> tuple[str, int] | None:
        bind = request.meta.get("bindaddress") or self._bind_address
        if not bind:
            return None
        return (bind, 0) if isinstance(bind, str) else tuple(bind)

    def _count(self, name: str) -> None:
        if self.crawler.stats is not None:
            self.crawler.stats.inc_value(f"httpclient/{name}")
