"""``scrapy status``: the status of outlets and jobs, and the history of runs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.runs.figures import examples
from archive.runs.history import runs_between, summed
from crawler.cli.base import Verb, check_outlet, day_option, number_option, usage_error
from crawler.cli.output.printable import print_json
from crawler.model.text import as_text
from crawler.status.console import print_overview, print_reasons, print_runs
from crawler.status.json_report import overview_object, runs_object

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from archive.runs.figures import Example
    from crawler.jobs.job import Job
    from crawler.status.overview import Overview

#: Runs that are shown by default.
_LAST = 20


class Command(Verb):
    """Show the status of outlets and jobs. Reads INDEX_URL, ARCHIVE_URL and JOBS_FILE."""

    outlasts_reader = True

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Print a row for each outlet: its last run and results, its new articles, how many it "
            "is expected to publish, its next run and warnings; then the other jobs and the open "
            "alarms. Nothing is written. Exit status 1 if an alarm is open, if a job has failed "
            "for good or is not run when it is due, or if the jobs file is invalid. "
            f"Example: {PROGRAM} status --runs --since 2026-11-17 --until 2026-11-17, for the runs "
            "of one day"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --runs, --outlet, --since, --until, --json, --metrics."""
        super().add_options(parser)
        parser.add_argument(
            "--runs",
            type=number_option,
            nargs="?",
            const=0,
            metavar="N",
            help=f"the history of runs, manual ones too: the last N (default: {_LAST}, or all of "
            "the requested days)",
        )
        parser.add_argument("--outlet", default="", metavar="NAME", help="only this outlet")
        parser.add_argument(
            "--since",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="with --runs: runs that were running on this day (KST) or later",
        )
        parser.add_argument(
            "--until",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="with --runs: on this day (KST) or earlier",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="print one JSON object")
        how.add_argument(
            "--metrics",
            default="",
            metavar="FILE",
            help="write a Prometheus text file (FILE.prom) instead of printing",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Show the status; return 1 if something needs attention."""
        _check_options(args, opts)
        if opts.runs is not None:
            return self._show_runs(opts)
        return self._show_overview(opts)

    def _show_overview(self, opts: argparse.Namespace) -> int:
        # Imported here: every command's module is imported by every command, and this one needs
        # the scheduler's libraries.
        from crawler.status.overview import survey

        jobs, problems = self._jobs()
        store, now = self.archive_store(), datetime.now(UTC)
        outlet = as_text(opts.outlet)
        with self.open_index() as index:
            if outlet:
                with index.reading() as connection:
                    check_outlet(connection, outlet)
            overview = survey(index, store, jobs, now, problems, outlet)
        if outlet and not overview.outlets:
            print(f"{outlet} has no job, no crawl and no article yet", file=sys.stderr)
            return 1
        if opts.metrics:
            return max(_write_metrics(opts.metrics, overview), 0 if overview.ok else 1)
        if opts.json:
            print_json(overview_object(overview))
        else:
            print_overview(overview)
        return 0 if overview.ok else 1

    def _show_runs(self, opts: argparse.Namespace) -> int:
        outlet, now = as_text(opts.outlet), datetime.now(UTC)
        one_day = bool(outlet) and opts.since is not None and opts.since == opts.until
        last: dict[tuple[str, str], Example] = {}
        with self.open_index() as index, index.reading() as connection:
            if outlet:
                check_outlet(connection, outlet)
            begin, end = _period(opts)
            records = runs_between(connection, begin, end, now, outlet, _limit(opts))
            if one_day:
                last = examples(connection, [record.run_id for record in records], outlet)
        counts = summed(records, outlet)
        if opts.json:
            days = {"since": opts.since, "until": opts.until}
            print_json(runs_object(records, now, **days, outlet=outlet, counts=counts, last=last))
            return 0
        print_runs(records, counts)
        if one_day:
            print_reasons(counts, last)
        return 0

    def _jobs(self) -> tuple[Sequence[Job], Sequence[str]]:
        from crawler.jobs.config import known_jobs

        return known_jobs(Path(self.text_setting("JOBS_FILE")))


def _check_options(args: list[str], opts: argparse.Namespace) -> None:
    """Check the options against each other.

    :raises UsageError: they do not go together.
    """
    if args:
        raise usage_error("status takes no arguments; --outlet NAME shows one outlet")
    if opts.runs is None and (opts.since or opts.until):
        raise usage_error("--since and --until need --runs")
    if opts.metrics and (opts.runs is not None or opts.outlet):
        raise usage_error("--metrics writes all figures; omit --runs and --outlet")
    _check_period(opts)


def _check_period(opts: argparse.Namespace) -> None:
    if opts.since and opts.until and opts.since > opts.until:
        raise usage_error(f"--since {opts.since} is later than --until {opts.until}")


def _limit(opts: argparse.Namespace) -> int | None:
    """Return how many runs to show, None for all of the requested days."""
    if opts.runs:
        return int(opts.runs)
    return None if opts.since or opts.until else _LAST


def _period(opts: argparse.Namespace) -> tuple[datetime | None, datetime | None]:
    """Return the begin of the first day and the end of the last, KST; None without an option."""
    begin = datetime.combine(opts.since, time(), KST) if opts.since else None
    end = datetime.combine(opts.until + timedelta(days=1), time(), KST) if opts.until else None
    return begin, end


def _write_metrics(path: str, overview: Overview) -> int:
    """Write the Prometheus text file; return 1 if that failed."""
    from crawler.status.prometheus import write_metrics

    try:
        write_metrics(path, overview)
    except OSError as error:
        print(
            f"{PROGRAM} status: {path} can't be written ({error.strerror or error}).",
            file=sys.stderr,
        )
        return 1
    return 0
