"""Receive one response: limits, signals and its end."""

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

from archive.http.message import MessageError
from crawler.httpclient.errors import HeadTooLargeError
from crawler.httpclient.response_parser import ResponseReader

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

    from crawler.httpclient.budget import ByteBudget
    from crawler.httpclient.connection import Connection
    from crawler.httpclient.deadline import Deadline

_log = logging.getLogger(__name__)


class Transfer:
    """Receives one response; ``done`` ends when it is complete, truncated or has failed.

    ``connection`` is the one it was received from; ``error`` is the exception to raise, or None;
    ``truncated`` is as in `Exchange`; ``stopped`` is the StopDownload that a signal handler
    raised. Reads
    ``download_maxsize`` and ``download_warnsize`` from the request's meta, else ``maxsize`` and
    ``warnsize``; both count bytes of the body as served, and 0 is no limit. ``budget`` may hold it
    back; ``deadline``, set once the request's time runs, does not count that.
    """

    def __init__(
        self,
        request: Request,
        crawler: Crawler,
        maxsize: int,
        warnsize: int,
        budget: ByteBudget,
    ) -> None:
        self.request = request
        self._budget = budget
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reader = ResponseReader(request.method)
        self.connection: Connection | None = None
        self.deadline: Deadline | None = None
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
        """Whether the connection was closed before the first byte of a response."""
        return isinstance(self.error, DownloadFailedError) and self.reader.silent

    @property
    def size(self) -> int:
        """The bytes of the body so far."""
        return self.reader.body.size

    def pause(self) -> bool:
        """Stop receiving, and return whether there is anything left to receive."""
        if self._over or self.connection is None:
            return False
        self.connection.pause()
        if self.deadline is not None:
            self.deadline.hold()
        return True

    def resume(self) -> None:
        """Receive again, after `pause`."""
        if self.connection is not None:
            self.connection.resume()
        if self.deadline is not None:
            self.deadline.go_on()

    def restart(self) -> None:
        """Prepare for a second try over a new connection, after `unanswered`."""
        self.done = asyncio.get_running_loop().create_future()
        self.error, self._over = None, False

    def fail(self, error: Exception, truncated: str = "") -> None:
        """End the transfer with an exception to raise, and why the body is incomplete.

        Does nothing if the transfer has ended.
        """
        if not self._over:
            self.error, self.truncated = error, truncated
            self._end()

    def _end(self) -> None:
        self._over = True
        if not self.done.done():  # it may have been cancelled
            self.done.set_result(None)

    def feed(self, data: bytes) -> None:
        """Process the next bytes received."""
        reader = self.reader
        in_head = reader.head is None
        try:
            if in_head:
                rest = reader.feed_head(data)
                if rest is None:
                    return
                in_head = False
                self._head_received()
                if self._over:
                    # The part of the body that came with the head is kept, without signals.
                    reader.body.feed(rest)
                    return
                data = rest
            if data:
                self._body_received(data)
        except MessageError as error:
            if in_head:
                self.fail(
                    DownloadFailedError(f"{self.request.url} does not answer with HTTP: {error}"),
                    "disconnect",
                )
            else:
                self.fail(ResponseDataLossError(str(error)), "disconnect")
        except HeadTooLargeError as error:
            self.fail(error)
        if reader.body.complete and not self._over:
            self._end()
        if not self._over:
            self._budget.received(self)

    def lost(self, exc: Exception | None) -> None:
        """Handle the closed connection: the end of a body without length, a failure otherwise."""
        if self._over:
            return
        why = f" ({exc})" if exc else ""
        if self.reader.head is None and self.reader.close_head():
            sentence = f"{self.request.url} does not answer with HTTP: it sent no head{why}"
            self.fail(DownloadFailedError(sentence), "disconnect")
        elif self.reader.head is None:
            self.fail(
                DownloadFailedError(
                    f"{self.request.url}: the connection was closed before a response{why}"
                )
            )
        elif exc is None and self.reader.body.close():
            self._end()
        else:
            self.fail(
                ResponseDataLossError(f"the connection was closed within the body ({exc})"),
                "disconnect",
            )

    def _head_received(self) -> None:
        request, head = self.request, self.reader.head
        assert head is not None
        request.meta["download_latency"] = monotonic() - self._started
        self.headers = Headers([(k.encode("latin-1"), v.encode("latin-1")) for k, v in head.fields])
        expected = self.reader.body.expected
        self._send_signal(signals.headers_received, headers=self.headers, body_length=expected)
        if expected and not self._over:
            if self.maxsize and expected > self.maxsize:
                self._too_large(expected, "announces")
            self._warn_if_large(expected, "announces")

    def _body_received(self, data: bytes) -> None:
        body = self.reader.body
        payload = body.feed(data)
        if payload:
            self._send_signal(signals.bytes_received, data=payload)
        if self.maxsize and body.size > self.maxsize:
            self._too_large(body.size, "has")
        self._warn_if_large(body.size, "has")

    def _send_signal(self, signal: object, **arguments: object) -> None:
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
            f"{self.request} {verb} {size} bytes, more than DOWNLOAD_MAXSIZE "
            f"({self.maxsize}); truncated"
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
