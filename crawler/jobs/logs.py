"""One log file per run, in a folder per job; old files are deleted."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.files import open_file
from archive.model.program import PROGRAM
from crawler.model.text import as_text

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

    from crawler.jobs.due import Order

_log = logging.getLogger(__name__)
_DAY = 86400


@dataclass(frozen=True)
class Logs:
    """The folder of all logs.

    A log last written to more than ``days`` days ago is deleted when its job runs again.
    """

    folder: Path
    days: int

    def open(self, order: Order) -> tuple[str, IO[str]]:
        """Return the path of a log that begins with the command line, and the file to append to.

        If no file can be written, return ``""`` and the stderr of this process: the run goes on.
        """
        place = self.folder.absolute() / order.job.name
        path = place / f"{order.due_at.astimezone(KST):%Y-%m-%dT%H%M%S}-{order.attempt}.log"
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

    def _prune(self, place: Path) -> None:
        for path in place.glob("*.log"):
            try:
                if path.stat().st_mtime < time() - self.days * _DAY:
                    path.unlink()
            except OSError as error:
                _log.warning("%s: an old log can't be deleted (%s)", path, error.strerror)


def _open(path: Path) -> IO[str]:
    """Return a log to append to: a file of ours, never one that a link leads to."""
    return os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a", encoding="utf-8")
