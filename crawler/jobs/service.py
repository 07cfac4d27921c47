"""Base class of the commands that run jobs until they are stopped."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.utils.log import configure_logging

from archive.segments.archive_url import is_folder_url
from crawler.cli.base import Verb, usage_error

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from archive.index.database import Index
    from crawler.jobs.execution.runner import RunnerContext


class Service(Verb):
    """Base of the commands that run jobs.

    Reads LOG_LEVEL, LOG_FOLDER, LOG_KEEP_DAYS and JOBS_TOGETHER.
    """

    def log_progress(self) -> None:
        """Log what the command does; other commands print their results instead."""
        assert self.settings is not None
        if self.settings.getpriority("LOG_LEVEL") != SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("LOG_LEVEL", "INFO", priority="cmdline")
        configure_logging(self.settings)

    def number(self, name: str, least: int = 1) -> int:
        """Return a setting that is a number of at least ``least``.

        :raises UsageError: it is not.
        """
        text = self.text_setting(name) or "0"
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise usage_error(f"{name} is {text!r}; it must be a number of at least {least}")
        return int(text)

    @contextmanager
    def runner_context(self, index: Index, opts: argparse.Namespace) -> Iterator[RunnerContext]:
        """Yield what all runs share; at the end, end the processes that they have shared.

        :raises UsageError: a setting is invalid.
        """
        # Imported here: every command's module is imported by every command.
        from crawler.jobs.execution.logs import Logs
        from crawler.jobs.execution.runner import RunnerContext
        from crawler.jobs.execution.shared_process import SharedProcesses

        # An archive in a folder is not seen by other machines, nor need the logs be.
        is_local = is_folder_url(self.text_setting("ARCHIVE_URL"))
        store = None if is_local else self.archive_store()
        folder = Path(self.text_setting("LOG_FOLDER"))
        logs = Logs(folder, self.number("LOG_KEEP_DAYS"), store)
        settings = dict(pair.split("=", 1) for pair in opts.set)
        together = self.number("JOBS_TOGETHER")
        context = RunnerContext(index=index, logs=logs, settings=settings)
        if together == 1:
            yield context
            return
        with SharedProcesses(together, settings) as shared:
            yield replace(context, shared=shared)
