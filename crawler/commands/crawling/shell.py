"""``scrapy shell``: a Python console with one page, fetched by the rules of a crawl."""

from __future__ import annotations

from scrapy.commands.shell import Command as ScrapyShell

from crawler.cli.single_page import SinglePageCommand


class Command(SinglePageCommand, ScrapyShell):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the HTTP client reads."""

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Open a Python console with one page, to try selectors"
