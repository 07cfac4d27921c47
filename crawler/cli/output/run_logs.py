"""What is printed and logged in a process of several runs, each run's in a file of its own."""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, TYPE_CHECKING, Any, TextIO

from archive.model.files import open_file
from crawler.cli.current_run import current_run
from crawler.cli.output.printable import SafeStream

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


class RunLogs:
    """The logs of the runs that are going on, by run.

    What belongs to none, or to one whose log cannot be written, goes to ``other``.
    """

    def __init__(self, other: TextIO) -> None:
        self.other = other
        self._files: dict[str, IO[str]] = {}

    def take_output(self) -> None:
        """Let all output of this process go to the logs from now on."""
        stream: Any = SafeStream(_Stream(self))  # type: ignore[arg-type]  # all that print() needs
        sys.stdout = sys.stderr = stream

    def open(self, run_id: str, path: Path) -> None:
        """Open the log of a run to append to; if that fails, log it."""
        try:
            descriptor = open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        except OSError as error:
            _log.error("%s: no log can be written (%s)", path, error.strerror)
            return
        self._files[run_id] = os.fdopen(descriptor, "a", buffering=1, encoding="utf-8")

    def close(self, run_id: str) -> None:
        """Close the log of a run, if it has one."""
        file = self._files.pop(run_id, None)
        if file is not None:
            file.close()

    def current(self) -> IO[str]:
        """Return where what is printed now belongs."""
        return self._files.get(current_run(), self.other)


class _Stream:
    """A text stream to the log of the current run. What cannot be written is lost."""

    def __init__(self, logs: RunLogs) -> None:
        self._logs = logs

    def write(self, text: str) -> int:
        try:
            return self._logs.current().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._logs.current().flush()
        except OSError:
            return

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._logs.other, name)
