"""One log file per run, in a folder per job and in the archive's store; old files are deleted.

The parts of commands have a folder per verb: one per part would never be looked at again.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import time
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.errors import describe_os_error
from archive.model.files import open_file
from archive.model.program import PROGRAM
from crawler.model.text import as_text

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from archive.segments.store import Store
    from crawler.jobs.due import Order
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)
_DAY = 86400
#: The folder of the logs in a store.
_KEPT = "logs"


@dataclass(frozen=True)
class Logs:
    """The folder of all logs, and a ``store`` in which all machines find them, if there is one.

    A log last written to more than ``days`` days ago is deleted when its job runs again.
    """

    folder: Path
    days: int
    store: Store | None = None

    def open(self, order: Order) -> tuple[str, IO[str]]:
        """Return the path of a log that begins with the command line, and the file to append to.

        If no file can be written, return ``""`` and the stderr of this process: the run goes on.
        """
        path = self._path(order)
        place = path.parent
        try:
            place.mkdir(parents=True, exist_ok=True)
            # On a full disk, a file may be opened but not written to.
            with _open(path) as file:
                # Not the settings: one may be a password.
                file.write(f"# {PROGRAM} {order.job.verb} {' '.join(order.words)}\n")
            file = _open(path)
        except OSError as error:
            _log.error(
                "%s: no log can be written (%s); the output of the run follows here.",
                path,
                error.strerror,
            )
            return "", os.fdopen(os.dup(sys.stderr.fileno()), "w")
        self._prune(place)
        return as_text(str(path)), file

    def keep(self, order: Order) -> str:
        """Keep the log of a run that has ended in the store; return where, ``""`` without one.

        If that fails, log it and return ``""``: the log is where it was written.
        """
        if self.store is None:
            return ""
        path = self._path(order)
        name = f"{_folder_in_store(order.job)}/{path.name}"
        try:
            self._prune_store(self.store, order)
            self.store.keep_file(name, path)
        except (OSError, ValueError) as error:
            reason = f"{error}."
            if isinstance(error, OSError):
                reason = describe_os_error(error.filename or path, error)
            _log.error("%s: the log can't be kept in the archive's store. %s", path, reason)
            return ""
        return self.store.place(name)

    def _path(self, order: Order) -> Path:
        job = order.job
        part = f"-{job.name}" if job.part_of else ""
        name = f"{order.due_at.astimezone(KST):%Y-%m-%dT%H%M%S}{part}-{order.attempt}.log"
        return self.folder.absolute() / _folder(job) / name

    def _prune_store(self, store: Store, order: Order) -> None:
        """Delete the logs of the job that are of too early days, by their names."""
        first = f"{datetime.now(KST) - timedelta(days=self.days):%Y-%m-%d}"
        for name in store.kept_files(_folder_in_store(order.job)):
            if name.rpartition("/")[2] < first:
                store.drop_file(name)

    def _prune(self, place: Path) -> None:
        for path in place.glob("*.log"):
            try:
                if path.stat().st_mtime < time() - self.days * _DAY:
                    path.unlink()
            except OSError as error:
                _log.warning("%s: an old log can't be deleted (%s)", path, error.strerror)


def _folder(job: Job) -> str:
    """Return the name of the folder of a job's logs."""
    return f"{job.part_of}-parts" if job.part_of else job.name


def _folder_in_store(job: Job) -> str:
    return f"{_KEPT}/{_folder(job)}"


def _open(path: Path) -> IO[str]:
    """Return a log to append to: a file of ours, never one that a link leads to."""
    return os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a", encoding="utf-8")
