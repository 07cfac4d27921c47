"""One crawl of this process: its crawler, its session, and the verdict on it at its end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.extensions.logcount import LogCount

from crawler.alarms.crawl_verdict import CrawlVerdict, EndedCrawl, judge_crawl
from crawler.cli.configuration.component_bugs import counting_component_bugs
from crawler.cli.configuration.components import check_components, failure_of
from crawler.cli.current_run import context_of, may_be_of
from crawler.spider.loader import spider_class
from crawler.spider.session import CrawlSession
from crawler.spider.spider import OutletSpider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Context

    from scrapy import Spider
    from scrapy.crawler import CrawlerProcessBase
    from scrapy.settings import Settings

    from archive.runs.recorder import RunRecorder
    from crawler.discovery.plan import Plan
    from crawler.model.outlet import Outlet

#: Seconds between two looks whether a crawl that is to be stopped has begun.
_BEGINNING = 0.02


@dataclass(frozen=True, slots=True)
class Wanted:
    """A crawl to begin: of which outlet, with which arguments of its spider.

    ``words`` are those of the command line that asks for it.
    """

    outlet: Outlet
    arguments: Mapping[str, str]
    words: tuple[str, ...]


class OutletCrawl:
    """One crawl. What it does is done in a context of its own, by which its log is known.

    :raises UsageError: a component of the user's cannot be imported.
    :raises LeaseHeldError: another run is crawling the outlet.
    :raises IndexUnusableError: the index cannot be used.
    """

    def __init__(self, process: CrawlerProcessBase, wanted: Wanted, run: RunRecorder) -> None:
        self._process = process
        self._wanted = wanted
        self._context = context_of(run.id)
        self._watching = ExitStack()
        self._started: Any = None
        self._stopping: asyncio.Task[None] | None = None
        self.run = run
        self.crawler: Crawler
        self.session: CrawlSession
        self._context.run(self._make)

    def _make(self) -> None:
        kind = spider_class(self._wanted.outlet)
        if isinstance(self._process, AsyncCrawlerProcess):
            self.crawler = _Crawler(kind, self._process.settings, self._context)
        else:
            self.crawler = self._process.create_crawler(kind)
        check_components(self.crawler.settings)
        self.session = CrawlSession.of_run(self.crawler, self.run)
        self.crawler.signals.connect(self._count_own_records, signals.engine_started)

    @property
    def outlet(self) -> Outlet:
        """The outlet."""
        return self._wanted.outlet

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command line that asks for it."""
        return self._wanted.words

    @property
    def plan(self) -> Plan | None:
        """What the crawl discovered, None if there was no discovery."""
        spider = self.crawler.spider
        return spider.plan if isinstance(spider, OutletSpider) else None

    def start(self) -> Any:
        """Begin the crawl; return its task."""
        session = self.session
        # Scrapy makes a record of each page and item for its log, whatever LOG_LEVEL then drops.
        # Errors are counted even if they are not logged.
        core = logging.getLogger("scrapy.core")
        core.setLevel(self.crawler.settings["LOG_LEVEL"])
        core.setLevel(min(core.level, logging.ERROR))
        self._watching.enter_context(
            counting_component_bugs(
                self.crawler.settings, session.count_passed_over, session.run.id
            )
        )
        begin = partial(self._process.crawl, self.crawler, **self._wanted.arguments)
        self._started = self._context.run(begin)
        if isinstance(self.crawler, _Crawler):
            self.crawler.task = self._started
        return self._started

    def stop(self) -> None:
        """Let the crawl end in order, as one signal does."""
        stopping = self.crawler.stop_async()
        self._stopping = asyncio.get_running_loop().create_task(stopping, context=self._context)

    def end_left(self) -> None:
        """Keep what was fetched, now that the reactor has stopped, if a second signal did that."""
        self._context.run(self.session.end_left)

    def end(self) -> tuple[str | None, CrawlVerdict]:
        """Return why the crawl has ended, None if it never began, and the verdict on it."""
        self._watching.close()
        self.end_left()
        # Not of the stats, which a user may replace or turn off.
        reason = None if self._has_failed_to_begin() else self.session.reason
        failure = failure_of(self._started, self.crawler.settings)
        ended = EndedCrawl(self.session, self.plan, reason, datetime.now(UTC), failure)
        verdict = self._context.run(judge_crawl, ended)
        CrawlSession.forget(self.crawler)
        return reason, verdict

    def in_context(self, work: Any, *given: Any) -> Any:
        """Do something for this crawl."""
        return self._context.run(work, *given)

    def _has_failed_to_begin(self) -> bool:
        if self.crawler.spider is None:
            return True
        started = self._started
        if isinstance(started, asyncio.Future):
            return started.done() and not started.cancelled() and bool(started.exception())
        return self._process.bootstrap_failed

    def _count_own_records(self) -> None:
        """Let Scrapy's count of what is logged leave out what other crawls log."""
        counter = self.crawler.get_extension(LogCount)
        if counter is not None and counter.handler is not None:
            counter.handler.addFilter(lambda _: may_be_of(self.run.id))


class _Crawler(Crawler):
    """A crawler that is stopped in the context of its crawl, whoever stops it, and when.

    Scrapy forgets a request to stop that comes before the engine runs. ``task`` is the crawl's.
    """

    def __init__(self, kind: type[Spider], settings: Settings, context: Context) -> None:
        super().__init__(kind, settings)
        self._context = context
        self._is_stopping = self._is_over = False
        self.task: asyncio.Task[None] | None = None
        self.signals.connect(self._note_end, signals.spider_closed)

    async def stop_async(self) -> None:
        """Stop as Scrapy does, once the crawl has begun; a second call does not wait for it."""
        while self._is_about_to_begin():
            await asyncio.sleep(_BEGINNING)
        self._is_stopping = True
        stopping = super().stop_async()
        await asyncio.get_running_loop().create_task(stopping, context=self._context)

    def _is_about_to_begin(self) -> bool:
        is_alive = self.task is not None and not self.task.done()
        # The engine runs no more once it is stopping, however long that takes.
        has_begun = self._is_stopping or self._is_over or self._is_running()
        return is_alive and not has_begun

    def _is_running(self) -> bool:
        try:
            return self.engine.running
        except RuntimeError:  # there is none yet
            return False

    def _note_end(self) -> None:
        self._is_over = True
