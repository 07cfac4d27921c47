"""``scrapy reindex``: rebuild the index from the WARC files."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.segments.store import store_at
from crawler.cli.base import Verb, check_outlet, day_option, number_option, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.progress import ProgressBar, Unit
from crawler.cli.output.summary import Report
from crawler.cli.output.tables import print_table
from crawler.extraction.generic import INSTALL

if TYPE_CHECKING:
    import argparse

    from crawler.offline.reindex import ReindexResult


class Command(Verb):
    """Rebuild the index. Reads ARCHIVE_URL and INDEX_URL."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Read every record of the archive again and make a new index beside the old one, which "
            "it replaces when it is complete. What the WARC files do not contain (runs, alarms, "
            "the frontier, copies of robots.txt) is taken over from the old index; without one, "
            "the frontier is made from the captures. The archive is only read. If it is "
            "interrupted, the same command continues. Needs disk space for a second index. "
            "--dry-run only says what would change in outcomes and fields, by outlet: it reads the "
            "captures of the index with today's code and writes nothing. "
            f"Example: {PROGRAM} reindex --processes 4"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --processes, --dry-run, --outlet, --since, --until, --limit, --json."""
        super().add_options(parser)
        parser.add_argument(
            "--processes",
            type=number_option,
            default=len(os.sched_getaffinity(0)),
            metavar="N",
            help="number of processes that read (default: the number of cores, %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="write nothing; print what would change"
        )
        parser.add_argument(
            "--outlet", default="", metavar="NAME", help="dry run: only captures of this outlet"
        )
        parser.add_argument(
            "--since",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="dry run: only captures made on this day (KST) or later",
        )
        parser.add_argument(
            "--until",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="dry run: only captures made on this day (KST) or earlier",
        )
        parser.add_argument(
            "--limit",
            type=number_option,
            metavar="N",
            help="dry run: begin no other article after N captures, the newest first",
        )
        parser.add_argument("--json", action="store_true", help="dry run: print one JSON object")

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Rebuild the index, or say what would change; return 1 if a record is damaged."""
        if args:
            raise usage_error(
                "reindex takes no arguments; ARCHIVE_URL and INDEX_URL name what is read and made"
            )
        if opts.dry_run:
            return self._dry_run(opts)
        if opts.outlet or opts.since or opts.until or opts.limit or opts.json:
            raise usage_error("--outlet, --since, --until, --limit and --json need --dry-run")
        # Imported here: every command's module is imported by every command, and only this one
        # reads records in several processes.
        from crawler.offline.reindex import reindex

        store = store_at(self.text_setting("ARCHIVE_URL"))
        report = Report()
        done = False
        try:
            result = reindex(
                store,
                self.text_setting("INDEX_URL"),
                opts.processes,
                report,
                self.begin("reindex"),
            )
            done = True
        finally:
            self.exitcode = report.exit_code if done else 1
            report.finish()
        _print_result(result)
        return report.exit_code

    def _dry_run(self, opts: argparse.Namespace) -> int:
        """Print what a reindex would change; return 1 if a record is damaged."""
        # Imported here for the reason above.
        from archive.reindex.selection import Selection
        from crawler.offline.dry_run import dry_run
        from crawler.offline.dry_run_report import print_dry_run

        self.said_if_stopped = "Stopped. Nothing was written."
        if opts.outlet:
            with self.open_index() as index, index.reading() as connection:
                check_outlet(connection, opts.outlet)
        with ProgressBar("reading", Unit.ITEMS) as progress:
            result = dry_run(
                store_at(self.text_setting("ARCHIVE_URL")),
                self.text_setting("INDEX_URL"),
                Selection(opts.outlet, opts.since, opts.until, opts.limit),
                opts.processes,
                progress.advance,
            )
        print_dry_run(result, as_json=opts.json)
        return 1 if result.failed else 0


def _print_result(result: ReindexResult) -> None:
    rest = "the rest: " if result.resumed else ""
    rate = result.captures / result.seconds if result.seconds else 0.0
    print(
        f"{rest}{counted(result.captures, 'capture')} read in {result.seconds:.1f} s by "
        f"{counted(result.processes, 'process', 'processes')}: {rate:.0f} per second"
    )
    if result.seeded:
        were = "was" if result.seeded == 1 else "were"
        print(
            f"{counted(result.seeded, 'article')} {were} missing from the frontier and added from "
            "the captures"
        )
    if result.revived:
        are = "is" if result.revived == 1 else "are"
        print(
            f"{counted(result.revived, 'article')} that an earlier version gave up {are} due again"
        )
    if result.left_out:
        are = "is" if result.left_out == 1 else "are"
        print(
            f"{counted(result.left_out, 'article')} that no layout reads {are} left out, as what "
            f"read them is not installed: {INSTALL}",
            file=sys.stderr,
        )
    if result.old is not None:
        print(f"the old index is kept as {result.old}")
        _print_differences(result)


def _print_differences(result: ReindexResult) -> None:
    """Print what changed against the old index."""
    if result.differences is None:
        print(result.not_compared)
    elif result.differences:
        print("what changed against the old index:")
        rows = [(one.what, one.before, one.after, str(one.number)) for one in result.differences]
        print_table(("what", "before", "after", "number"), rows, figures=1)
    else:
        print("nothing changed against the old index")
