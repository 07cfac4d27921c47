"""``scrapy reindex``: the index again, from the WARCs alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler.cli.base import Verb, number_option, usage_error
from crawler.cli.summary import Report

if TYPE_CHECKING:
    import argparse

    from crawler.offline.reindex import Remade


class Command(Verb):
    """Makes the index anew. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Make the index anew from the WARCs: after mending a parser, or when it was lost or damaged"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read every record of the archive again and make a new index of it beside the old one, which takes its "
            "place when it is whole. What the WARCs can't tell (runs, the frontier, copies of robots.txt) is taken "
            "over from the old index; without one, the frontier is made from the captures. The archive is only read. "
            "Stopped at any moment, the same command goes on. Needs room for a second index. "
            f"Example: {PROGRAM} reindex --processes 4"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --processes."""
        super().add_options(parser)
        parser.add_argument(
            "--processes",
            type=number_option,
            default=len(os.sched_getaffinity(0)),
            metavar="N",
            help="how many processes read (default: as many as there are cores: %(default)s)",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Make it anew; 1 if anything in the archive is damaged."""
        if args:
            raise usage_error(
                "it takes no arguments; ARCHIVE_URL and INDEX_URL say what is read and made"
            )
        # Every verb's module is imported by every verb; what reads records in processes is this
        # one's alone.
        from crawler.offline.reindex import reindex

        folder = archive_folder(self.text_setting("ARCHIVE_URL"))
        report = Report()
        done = False
        try:
            remade = reindex(
                folder,
                self.text_setting("INDEX_URL"),
                opts.processes,
                report,
                self.begin("reindex"),
            )
            done = True
        finally:
            self.exitcode = report.exit_code if done else 1
            report.finish()
        _print(remade)
        return report.exit_code


def _print(remade: Remade) -> None:
    again = "the rest: " if remade.resumed else ""
    rate = remade.captures / remade.seconds if remade.seconds else 0.0
    by = "1 process" if remade.processes == 1 else f"{remade.processes} processes"
    print(
        f"{again}{remade.captures} captures read in {remade.seconds:.1f} s by {by}: {rate:.0f} a second"
    )
    if remade.seeded:
        print(
            f"{remade.seeded} articles were missing in the frontier, and are in it again as their captures tell"
        )
    if remade.old is not None:
        print(f"the index before is kept as {remade.old}")
