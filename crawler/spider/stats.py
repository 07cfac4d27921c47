"""The stats of a crawl: Scrapy's own, without its search for a deprecated argument."""

from __future__ import annotations

from scrapy.statscollectors import MemoryStatsCollector


class CrawlStats(MemoryStatsCollector):
    """Scrapy's STATS_CLASS. It keeps what Scrapy's default keeps, and takes the same arguments."""

    # Scrapy's looks each of its methods up twice, to warn of the argument `spider`: 55 us a page.
    __getattribute__ = object.__getattribute__
