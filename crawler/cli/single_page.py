"""Fetching one page by the rules of a crawl, without keeping it: base of fetch, shell and view."""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import IgnoreRequest, UsageError
from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.utils.misc import load_object
from scrapy.utils.url import guess_scheme

from archive.model.program import PROGRAM
from crawler.cli.configuration.components import check_components, check_early_components
from crawler.cli.configuration.setting_values import check_values

if TYPE_CHECKING:
    import argparse
    import builtins
    from collections.abc import Sequence
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

_log = logging.getLogger(__name__)

#: Settings that differ from a crawl's: no archive, no index, and no spiders, which write to both.
_SETTINGS: dict[str, Any] = {
    "EXCHANGE_SINK": None,
    "ROBOTS_STORE": None,
    "ITEM_PIPELINES": {},
    "ITEM_PIPELINES_BASE": {},
    "SPIDER_LOADER_CLASS": "crawler.cli.single_page.NoSpiders",
}
_FILES = "scrapy.core.downloader.handlers.file.FileDownloadHandler"


class LogFailures:
    """Downloader middleware that logs in one line why a page could not be fetched.

    Scrapy logs nothing or a traceback. Reads RETRY_EXCEPTIONS, the exceptions of the network.
    """

    def __init__(self, network: tuple[type[Exception], ...]) -> None:
        self._network = network

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Build the middleware from the settings."""
        return cls(tuple(map(load_object, crawler.settings.getlist("RETRY_EXCEPTIONS"))))

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Log a failure of the network; leave any other exception to Scrapy.

        :raises IgnoreRequest: it was a failure of the network.
        """
        if isinstance(exception, (IgnoreRequest, *self._network)):
            _log.error("could not fetch %s: %s", request.url, exception)
            raise IgnoreRequest(str(exception)) from exception


class NoSpiders:
    """Scrapy's SPIDER_LOADER_CLASS without spiders: an outlet's spider keeps what it fetches."""

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> NoSpiders:  # noqa: ARG003  (Scrapy's)
        """Return a loader; it reads no settings."""
        return cls()

    def load(self, spider_name: str) -> type[Spider]:
        """Refuse.

        :raises KeyError: always.
        """
        raise KeyError(spider_name)

    def list(self) -> list[str]:
        """Return no names."""
        return []

    def find_by_request(self, request: Request) -> builtins.list[str]:  # noqa: ARG002  (Scrapy's)
        """Return no names."""
        return []


def keep_nothing(settings: BaseSettings) -> None:
    """Turn off the settings that would keep a page."""
    for name, value in _SETTINGS.items():
        settings.set(name, value, priority="cmdline")
    middlewares = settings.getdict("DOWNLOADER_MIDDLEWARES")
    middlewares["crawler.cli.single_page.LogFailures"] = 0
    settings.set("DOWNLOADER_MIDDLEWARES", middlewares, priority="cmdline")


def introduce(settings: BaseSettings, addresses: Sequence[str]) -> None:
    """Put CONTACT into the user agent, unless the command line names another agent.

    :raises UsageError: an address is not valid, or CONTACT is missing and a host is not local.
    """
    from crawler.middlewares.identity import ContactError, check_contact

    hosts = [host for host in map(_host, addresses) if host]
    try:
        user_agent = check_contact(settings, hosts) if hosts else ""
    except ContactError as error:
        raise UsageError(str(error), print_help=False) from error
    from_cmdline = settings.getpriority("USER_AGENT") == SETTINGS_PRIORITIES["cmdline"]
    if user_agent and not from_cmdline:
        settings.set("USER_AGENT", user_agent, priority="cmdline")


class SinglePageCommand(ScrapyCommand):
    """Mixin before one of Scrapy's commands: a crawl's robots rules, pace, address guard, contact.

    Nothing is written to the archive or the index. A ``file:`` address works only where the
    command line names one, never because a page links to it.
    """

    default_settings: ClassVar[dict[str, Any]] = {"LOG_LEVEL": "WARNING", "LOGSTATS_INTERVAL": 0}

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Turn off the settings that would keep the page."""
        super().process_options(args, opts)
        assert self.settings is not None
        check_values(self.settings)
        check_early_components(self.settings)
        keep_nothing(self.settings)
        if args and guess_scheme(args[0]).startswith("file:"):
            handlers = self.settings.getdict("DOWNLOAD_HANDLERS") | {"file": _FILES}
            self.settings.set("DOWNLOAD_HANDLERS", handlers, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check everything and fetch the page.

        :raises UsageError: a spider was named, an address is not valid, CONTACT is missing, or a
            component of the user's cannot be imported.
        """
        assert self.settings is not None
        if opts.spider:
            raise UsageError(
                "--spider is not available: an outlet's spider keeps what it fetches, "
                "and this command keeps nothing",
                print_help=False,
            )
        introduce(self.settings, args)
        check_components(self.settings)
        self.fetch(args, opts)

    @abstractmethod
    def fetch(self, args: list[str], opts: argparse.Namespace) -> None:
        """Fetch the page, now that everything is checked."""

    def note_passed_over(self) -> bool:
        """Let the exit status be 1 for an exception that Scrapy passed over; return True."""
        self.exitcode = 1
        return True

    def fail(self, sentence: str) -> None:
        """Print a sentence; the exit status is 1."""
        verb = type(self).__module__.rpartition(".")[2]
        print(f"{PROGRAM} {verb}: {sentence}", file=sys.stderr)
        self.exitcode = 1


def _host(arg: str) -> str | None:
    """Return the host that an argument names, None for a file.

    :raises UsageError: it is not a valid address.
    """
    try:
        # as Scrapy's shell does, which fetches www.example.org over http
        address = urlsplit(guess_scheme(arg))
        _ = address.port  # an invalid port raises only when it is read
    except ValueError as error:
        raise UsageError(f"{arg} is not a valid address ({error})", print_help=False) from error
    return address.hostname
