"""``scrapy schedule``: run jobs when they are due."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.address import is_postgres_url
from archive.model.program import PROGRAM
from archive.runs.record import Ending
from crawler.cli.base import usage_error
from crawler.jobs.service import Service

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from crawler.alarms.monitor import AlarmMonitor
    from crawler.alarms.webhook import Address
    from crawler.jobs.execution.runner import FinishedRun, RunnerContext
    from crawler.jobs.job import Job
    from crawler.jobs.queue.deferrer import Deferrer
    from crawler.status.prometheus import MetricsFile

_log = logging.getLogger(__name__)


class Command(Service):
    """Run jobs and raise alarms.

    Reads JOBS_FILE, JOBS_AT_ONCE, JOBS_TOGETHER, LOG_FOLDER, LOG_KEEP_DAYS, METRICS_FILE,
    ALERT_URL, DISK_FREE_MIN, ARCHIVE_URL, INDEX_URL, ARCHIVE_IMAGES, and the settings of the jobs'
    commands.
    """

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            "Run the jobs of jobs.toml (JOBS_FILE) when they are due, each in a process of its "
            "own (or JOBS_TOGETHER crawls to a process), until SIGTERM or Ctrl-C. Runs that were "
            "missed are made up for in one run. "
            "With an index in PostgreSQL they are deferred, for sacho worker to run. "
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
            jobs = read_jobs(path, pictures=self._wants_pictures)
        except JobsFileError as error:
            for sentence in error.sentences:
                print(f"{PROGRAM} schedule: {sentence}", file=sys.stderr)
            return 2
        if opts.list:
            return print_jobs(jobs, self.text_setting("INDEX_URL"))
        if opts.once:
            return self._run_once(jobs, opts)
        self.log_progress()
        self._run_forever(path, jobs, state, opts)
        return 0

    def _run_once(self, jobs: Sequence[Job], opts: argparse.Namespace) -> int:
        from crawler.jobs.daemon import once

        if self._defers:
            return self._defer_once(jobs, opts)
        with self._scheduler(opts) as scheduler:
            code = once(jobs, scheduler.context, scheduler.at_once, scheduler.check)
        return 1 if scheduler.monitor.raised else code

    @property
    def _wants_pictures(self) -> bool:
        """Whether crawls archive pictures, where their jobs do not say."""
        assert self.settings is not None
        return self.settings.getbool("ARCHIVE_IMAGES")

    @property
    def _defers(self) -> bool:
        """Whether what is due is deferred for workers."""
        return is_postgres_url(self.text_setting("INDEX_URL"))

    def _defer_once(self, jobs: Sequence[Job], opts: argparse.Namespace) -> int:
        with (
            self._scheduler(opts) as scheduler,
            _deferrer(scheduler.context, 0, None, None, scheduler.run_ended) as deferrer,
        ):
            deferred = deferrer.dispatch(jobs)
            scheduler.check(jobs)
        if deferred:
            print(f"deferred: {', '.join(sorted(deferred))}")
        elif sys.stdout.isatty():
            print("nothing is due")
        return 1 if scheduler.monitor.raised else 0

    def _run_forever(
        self, path: Path, jobs: Sequence[Job], state: tuple[int, int, int], opts: argparse.Namespace
    ) -> None:
        from crawler.jobs.daemon import Daemon
        from crawler.jobs.dispatcher import Dispatcher

        with self._scheduler(opts) as scheduler:
            daemon = Daemon(
                path,
                scheduler.context,
                scheduler.at_once,
                scheduler.run_ended,
                scheduler.check,
                _deferrer if self._defers else Dispatcher,
                pictures=self._wants_pictures,
            )
            daemon.run(jobs, state)

    @contextmanager
    def _scheduler(self, opts: argparse.Namespace) -> Iterator[_Scheduler]:
        """Yield what a scheduler works with; at the end, wait for alarms that are being posted.

        :raises UsageError: a setting is invalid.
        """
        from crawler.alarms.monitor import AlarmMonitor
        from crawler.alarms.webhook import Webhook
        from crawler.status.prometheus import MetricsFile

        at_once = self.number("JOBS_AT_ONCE")
        least_free = self.number("DISK_FREE_MIN", least=0)
        address = self._alert_address()
        archive = self.archive_store()
        with (
            self.open_index(read_only=False, brief=True) as index,
            self.runner_context(index, opts) as context,
        ):
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


def _deferrer(
    context: RunnerContext,
    _at_once: int,
    _stop: object,
    _wake_up: object,
    ended: Callable[[FinishedRun], None],
) -> Deferrer:
    """Return what defers jobs: workers decide how many they run at once."""
    from crawler.jobs.queue.deferrer import Deferrer

    return Deferrer(context.index, ended)


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
