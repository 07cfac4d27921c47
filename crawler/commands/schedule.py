"""``scrapy schedule``: run crawl jobs as they fall due."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES
from scrapy.utils.log import configure_logging

from archive.model.program import PROGRAM
from archive.runs.record import Ending
from archive.segments.names import archive_folder
from crawler.cli.base import Verb, usage_error

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from crawler.jobs.job import Job
    from crawler.jobs.runner import FinishedRun

_log = logging.getLogger(__name__)


class Command(Verb):
    """Runs jobs, and raises alarms.

    Reads JOBS_FILE, JOBS_AT_ONCE, LOG_FOLDER, LOG_KEEP_DAYS, METRICS_FILE, ALERT_URL,
    DISK_FREE_MIN, ARCHIVE_URL, INDEX_URL and what the jobs' verbs read.
    """

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return "Run crawl jobs as they fall due"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Run the jobs of jobs.toml (JOBS_FILE) as they fall due, each in a process of its own, until SIGTERM or "
            "Ctrl-C. What was missed is caught up with in one run. Any number of schedulers may share an index. "
            f"SIGHUP, or a change of the file, reads it again. Example, from cron: {PROGRAM} "
            "schedule --once"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --once and --list."""
        super().add_options(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="run what is due now, and end")
        how.add_argument(
            "--list",
            action="store_true",
            help="show the jobs, when each falls due, how it last ended",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Run or list jobs; 1 if a run failed or an alarm was raised (--once)."""
        # Every verb's module is imported by every verb; the scheduler's libraries are this one's
        # alone.
        from crawler.alarms.monitor import Watch
        from crawler.alarms.webhook import AlertUrlError, Post, address_of
        from crawler.jobs.config import JobsFileError, read_jobs
        from crawler.jobs.daemon import Daemon, once, state_of
        from crawler.jobs.logs import Logs
        from crawler.jobs.runner import RunnerContext
        from crawler.status.job_list import print_jobs
        from crawler.status.prometheus import MetricsFile

        if args:
            raise usage_error("it takes no arguments; JOBS_FILE names the file of the jobs")
        path = Path(self.text_setting("JOBS_FILE"))
        state = state_of(path)
        try:
            jobs = read_jobs(path)
        except JobsFileError as error:
            for sentence in error.sentences:
                print(f"{PROGRAM} schedule: {sentence}", file=sys.stderr)
            return 2
        if opts.list:
            return print_jobs(jobs, self.text_setting("INDEX_URL"))
        if not opts.once:
            self._speak()
        at_once = self._number("JOBS_AT_ONCE")
        try:
            alerts = (
                address_of(self.text_setting("ALERT_URL"))
                if self.text_setting("ALERT_URL")
                else None
            )
        except AlertUrlError as error:
            raise usage_error(str(error)) from error
        with self.open_index(read_only=False, brief=True) as index:
            house = RunnerContext(
                index=index,
                logs=Logs(Path(self.text_setting("LOG_FOLDER")), self._number("LOG_KEEP_DAYS")),
                settings=dict(pair.split("=", 1) for pair in opts.set),
            )
            metrics = MetricsFile(
                self.text_setting("METRICS_FILE"),
                index,
                archive_folder(self.text_setting("ARCHIVE_URL")),
            )
            watch = Watch(
                index,
                archive_folder(self.text_setting("ARCHIVE_URL")),
                Post(alerts, index) if alerts is not None else None,
                self._number("DISK_FREE_MIN", least=0),
            )

            def look(jobs: Sequence[Job]) -> None:
                # The alarms first: the figures tell of them.
                watch.look(jobs)
                metrics.look(jobs)

            def done(run: FinishedRun) -> None:
                _tell(run)
                watch.ended(run)
                metrics.ended(run)

            if opts.once:
                code = once(jobs, house, at_once, look)
                watch.close()
                return 1 if watch.raised else code
            Daemon(path, house, at_once, done, look).run(jobs, state)
            watch.close()
        return 0

    def _speak(self) -> None:
        """Let the scheduler log what it does; every other verb only says what it printed."""
        assert self.settings is not None
        if self.settings.getpriority("LOG_LEVEL") != SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("LOG_LEVEL", "INFO", priority="cmdline")
        configure_logging(self.settings)
        # It warns of an index that can't be read at every look, with SQL; we say it once.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def _number(self, name: str, least: int = 1) -> int:
        """A setting that is a number of at least 1, or so many."""
        text = self.text_setting(name) or "0"
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise usage_error(f"{name} is {text!r}, and has to be a number of at least {least}")
        return int(text)


def _tell(run: FinishedRun) -> None:
    _log.log(logging.INFO if run.record.ending is Ending.SUCCEEDED else logging.ERROR, "%s", run)
