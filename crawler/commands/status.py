"""``scrapy status``: where things stand, and what was collected when."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.runs.figures import examples
from archive.runs.history import outlets_seen, runs_between, summed
from archive.segments.names import archive_folder
from crawler.cli.base import Verb, day_option, number_option, usage_error
from crawler.model.text import as_text
from crawler.outlets import known_outlets
from crawler.status.console import print_overview, print_reasons, print_runs
from crawler.status.json_report import overview_object, runs_object

if TYPE_CHECKING:
    import argparse

    from crawler.jobs.job import Job

#: Runs that are shown where neither a number nor days are asked for.
_LAST = 20


class Command(Verb):
    """Says how things stand. Reads INDEX_URL, ARCHIVE_URL and JOBS_FILE."""

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Show each outlet's last run and yield, open alarms, and the history of runs"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "One row an outlet: its last run, what is new of it, what it is expected to publish, its next run, and "
            "what is amiss; below, the other jobs and the open alarms. It only reads. Exit status 1 if an alarm is "
            "open, if a job has failed for good or is not run when it is due, or if the jobs file is wrong. "
            f"Example: {PROGRAM} status --runs --since 2026-11-17 --until 2026-11-17, for what was "
            "collected last Tuesday"
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
            help=f"the history: the last N runs (default: {_LAST}, or all of the days asked for), those by hand too",
        )
        parser.add_argument("--outlet", default="", metavar="NAME", help="only this outlet")
        parser.add_argument(
            "--since",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="with --runs: those that went on on this day (KST) or later",
        )
        parser.add_argument(
            "--until",
            type=day_option,
            metavar="YYYY-MM-DD",
            help="with --runs: on this day or earlier",
        )
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--json", action="store_true", help="one JSON object for machines")
        how.add_argument(
            "--metrics",
            default="",
            metavar="FILE",
            help="write a Prometheus text file (FILE.prom) instead",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Show; 1 if somebody has to look at something."""
        if args:
            raise usage_error("it takes no arguments; --outlet NAME shows one")
        if opts.runs is None and (opts.since or opts.until):
            raise usage_error("--since and --until choose among --runs")
        if opts.since and opts.until and opts.since > opts.until:
            raise usage_error(f"--since {opts.since} is later than --until {opts.until}")
        if opts.metrics and (opts.runs is not None or opts.outlet):
            raise usage_error("--metrics writes all figures; leave out --runs and --outlet")
        return self._runs(opts) if opts.runs is not None else self._overview(opts)

    def _overview(self, opts: argparse.Namespace) -> int:
        # Every verb's module is imported by every verb; the scheduler's libraries are for those
        # that need them.
        from crawler.status.overview import survey

        jobs, problems = self._jobs()
        folder, now = archive_folder(self.text_setting("ARCHIVE_URL")), datetime.now(UTC)
        only = as_text(opts.outlet)
        with self.open_index() as index:
            overview = survey(index, folder, jobs, now, problems, only)
        if only and not overview.outlets:
            print(
                f"no outlet {only!r} has a job, a crawl or an article; {PROGRAM} list shows the "
                "outlets",
                file=sys.stderr,
            )
            return 1
        if opts.metrics:
            from crawler.status.prometheus import write_metrics

            try:
                write_metrics(opts.metrics, overview)
            except OSError as error:
                print(
                    f"{PROGRAM} status: {opts.metrics} can't be written "
                    f"({error.strerror or error}).",
                    file=sys.stderr,
                )
                return 1
        elif opts.json:
            _print_json(overview_object(overview))
        else:
            print_overview(overview)
        return 0 if overview.ok else 1

    def _runs(self, opts: argparse.Namespace) -> int:
        begin = datetime.combine(opts.since, time(), KST) if opts.since else None
        end = datetime.combine(opts.until + timedelta(days=1), time(), KST) if opts.until else None
        limit = opts.runs or (None if opts.since or opts.until else _LAST)
        outlet, now = as_text(opts.outlet), datetime.now(UTC)
        with self.open_index() as index, index.reading() as connection:
            records = runs_between(connection, begin, end, now, outlet, limit)
            a_day = bool(outlet) and opts.since is not None and opts.since == opts.until
            last = (
                examples(connection, [record.run_id for record in records], outlet) if a_day else {}
            )
            if (
                outlet
                and not records
                and outlet not in {*known_outlets(), *outlets_seen(connection)}
            ):
                return _nobody(outlet)
        counts = summed(records, outlet)
        if opts.json:
            said = runs_object(
                records,
                now,
                since=opts.since,
                until=opts.until,
                outlet=outlet,
                counts=counts,
                last=last,
            )
            _print_json(said)
            return 0
        print_runs(records, counts)
        if a_day:
            print_reasons(counts, last)
        return 0

    def _jobs(self) -> tuple[list[Job], list[str]]:
        """The jobs, and what is wrong with their file; none where there is none: then all is crawled by hand."""
        from crawler.jobs.config import JobsFileError, read_jobs

        path = Path(self.text_setting("JOBS_FILE"))
        if not path.exists():
            return [], []
        try:
            return read_jobs(path), []
        except JobsFileError as error:
            return [], error.sentences


def _nobody(outlet: str) -> int:
    print(
        f"no outlet {outlet!r} has a job, a crawl or an article; {PROGRAM} list shows the outlets",
        file=sys.stderr,
    )
    return 1


def _print_json(said: dict[str, Any]) -> None:
    # JSON is UTF-8 whatever the terminal speaks.
    getattr(sys.stdout, "reconfigure", lambda **_: None)(encoding="utf-8", errors="replace")
    print(json.dumps(said, ensure_ascii=False, indent=2))
