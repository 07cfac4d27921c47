"""``sacho list``: the names of the outlets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapy.commands.list import Command as ScrapyList

from crawler.cli.base import use_outlets
from crawler.cli.components import check_early_components

if TYPE_CHECKING:
    import argparse


class Command(ScrapyList):
    """Scrapy's command, in our words: a spider is an outlet. Reads SPIDER_LOADER_CLASS."""

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the outlets that OUTLET_MODULES and installed packages state."""
        super().process_options(args, opts)
        assert self.settings is not None
        check_early_components(self.settings)
        use_outlets(self.settings)

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "List the outlets"
