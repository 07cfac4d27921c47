"""The one spider: an outlet's pages into the pipelines, live or from saved captures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Spider

from crawler.extract import extract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scrapy.http import Response

    from archive.exchange import Exchange
    from crawler.outlet import Outlet
    from pipelines.page import Page


class OutletSpider(Spider):
    """Base of all outlets' spiders, which :class:`crawler.loader.OutletLoader` makes. Reads no settings."""

    outlet: Outlet

    def parse(self, response: Response, **_: Any) -> Iterator[Page]:
        """Read the exchange that the download handler put beside the response."""
        request = response.request
        assert request is not None, "Scrapy sets a response's request before the callback"
        exchange: Exchange = request.meta["exchange"]
        yield extract(exchange, self.outlet, source=request.url)
