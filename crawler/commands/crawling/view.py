"""``scrapy view``: open one page in a browser, fetched by the rules of a crawl."""

from __future__ import annotations

from scrapy.commands.view import Command as ScrapyView

from crawler.cli.verb_list import VERBS
from crawler.commands.crawling.fetch import Command as Fetch


class Command(Fetch, ScrapyView):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the HTTP client reads."""

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS["view"]
