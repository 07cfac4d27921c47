"""A limit on the CPU time of reading a page: a page over it is given up, and its bytes are kept.

The process's own CPU time counts, by a timer of the system, whose signal raises an exception in
whatever reads. Python runs it between two instructions, and within a search for a pattern. Nothing
else is interrupted: only pure functions may be called within a limit.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from time import process_time
from typing import TYPE_CHECKING, TypeVar

from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.page import Page

#: CPU seconds that reading one page may take. An article's page takes a few thousandths.
LIMIT = 5.0
#: Seconds after which a limit that something caught and passed over is raised again.
_AGAIN = 1.0
#: Steps between two looks at whether the signal's handler is still ours.
_LOOKED_AFTER = 100
#: Steps of less time than this are not counted, as nearly all are.
_NOTEWORTHY = 0.05
#: The verdict on a page that is given up.
TOO_COSTLY = Verdict(Outcome.UNPARSED, Reason.TOO_COSTLY)
_T = TypeVar("_T")


class TooCostlyError(Exception):
    """Reading something took more CPU time than it may."""


class _OverLimit(BaseException):
    """Raised by the timer within what is read."""


class _Timer:
    """The process's one timer; ``runs`` while something is read."""

    def __init__(self) -> None:
        self.runs = False
        self._handler = self._over
        self._unlooked = _LOOKED_AFTER

    def start(self, seconds: float) -> None:
        self._unlooked += 1
        if self._unlooked > _LOOKED_AFTER:  # asking for it takes ten times as long as all else
            self._unlooked = 0
            if signal.getsignal(signal.SIGPROF) is not self._handler:
                signal.signal(signal.SIGPROF, self._handler)
        self.runs = True
        signal.setitimer(signal.ITIMER_PROF, seconds)

    def stop(self) -> None:
        self.runs = False
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _over(self, *_: object) -> None:
        if self.runs:
            signal.setitimer(signal.ITIMER_PROF, _AGAIN)
            raise _OverLimit


_TIMER = _Timer()


def within_limit(read: Callable[[], _T], seconds: float | None = None) -> _T:
    """Return what ``read`` returns, which may take so many CPU seconds, by default `LIMIT`.

    There is no limit in a thread other than the main one, which alone handles signals, and none of
    its own within another limit.

    :raises TooCostlyError: it takes more.
    """
    if _TIMER.runs or threading.current_thread() is not threading.main_thread():
        return read()
    limit = LIMIT if seconds is None else seconds
    try:
        try:
            _TIMER.start(limit)
            return read()
        finally:
            _TIMER.stop()
    except _OverLimit:
        _TIMER.stop()  # the exception may have been raised before the other call did anything
        raise TooCostlyError from None


def limited(step: Callable[[Page], Page], page: Page) -> Page:
    """Return the page after a step of its reading, or given up if all of them take too long."""
    began = process_time()
    try:
        read = within_limit(lambda: step(page), max(LIMIT - page.seconds, _NOTEWORTHY))
    except TooCostlyError:
        return replace(page, printed=None, article=None, verdict=TOO_COSTLY)
    spent = process_time() - began
    return read if spent < _NOTEWORTHY else replace(read, seconds=page.seconds + spent)
