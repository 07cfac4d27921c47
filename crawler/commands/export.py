"""``scrapy export``: hand articles on as JSON lines or a table, or their captures as a web archive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError

from archive.articles.queries import each_article
from archive.export import articles as export
from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler import VERSION
from crawler.cli.base import Verb, day_option
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rich.progress import Progress

_ENDINGS = (*export.ENDINGS, *export.CAPTURE_ENDINGS)
_ANY_ENDING = f"{', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}"


class Command(Verb):
    """Exports revisions, or captures. Reads INDEX_URL, and ARCHIVE_URL for a .wacz."""

    def syntax(self) -> str:
        """Show what it takes."""
        return "[options] FILE"

    def short_desc(self) -> str:
        """Say what it does, in the list of verbs."""
        return "Write the articles to a file (.jsonl, .csv), or their captures (.wacz, .cdxj)"

    def long_desc(self) -> str:
        """Say what it does, with an example."""
        return (
            "Write the current revision of every article to FILE, its format told by the ending: .jsonl holds one JSON "
            "object a line, .csv a table for spreadsheets. A .wacz holds the captures themselves with index and list "
            "of pages, for pywb or ReplayWeb.page; a .cdxj is the sorted index over the archive's own WARC files. "
            "Both hold everything captured, robots.txt and feeds too, or, with --since or --until, only what shows "
            f"those articles. Example: {PROGRAM} export --outlet etoday --since 2023-09-01 "
            "september.wacz"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --outlet, --revisions, --since, --until."""
        super().add_options(parser)
        parser.add_argument(
            "--outlet", type=as_text, default="", metavar="NAME", help="only this outlet's articles"
        )
        parser.add_argument(
            "--revisions",
            choices=("current", "all"),
            default="current",
            help="each article as it stood last (the default), or all its revisions, each an object or row of its own",
        )
        for name, side in (("--since", "later"), ("--until", "earlier")):
            parser.add_argument(
                name,
                type=day_option,
                metavar="YYYY-MM-DD",
                help=f"published on this day (KST) or {side}",
            )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Export, and print how many articles or captures were written."""
        if len(args) != 1:
            raise UsageError(f"name one file to write, ending in {_ANY_ENDING}", print_help=False)
        path = Path(args[0])
        if path.suffix not in _ENDINGS:
            raise UsageError(f"{path}: end the name in {_ANY_ENDING}", print_help=False)
        every = opts.revisions == "all"
        if every and path.suffix in export.CAPTURE_ENDINGS:
            raise UsageError(
                f"{path}: it holds every capture already; --revisions is for articles",
                print_help=False,
            )
        with self.open_index() as index, index.reading() as connection:
            if path.suffix in export.ENDINGS:
                found = each_article(
                    connection, opts.outlet, opts.since, opts.until, every_revision=every
                )
                count = export.write_articles(path, found)
                print(f"{count} {'revisions' if every else 'articles'} written to {path}")
                return 0
            from archive.export import (
                captures as handover,  # other verbs, and other formats, do without it
            )

            folder = archive_folder(self.text_setting("ARCHIVE_URL"))
            asked = handover.CaptureFilter(opts.outlet, opts.since, opts.until)
            with _progress() as progress:
                count, pages = handover.export_captures(
                    path, connection, folder, asked, f"Sacho/{VERSION}", _on(progress)
                )
        print(
            f"{count} captures written to {path}"
            + (f", {pages} pages listed" if path.suffix == ".wacz" else "")
        )
        return 0


def _progress() -> Progress:
    """What shows how far it is, on a terminal only."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )


def _on(progress: Progress) -> Callable[[int], Callable[[], None]]:
    def begin(number: int) -> Callable[[], None]:
        task = progress.add_task("writing", total=number)
        return lambda: progress.advance(task)

    return begin
