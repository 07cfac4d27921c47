"""A crawl's stats that tell, after it, how long it held a response back; they may change its limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crawler.discovery.requests import Limits
from crawler.spider.spider import OutletSpider
from crawler.spider.stats import CrawlStats

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

LONGEST_HELD = "httpclient/longest_held"


class KeptStats(CrawlStats):
    """Writes the most seconds that one response was held back to the file ``HELD_FILE``.

    A list may have ``MOST_PAGES``, if that is set, and indexes may name as many sitemaps.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._file = Path(crawler.settings["HELD_FILE"])
        most = crawler.settings.getint("MOST_PAGES")
        if most:
            OutletSpider.limits = Limits(pages=most, sitemaps=most)

    def close_spider(self, *args: object, **more: object) -> None:
        """Write it; Scrapy calls this at the end of the crawl."""
        super().close_spider(*args, **more)  # type: ignore[arg-type]  # Scrapy's own arguments
        self._file.write_text(str(self.get_value(LONGEST_HELD, 0.0)), "utf-8")
