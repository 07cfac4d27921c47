"""Progress in bytes, on a terminal only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from rich.progress import TaskID


class Bytes:
    """A line on stderr that says how far something has come; use as a context manager, which takes it away."""

    def __init__(self, what: str) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        if sys.stderr.isatty():
            columns = (
                SpinnerColumn(),
                TextColumn(what),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._progress.add_task(what, total=None)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, total: int) -> None:
        """So many bytes there are; what was done so far is done again."""
        if self._progress is not None and self._task is not None:
            self._progress.reset(self._task, total=total)

    def advance(self, size: int) -> None:
        """So many more are done."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, size)
