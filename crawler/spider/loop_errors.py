"""What callbacks of the event loop raise, logged and counted for the crawl whose they are."""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from crawler.cli.current_run import run_in

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class _LoopErrors:
    """The handler of the loop's exceptions; ``count`` of each crawl by its run's id."""

    def __init__(self) -> None:
        self.counts: dict[str, Callable[[], None]] = {}

    def handle(self, loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        """Log what a callback raised, as the loop does itself, and count it.

        Nobody else hears of it. An error of the network is none of ours. What is of no crawl that
        is known counts for each.
        """
        context = _context_of(about)
        context.run(loop.default_exception_handler, about)
        error = about.get("exception")
        if error is None or isinstance(error, OSError):
            return
        run_id = run_in(context)
        for counted in [run_id] if run_id in self.counts else list(self.counts):
            self.counts[counted]()


_ERRORS = _LoopErrors()


def watch_loop(loop: asyncio.AbstractEventLoop, run_id: str, count: Callable[[], None]) -> None:
    """Call ``count`` for each bug in a callback of the loop that is, or may be, the run's."""
    _ERRORS.counts[run_id] = count
    loop.set_exception_handler(_ERRORS.handle)


def unwatch_loop(run_id: str) -> None:
    """Count no more for a run that has ended."""
    _ERRORS.counts.pop(run_id, None)


def watched_runs() -> int:
    """Return how many runs are going on in this process."""
    return len(_ERRORS.counts)


def _context_of(about: dict[str, Any]) -> Context:
    """Return the context of what raised, or that of now if it cannot be known.

    Python tells it from 3.12 on; before, a callback has it under another name, and a task written
    in C hides it.
    """
    origin = about.get("task") or about.get("future") or about.get("handle")
    get_context = getattr(origin, "get_context", None)
    context = get_context() if get_context is not None else getattr(origin, "_context", None)
    return context if isinstance(context, Context) else copy_context()
