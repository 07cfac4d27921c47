"""Scrapy's stats, and what it logs of every page, at the cost that a page may have."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.logformatter import LogFormatter
from scrapy.statscollectors import MemoryStatsCollector

if TYPE_CHECKING:
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.logformatter import LogFormatterResult
    from twisted.python.failure import Failure


class Stats(MemoryStatsCollector):
    """Scrapy's STATS_CLASS, its stats in memory."""

    # Scrapy's own looks each method up twice, to warn of an argument that nobody here gives.
    __getattribute__ = object.__getattribute__


class PageLog(LogFormatter):
    """Scrapy's LOG_FORMATTER: a line a page and a line an article only where LOG_LEVEL lets them through (DEBUG).

    Scrapy would make a log record of each, and throw it away afterwards.
    """

    def __init__(self, crawler: Crawler) -> None:
        level = crawler.settings.get("LOG_LEVEL")
        number = logging.getLevelNamesMapping().get(str(level).upper(), level)
        self._wanted = crawler.settings.getbool("LOG_ENABLED") and int(number) <= logging.DEBUG

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build it."""
        return cls(crawler)

    def crawled(  # type: ignore[override]  # None is no line: so its class's docstring has it, if not its types
        self, request: Request, response: Response, spider: Spider
    ) -> LogFormatterResult | None:
        """Scrapy's line on a response, or none."""
        return super().crawled(request, response, spider) if self._wanted else None

    def scraped(  # type: ignore[override]  # likewise
        self, item: Any, response: Response | Failure | None, spider: Spider
    ) -> LogFormatterResult | None:
        """Scrapy's line on an item, or none."""
        return super().scraped(item, response, spider) if self._wanted else None
