"""``sacho list``: the outlets, and how much is known of each."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from scrapy.commands.list import Command as ScrapyList

from archive.model.program import PROGRAM
from crawler.cli.base import use_outlets
from crawler.cli.configuration.components import check_early_components
from crawler.cli.configuration.setting_values import check_values
from crawler.cli.output.printable import make_output_safe, print_json
from crawler.cli.output.tables import print_table
from crawler.cli.verb_list import VERBS
from crawler.model.outlet_facts import basis, listed, rated
from crawler.outlets import known_outlets

if TYPE_CHECKING:
    import argparse

    from crawler.model.outlet import Outlet


class Command(ScrapyList):
    """Scrapy's command, in our words: a spider is an outlet. Reads SPIDER_LOADER_CLASS."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --long and --json."""
        super().add_options(parser)
        parser.add_argument(
            "--long",
            action="store_true",
            help="print what is known of each, as on a terminal",
        )
        parser.add_argument("--json", action="store_true", help="print what is known as JSON")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check the outlets that OUTLET_MODULES and installed packages state."""
        super().process_options(args, opts)
        assert self.settings is not None
        check_values(self.settings)
        check_early_components(self.settings)
        use_outlets(self.settings)

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS["list"]

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "List the outlets: their names alone where a program reads them, as Scrapy's command "
            "does. On a terminal, say of each whether its layouts were checked on real pages or "
            "rest on facts only, how sure the facts of each field are (A to C, newest layout) and "
            "those of its channels. "
            f"Example: {PROGRAM} list --long"
        )

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Print the list."""
        outlets = list(known_outlets().values())
        if opts.json:
            print_json([_facts(outlet) for outlet in outlets])
        elif opts.long or sys.stdout.isatty():
            make_output_safe()
            head = ("outlet", "name", "layouts", "checked", "fields", "channels")
            print_table(head, [_row(outlet) for outlet in outlets])
        else:
            super().run(args, opts)


def _row(outlet: Outlet) -> tuple[str, ...]:
    fields = rated(outlet.layouts[0]) if outlet.layouts else ""
    return (
        outlet.name,
        outlet.title,
        str(len(outlet.layouts)),
        basis(outlet),
        fields,
        listed(outlet.channels),
    )


def _facts(outlet: Outlet) -> dict[str, object]:
    return {
        "outlet": outlet.name,
        "title": outlet.title,
        "hosts": list(outlet.hosts),
        "checked": basis(outlet),
        "layouts": [
            {
                "name": layout.name,
                "seen": [str(day) for day in layout.seen],
                "fields": rated(layout),
            }
            for layout in outlet.layouts
        ],
        "channels": {channel.name: channel.confidence for channel in outlet.channels},
        "unknown": list(outlet.unknown),
    }
