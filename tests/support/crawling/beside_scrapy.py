"""A crawl of a host's pages by the project's settings or by Scrapy's own, and what a monitor sees of it.

    python -m tests.support.crawling.beside_scrapy ours|scrapy ADDRESS FEED

prints the stats as JSON, and among them ``signal/<name>``, how often each signal of Scrapy was sent.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import DropItem
from scrapy.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from scrapy.crawler import Crawler
    from scrapy.http import Response

SIGNALS = sorted(name for name in vars(signals) if type(getattr(signals, name)) is object)
PATHS = ("page", "dropped", "broken", "raises", "moved", "404", "500", "empty", "gzip", "private")


class Counter:
    """Extension: counts each signal."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Counter:
        counter = cls()
        counter.handlers = [cls._handler(crawler, name) for name in SIGNALS]
        for name, handler in zip(SIGNALS, counter.handlers, strict=True):
            crawler.signals.connect(handler, getattr(signals, name))
        return counter

    handlers: list[Callable[..., None]]  # signals hold them weakly

    @staticmethod
    def _handler(crawler: Crawler, name: str) -> Callable[..., None]:
        def count(**_: Any) -> None:
            crawler.stats.inc_value(f"signal/{name}")

        return count


class Choosy:
    """Pipeline: drops an item, and falls over another one."""

    def process_item(self, item: dict[str, str]) -> dict[str, str]:
        """Return the others."""
        if item["path"] == "/dropped":
            raise DropItem("not wanted")
        if item["path"] == "/broken":
            raise ValueError("a bug")
        return item


class Pages(Spider):
    """Fetches pages, one of them twice, and falls over one."""

    name = "pages"
    address: str

    async def start(self) -> AsyncIterator[Request]:
        """Yield the requests."""
        for path in (*PATHS, "page"):
            yield Request(f"{self.address}/{path}", errback=lambda _: None)

    def parse(self, response: Response, **_: Any) -> Iterator[dict[str, str]]:
        """Yield an item."""
        path = urlsplit(response.url).path
        if path == "/raises":
            raise KeyError("a bug")
        yield {"path": path}


def main() -> None:
    whose, address, feed = sys.argv[1:]
    settings = Settings({"TELNETCONSOLE_ENABLED": False, "ROBOTSTXT_OBEY": True})
    if whose == "ours":
        settings = Settings()
        settings.setmodule("crawler.settings")
        # No outlet's crawl: nothing is kept.
        settings.setdict(
            {
                "ALLOWED_PORTS": [urlsplit(address).port],
                "ALLOW_LOOPBACK": True,
                "EXCHANGE_SINK": None,
                "ITEM_PIPELINES_BASE": {},
                "ROBOTS_STORE": None,
                "SPIDER_LOADER_CLASS": "scrapy.spiderloader.SpiderLoader",
            }
        )
    settings.setdict(
        {
            "AUTOTHROTTLE_ENABLED": False,
            # One at a time: no count may depend on which answer comes first.
            "CONCURRENT_REQUESTS": 1,
            "DOWNLOAD_DELAY": 0,
            "EXTENSIONS": {"__main__.Counter": 1},
            "FEEDS": {feed: {"format": "jsonl"}},
            "ITEM_PIPELINES": {"__main__.Choosy": 300},
            "LOG_LEVEL": "INFO",
            # Ours is lower, so that log_count/ERROR would differ.
            "RETRY_GIVE_UP_LOG_LEVEL": "ERROR",
            "RETRY_TIMES": 1,
        }
    )
    process = AsyncCrawlerProcess(settings)
    crawler = process.create_crawler(Pages)
    process.crawl(crawler, address=address)
    process.start()
    print(json.dumps(crawler.stats.get_stats(), default=str))


if __name__ == "__main__":
    main()
