"""``scrapy reindex``: rebuild the index from the WARC files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archive.index.address import is_postgres_url
from archive.model.program import PROGRAM
from crawler.cli.base import Verb, check_outlet, day_option, number_option, usage_error
from crawler.cli.output.plural import counted
from crawler.cli.output.progress import ProgressBar, Unit
from crawler.cli.output.summary import Report
from crawler.cli.output.tables import print_table
from crawler.extraction.generic import INSTALL

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from archive.runs.record import RunRecord
    from crawler.offline.dry_run import DryRun
    from crawler.offline.reindex import ReindexResult
    from crawler.offline.reindex_parts import Workers

#: A part is written as K/N, of four digits at most.
_MOST_PARTS = 1000


class Command(Verb):
    """Rebuild the index. Reads ARCHIVE_URL and INDEX_URL."""

    outlasts_reader = True

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
        """Add --processes, --workers, --part, and those of a dry run."""
        super().add_options(parser)
        parser.add_argument(
            "--processes",
            type=number_option,
            default=len(os.sched_getaffinity(0)),
            metavar="N",
            help="number of processes that read (default: the number of cores, %(default)s)",
        )
        parser.add_argument(
            "--workers",
            type=number_option,
            metavar="N",
            help="let workers read N parts, each of other outlets, or of other articles in a "
            "dry run (index in PostgreSQL)",
        )
        parser.add_argument(
            "--part",
            default="",
            metavar="K/N",
            help="read the Kth of N parts of the reindex that --workers N has begun, and no more; "
            "dry run: the Kth of N parts of the articles",
        )
        parser.add_argument(
            "--of",
            default="",
            metavar="MARK",
            help="dry run, with --part: leave the result to the command that waits for it, by its "
            "mark (--workers sets it)",
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
        if opts.workers or opts.part or opts.of:
            self._check_parts(opts)
        if opts.dry_run:
            return self._dry_run(opts)
        if opts.outlet or opts.since or opts.until or opts.limit or opts.json:
            raise usage_error("--outlet, --since, --until, --limit and --json need --dry-run")
        if opts.part:
            return self._read_part(opts)
        with self._workers(opts) as workers:
            return self._reindex(opts, workers)

    def _reindex(self, opts: argparse.Namespace, workers: Workers | None) -> int:
        # Imported here: every command's module is imported by every command, and only this one
        # reads records in several processes.
        from crawler.offline.reindex import reindex

        store = self.archive_store()
        report = Report()
        done = False
        try:
            result = reindex(
                store,
                self.text_setting("INDEX_URL"),
                opts.processes,
                report,
                self.begin("reindex"),
                workers,
            )
            done = True
        finally:
            self.exitcode = report.exit_code if done else 1
            report.finish()
        _print_result(result)
        return report.exit_code

    def _check_parts(self, opts: argparse.Namespace) -> None:
        """Check --workers and --part.

        :raises UsageError: they do not go together, or with an index in a file.
        """
        from archive.verify.selection import part_of

        if opts.workers and opts.part:
            raise usage_error("give --workers or --part, which is for one of them")
        if opts.workers and opts.limit:
            raise usage_error("--limit counts the captures of all parts: omit it, or --workers")
        if opts.of and not (opts.dry_run and opts.part):
            raise usage_error("--of is of a part of a dry run")
        if not is_postgres_url(self.text_setting("INDEX_URL")):
            which = "--workers needs workers" if opts.workers else "--part is of a worker"
            raise usage_error(f"{which}, and so an index in PostgreSQL")
        if opts.workers and opts.workers > _MOST_PARTS:
            raise usage_error(f"--workers: at most {_MOST_PARTS}")
        if opts.part:
            try:
                number, _ = part_of(opts.part)
            except ValueError:
                number = 0
            if not number:
                raise usage_error(
                    f"--part {opts.part}: give K/N, with K from 1 to N, and N to {_MOST_PARTS}"
                )

    @contextmanager
    def _workers(self, opts: argparse.Namespace) -> Iterator[Workers | None]:
        """Yield the workers that read parts; None if there are to be none."""
        if not opts.workers:
            yield None
            return
        from crawler.jobs.queue.parts import Parts
        from crawler.jobs.queue.procrastinate_queue import check_installed
        from crawler.offline.reindex_parts import Workers

        check_installed()
        with self.open_index(read_only=False, brief=True) as index:

            def defer(parts: Sequence[str], look: Callable[[], None]) -> Iterator[RunRecord]:
                words = [("--part", part) for part in parts]
                left = "the same command goes on with what it has read"
                with Parts(index, "reindex", words, left=left) as waiting:
                    for run in waiting.ended(look):
                        _print_part(run)
                        yield run

            yield Workers(opts.workers, defer)

    def _read_part(self, opts: argparse.Namespace) -> int:
        """Read a part into the unfinished index; what is found there, `_reindex` tells."""
        from archive.verify.selection import part_of
        from crawler.offline.reindex_parts import read_part

        def tell() -> None:
            print(f"part {opts.part} is still being read by another process: waiting for its end")

        self.said_if_stopped = (
            "Stopped. What was read is kept; the part goes on when it is repeated."
        )
        result = read_part(
            self.archive_store(),
            self.text_setting("INDEX_URL"),
            part_of(opts.part),
            opts.processes,
            tell,
        )
        read = _read_sentence(result.captures, result.seconds, result.processes)
        print(f"part {opts.part}: {read}")
        return 0

    def _dry_run(self, opts: argparse.Namespace) -> int:
        """Print what a reindex would change; return 1 if a record is damaged."""
        # Imported here for the reason above.
        from archive.reindex.selection import Selection
        from archive.verify.selection import part_of
        from crawler.offline.dry_run import dry_run
        from crawler.offline.dry_run_report import print_dry_run

        self.said_if_stopped = "Stopped. Nothing was written."
        if opts.outlet:
            with self.open_index() as index, index.reading() as connection:
                check_outlet(connection, opts.outlet)
        # No worker takes the parts of an archive that is not there; those of one that is empty
        # would be waited for as long as none runs.
        if opts.workers and self.archive_store().names()[0]:
            result = self._dry_run_by_workers(opts)
            print_dry_run(result, as_json=opts.json)
            return 1 if result.failed else 0
        url = self.text_setting("INDEX_URL")
        part = part_of(opts.part) if opts.part else None
        if opts.of:
            from crawler.jobs.queue.dry_run_parts import check_part, leave_result

            check_part(url, opts.of)
        with ProgressBar("reading", Unit.ITEMS) as progress:
            result = dry_run(
                self.archive_store(),
                url,
                Selection(opts.outlet, opts.since, opts.until, opts.limit, part),
                opts.processes,
                progress.advance,
            )
        if opts.of and part is not None:
            leave_result(url, opts.of, part[0], result)
        print_dry_run(result, as_json=opts.json)
        return 1 if result.failed else 0

    def _dry_run_by_workers(self, opts: argparse.Namespace) -> DryRun:
        """Return what workers find that a reindex would change."""
        from crawler.jobs.queue.dry_run_parts import dry_run_by_workers
        from crawler.jobs.queue.procrastinate_queue import check_installed

        check_installed()
        given = (("--outlet", opts.outlet), ("--since", opts.since), ("--until", opts.until))
        words = [f"{name}={value}" for name, value in given if value]
        # A JSON object stands alone on stdout.
        lines = sys.stderr if opts.json else sys.stdout
        self.open_index().close()  # one of an earlier schema is not upgraded by a dry run
        with self.open_index(read_only=False, brief=True) as index:
            return dry_run_by_workers(
                index, words, opts.workers, lambda line: print(line, file=lines, flush=True)
            )


def _print_result(result: ReindexResult) -> None:
    rest = "the rest: " if result.resumed else ""
    print(rest + _read_sentence(result.captures, result.seconds, result.processes, result.parts))
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
    if result.lost:
        are = "is" if result.lost == 1 else "are"
        print(
            f"{counted(result.lost, 'article')} of which the archive holds no capture any more "
            f"{are} due again"
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


def _read_sentence(captures: int, seconds: float, processes: int, parts: int = 0) -> str:
    rate = captures / seconds if seconds else 0.0
    by = counted(processes, "process", "processes")
    if parts:
        by = f"workers in {counted(parts, 'part')}"
    return f"{counted(captures, 'capture')} read in {seconds:.1f} s by {by}: {rate:.0f} per second"


def _print_part(run: RunRecord) -> None:
    """Print how a part ended, under its own number: of those left it may be another one."""
    part = next(word for word in run.arguments if "/" in word)
    ended = f"{run.ending} (exit {run.exit_code})" if run.exit_code else str(run.ending)
    log = f"; {run.log}" if run.log else ""
    print(f"part {part} on {run.host}: {ended}{log}", flush=True)


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
