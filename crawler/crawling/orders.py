"""Crawls that a scheduler orders, many in this process, each with a log of its own."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.model.program import PROGRAM
from archive.runs.record import Ending
from archive.runs.recorder import RunRecorder
from crawler import VERSION
from crawler.cli.current_run import context_of
from crawler.cli.memory import start_thread
from crawler.cli.order_lines import CrawlEnd, CrawlOrder, StopOrder, read_order
from crawler.cli.output.run_logs import RunLogs
from crawler.cli.parent_process import GRACE
from crawler.crawling.summary import print_crawl
from crawler.crawling.together import Ended, Together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scrapy.crawler import AsyncCrawlerProcess

    from crawler.crawling.outlet_crawl import OutletCrawl, Wanted

_log = logging.getLogger(__name__)
_INVALID = 2


def take_streams() -> tuple[RunLogs, int]:
    """Let all output go to the logs of runs; return these, and the descriptor for the answers.

    To be called before Scrapy makes its handler of the log. The answers alone go where the standard
    output went.
    """
    answers = os.dup(1)
    os.dup2(2, 1)
    assert sys.__stderr__ is not None, "it was opened at the start"
    logs = RunLogs(sys.__stderr__)
    logs.take_output()
    return logs, answers


@dataclass(frozen=True, slots=True)
class _Going:
    """An order that is being carried out."""

    order: CrawlOrder
    outlet: str
    began: float


class OrderedCrawls:
    """Carries out the orders that come as lines on the standard input, until it closes.

    ``check`` returns the crawl that words ask for. ``record_end`` writes the end of a run to the
    history, which the scheduler does unless it has exited.
    """

    def __init__(
        self,
        process: AsyncCrawlerProcess,
        check: Callable[[Sequence[str]], Wanted],
        logs: RunLogs,
        answers: int,
        record_end: Callable[[str, Ending, int], None],
    ) -> None:
        self._process = process
        self._check = check
        self._logs = logs
        self._answers = answers
        self._record_end = record_end
        self._together = Together(process, _show_begin)
        self._going: dict[str, _Going] = {}
        self._is_alone = False

    def run(self) -> None:
        """Crawl until the input closes and all crawls have ended, or until a signal.

        :raises MemoryError: there is no memory for the thread that reads.
        """
        self._loop = asyncio.get_event_loop()
        start_thread(threading.Thread(target=self._read, name="orders", daemon=True))
        self._process.start(stop_after_crawl=False)
        self._together.end()

    def _read(self) -> None:
        """Pass orders on to the reactor; if the scheduler exits, end all that is going on."""
        with os.fdopen(os.dup(0), "rb") as lines:
            for line in lines:
                self._loop.call_soon_threadsafe(self._take, read_order(line))
        self._loop.call_soon_threadsafe(self._hang_up)
        sleep(GRACE)
        os.kill(os.getpid(), signal.SIGKILL)

    def _hang_up(self) -> None:
        self._is_alone = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _take(self, order: CrawlOrder | StopOrder) -> None:
        if isinstance(order, CrawlOrder):
            self._begin(order)
        elif order.run_id in self._going:
            self._together.stop(self._going[order.run_id].outlet)

    def _begin(self, order: CrawlOrder) -> None:
        if order.log:
            self._logs.open(order.run_id, Path(order.log))
        context = context_of(order.run_id)
        wanted = context.run(self._checked, order)
        if wanted is None:
            self._answer(order, _INVALID)
            return
        self._going[order.run_id] = _Going(order, wanted.outlet.name, monotonic())
        make_run = partial(
            RunRecorder,
            "crawl",
            begun=order.run_id,
            outlet=wanted.outlet.name,
            arguments=wanted.words,
            version=VERSION,
        )
        self._together.add(wanted, make_run, partial(self._ended, order))

    def _checked(self, order: CrawlOrder) -> Wanted | None:
        """Return the crawl that is ordered; if it is invalid, say so and return None."""
        try:
            return self._check(order.words)
        except UsageError as error:
            print(f"{PROGRAM} crawl: {error}", file=sys.stderr)
        except SystemExit:  # of the parser, which has said why
            pass
        return None

    def _ended(self, order: CrawlOrder, ended: Ended) -> None:
        going = self._going.pop(order.run_id)
        context_of(order.run_id).run(_show_end, ended, monotonic() - going.began)
        if self._is_alone:
            ending = Ending.STOPPED if ended.exit_code else Ending.SUCCEEDED
            self._record_end(order.run_id, ending, ended.exit_code)
        self._answer(order, ended.exit_code)
        # A crawl is many objects that refer to each other, more than a process of months may keep.
        self._loop.call_soon(gc.collect)

    def _answer(self, order: CrawlOrder, code: int) -> None:
        self._logs.close(order.run_id)
        try:
            os.write(self._answers, CrawlEnd(order.run_id, code).line())
        except OSError:  # nobody is there to read it
            self._is_alone = True


def _show_begin(crawl: OutletCrawl) -> None:
    crawl.in_context(_say_begin, crawl)


def _say_begin(crawl: OutletCrawl) -> None:
    _log.info("crawl %s begins, Sacho %s", " ".join(crawl.words), VERSION)
    crawl.session.report.start(f"crawling {crawl.outlet.name}")


def _show_end(ended: Ended, seconds: float) -> None:
    if ended.crawl is not None:
        print_crawl(ended.crawl)
    for sentence in ended.faults:
        print(f"{PROGRAM} crawl: {sentence}", file=sys.stderr)
    _log.info("exit status %d after %.0f s", ended.exit_code, seconds)
