"""``scrapy parse``: print the article of one page, fetched by the rules of a crawl, not kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.model.program import PROGRAM
from crawler.cli.base import use_outlets
from crawler.cli.output.printable import json_text
from crawler.cli.verb_list import VERBS
from crawler.commands.crawling.fetch import Command as Fetch
from crawler.model.outlet import Outlet, OutletError
from crawler.outlets import outlet_named, outlet_of

if TYPE_CHECKING:
    import argparse

    from scrapy.http import Response


class Command(Fetch):
    """Print the article of one page. Reads CONTACT, OUTLET_MODULES and what the client reads."""

    _outlet: Outlet

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] ADDRESS"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS["parse"]

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Fetch one page by the rules of a crawl, read it as its outlet's and print the article "
            "as JSON. Nothing is kept. --spider names the outlet of an address whose host none "
            f"has. Example: {PROGRAM} parse https://www.etoday.co.kr/news/view/2273000"
        )

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Find the outlet of the address.

        :raises UsageError: there is none, or not one address.
        """
        super().process_options(args, opts)
        assert self.settings is not None
        use_outlets(self.settings)
        if len(args) != 1:
            raise UsageError("name one address", print_help=False)
        try:
            outlet = outlet_named(opts.spider) if opts.spider else outlet_of(args[0])
        except OutletError as error:
            raise UsageError(str(error), print_help=False) from error
        if outlet is None:
            raise UsageError(
                f"no outlet has the host of {args[0]}; --spider names the outlet to read it as",
                print_help=False,
            )
        self._outlet = outlet
        opts.spider = None

    def _print_response(self, response: Response, opts: argparse.Namespace) -> None:  # noqa: ARG002  (Scrapy's)
        # Imported here: Scrapy imports every command's module to run one of them.
        from crawler.extraction.judge import judge
        from crawler.extraction.reading import read_exchange
        from pipelines.item import to_item

        self._fetched = True
        exchange = response.meta["exchange"]
        page = judge(
            read_exchange(exchange, self._outlet, source=response.url, believed=True), self._outlet
        )
        if page.article is None:
            detail = f": {page.verdict.detail}" if page.verdict and page.verdict.detail else ""
            print(f"{PROGRAM} parse: {response.url}: {page.verdict}{detail}", file=sys.stderr)
            self.exitcode = 1
            return
        item = to_item(page, page.article, response.status)
        print(json_text(item))
