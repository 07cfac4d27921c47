"""``scrapy fetch``: fetch one page by the rules of a crawl and print it, without keeping it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.commands.fetch import Command as ScrapyFetch
from scrapy.exceptions import UsageError
from scrapy.utils.datatypes import SequenceExclude
from scrapy.utils.spider import DefaultSpider
from w3lib.url import is_url

from crawler.cli.configuration.component_bugs import counting_component_bugs
from crawler.cli.configuration.components import failure_of
from crawler.cli.single_page import SinglePageCommand
from crawler.cli.verb_list import VERBS

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

    from scrapy.http import Response


class _OnePage(DefaultSpider):
    """A spider of one request."""

    request: Request  # given to the spider, which makes an attribute of it

    async def start(self) -> AsyncIterator[Request]:
        """Yield the request."""
        yield self.request


class Command(SinglePageCommand, ScrapyFetch):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the HTTP client reads."""

    _fetched = False

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS["fetch"]

    def fetch(self, args: list[str], opts: argparse.Namespace) -> None:
        """Fetch the page and print it; the exit status is 1 if that failed.

        Scrapy's own method would print the traceback of what keeps a crawl from starting.

        :raises UsageError: not one address is given.
        """
        if len(args) != 1 or not is_url(args[0]):
            raise UsageError
        assert self.crawler_process is not None, "requires_crawler_process"
        request = Request(
            args[0],
            callback=self._print_response,
            cb_kwargs={"opts": opts},
            dont_filter=True,
            meta=_answers(followed=not opts.no_redirect),
        )
        crawler = self.crawler_process.create_crawler(_OnePage)
        with counting_component_bugs(crawler.settings, self.note_passed_over):
            started = self.crawler_process.crawl(crawler, request=request)
            self.crawler_process.start()
        failure = failure_of(started, crawler.settings)
        if failure:
            self.fail(f"the page could not be fetched: {failure}.")
        elif not self._fetched:
            self.fail(f"could not fetch {args[0]}; the log above says why.")

    def _print_response(self, response: Response, opts: argparse.Namespace) -> None:
        self._fetched = True
        super()._print_response(response, opts)


def _answers(*, followed: bool) -> dict[str, Any]:
    """Return the meta of a request that takes every answer; redirects only if not followed."""
    if followed:
        return {"handle_httpstatus_list": SequenceExclude(range(300, 400))}
    return {"handle_httpstatus_all": True}
