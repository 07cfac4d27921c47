"""Base class of the commands: the archive and index they use, errors, and the run's record."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import re
import resource
import socket
import sys
from abc import abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError
from scrapy.utils.log import configure_logging

from archive.events.event_cursor import StaleCursorError
from archive.export.articles import ExportError
from archive.index.database import EarlierSchemaError, Index, IndexUnusableError, index_exists
from archive.index.search.query import QueryError
from archive.index.writers.leases import LeaseHeldError
from archive.model.errors import (
    OUT_OF_MEMORY,
    BackupError,
    PartsError,
    ReaderLostError,
    SegmentError,
    StoreError,
    describe_os_error,
)
from archive.model.memory import may_take
from archive.model.program import PROGRAM
from archive.model.times import parse_day
from archive.runs.history import outlets_seen
from archive.runs.job_runs import end
from archive.runs.record import Ending
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from crawler import VERSION
from crawler.cli import memory
from crawler.cli.configuration.archive_store import archive_store
from crawler.cli.configuration.setting_values import check_values
from crawler.cli.output.printable import make_output_safe, outlast_reader
from crawler.cli.output.standard_streams import discard_output
from crawler.cli.parent_process import (
    SETTINGS_VARIABLE,
    ParentProcess,
    is_run_of_job,
    settings_of_job,
)
from crawler.cli.verb_list import VERBS
from crawler.model.outlet import OutletError
from crawler.outlets import broken_outlets, outlet_named, use_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from scrapy.settings import BaseSettings

    from archive.index.database import Snapshot
    from archive.segments.store import Store

_log = logging.getLogger(__name__)

#: Errors whose message is already a sentence for the user.
_FAULTS = (
    IndexUnusableError,
    SegmentError,
    BackupError,
    PartsError,
    ExportError,
    StaleCursorError,
    OutletError,
    ReaderLostError,
    LeaseHeldError,
)
#: What nobody else may do with files that a command writes: 0640, in folders of 0750. A stricter
#: umask of the user's stays.
_UMASK = 0o027
#: Loggers that list settings, which may hold a password, and what is switched on.
_ABOUT_SCRAPY = ("scrapy.addons", "scrapy.crawler", "scrapy.middleware")
#: Errors of writing to stdout; an error about a file of the archive carries the file's name.
_OUTPUT_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
#: Files and sockets that a crawl may have open at once, and the modules it loads meanwhile; and
#: those of each further crawl in the same process.
_FILES_OF_CRAWL, _FILES_OF_FURTHER = 64, 32
#: Bytes that a crawl takes, beside what every command has taken, before it has read a page. With
#: less it could only end half-way; what pages and sitemaps take comes to that.
_MEMORY_OF_CRAWL = 2**26


class Verb(ScrapyCommand):
    """Base of the commands. Reads ARCHIVE_URL and INDEX_URL."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, object]] = {"LOG_LEVEL": "WARNING"}
    #: The last sentence by which it failed.
    _said = ""
    #: Whether it goes on where nobody reads its output any more (``| head``): its work and its exit
    #: status are wanted all the same.
    outlasts_reader = False
    #: Printed after Ctrl-C.
    said_if_stopped = "Stopped. Everything reported is kept; run the same command to continue."

    def short_desc(self) -> str:
        """Return the line for the list of commands."""
        return VERBS[self._name()]

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Apply the options, and the settings of the job that this process is a run of."""
        super().process_options(args, opts)
        assert self.settings is not None
        try:
            self.settings.setdict(settings_of_job(), priority="cmdline")
        except ValueError as error:
            raise usage_error(f"{SETTINGS_VARIABLE} is invalid: {error}") from error
        if is_run_of_job():
            self.settings.set("LOG_LEVEL", "INFO", priority="command")
        check_values(self.settings)
        use_outlets(self.settings)
        if self.requires_crawler_process:
            self._check_limits()

    def _check_limits(self, crawls: int = 1) -> None:
        """Exit with a sentence if the process may not have what crawls need, so many at once."""
        files = _FILES_OF_CRAWL + (crawls - 1) * _FILES_OF_FURTHER
        if not _may_open(files):
            what = "a crawl needs" if crawls == 1 else f"{crawls} crawls at once need"
            self._fail(
                f"this process may not have {files} files open at once, which {what}; raise the "
                "limit (ulimit -n) and run the same command again."
            )
            sys.exit(self.exitcode)
        if not may_take(_MEMORY_OF_CRAWL):
            self._fail(
                f"this process may not use {_MEMORY_OF_CRAWL // 2**20} MiB of memory more, which a "
                "crawl needs; raise the limit (ulimit -v) and run the same command again."
            )
            sys.exit(self.exitcode)

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Run `work`; print every expected error as one sentence on stderr and exit with 1.

        :raises UsageError: the arguments are invalid; Scrapy exits with 2.
        """
        self._prepare_output()
        self.refuse_unknown_options(args)
        os.umask(os.umask(_UMASK) | _UMASK)
        memory.tune()
        began = monotonic()
        try:
            self._parent = ParentProcess()
        except MemoryError:
            self._fail(f"{OUT_OF_MEMORY}.")
            return
        self._run_id = self._parent.run_id
        if self._run_id:
            self.log_run()
            _log.info("%s begins, Sacho %s", self._command_line(), VERSION)
        self._stopped = False
        try:
            self.exitcode = self.work(args, opts)
            sys.stdout.flush()
        except QueryError as error:
            raise usage_error(str(error)) from error
        except _FAULTS as error:
            self._fail(str(error))
        except BrokenPipeError:
            discard_output()  # head or less has read enough: not a failure
        except (OSError, MemoryError) as error:
            self._fail_by_system(error)
        except KeyboardInterrupt:
            self._stopped = True
            self._fail(self.said_if_stopped)
        except UsageError:
            raise
        except Exception:  # a bug, raised again: its traceback is for whoever fixes it
            self.exitcode = 1
            self._record_end()
            raise
        self._record_end()
        _log.info("exit status %d after %.0f s", self.exitcode, monotonic() - began)

    def _prepare_output(self) -> None:
        make_output_safe()
        if self.outlasts_reader:
            outlast_reader()

    def refuse_unknown_options(self, args: list[str]) -> None:
        """Refuse what Scrapy passes on as arguments: ``--limti 5`` must not become a search for it.

        :raises UsageError: there is an unknown option.
        """
        unknown = next((arg for arg in args if re.match(r"--?[A-Za-z]\S*\Z", arg)), None)
        if unknown is not None:
            raise usage_error(
                f"unknown option {unknown} (for a file of that name, write ./{unknown})"
            )

    def _name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def _command_line(self) -> str:
        """Return the verb with its words; Scrapy takes the verb out of them."""
        words = sys.argv[1:]
        return " ".join(words if words[:1] == [self._name()] else [self._name(), *words])

    def log_run(self) -> None:
        """Let the log of a job say when what happened, without the settings that Scrapy lists."""
        for name in _ABOUT_SCRAPY:
            logging.getLogger(name).setLevel(logging.WARNING)
        if not self.requires_crawler_process:
            configure_logging(self.settings)

    @abstractmethod
    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Do the work and return the exit status."""

    def text_setting(self, name: str) -> str:
        """Return a setting's value as text, ``""`` if it is not set."""
        assert self.settings is not None
        return str(self.settings.get(name) or "")

    def archive_store(self) -> Store:
        """Return the store of the archive at ARCHIVE_URL.

        :raises SegmentError: it names none.
        """
        assert self.settings is not None
        return archive_store(self.settings)

    def open_index(self, *, read_only: bool = True, brief: bool = False) -> Index:
        """Return the index at INDEX_URL, opened."""
        return Index(self.text_setting("INDEX_URL"), read_only=read_only, brief=brief)

    def outlets_seen(self) -> list[str]:
        """Return the names of the outlets and sites of which the index holds anything."""
        with self.open_index() as index, index.reading() as connection:
            return outlets_seen(connection)

    @contextmanager
    def open_segments(self, job: str) -> Iterator[SegmentWriter]:
        """Yield a writer of new segments in the archive ARCHIVE_URL."""
        software = {"software": f"Sacho/{VERSION}", "operator": self.text_setting("CONTACT")}
        archive = self.archive_store()
        with SegmentWriter(
            archive, software=software, job=job, host=socket.gethostname()
        ) as segments:
            yield segments

    def begin(self, verb: str, outlet: str = "", arguments: Sequence[str] = ()) -> RunRecorder:
        """Return the recorder of this process's run in the history of runs."""
        run = RunRecorder(
            verb, begun=self._run_id, outlet=outlet, arguments=arguments, version=VERSION
        )
        self._run_id = run.id
        return run

    def enter(self, run: RunRecorder) -> None:
        """Write the start of a run that keeps nothing to the history, unless a scheduler has.

        Its end is then written, too.

        :raises IndexUnusableError: the index cannot be written, or has another schema; it is
            left unchanged.
        """
        if self._parent.run_id:
            return
        self.open_index().close()
        with (
            self.open_index(read_only=False, brief=True) as index,
            index.writing(run.part) as connection,
        ):
            run.write(connection)
        self._run_id = run.id

    def was_stopped(self) -> None:
        """Note that the work was stopped from outside before it was complete."""
        self._stopped = True

    def _record_end(self) -> None:
        """Write to the history how the run ended, unless a scheduler that is running does."""
        if self._run_id and (not self._parent.run_id or self._parent.gone):
            self.record_end(self._run_id, self._ending(), self.exitcode)

    def record_end(self, run_id: str, ending: Ending, exit_code: int) -> None:
        """Write to the history how a run of this process ended."""
        try:
            if not index_exists(self.text_setting("INDEX_URL")):
                return  # the run failed before it wrote its start
            with self.open_index(read_only=False) as index:
                end(index, run_id, ending, exit_code, datetime.now(UTC))
        except EarlierSchemaError:
            return  # reported already, or its reindex did not finish
        except IndexUnusableError as error:
            self._fail(str(error))

    def _ending(self) -> Ending:
        if self._stopped or (self._parent.gone and self.exitcode):
            return Ending.STOPPED
        return Ending.FAILED if self.exitcode else Ending.SUCCEEDED

    def _fail(self, sentence: str) -> None:
        self.exitcode = 1
        if sentence == self._said:  # what the work failed by may keep its end from being recorded
            return
        self._said = sentence
        print(f"{PROGRAM} {self._name()}: {sentence}", file=sys.stderr)

    def _fail_by_system(self, error: OSError | MemoryError) -> None:
        """Fail for lack of memory, an error of a file or of stdout; raise any other one again."""
        if isinstance(error, MemoryError):
            self._fail(f"{OUT_OF_MEMORY}.")
        elif isinstance(error, StoreError):
            self._fail(str(error))
        elif error.filename is not None:  # no permission, a stale mount, a failing disk
            self._fail(describe_os_error(error.filename, error))
        elif error.errno in _OUTPUT_FULL:
            discard_output()
            self._fail(describe_os_error("the file that the output goes to", error))
        else:
            raise error


def usage_error(sentence: str) -> UsageError:
    """Return the error of invalid arguments: exit status 2, the sentence, and no help text."""
    return UsageError(sentence, print_help=False)


def use_outlets(settings: BaseSettings) -> None:
    """Make the outlets of OUTLET_MODULES and of installed packages known.

    What is wrong with a broken file is printed; the other outlets are known.

    :raises UsageError: OUTLET_MODULES names no module, or one without outlets.
    """
    use_modules(settings.getlist("OUTLET_MODULES"))
    try:
        broken = broken_outlets()
    except OutletError as error:
        raise usage_error(str(error)) from error
    for name, sentence in broken.items():
        print(f"{PROGRAM}: outlet {name} is left out: {sentence}", file=sys.stderr)


def check_outlet(connection: Snapshot, name: str) -> None:
    """Check that there is an outlet of that name, or that the index holds anything of one.

    :raises UsageError: neither.
    """
    if name in outlets_seen(connection):
        return
    try:
        outlet_named(name)
    except OutletError as error:
        raise usage_error(str(error)) from error


def day_option(text: str) -> date:
    """Return an option's date, YYYY-MM-DD; for argparse."""
    try:
        return parse_day(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def number_option(text: str) -> int:
    """Return an option's number, at least 1; for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _may_open(number: int) -> bool:
    """Return whether the process may have so many files open; raise its own limit for it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= number:
        return True
    if hard != resource.RLIM_INFINITY and hard < number:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    return True
