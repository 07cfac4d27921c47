"""``scrapy fetch``: one page as a crawl would get it, printed and not kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.fetch import Command as Scrapys

from archive.model.program import PROGRAM
from crawler.cli.look import Look

if TYPE_CHECKING:
    import argparse

    from scrapy.http import Response


class Command(Look, Scrapys):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the wire reads."""

    _answered = False

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Fetch it; the exit status is 1 where nothing came."""
        super().run(args, opts)
        if not self._answered:
            print(
                f"{PROGRAM} fetch: {args[0]} could not be had; the log above says why.",
                file=sys.stderr,
            )
            self.exitcode = 1

    def _print_response(self, response: Response, opts: argparse.Namespace) -> None:
        self._answered = True
        super()._print_response(response, opts)
