"""Components of a user's with a bug that one outlet meets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from scrapy import signals

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Spider
    from scrapy.crawler import Crawler

_OUTLET = "south"


class InMiddleware:
    """A downloader middleware that raises at each of its requests."""

    def __init__(self, crawler: Crawler) -> None:
        self._name = crawler.spider.name if crawler.spider is not None else ""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    def process_request(self, request: Any) -> None:
        if self._name == _OUTLET and "/news/view/" in request.url:
            raise KeyError("a bug")


class InHandler:
    """An extension with a callback of the event loop that raises."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls()
        crawler.signals.connect(extension.opened, signals.spider_opened)
        return extension

    def opened(self, spider: Spider) -> None:
        if spider.name == _OUTLET:
            asyncio.get_running_loop().call_soon(self._raise)

    def _raise(self) -> None:
        raise KeyError("a bug")


class InSignal:
    """An extension whose handler of a signal raises."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        extension = cls()
        crawler.signals.connect(extension.received, signals.response_received)
        return extension

    def received(self, spider: Spider) -> None:
        if spider.name == _OUTLET:
            raise KeyError("a bug")
