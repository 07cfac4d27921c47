"""One crawl with the project's own settings, in a process of its own.

Reads ``{"settings": …, "urls": […], "meta": {url: …}, "methods": {url: …}, "chain": bool}`` from
standard input and prints one JSON object. Chained, a URL is asked for when the one before has
ended.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.utils.project import get_project_settings

if TYPE_CHECKING:
    from archive.model.exchange import Exchange

SIGNALS = (
    "engine_started",
    "spider_opened",
    "request_scheduled",
    "request_reached_downloader",
    "headers_received",
    "bytes_received",
    "response_downloaded",
    "request_left_downloader",
    "response_received",
    "spider_idle",
    "spider_closed",
)
KEPT: list[list[object]] = []


class Sink:
    """Notes the exchanges of the crawl, in the order they were kept."""

    def store(self, _request: scrapy.Request, exchange: Exchange) -> None:
        KEPT.append([exchange.url, len(exchange.body), exchange.request.decode("latin-1")])


class FileStore:
    """A store of robots.txt in a folder, one file an origin."""

    def __init__(self, folder):
        self._folder = Path(folder)

    @classmethod
    def from_crawler(cls, crawler):
        return cls(crawler.settings["TEST_ROBOTS_FOLDER"])

    def _file(self, origin):
        return self._folder / origin.replace("/", "_")

    def get(self, origin):
        if not self._file(origin).exists():
            return None
        when, status, body = json.loads(self._file(origin).read_text())
        return datetime.fromisoformat(when), status, body.encode("latin-1")

    def put(self, origin, fetched_at, status, body):
        self._file(origin).write_text(
            json.dumps([fetched_at.isoformat(), status, body.decode("latin-1")])
        )


class SignalCounter:
    """Extension: counts the signals of a request and of an item, as stats ``signal/<name>``."""

    @classmethod
    def from_crawler(cls, crawler):
        counter = cls()
        counter.handlers = []  # signals hold them weakly
        for name in SIGNALS:
            counter.handlers.append(counter.counting(crawler, name))
            crawler.signals.connect(counter.handlers[-1], getattr(scrapy.signals, name))
        return counter

    def counting(self, crawler, name):
        def count(**_):
            crawler.stats.inc_value(f"signal/{name}")

        return count


class Probe(scrapy.Spider):
    """Fetches what it is told and notes each URL's outcome."""

    name = "probe"
    handle_httpstatus_list = (403, 404, 429, 500, 503)

    async def start(self):
        self.outcomes = {}
        self.left = list(self.urls)
        for request in self.following(1 if self.chain else len(self.left)):
            yield request

    def following(self, count=1):
        for _ in range(min(count, len(self.left))):
            url = self.left.pop(0)
            yield scrapy.Request(
                url,
                errback=self.failed,
                cb_kwargs={"asked": url},
                meta=self.meta.get(url),
                method=self.methods.get(url, "GET"),
                dont_filter=True,
            )

    def parse(self, response, asked):
        kept = response.meta.get("exchange")
        self.outcomes[asked] = {
            "status": response.status,
            "class": type(response).__name__,
            "size": len(response.body),
            "start": response.body[:40].decode("utf-8", "replace"),
            "encoding": (response.headers.get("Content-Encoding") or b"").decode(),
            "flags": response.flags,
            "kept": len(kept.body) if kept else None,
        }
        return self.following() if self.chain else None

    def failed(self, failure):
        asked = failure.request.cb_kwargs["asked"]
        self.outcomes[asked] = (
            getattr(failure.value, "reason", None) or type(failure.value).__name__
        )
        return self.following() if self.chain else None


def main() -> None:
    warnings.simplefilter("error")
    given = json.loads(sys.stdin.readline())
    settings = get_project_settings()
    settings.setdict(
        {
            "DOWNLOAD_HANDLERS": dict.fromkeys(
                ("http", "https"), "crawler.httpclient.ArchivingDownloadHandler"
            )
            | dict.fromkeys(("file", "ftp", "s3", "data")),
            "EXCHANGE_SINK": "__main__.Sink",
            "COOKIES_ENABLED": False,
            "LOG_LEVEL": "INFO",
            # No outlet's crawl: nothing is kept.
            "ROBOTS_STORE": None,
            "ITEM_PIPELINES_BASE": {},
            **given["settings"],
        },
        priority="cmdline",
    )
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(Probe)
    process.crawl(
        crawler,
        urls=given["urls"],
        meta=given["meta"],
        methods=given["methods"],
        chain=given["chain"],
    )
    process.start()
    stats = {
        key: value
        for key, value in crawler.stats.get_stats().items()
        if isinstance(value, int | float | str)
    }
    # Not ru_maxrss: that starts from what the process had before it became this one, its parent's
    # share.
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024
    print(
        json.dumps(
            {"outcomes": crawler.spider.outcomes, "kept": KEPT, "stats": stats, "peak_mb": peak}
        )
    )


if __name__ == "__main__":
    main()
