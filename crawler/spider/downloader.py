"""Scrapy's downloader without its own queues: when a request goes out, the pace has said already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.core.downloader import Downloader
from scrapy.utils.defer import deferred_from_coro

if TYPE_CHECKING:
    from scrapy import Request, Spider
    from scrapy.http import Response
    from twisted.internet.defer import Deferred


class PacedDownloader(Downloader):
    """Scrapy's DOWNLOADER for a crawl with `PaceMiddleware`, which holds all that Scrapy's slots would.

    A slot's queue can neither be held back when a host asks for it nor emptied when the crawl ends;
    its delay would come on top of the pace's, and its tasks and signals cost every page. So there
    are no slots, and the signals ``request_reached_downloader``, ``response_downloaded`` and
    ``request_left_downloader`` are not sent.
    """

    def fetch(self, request: Request, spider: Spider | None = None) -> Deferred[Response | Request]:  # noqa: ARG002  (Scrapy's)
        """Give what the downloader middlewares make of the request, its response or another request."""
        # at once, and not when the task begins: the engine looks whether it is idle
        self.active.add(request)
        return deferred_from_coro(self._fetched(request))

    async def _fetched(self, request: Request) -> Response | Request:
        try:
            return await self.middleware.download_async(
                self.handlers.download_request_async, request
            )
        finally:
            self.active.remove(request)
