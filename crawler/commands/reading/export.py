"""``scrapy export``: write articles as JSON lines or a table, or captures as a web archive."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from archive.articles.queries import number_left_out
from archive.articles.selected_rows import ArticleSelection, rows_of
from archive.export.article_files import (
    CountedRows,
    check_format,
    chunks_of,
    write_articles,
    write_to,
)
from archive.export.articles import CAPTURE_ENDINGS, ENDINGS, PARQUET, ExportError
from archive.index.search.query import QUALITIES, parse_query, with_sites
from archive.model.article import Quality
from archive.model.program import PROGRAM
from crawler import VERSION
from crawler.cli.base import Verb, check_outlet, day_option, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import raw_stream
from crawler.cli.output.progress import ProgressBar, Unit
from crawler.model.text import as_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator

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
            ".jsonl holds a JSON object per line, .csv a table for spreadsheets, .parquet a table "
            "with types for DuckDB, pandas and Polars (it needs pyarrow: the extra parquet). "
            "--query chooses the articles that a search finds. With --partition the name is "
            "that of a folder, in which there is a .parquet for each outlet and month of "
            "publication. A .wacz holds the "
            "captures themselves with an index and a list of pages, for pywb or ReplayWeb.page; a "
            ".cdxj is the sorted index of the archive's own WARC files. Both hold every capture, "
            "robots.txt and feeds too, or, with --since or --until, only the captures of those "
            "articles. - is the standard output, for .jsonl; so are -:csv and -:parquet. "
            f"Example: {PROGRAM} export --outlet etoday --since 2023-09-01 september.wacz"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --outlet, --query, --revisions, --quality, --since, --until, --partition."""
        super().add_options(parser)
        parser.add_argument(
            "--outlet", type=as_text, default="", metavar="NAME", help="only this outlet's articles"
        )
        parser.add_argument(
            "--query",
            type=as_text,
            metavar="QUERY",
            help="only articles that a search for this finds, with all that a query of search may "
            "have; with --revisions all, every revision of them",
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
            help="only articles that a layout of their outlet read, or only those that none did "
            "(generic); without it both, each with its quality, and with --query what a search "
            "finds",
        )
        parser.add_argument(
            "--partition",
            action="store_true",
            help="write a folder of that name, FILE/outlet=NAME/month=YYYY-MM/part-0.parquet; the "
            "month of articles of unknown publication is unknown",
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
        if opts.partition:
            _check_folder(args[0], ending)
        elif args[0] not in _STDOUT and ending not in _ENDINGS:
            raise usage_error(f"{path}: the name must end in {_ANY_ENDING}, or be -")
        if opts.partition or args[0] in _STDOUT or ending in ENDINGS:
            self._export_articles(args[0], opts)
            return 0
        if opts.revisions == "all":
            raise usage_error(
                f"{path} holds every capture in any case; --revisions is for articles"
            )
        if opts.quality not in (None, "any"):
            raise usage_error(f"{path} holds captures of any quality; --quality is for articles")
        if opts.query is not None:
            raise usage_error(f"{path} holds captures; --query is for articles")
        self._export_captures(path, opts)
        return 0

    def _export_articles(self, name: str, opts: argparse.Namespace) -> None:
        selection = _selection(opts)
        check_format(PARQUET if opts.partition else _STDOUT.get(name, Path(name).suffix.lower()))
        outlet = selection.query.outlet if selection.query else selection.outlet
        left_out = 0
        with self.open_index() as index, index.reading() as connection:
            if outlet:
                check_outlet(connection, outlet)
            found = rows_of(connection, selection, by_month=opts.partition)
            if opts.partition:
                # Imported here, because only this option needs it.
                from archive.export.partitioned import write_partitioned

                count = write_partitioned(Path(name), found)
            elif name in _STDOUT:
                count = _print_articles(_STDOUT[name], found)
            else:
                count = write_articles(Path(name), found)
            if selection.query is not None:
                left_out = number_left_out(connection, selection.query)
        what = counted(count, "revision" if selection.every_revision else "article")
        if name in _STDOUT:
            print(f"{what} written to the standard output", file=sys.stderr)
        else:
            print(f"{what} written to {name}")
        if left_out:
            print(
                f"left out: {left_out} that no layout read (quality:any finds them too)",
                file=sys.stderr,
            )

    def _export_captures(self, path: Path, opts: argparse.Namespace) -> None:
        # Imported here, because only this format of this command needs it.
        from archive.export import captures

        store = self.archive_store()
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
                path, connection, store, asked, f"Sacho/{VERSION}", begin
            )
        listed = f", {counted(pages, 'page')} listed" if path.suffix.lower() == ".wacz" else ""
        print(f"{counted(count, 'capture')} written to {path}{listed}")


def _check_folder(name: str, ending: str) -> None:
    """Refuse a name that can only be meant for a file.

    :raises UsageError: it is the standard output's, or has the ending of a file.
    """
    if name in _STDOUT:
        raise usage_error(f"--partition writes a folder, and {name} is the standard output")
    if ending in _ENDINGS:
        raise usage_error(
            f"--partition writes a folder, and {name} is the name of a file; leave out {ending}"
        )


def _selection(opts: argparse.Namespace) -> ArticleSelection:
    """Return which articles the options select.

    :raises QueryError: the query has no meaning, or says something else than an option.
    """
    every = opts.revisions == "all"
    if opts.query is None:
        quality = None if opts.quality in (None, "any") else Quality(opts.quality)
        return ArticleSelection(
            opts.outlet, opts.since, opts.until, quality=quality, every_revision=every
        )
    parse_query(opts.query)  # what is wrong with it is said of what the user wrote
    query = with_sites(parse_query(" ".join([opts.query, *_fields(opts)])))
    return ArticleSelection(query=query, every_revision=every)


def _fields(opts: argparse.Namespace) -> Iterator[str]:
    """Yield the options as fields of a query, which says the same and refuses what contradicts."""
    if opts.outlet:
        yield f'outlet:"{opts.outlet}"'
    for name in ("since", "until", "quality"):
        value = getattr(opts, name)
        if value is not None:
            yield f"{name}:{value}"


def _print_articles(ending: str, rows: Iterable[ExportRow]) -> int:
    """Write articles to the standard output as to a file, but safely to a terminal.

    :raises ExportError: the format is none for a terminal.
    """
    raw = raw_stream(sys.stdout)
    assert isinstance(raw, TextIOWrapper)
    if raw.isatty():
        if ending == PARQUET:
            raise ExportError(
                "a .parquet is no text for a terminal: name a file, or lead the output elsewhere"
            )
        raw.reconfigure(encoding="utf-8", newline="")
        return write_to(sys.stdout, ending, rows)
    counted_rows = CountedRows(rows)
    out = raw.buffer
    for chunk in chunks_of(ending, counted_rows):
        out.write(chunk)
    out.flush()
    return counted_rows.number
