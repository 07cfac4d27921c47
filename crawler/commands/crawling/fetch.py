"""``scrapy fetch``: fetch one page by the rules of a crawl and print it, without keeping it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.fetch import Command as ScrapyFetch

from archive.model.program import PROGRAM
from crawler.cli.single_page import SinglePageCommand

if TYPE_CHECKING:
    import argparse

    from scrapy.http import Response


class Command(SinglePageCommand, ScrapyFetch):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the HTTP client reads."""

    _fetched = False

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Print one page, as a crawl would fetch it, without archiving it"

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Fetch the page; the exit status is 1 if that failed."""
        super().run(args, opts)
        if not self._fetched:
            verb = type(self).__module__.rpartition(".")[2]
            print(
                f"{PROGRAM} {verb}: could not fetch {args[0]}; the log above says why.",
                file=sys.stderr,
            )
            self.exitcode = 1

    def _print_response(self, response: Response, opts: argparse.Namespace) -> None:
        self._fetched = True
        super()._print_response(response, opts)
