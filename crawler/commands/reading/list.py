"""``sacho list``: the names of the outlets."""

from __future__ import annotations

from scrapy.commands.list import Command as ScrapyList


class Command(ScrapyList):
    """Scrapy's command, in our words: a spider is an outlet. Reads SPIDER_LOADER_CLASS."""

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "List the outlets"
