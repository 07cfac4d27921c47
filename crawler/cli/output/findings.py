"""The output of `verify`: a line for each finding and a summary, or one JSON object."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from archive.verify.parts import KEPT, FoundFindings
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import print_json
from crawler.cli.output.progress import ProgressBar
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from archive.verify.parts import Tally
    from archive.verify.warc_file.findings import Finding


def verification_object(
    tally: Tally, *, seed: int | None, errors: int, findings: list[Any], rules: list[Any]
) -> dict[str, Any]:
    """Return what was verified and found as a JSON object; ``seed`` is that of a sample."""
    return {
        "ok": not errors,
        "files": tally.files,
        "records": tally.records,
        "rows": tally.rows,
        "bytes": tally.bytes,
        "live": tally.live,
        "passed_over": tally.passed_over,
        "seed": seed,
        "recorded": list(tally.recorded),
        "unrecorded": tally.unrecorded or None,
        "errors": errors,
        "findings": findings,
        "rules": rules,
    }


def finding_object(finding: Finding) -> dict[str, Any]:
    """Return a finding as a JSON object."""
    return {
        "file": finding.file,
        "offset": finding.offset if finding.offset >= 0 else None,
        "record": finding.record or None,
        "rule": finding.rule,
        "severity": finding.severity,
        "sentence": finding.sentence,
    }


def rule_object(number: int, first: Finding) -> dict[str, Any]:
    """Return how often a rule was broken as a JSON object."""
    return {
        "rule": first.rule,
        "severity": first.severity,
        "number": number,
        "first": finding_object(first),
    }


class Findings:
    """Prints findings as they come, shows progress, and prints the summary."""

    def __init__(self) -> None:
        self.found = FoundFindings()
        self._bar: ProgressBar | None = None

    @property
    def exit_code(self) -> int:
        """1 if there is an error; notes do not count."""
        return 1 if self.found.errors else 0

    def start(self, total: int) -> None:
        """Show progress through so many bytes, 0 if that is not known, until `finish`."""
        self._bar = ProgressBar("verifying", total=total or None)
        self._bar.start()

    def advance(self, size: int) -> None:
        """Add to the verified bytes."""
        if self._bar is not None:
            self._bar.advance(size)

    def add(self, finding: Finding) -> None:
        """Count a finding, and print it if it is an error."""
        if self.found.add(finding):
            self._show(finding)

    def join(self, later: FoundFindings) -> None:
        """Count what was found after this, and print its first errors."""
        for finding in self.found.join(later):
            self._show(finding)

    def finish(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def summary(self, tally: Tally, *, seed: int | None, is_part: bool = False) -> None:
        """Print what was verified, of the archive or a part, and what was found.

        ``seed`` is that of a sample.
        """
        if self.found.errors > KEPT:
            print(f"… and {counted(self.found.errors - KEPT, 'more finding')}.")
        _print_manifest_changes(tally)
        self._print_table()
        _print_skipped(tally, seed, is_part=is_part)
        if not any((tally.files, tally.passed_over, tally.rows, self.found.errors)):
            print("nothing to verify: the archive has no closed segment yet")
            return
        files, records = counted(tally.files, "file"), counted(tally.records, "record")
        rows, findings = counted(tally.rows, "row"), counted(self.found.errors, "finding")
        print(
            f"verified {files}, {records}, {rows}, {tally.bytes / 1e6:.1f} MB: "
            f"{findings if self.found.errors else 'no findings'}"
        )

    def _print_table(self) -> None:
        """Print each rule that was broken, how often, and the first finding."""
        rows = []
        for (severity, rule), count in sorted(self.found.counts.items()):
            first = self.found.first[(severity, rule)]
            rows.append((severity, rule, str(count), _printable(f"{first.file}: {first.sentence}")))
        print_table(("severity", "rule", "count", "first"), rows)

    def _show(self, finding: Finding) -> None:
        line = _printable(str(finding))
        if self._bar is not None:
            self._bar.print(line, sys.stdout)
        else:
            print(line)


class JsonFindings(Findings):
    """Keeps the first findings, and prints them with the summary as one JSON object."""

    def summary(self, tally: Tally, *, seed: int | None, is_part: bool = False) -> None:  # noqa: ARG002  (the object has the number alone)
        """Print the object; ``seed`` is that of a sample."""
        shown = [finding_object(one) for one in self.found.kept]
        rules = [
            rule_object(self.found.counts[key], first) for key, first in self.found.first.items()
        ]
        print_json(
            verification_object(
                tally, seed=seed, errors=self.found.errors, findings=shown, rules=rules
            )
        )

    def _show(self, finding: Finding) -> None:
        """Print nothing: the object holds it."""


def _print_manifest_changes(tally: Tally) -> None:
    for name in tally.recorded:
        print(f"{_printable(name)}: added to the fixity manifest, which had no entry for it")
    if tally.unrecorded:
        print(f"segments that remain without an entry in the fixity manifest: {tally.unrecorded}")


def _print_skipped(tally: Tally, seed: int | None, *, is_part: bool) -> None:
    """Print how many segments were not verified, and why."""
    if seed is not None:
        segments = counted(tally.files, "segment")
        print(f"sample with seed {seed}: {segments}, {tally.passed_over} skipped")
    elif tally.passed_over and is_part:
        print(f"skipped {counted(tally.passed_over, 'segment')} of other parts")
    elif tally.passed_over:
        print(f"skipped {counted(tally.passed_over, 'older segment')}")
    if tally.live:
        verb = "is" if tally.live == 1 else "are"
        print(f"skipped {counted(tally.live, 'segment')} that {verb} being written")


def _printable(text: str) -> str:
    """Return text as one line of printable characters, whatever a file's name or fields contain."""
    shown = text if text.isascii() else os.fsencode(text).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)
