"""What `verify` says: a line a finding, and at the end how much was verified and what it broke."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from archive.verify.warc_file.findings import Severity
from crawler.cli.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archive.verify.archive import Tally
    from archive.verify.warc_file.findings import Finding

#: Findings printed before the rest is only counted.
_LINES = 1000


class Findings:
    """Prints findings as they come, shows progress on a terminal only, and sums up."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[Severity, str]] = Counter()
        self._first: dict[tuple[Severity, str], Finding] = {}
        self._progress: Progress | None = None
        self._errors = 0

    @property
    def exit_code(self) -> int:
        """1 if anything is wrong; notes are not."""
        return 1 if self._errors else 0

    def start(self, paths: Iterable[Path]) -> None:
        """Show progress through these files until `finish`, on a terminal only."""
        if sys.stderr.isatty():
            columns = (
                SpinnerColumn(),
                TextColumn("verifying"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._progress.add_task(
                "verifying",
                total=sum(path.stat().st_size for path in paths if path.exists()) or None,
            )
            self._progress.start()

    def advance(self, size: int) -> None:
        """So many more bytes are verified."""
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0], size)

    def add(self, finding: Finding) -> None:
        """Count a finding, and print it if something is wrong; notes are only counted."""
        key = (finding.severity, str(finding.rule))
        self._counts[key] += 1
        self._first.setdefault(key, finding)
        if finding.severity is Severity.ERROR:
            self._errors += 1
            if self._errors <= _LINES:
                self._say(_printable(str(finding)))

    def finish(self) -> None:
        """Take the progress away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def summary(self, tally: Tally, *, seed: int | None) -> None:
        """Print what was verified and what was found."""
        if self._errors > _LINES:
            print(f"… and {self._errors - _LINES} more findings.")
        for name in tally.recorded:
            print(f"{_printable(name)}: recorded now in the fixity manifest; it had no entry.")
        if tally.unrecorded:
            print(f"Segments without an entry in the fixity manifest stay so: {tally.unrecorded}")
        rows = []
        for (severity, rule), count in sorted(self._counts.items()):
            first = self._first[(severity, rule)]
            rows.append((severity, rule, str(count), _printable(f"{first.file}: {first.sentence}")))
        print_table(("", "rule", "count", "first"), rows)
        if seed is not None:
            print(f"sample of seed {seed}: {tally.files} segments, {tally.passed_over} left out")
        elif tally.passed_over:
            print(f"{tally.passed_over} older segments left out")
        if tally.live:
            print(f"{tally.live} segments are being written by live processes and were passed over")
        if not tally.files and not tally.passed_over and not tally.rows and not self._errors:
            print("nothing to verify: the archive holds no closed segment yet")
            return
        print(
            f"verified {tally.files} files, {tally.records} records, {tally.rows} rows, {tally.bytes / 1e6:.1f} MB: "
            f"{self._errors or 'no'} findings"
        )

    def _say(self, line: str) -> None:
        if self._progress is not None:
            self._progress.stop()
            print(line)
            self._progress.start()
        else:
            print(line)


def _printable(text: str) -> str:
    """A line that stays one, whatever a hostile file's name or fields hold."""
    shown = os.fsencode(text).decode("utf-8", "replace") if text.isascii() is False else text
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)
