"""``scrapy export``: write articles as JSON lines or a table, or captures as a web archive."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from archive.articles.queries import each_row
from archive.export.article_files import write_articles, write_to
from archive.export.articles import CAPTURE_ENDINGS, ENDINGS
from archive.index.search.query import QUALITIES
from archive.model.article import Quality
from archive.model.program import PROGRAM
from archive.segments.names import archive_folder
from crawler import VERSION
from crawler.cli.base import Verb, check_outlet, day_option, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import raw_stream
from crawler.cli.output.progress import ProgressBar, Unit
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from typing import TextIO

    from archive.articles.queries import ExportRow

_ENDINGS = (*ENDINGS, *CAPTURE_ENDINGS)
_ANY_ENDING = f"{', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}"
#: Names of the standard output, with the ending of the format.
_STDOUT = {"-": ".jsonl"} | {f"-:{ending[1:]}": ending for ending in ENDINGS}


class Command(Verb):
    """Export articles or captures. Reads INDEX_URL, and ARCHIVE_URL for captures."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options] FILE"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Write the current revision of every article to FILE, in the format of its ending: "
            ".jsonl holds a JSON object per line, .csv a table for spreadsheets. A .wacz holds the "
            "captures themselves with an index and a list of pages, for pywb or ReplayWeb.page; a "
            ".cdxj is the sorted index of the archive's own WARC files. Both hold every capture, "
            "robots.txt and feeds too, or, with --since or --until, only the captures of those "
            "articles. - is the standard output, for .jsonl; so is -:csv for a table. "
            f"Example: {PROGRAM} export --outlet etoday --since 2023-09-01 september.wacz"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --outlet, --revisions, --quality, --since, --until."""
        super().add_options(parser)
        parser.add_argument(
            "--outlet", type=as_text, default="", metavar="NAME", help="only this outlet's articles"
        )
        parser.add_argument(
            "--revisions",
            choices=("current", "all"),
            default="current",
            help="the current revision of each article (default), or all of them, each as an "
            "object or row of its own",
        )
        parser.add_argument(
            "--quality",
            choices=QUALITIES,
            default="any",
            help="only articles that a layout of their outlet read, or only those that none did "
            "(generic); without it both, each with its quality",
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
            raise usage_error(f"name one file to write, ending in {_ANY_ENDING}, or -")
        path = Path(args[0])
        ending = path.suffix.lower()
        if args[0] not in _STDOUT and ending not in _ENDINGS:
            raise usage_error(f"{path}: the name must end in {_ANY_ENDING}, or be -")
        if args[0] in _STDOUT or ending in ENDINGS:
            self._export_articles(args[0], opts)
            return 0
        if opts.revisions == "all":
            raise usage_error(
                f"{path} holds every capture in any case; --revisions is for articles"
            )
        if opts.quality != "any":
            raise usage_error(f"{path} holds captures of any quality; --quality is for articles")
        self._export_captures(path, opts)
        return 0

    def _export_articles(self, name: str, opts: argparse.Namespace) -> None:
        every = opts.revisions == "all"
        quality = None if opts.quality == "any" else Quality(opts.quality)
        with self.open_index() as index, index.reading() as connection:
            if opts.outlet:
                check_outlet(connection, opts.outlet)
            found = each_row(
                connection,
                opts.outlet,
                opts.since,
                opts.until,
                every_revision=every,
                quality=quality,
            )
            if name in _STDOUT:
                count = _print_articles(_STDOUT[name], found)
            else:
                count = write_articles(Path(name), found)
        what = counted(count, "revision" if every else "article")
        if name in _STDOUT:
            print(f"{what} written to the standard output", file=sys.stderr)
        else:
            print(f"{what} written to {name}")

    def _export_captures(self, path: Path, opts: argparse.Namespace) -> None:
        # Imported here, because only this format of this command needs it.
        from archive.export import captures

        folder = archive_folder(self.text_setting("ARCHIVE_URL"))
        asked = captures.CaptureFilter(opts.outlet, opts.since, opts.until)
        with (
            self.open_index() as index,
            index.reading() as connection,
            ProgressBar("writing", Unit.ITEMS) as progress,
        ):
            if opts.outlet:
                check_outlet(connection, opts.outlet)

            def begin(total: int) -> Callable[[], None]:
                progress.begin(total)
                return progress.advance

            count, pages = captures.export_captures(
                path, connection, folder, asked, f"Sacho/{VERSION}", begin
            )
        listed = f", {counted(pages, 'page')} listed" if path.suffix.lower() == ".wacz" else ""
        print(f"{counted(count, 'capture')} written to {path}{listed}")


def _print_articles(ending: str, rows: Iterable[ExportRow]) -> int:
    """Write articles to the standard output as to a file, but safely to a terminal."""
    raw = raw_stream(sys.stdout)
    if isinstance(raw, TextIOWrapper):
        raw.reconfigure(encoding="utf-8", newline="")
    file: TextIO = sys.stdout if raw.isatty() else raw
    return write_to(file, ending, rows)
