"""End the crawls of a process to which the system gives no more memory."""

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


class MemoryGuard:
    """Calls ``end_crawl`` when memory is short, or at the first `MemoryError` that anything logs.

    Scrapy, Twisted and asyncio log what a callback raises and call the next one, which raises
    likewise, without an end. Of them all only the first is told, as a sentence. A part of the
    memory is held until then, so that there is some to end with. All crawls of a process end: none
    of them has other memory than the rest.
    """

    def __init__(self, end_crawl: Callable[[], None]) -> None:
        self.is_over = False
        self.end_crawl = end_crawl
        _PROCESS.hold()

    def watch(self) -> None:
        """See all that is logged from now on; to be called in the thread of the crawl."""
        _PROCESS.watch(self)

    def stop(self) -> None:
        """See no more of what is logged: the crawl has ended."""
        _PROCESS.unwatch(self)

    def check(self) -> None:
        """End the crawl if there is little memory left."""
        if _PROCESS.is_watched_by(self) and not self.is_over and not may_take(_LEAST):
            _PROCESS.end()


class _Process(logging.Filter):
    """The memory of this process, watched for all crawls in it."""

    def __init__(self) -> None:
        super().__init__()
        self._guards: list[MemoryGuard] = []
        self._reserve: Reserve | None = None
        self._handlers: list[logging.Handler] = []
        self._is_over = False

    def hold(self) -> None:
        """Hold the reserve, unless it is held or memory has run out."""
        if self._reserve is None and not self._is_over:
            self._reserve = Reserve(_RESERVE)

    def watch(self, guard: MemoryGuard) -> None:
        self._guards.append(guard)
        # Scrapy makes a new handler for each crawl that begins.
        for handler in logging.root.handlers:
            handler.addFilter(self)
            self._handlers.append(handler)

    def is_watched_by(self, guard: MemoryGuard) -> bool:
        return guard in self._guards

    def unwatch(self, guard: MemoryGuard) -> None:
        if guard in self._guards:
            self._guards.remove(guard)
        if not self._guards:
            self._stop()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be logged: not if it is of memory that lacks."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, MemoryError):
            return True
        if not self._is_over:
            self.end()
        return False

    def end(self) -> None:
        """End all crawls."""
        self._release()
        self._is_over = True
        self._plan_last_words()
        for guard in self._guards:
            guard.is_over = True
            guard.end_crawl()

    def _stop(self) -> None:
        for handler in self._handlers:
            handler.removeFilter(self)
        self._handlers = []
        self._release()
        if self._is_over:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._is_over = False

    def _release(self) -> None:
        if self._reserve is not None:
            self._reserve.release()
        self._reserve = None

    def _plan_last_words(self) -> None:
        """End the process if the crawls have not ended after `_GRACE`."""
        if threading.current_thread() is threading.main_thread():  # else signals are not ours
            signal.signal(signal.SIGALRM, _end_process)
            signal.setitimer(signal.ITIMER_REAL, _GRACE)


_PROCESS = _Process()


def _end_process(*_: object) -> None:
    os.write(2, _LAST_WORDS)
    os._exit(1)
