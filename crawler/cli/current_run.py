"""Which of the crawls in this process is being worked for.

Every task, callback and connection that a crawl's own task begins inherits the answer, so that what
is printed, logged or raised there is told to be the crawl's.
"""

from __future__ import annotations

from contextvars import Context, ContextVar, copy_context

_RUN: ContextVar[str] = ContextVar("run", default="")


def current_run() -> str:
    """Return the id of the run that is being worked for, ``""`` if none is known."""
    return _RUN.get()


def context_of(run_id: str) -> Context:
    """Return a context in which everything is done for that run."""
    context = copy_context()
    context.run(_RUN.set, run_id)
    return context


def run_in(context: Context) -> str:
    """Return the id of the run that is worked for in a context, ``""`` if none is known."""
    return context.get(_RUN, "")


def may_be_of(run_id: str) -> bool:
    """Return whether what happens now may be that run's: it is, or nobody knows whose it is."""
    return _RUN.get() in ("", run_id)
