"""Exceptions in the handlers of signals, which Scrapy logs and passes over."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The logger that Scrapy reports them to.
_LOGGER = "scrapy.utils.signal"


class _Counter(logging.Handler):
    """Calls a function for each error that is logged."""

    def __init__(self, count: Callable[[], None]) -> None:
        super().__init__(logging.ERROR)
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - logging's signature
        self._count()


@contextmanager
def counting_signal_bugs(count: Callable[[], None]) -> Iterator[None]:
    """Call ``count`` for each exception that a handler of a signal raises in the block."""
    counter = _Counter(count)
    logger = logging.getLogger(_LOGGER)
    logger.addHandler(counter)
    try:
        yield
    finally:
        logger.removeHandler(counter)
