"""What all verbs share: the archive and the index they work on, and how a fault ends them."""

from __future__ import annotations

import argparse
import errno
import os
import re
import socket
import sys
from abc import abstractmethod
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, ClassVar

from scrapy.commands import ScrapyCommand
from scrapy.exceptions import UsageError

from archive.export.articles import ExportError
from archive.index.database import Index, IndexUnusableError, index_path
from archive.index.fulltext import QueryError
from archive.index.leases import LeaseHeldError
from archive.model.errors import BackupError, ReaderLostError, SegmentError, describe_os_error
from archive.model.program import PROGRAM
from archive.runs.job_runs import Ending, end
from archive.runs.recorder import Run
from archive.segments.names import archive_folder
from archive.segments.writer import SegmentWriter
from crawler import VERSION
from crawler.cli import memory
from crawler.cli.parent_process import Tether
from crawler.model.outlet import OutletError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Faults whose message is already the sentence a person needs.
_FAULTS = (
    IndexUnusableError,
    SegmentError,
    BackupError,
    ExportError,
    OutletError,
    ReaderLostError,
    LeaseHeldError,
)
#: What a disk says that takes no more of what is printed; errors about a file of ours carry its
#: name.
_OUTPUT_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
#: Days that can be reckoned with in every time zone.
_FIRST, _LAST = date(1000, 1, 1), date(9998, 12, 31)


class Verb(ScrapyCommand):
    """A verb of the command line. Reads ARCHIVE_URL and INDEX_URL."""

    requires_project = True
    requires_crawler_process = False
    default_settings: ClassVar[dict[str, object]] = {"LOG_LEVEL": "WARNING"}

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Do the verb's work; every foreseeable fault becomes a sentence on stderr and a non-zero exit status."""
        for stream in (sys.stdout, sys.stderr):
            # A terminal of another charset shows a question mark for what it lacks, instead of a
            # traceback.
            getattr(stream, "reconfigure", lambda **_: None)(errors="replace")
        # Scrapy hands options it doesn't know on as arguments; --limti 5 must not become a search
        # for it.
        unknown = next((arg for arg in args if re.match("--?[A-Za-z]", arg)), None)
        if unknown is not None:
            raise UsageError(
                f"there is no option {unknown} (a file of that name: ./{unknown})", print_help=False
            )
        memory.settle()
        self._tether = Tether()
        self._run_id = self._tether.run_id
        self._stopped = False
        try:
            self.exitcode = self.work(args, opts)
            sys.stdout.flush()
        except QueryError as error:
            raise UsageError(str(error), print_help=False) from error
        except _FAULTS as error:
            self._end(str(error))
        except BrokenPipeError:
            # The reader of our output has seen enough (head, less): that is no failure.
            print_no_more()
        except OSError as error:
            if error.filename is not None:  # no rights, a stale mount, a failing disk
                self._end(describe_os_error(error.filename, error))
            elif error.errno in _OUTPUT_FULL:
                print_no_more()
                self._end(describe_os_error("the file that the output goes to", error))
            else:
                raise
        except KeyboardInterrupt:
            self._stopped = True
            self._end("Stopped. What was reported is kept; run the same command to go on.")
        self._write_down()

    @abstractmethod
    def work(self, args: list[str], opts: argparse.Namespace) -> int:
        """Do it, and give the exit status."""

    def text_setting(self, name: str) -> str:
        """A setting's value as text."""
        assert self.settings is not None
        return str(self.settings.get(name) or "")

    def open_index(self, *, read_only: bool = True, brief: bool = False) -> Index:
        """The index at INDEX_URL."""
        return Index(self.text_setting("INDEX_URL"), read_only=read_only, brief=brief)

    @contextmanager
    def open_segments(self, job: str) -> Iterator[SegmentWriter]:
        """A writer for new segments in the folder ARCHIVE_URL."""
        software = {"software": f"Sacho/{VERSION}", "operator": self.text_setting("CONTACT")}
        folder = archive_folder(self.text_setting("ARCHIVE_URL"))
        with SegmentWriter(
            folder, software=software, job=job, host=socket.gethostname()
        ) as segments:
            yield segments

    def begin(self, verb: str, outlet: str = "", arguments: Sequence[str] = ()) -> Run:
        """The run that this process is, as the index will tell of it."""
        run = Run(verb, begun=self._run_id, outlet=outlet, arguments=arguments, version=VERSION)
        self._run_id = run.id
        return run

    def enter(self, run: Run) -> None:
        """Write a run that keeps nothing into the history, unless a scheduler has: it then has an end there, too.

        :raises IndexUnusableError: the index can't be written, or is of an older version, which
            stays as it is.
        """
        if self._tether.run_id:
            return
        self.open_index().close()
        with self.open_index(read_only=False, brief=True) as index, index.writing() as connection:
            run.write(connection)
        self._run_id = run.id

    def was_stopped(self) -> None:
        """Say that somebody ended the work before it was done."""
        self._stopped = True

    def _write_down(self) -> None:
        """Write down how the run ended, if there is one and no scheduler lives that does."""
        if not self._run_id or (self._tether.run_id and not self._tether.cut):
            return
        stopped = self._stopped or (self._tether.cut and self.exitcode)
        ending = Ending.STOPPED if stopped else Ending.FAILED if self.exitcode else Ending.DONE
        try:
            if not index_path(self.text_setting("INDEX_URL")).exists():
                return  # it never came that far
            with self.open_index(read_only=False) as index:
                end(index, self._run_id, ending, self.exitcode, datetime.now(UTC))
        except IndexUnusableError as error:
            self._end(str(error))

    def _end(self, sentence: str) -> None:
        print(f"{PROGRAM} {type(self).__module__.rpartition('.')[2]}: {sentence}", file=sys.stderr)
        self.exitcode = 1


def print_no_more() -> None:
    """Drop what is still to be printed, or Python would try once more at its end, and say it failed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def day_option(text: str) -> date:
    """An option's date, YYYY-MM-DD; for argparse."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write YYYY-MM-DD") from error
    if not _FIRST <= day <= _LAST:
        raise argparse.ArgumentTypeError(f"{text} is no day between {_FIRST} and {_LAST}")
    return day
