"""End a crawl for which the system gives no more memory."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

from archive.model.errors import OUT_OF_MEMORY
from archive.model.memory import may_take
from archive.model.program import PROGRAM
from crawler.cli.memory import Reserve

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes to end a crawl with: its last rows are written and its summary printed.
_RESERVE = 2**23
#: Bytes that must be there besides. With none at all Python ends the process at once: it needs some
#: to raise the error.
_LEAST = 2**22
#: Seconds that a crawl may take to end. After that the process ends: nothing is lost by that, as
#: the next run reads what is in the archive.
_GRACE = 60.0
_LAST_WORDS = f"{PROGRAM} crawl: {OUT_OF_MEMORY}.\n".encode()


class MemoryGuard(logging.Filter):
    """Calls ``end_crawl`` when memory is short, or at the first `MemoryError` that anything logs.

    Scrapy, Twisted and asyncio log what a callback raises and call the next one, which raises
    likewise, without an end. Of them all only the first is told, as a sentence. A part of the
    memory is held until then, so that there is some to end with.
    """

    def __init__(self, end_crawl: Callable[[], None]) -> None:
        super().__init__()
        self.is_over = False
        self._end_crawl = end_crawl
        self._reserve = Reserve(_RESERVE)
        self._handlers: list[logging.Handler] = []
        self._is_watching = False

    def watch(self) -> None:
        """See all that is logged from now on; to be called in the thread of the crawl."""
        self._handlers = list(logging.root.handlers)
        for handler in self._handlers:
            handler.addFilter(self)
        self._is_watching = True

    def stop(self) -> None:
        """See no more of what is logged: the crawl has ended."""
        for handler in self._handlers:
            handler.removeFilter(self)
        self._is_watching = False
        self._reserve.release()
        if self.is_over:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def check(self) -> None:
        """End the crawl if there is little memory left."""
        if self._is_watching and not self.is_over and not may_take(_LEAST):
            self._end()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged: not if it is of memory that lacks."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, MemoryError):
            return True
        if not self.is_over:
            self._end()
        return False

    def _end(self) -> None:
        self._reserve.release()
        self.is_over = True
        self._plan_last_words()
        self._end_crawl()

    def _plan_last_words(self) -> None:
        """End the process if the crawl has not ended after `_GRACE`."""
        if threading.current_thread() is threading.main_thread():  # else signals are not ours
            signal.signal(signal.SIGALRM, _end_process)
            signal.setitimer(signal.ITIMER_REAL, _GRACE)


def _end_process(*_: object) -> None:
    os.write(2, _LAST_WORDS)
    os._exit(1)
