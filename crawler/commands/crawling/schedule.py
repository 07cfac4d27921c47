"""``scrapy schedule``: run jobs when they are due."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
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
    from collections.abc import Iterator, Sequence

    from crawler.alarms.monitor import AlarmMonitor
    from crawler.alarms.webhook import Address
    from crawler.jobs.job import Job
    from crawler.jobs.runner import FinishedRun, RunnerContext
    from crawler.status.prometheus import MetricsFile

_log = logging.getLogger(__name__)


class Command(Verb):
    """Run jobs and raise alarms.

    Reads JOBS_FILE, JOBS_AT_ONCE, LOG_FOLDER, LOG_KEEP_DAYS, METRICS_FILE, ALERT_URL,
    DISK_FREE_MIN, ARCHIVE_URL, INDEX_URL, and the settings of the jobs' commands.
    """

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Run the jobs of jobs.toml (JOBS_FILE) when they are due, each in a process of its "
            "own, until SIGTERM or Ctrl-C. Runs that were missed are made up for in one run. "
            "Several schedulers may share an index. The file is read again on SIGHUP and when it "
            f"changes. Example, from cron: {PROGRAM} schedule --once"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --once and --list."""
        super().add_options(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--once", action="store_true", help="run the jobs that are due, and exit")
        how.add_argument(
            "--list",
            action="store_true",
            help="list the jobs: when each is due, and how its last run ended",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Run or list jobs; with --once, return 1 if a run failed or an alarm was raised."""
        # Imported here: every command's module is imported by every command, and only this one
        # needs the scheduler's libraries.
        from crawler.jobs.config import JobsFileError, read_jobs
        from crawler.jobs.daemon import state_of
        from crawler.status.job_list import print_jobs

        if args:
            raise usage_error("schedule takes no arguments; JOBS_FILE names the jobs file")
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
        if opts.once:
            return self._run_once(jobs, opts)
        self._log_progress()
        self._run_forever(path, jobs, state, opts)
        return 0

    def _run_once(self, jobs: Sequence[Job], opts: argparse.Namespace) -> int:
        from crawler.jobs.daemon import once

        with self._scheduler(opts) as scheduler:
            code = once(jobs, scheduler.context, scheduler.at_once, scheduler.check)
        return 1 if scheduler.monitor.raised else code

    def _run_forever(
        self, path: Path, jobs: Sequence[Job], state: tuple[int, int, int], opts: argparse.Namespace
    ) -> None:
        from crawler.jobs.daemon import Daemon

        with self._scheduler(opts) as scheduler:
            daemon = Daemon(
                path, scheduler.context, scheduler.at_once, scheduler.run_ended, scheduler.check
            )
            daemon.run(jobs, state)

    @contextmanager
    def _scheduler(self, opts: argparse.Namespace) -> Iterator[_Scheduler]:
        """Yield what a scheduler works with; at the end, wait for alarms that are being posted.

        :raises UsageError: a setting is invalid.
        """
        from crawler.alarms.monitor import AlarmMonitor
        from crawler.alarms.webhook import Webhook
        from crawler.jobs.logs import Logs
        from crawler.jobs.runner import RunnerContext
        from crawler.status.prometheus import MetricsFile

        at_once, keep_days = self._number("JOBS_AT_ONCE"), self._number("LOG_KEEP_DAYS")
        least_free = self._number("DISK_FREE_MIN", least=0)
        address = self._alert_address()
        archive = archive_folder(self.text_setting("ARCHIVE_URL"))
        with self.open_index(read_only=False, brief=True) as index:
            context = RunnerContext(
                index=index,
                logs=Logs(Path(self.text_setting("LOG_FOLDER")), keep_days),
                settings=dict(pair.split("=", 1) for pair in opts.set),
            )
            metrics = MetricsFile(self.text_setting("METRICS_FILE"), index, archive)
            webhook = Webhook(address, index) if address is not None else None
            monitor = AlarmMonitor(index, archive, webhook, least_free)
            yield _Scheduler(context, at_once, monitor, metrics)
            monitor.close()

    def _alert_address(self) -> Address | None:
        from crawler.alarms.webhook import AlertUrlError, parse_address

        url = self.text_setting("ALERT_URL")
        try:
            return parse_address(url) if url else None
        except AlertUrlError as error:
            raise usage_error(str(error)) from error

    def _log_progress(self) -> None:
        """Log what the scheduler does; other commands print their results instead."""
        assert self.settings is not None
        if self.settings.getpriority("LOG_LEVEL") != SETTINGS_PRIORITIES["cmdline"]:
            self.settings.set("LOG_LEVEL", "INFO", priority="cmdline")
        configure_logging(self.settings)

    def _number(self, name: str, least: int = 1) -> int:
        """Return a setting that is a number of at least ``least``.

        :raises UsageError: it is not.
        """
        text = self.text_setting(name) or "0"
        if not text.isascii() or not text.isdigit() or int(text) < least:
            raise usage_error(f"{name} is {text!r}; it must be a number of at least {least}")
        return int(text)


@dataclass(frozen=True, slots=True)
class _Scheduler:
    """What the runs of a scheduler need, and who is notified of them."""

    context: RunnerContext
    at_once: int
    monitor: AlarmMonitor
    metrics: MetricsFile

    def check(self, jobs: Sequence[Job]) -> None:
        """Judge alarms, then write the metrics, which include them."""
        self.monitor.check(jobs)
        self.metrics.update(jobs)

    def run_ended(self, run: FinishedRun) -> None:
        """Log a run that has ended, and judge it by the next check."""
        level = logging.INFO if run.record.ending is Ending.SUCCEEDED else logging.ERROR
        _log.log(level, "%s", run)
        self.monitor.ended(run)
        self.metrics.ended(run)
