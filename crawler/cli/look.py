"""A look at one page by hand, asked for as a crawl asks and kept nowhere: what fetch, shell and view share."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import IgnoreRequest, UsageError
from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.utils.misc import load_object
from scrapy.utils.url import guess_scheme

if TYPE_CHECKING:
    import argparse
    import builtins
    from typing import Self

    from scrapy import Request, Spider
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

_log = logging.getLogger(__name__)

#: What a crawl has that a look is to be without: the archive, the index, the spiders that belong to
#: them.
_WITHOUT: dict[str, Any] = {
    "EXCHANGE_SINK": None,
    "ROBOTS_STORE": None,
    "ITEM_PIPELINES": {},
    "SPIDER_LOADER_CLASS": "crawler.cli.look.NoSpiders",
}
_FILES = "scrapy.core.downloader.handlers.file.FileDownloadHandler"


class SayWhy:
    """Downloader middleware: says in a line why a page did not come, where Scrapy says nothing or a traceback.

    Reads RETRY_EXCEPTIONS, which are what a network does.
    """

    def __init__(self, network: tuple[type[Exception], ...]) -> None:
        self._network = network

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Scrapy's way to build it."""
        return cls(tuple(map(load_object, crawler.settings.getlist("RETRY_EXCEPTIONS"))))

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Say it, and leave a bug to Scrapy.

        :raises IgnoreRequest: it was the network's.
        """
        if isinstance(exception, (IgnoreRequest, *self._network)):
            _log.error("%s could not be had: %s", request.url, exception)
            raise IgnoreRequest(str(exception)) from exception


class NoSpiders:
    """Scrapy's SPIDER_LOADER_CLASS for a look: an outlet's spider keeps what it fetches, so none is found."""

    @classmethod
    def from_settings(cls, settings: BaseSettings) -> NoSpiders:  # noqa: ARG003  (Scrapy's protocol)
        """Make a loader; it reads no settings."""
        return cls()

    def load(self, spider_name: str) -> type[Spider]:
        """Refuse.

        :raises KeyError: always.
        """
        raise KeyError(spider_name)

    def list(self) -> list[str]:
        """Name none."""
        return []

    def find_by_request(self, request: Request) -> builtins.list[str]:  # noqa: ARG002  (Scrapy's protocol)
        """Find none."""
        return []


class Look(ScrapyCommand):
    """Put before one of Scrapy's commands: robots, pace, guard and contact hold as in a crawl, nothing is written.

    A file of this machine may be looked at where it is named, and by no page's leave.
    """

    default_settings: ClassVar[dict[str, Any]] = {"LOG_LEVEL": "WARNING", "LOGSTATS_INTERVAL": 0}

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Leave out what keeps things."""
        super().process_options(args, opts)
        assert self.settings is not None
        for name, value in _WITHOUT.items():
            self.settings.set(name, value, priority="cmdline")
        middlewares = self.settings.getdict("DOWNLOADER_MIDDLEWARES") | {
            "crawler.cli.look.SayWhy": 0
        }
        self.settings.set("DOWNLOADER_MIDDLEWARES", middlewares, priority="cmdline")
        if args and guess_scheme(args[0]).startswith("file:"):
            handlers = self.settings.getdict("DOWNLOAD_HANDLERS") | {"file": _FILES}
            self.settings.set("DOWNLOAD_HANDLERS", handlers, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Look, or say in a sentence why not."""
        from crawler.middlewares.identity import ContactError, check_contact

        assert self.settings is not None
        if opts.spider:
            raise UsageError(
                "an outlet's spider keeps what it fetches, and a look keeps nothing",
                print_help=False,
            )
        hosts = [host for host in map(_host, args) if host]
        try:
            named = check_contact(self.settings, hosts) if hosts else ""
        except ContactError as error:
            raise UsageError(str(error), print_help=False) from error
        if named and self.settings.getpriority("USER_AGENT") != SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("USER_AGENT", named, priority="cmdline")
        super().run(args, opts)  # type: ignore[safe-super]  # it is the command this stands before


def _host(arg: str) -> str | None:
    """The host that an argument names, if any.

    :raises UsageError: it is an address that can't be.
    """
    try:
        # as Scrapy's shell takes it, which asks www.example.org by http
        address = urlsplit(guess_scheme(arg))
        _ = address.port  # read when it is asked for
    except ValueError as error:
        raise UsageError(f"{arg} is no address ({error})", print_help=False) from error
    return address.hostname
