"""``scrapy export``: hand articles on as JSON lines or a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive import export
from archive.queries import each_article
from crawler.command import Verb, as_text, day_option

if TYPE_CHECKING:
    import argparse


class Command(Verb):
    """Exports articles. Reads INDEX_URL."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] FILE"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Write the articles to a file (.jsonl, .csv)"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "Write the current revision of every article to FILE, its format told by the ending: .jsonl holds one JSON "
            "object a line, .csv a table for spreadsheets. Example: scrapy export --outlet etoday --since 2023-09-01 "
            "september.jsonl"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --outlet, --revisions, --since, --until."""
        super().add_options(parser)
        parser.add_argument("--outlet", type=as_text, default="", metavar="NAME", help="only this outlet's articles")
        parser.add_argument(
            "--revisions",
            choices=("current", "all"),
            default="current",
            help="each article as it stood last (the default), or all its revisions, each an object or row of its own",
        )
        for name, side in (("--since", "later"), ("--until", "earlier")):
            parser.add_argument(
                name, type=day_option, metavar="YYYY-MM-DD", help=f"published on this day (KST) or {side}"
            )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Export, and print how many articles were written."""
        if len(args) != 1:
            raise UsageError("name one file to write, ending in .jsonl or .csv", print_help=False)
        path = Path(args[0])
        if path.suffix not in export.ENDINGS:
            raise UsageError(f"{path}: end the name in {' or '.join(export.ENDINGS)}", print_help=False)
        with self.open_index() as index, index.reading() as connection:
            every = opts.revisions == "all"
            found = each_article(connection, opts.outlet, opts.since, opts.until, every_revision=every)
            count = export.write(path, found)
        print(f"{count} {'revisions' if every else 'articles'} written to {path}")
        return 0
