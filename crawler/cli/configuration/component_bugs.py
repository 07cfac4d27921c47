"""Exceptions of components that Scrapy logs and passes over: in handlers of signals, at the end."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from crawler.cli.configuration.components import blame, is_of_user
from crawler.cli.current_run import may_be_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scrapy.settings import BaseSettings

_log = logging.getLogger(__name__)

#: The loggers that Scrapy reports them to.
_LOGGERS = ("scrapy.utils.signal", "scrapy.core.engine", "scrapy.core.downloader.handlers")
#: What Scrapy also sends a signal of, by which it is counted.
_SIGNALLED = "Error while reading start items"


class _Watch(logging.Filter):
    """Counts each error, and makes a sentence of a traceback that leads to a user's component.

    The traceback itself is logged at the level DEBUG.
    """

    def __init__(self, settings: BaseSettings, count: Callable[[], bool], run_id: str) -> None:
        super().__init__()
        self._settings = settings
        self._count = count
        self._run_id = run_id

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be logged as it now is."""
        if record.levelno < logging.ERROR or not may_be_of(self._run_id):
            return True
        error = record.exc_info[1] if record.exc_info else None
        said = record.getMessage()
        if not (said.startswith(_SIGNALLED) or self._count()):
            _log.debug("%s", said, exc_info=error)
            return False
        if error is not None and is_of_user(error):
            _log.debug("%s", said, exc_info=error)
            record.msg, record.args = blame(error, self._settings), ()
            record.exc_info = None
        return True


@contextmanager
def counting_component_bugs(
    settings: BaseSettings, count: Callable[[], bool], run_id: str = ""
) -> Iterator[None]:
    """Call ``count`` for each exception that Scrapy passes over in the block.

    With ``run_id``, of several crawls in this process, for those that are or may be that run's.
    It returns False for what only follows from an error that is reported: that is not logged.
    """
    watch = _Watch(settings, count, run_id)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(watch)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(watch)
