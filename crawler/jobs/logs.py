"""A file a run for what it says, under the job's name; old ones are deleted."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

from archive.model.article import KST
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
    """The folder of all logs; what was last written to more than ``days`` days ago goes when its job next runs."""

    folder: Path
    days: int

    def open(self, order: Order) -> tuple[str, IO[str]]:
        """A log that begins with the command line, to be gone on with, and its path.

        Our own stderr and no path where none can be made: that must stop no crawl.
        """
        place = self.folder.absolute() / order.job.name
        path = place / f"{order.due_at.astimezone(KST):%Y-%m-%dT%H%M%S}-{order.attempt}.log"
        try:
            place.mkdir(parents=True, exist_ok=True)
            # a full disk may open a file, and take nothing into it
            with path.open("a", encoding="utf-8") as file:
                # Without the settings: one may be a password.
                file.write(f"# {PROGRAM} {order.job.verb} {' '.join(order.words)}\n")
            file = path.open("a", encoding="utf-8")
        except OSError as error:
            _log.error(
                "%s: no log can be written (%s); what the run says follows here.",
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
                _log.warning("%s: an old log that can't be deleted (%s)", path, error.strerror)
