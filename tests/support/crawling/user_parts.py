"""What a user adds to a crawl: a component of each kind that changes nothing, and ways to add it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import signals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

PARTS = {
    "DOWNLOADER_MIDDLEWARES": {"tests.support.crawling.user_parts.Middleware": 543},
    "SPIDER_MIDDLEWARES": {"tests.support.crawling.user_parts.SpiderMiddleware": 543},
    "ITEM_PIPELINES": {"tests.support.crawling.user_parts.Pipeline": 300},
    "EXTENSIONS": {"tests.support.crawling.user_parts.Extension": 500},
}


class Middleware:
    """A downloader middleware."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Middleware:
        return cls(crawler)

    def process_response(
        self,
        request: Request,  # noqa: ARG002 - Scrapy's signature
        response: Response,
    ) -> Response:
        """Return the response."""
        _used(self._crawler, "middleware")
        return response


class SpiderMiddleware:
    """A spider middleware."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> SpiderMiddleware:
        return cls(crawler)

    async def process_spider_output(
        self,
        response: Response,  # noqa: ARG002 - Scrapy's signature
        result: AsyncIterator[Any],
    ) -> AsyncIterator[Any]:
        """Yield what the callback returned."""
        _used(self._crawler, "spider middleware")
        async for one in result:
            yield one


class Pipeline:
    """An item pipeline."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Pipeline:
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        """Return the item."""
        _used(self._crawler, "pipeline")
        return item


class Extension:
    """An extension."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Extension:
        _used(crawler, "extension")
        return cls()


class Unready:
    """A component that cannot be made."""

    @classmethod
    def from_crawler(cls, _: Crawler) -> Unready:
        """Raise."""
        raise KeyError("UNREADY_TOKEN")


class UnreadyEarly:
    """An add-on that raises when Scrapy asks for early settings; no spider loader at all."""

    @classmethod
    def update_pre_crawler_settings(cls, _: BaseSettings) -> None:
        """Raise."""
        raise KeyError("UNREADY_TOKEN")


class Opening(Pipeline):
    """A pipeline that raises when the spider is opened."""

    def open_spider(self) -> None:
        """Raise."""
        raise KeyError("OPENING_TOKEN")


class Closing(Pipeline):
    """A pipeline that raises when the spider is closed."""

    def close_spider(self) -> None:
        """Raise."""
        raise KeyError("CLOSING_TOKEN")


class Listening(Middleware):
    """A component of any kind whose handler raises when the spider is opened."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Listening:
        one = cls(crawler)
        crawler.signals.connect(one.opened, signals.spider_opened)
        return one

    def opened(self) -> None:
        """Raise."""
        raise KeyError("LISTENING_TOKEN")


class UnreadyAddOn:
    """An add-on that adds what there is not."""

    def update_settings(self, settings: BaseSettings) -> None:
        """Add it."""
        settings["EXTENSIONS"].set("nothing.Here", 1, "addon")


class AddOn:
    """An add-on that adds each of them."""

    def update_settings(self, settings: BaseSettings) -> None:
        """Add them, as Scrapy's documentation of add-ons shows."""
        for name, parts in PARTS.items():
            for part, number in parts.items():
                settings[name].set(part, number, "addon")


def _used(crawler: Crawler, what: str) -> None:
    assert crawler.stats is not None
    crawler.stats.inc_value(f"used/{what}")
