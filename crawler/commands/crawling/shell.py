"""``scrapy shell``: a Python console with one page, fetched by the rules of a crawl."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.commands.shell import Command as ScrapyShell

from crawler.cli.configuration.component_bugs import counting_component_bugs
from crawler.cli.configuration.components import blame, component_of
from crawler.cli.single_page import SinglePageCommand
from crawler.cli.verb_list import VERBS

if TYPE_CHECKING:
    import argparse


class Command(SinglePageCommand, ScrapyShell):
    """Scrapy's command by the rules of a crawl. Reads CONTACT and what the HTTP client reads."""

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS["shell"]

    def fetch(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run Scrapy's command; the exit status is 1 if a component of the user's raises."""
        assert self.settings is not None
        try:
            with counting_component_bugs(self.settings, self.note_passed_over):
                ScrapyShell.run(self, args, opts)
        except Exception as error:  # what is no component's is raised again
            if not component_of(error, self.settings):
                raise
            self.fail(f"the page could not be fetched: {blame(error, self.settings)}.")
