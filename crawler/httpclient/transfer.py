"""One response on its way: limits, signals and the moment it is over."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import (
    DownloadCancelledError,
    DownloadFailedError,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Headers
from twisted.python.failure import Failure

from archive.warc.http_message import MessageError
from crawler.httpclient.errors import HeadTooLargeError
from crawler.httpclient.response_parser import ResponseReader

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.httpclient.connection import Connection

_log = logging.getLogger(__name__)


class Transfer:
    """Reads one response as it comes and ends ``done`` once it is whole, cut or failed.

    ``connection`` is the one it came over; ``error`` is what to raise, or None; ``truncated`` is as
    in ``Exchange``; ``stopped`` is the StopDownload a signal handler raised. Reads
    ``download_maxsize`` and ``download_warnsize`` from the request's meta, else ``maxsize`` and
    ``warnsize``; both count bytes of the body as served, and 0 is no limit.
    """

    def __init__(self, request: Request, crawler: Crawler, maxsize: int, warnsize: int) -> None:
        self.request = request
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reader = ResponseReader(request.method)
        self.connection: Connection | None = None
        self.headers = Headers()
        self.error: Exception | None = None
        self.truncated = ""
        self.stopped: StopDownload | None = None
        self.maxsize: int = request.meta.get("download_maxsize", maxsize)
        self._warnsize: int = request.meta.get("download_warnsize", warnsize)
        self._crawler = crawler
        self._over = False
        self._started = monotonic()

    @property
    def unanswered(self) -> bool:
        """Whether the connection was lost before the first byte of a response."""
        return isinstance(self.error, DownloadFailedError) and self.reader.silent

    def restart(self) -> None:
        """Make ready for another try over a fresh connection, after `unanswered`."""
        self.done = asyncio.get_running_loop().create_future()
        self.error, self._over = None, False

    def fail(self, error: Exception, truncated: str = "") -> None:
        """End the transfer with what to raise, and why the body is not whole; a second end is no end."""
        if not self._over:
            self.error, self.truncated = error, truncated
            self._end()

    def _end(self) -> None:
        self._over = True
        if not self.done.done():  # who waits for it may have been cancelled
            self.done.set_result(None)

    def feed(self, data: bytes) -> None:
        """Take the next bytes off the connection."""
        reader = self.reader
        in_head = reader.head is None
        try:
            if in_head:
                rest = reader.feed_head(data)
                if rest is None:
                    return
                in_head = False
                self._head_came()
                if self._over:
                    # What of the body came with the head is kept; the signals for it are not owed.
                    reader.body.feed(rest)
                    return
                data = rest
            if data:
                self._body_came(data)
        except MessageError as error:
            if in_head:
                self.fail(DownloadFailedError(f"{self.request.url} answers no HTTP: {error}"))
            else:
                self.fail(ResponseDataLossError(str(error)), "disconnect")
        except HeadTooLargeError as error:
            self.fail(error)
        if reader.body.complete and not self._over:
            self._end()

    def lost(self, exc: Exception | None) -> None:
        """The connection is closed: the end of a body that nothing else delimits, a failure for others."""
        if self._over:
            return
        if self.reader.head is None:
            why = f" ({exc})" if exc else ""
            self.fail(
                DownloadFailedError(
                    f"{self.request.url}: the connection closed before an answer{why}"
                )
            )
        elif exc is None and self.reader.body.close():
            self._end()
        else:
            self.fail(
                ResponseDataLossError(f"the connection closed within the body ({exc})"),
                "disconnect",
            )

    def _head_came(self) -> None:
        request, head = self.request, self.reader.head
        assert head is not None
        request.meta["download_latency"] = monotonic() - self._started
        self.headers = Headers([(k.encode("latin-1"), v.encode("latin-1")) for k, v in head.fields])
        expected = self.reader.body.expected
        self._stop_asked(signals.headers_received, headers=self.headers, body_length=expected)
        if expected and not self._over:
            if self.maxsize and expected > self.maxsize:
                self._too_large(expected, "announces")
            self._warn_if_large(expected, "announces")

    def _body_came(self, data: bytes) -> None:
        body = self.reader.body
        payload = body.feed(data)
        if payload:
            self._stop_asked(signals.bytes_received, data=payload)
        if self.maxsize and body.size > self.maxsize:
            self._too_large(body.size, "has")
        self._warn_if_large(body.size, "has")

    def _stop_asked(self, signal: object, **arguments: object) -> None:
        """Send a signal; end the transfer if a handler raises StopDownload."""
        results = self._crawler.signals.send_catch_log(
            signal, request=self.request, spider=self._crawler.spider, **arguments
        )
        for _, result in results:
            if (
                isinstance(result, Failure)
                and isinstance(result.value, StopDownload)
                and not self._over
            ):
                self.stopped = result.value
                self.truncated = "" if self.reader.body.complete else "length"
                self._end()

    def _too_large(self, size: int, verb: str) -> None:
        message = (
            f"{self.request} {verb} {size} bytes, more than DOWNLOAD_MAXSIZE ({self.maxsize}): cut"
        )
        _log.warning("%s", message)
        self.fail(DownloadCancelledError(message), "length")

    def _warn_if_large(self, size: int, verb: str) -> None:
        if self._warnsize and size > self._warnsize:
            _log.warning(
                "%s %s %d bytes, more than DOWNLOAD_WARNSIZE (%d)",
                self.request,
                verb,
                size,
                self._warnsize,
            )
            self._warnsize = 0
