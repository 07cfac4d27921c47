"""``scrapy worker``: run jobs that a scheduler has deferred, on this machine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from archive.captures.rows import check_same_archive
from archive.index.address import is_postgres_url
from archive.index.writers.leases import Leases, worker_lease
from archive.model.program import PROGRAM
from archive.runs.record import Ending
from crawler.cli.base import number_option, usage_error
from crawler.jobs.service import Service

if TYPE_CHECKING:
    import argparse

    from archive.runs.recorder import RunRecorder
    from crawler.jobs.execution.runner import FinishedRun

_log = logging.getLogger(__name__)
#: Seconds that runs may go on after SIGTERM.
_GRACE = 60


class Command(Service):
    """Run deferred jobs.

    Reads CONTACT, INDEX_URL, JOBS_AT_ONCE, JOBS_TOGETHER, LOG_FOLDER, LOG_KEEP_DAYS, and the
    settings of the jobs' commands.
    """

    def syntax(self) -> str:
        """Return the arguments, for the usage line."""
        return "[options]"

    def long_desc(self) -> str:
        """Return the description, with an example."""
        return (
            f"Run the jobs that {PROGRAM} schedule defers, which it does if INDEX_URL names a "
            "database of PostgreSQL. Any number of workers on any machines may share them; no jobs "
            "file is needed. At SIGTERM or Ctrl-C a worker takes no more jobs and lets those that "
            "run end, for a while; at a second one it stops them, and they are repeated. "
            f"Example: {PROGRAM} worker --at-once 8"
        )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add --at-once and --grace."""
        super().add_options(parser)
        parser.add_argument(
            "--at-once",
            type=number_option,
            metavar="N",
            help="jobs that run at the same time (default: JOBS_AT_ONCE)",
        )
        parser.add_argument(
            "--grace",
            type=number_option,
            default=_GRACE,
            metavar="SECONDS",
            help=f"how long jobs may go on after SIGTERM (default: {_GRACE})",
        )

    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Run deferred jobs until the process is told to end; return 1 if its end is not known."""
        from crawler.jobs.queue.procrastinate_queue import check_installed

        if args:
            raise usage_error("worker takes no arguments")
        if not is_postgres_url(self.text_setting("INDEX_URL")):
            raise usage_error(
                "workers share an index in PostgreSQL, and INDEX_URL names none; run the jobs of "
                f"an index in a file with {PROGRAM} schedule"
            )
        check_installed()
        self._check_contact()
        at_once = opts.at_once or self.number("JOBS_AT_ONCE")
        self.log_progress()
        with (
            self.open_index(read_only=False, brief=True) as index,  # it may be the first to come
            index.reading() as connection,
        ):
            # With another archive, or none that it can read, it would take every job and fail.
            check_same_archive(self.archive_store(), connection)
        run = self.begin("worker")
        self.enter(run)
        return self._work(run, at_once, opts)

    def _check_contact(self) -> None:
        """Say that crawls will fail here if there is no contact; jobs may name one themselves.

        :raises UsageError: CONTACT is not valid.
        """
        from crawler.middlewares.identity import ContactError, check

        contact = self.text_setting("CONTACT")
        try:
            if contact:
                check(contact)
        except ContactError as error:
            raise usage_error(str(error)) from error
        if not contact:
            _log.warning("CONTACT is not set: here crawls fail whose jobs name none")

    def _work(self, run: RunRecorder, at_once: int, opts: argparse.Namespace) -> int:
        # Imported here: every command's module is imported by every command, and only this one
        # needs Procrastinate.
        from crawler.jobs.queue.worker import Worker

        with (
            self.open_index(read_only=False, brief=True) as index,
            self.runner_context(index, opts) as context,
        ):
            sign = Leases(index, [worker_lease(run.id)], run.id)
            sign.take()
            worker = Worker(context, at_once, opts.grace, _log_end, sign)
            return 0 if worker.run() else 1


def _log_end(run: FinishedRun) -> None:
    """Log a run that has ended."""
    level = logging.INFO if run.record.ending is Ending.SUCCEEDED else logging.ERROR
    _log.log(level, "%s", run)
