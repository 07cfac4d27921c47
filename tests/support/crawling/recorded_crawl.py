"""One real crawl in a process of its own, since a reactor runs only once.

Run by test_wire_crawl: reads ``{"settings": …, "urls": […]}`` from standard input, prints one JSON
object.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy.crawler import CrawlerProcess

if TYPE_CHECKING:
    from archive.model.exchange import Exchange

KEPT: list[list[Any]] = []


class Sink:
    """Notes the exchanges of the crawl, in the order they were kept."""

    def store(self, _request: scrapy.Request, exchange: Exchange) -> None:
        KEPT.append(
            [exchange.url, exchange.head.decode("latin-1"), len(exchange.body), exchange.truncated]
        )


class Probe(scrapy.Spider):
    """Fetches what it is told and notes each URL's outcome."""

    name = "probe"
    urls: tuple[str, ...] = ()

    async def start(self):
        self.outcomes = {}
        for url in self.urls:
            yield scrapy.Request(url, errback=self.failed, cb_kwargs={"asked": url})

    def parse(self, response, asked):
        self.outcomes[asked] = [response.status, response.url, response.text]

    def failed(self, failure):
        self.outcomes[failure.request.cb_kwargs["asked"]] = type(failure.value).__name__


def main() -> None:
    warnings.simplefilter("error")
    given = json.load(sys.stdin)
    process = CrawlerProcess(
        {
            "DOWNLOAD_HANDLERS": dict.fromkeys(
                ("http", "https"), "crawler.httpclient.ArchivingDownloadHandler"
            )
            | dict.fromkeys(("file", "ftp", "s3", "data")),
            "EXCHANGE_SINK": "__main__.Sink",
            "ROBOTSTXT_OBEY": True,
            "ROBOTSTXT_PARSER": "scrapy.robotstxt.ProtegoRobotParser",
            "COOKIES_ENABLED": False,
            "DOWNLOAD_DELAY": 0,
            "TELNETCONSOLE_ENABLED": False,
            "REMOTE_CONTROL_ENABLED": False,
            "LOG_LEVEL": "ERROR",
            **given["settings"],
        }
    )
    crawler = process.create_crawler(Probe)
    process.crawl(crawler, urls=given["urls"])
    process.start()
    stats = {
        key: value
        for key, value in crawler.stats.get_stats().items()
        if isinstance(value, int | str)
    }
    print(json.dumps({"outcomes": crawler.spider.outcomes, "kept": KEPT, "stats": stats}))


if __name__ == "__main__":
    main()
