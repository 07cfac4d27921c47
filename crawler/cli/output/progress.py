"""Progress on stderr, shown on a terminal only."""

from __future__ import annotations

import logging
import sys
from enum import Enum
from time import monotonic
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from crawler.cli.output.printable import raw_stream

if TYPE_CHECKING:
    from rich.progress import ProgressColumn


_log = logging.getLogger(__name__)

#: Seconds between two lines of progress in a log.
_BETWEEN_LINES = 60.0
_MEGA = 1e6
#: Columns of the bar at most, and of what stands beside it and its label: it is one line also on a
#: terminal of 40 columns.
_WIDEST, _BESIDE = 40, 30


class Unit(Enum):
    """What is counted, and with it which figures are shown."""

    BYTES = "bytes"
    ITEMS = "items"


class ProgressBar:
    """A progress bar that is removed at the end; a context manager, or `start` and `stop`.

    ``total`` is None while it is unknown. Where there is no terminal, a line a minute is logged at
    INFO, as the log of a job has it.
    """

    def __init__(self, label: str, unit: Unit = Unit.BYTES, total: int | None = None) -> None:
        figures: tuple[ProgressColumn, ...] = (DownloadColumn(), TimeRemainingColumn())
        if unit is Unit.ITEMS:
            figures = (MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(file=raw_stream(sys.stderr))
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(label),
            BarColumn(max(1, min(_WIDEST, console.width - len(label) - _BESIDE))),
            *figures,
            console=console,
            transient=True,
            # or what is printed meanwhile would pass round what makes it safe
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task(label, total=total)
        self._label, self._unit, self._total = label, unit, total
        self._done = 0
        self._next_line = monotonic() + _BETWEEN_LINES

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Show the bar."""
        self._progress.start()

    def stop(self) -> None:
        """Remove the bar."""
        self._progress.stop()

    def begin(self, total: int) -> None:
        """Start again from 0, with a new total."""
        self._progress.reset(self._task, total=total)
        self._done, self._total = 0, total

    def advance(self, number: int = 1) -> None:
        """Add to what is done."""
        if not self._progress.disable:
            self._progress.advance(self._task, number)
            return
        self._done += number
        if monotonic() >= self._next_line:
            self._next_line = monotonic() + _BETWEEN_LINES
            _log.info("%s: %s", self._label, self._figures())

    def _figures(self) -> str:
        """Return what is done, and of how much if that is known: ``40.1 of 120.0 MB``."""
        if self._unit is Unit.ITEMS:
            return f"{self._done:,}" + (f" of {self._total:,}" if self._total else "")
        of_all = f" of {self._total / _MEGA:,.1f}" if self._total else ""
        return f"{self._done / _MEGA:,.1f}{of_all} MB"

    def print(self, line: str, file: TextIO) -> None:
        """Print a line while the bar is shown, without mixing the two."""
        self.stop()
        print(line, file=file)
        self.start()
