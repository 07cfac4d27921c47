"""The output of `verify`: a line for each finding and a summary, or one JSON object."""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from archive.verify.warc_file.findings import Severity
from crawler.cli.output.plural import counted
from crawler.cli.output.printable import print_json
from crawler.cli.output.progress import ProgressBar
from crawler.cli.output.tables import print_table

if TYPE_CHECKING:
    from archive.verify.archive import Tally
    from archive.verify.warc_file.findings import Finding

#: Findings printed before the rest is only counted.
_LINES = 1000


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
        self._counts: Counter[tuple[Severity, str]] = Counter()
        self._first: dict[tuple[Severity, str], Finding] = {}
        self._bar: ProgressBar | None = None
        self._errors = 0

    @property
    def exit_code(self) -> int:
        """1 if there is an error; notes do not count."""
        return 1 if self._errors else 0

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
        key = (finding.severity, str(finding.rule))
        self._counts[key] += 1
        self._first.setdefault(key, finding)
        if finding.severity is Severity.ERROR:
            self._errors += 1
            if self._errors <= _LINES:
                self._show(finding)

    def finish(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def summary(self, tally: Tally, *, seed: int | None) -> None:
        """Print what was verified and what was found; ``seed`` is that of a sample."""
        if self._errors > _LINES:
            print(f"… and {counted(self._errors - _LINES, 'more finding')}.")
        _print_manifest_changes(tally)
        self._print_table()
        _print_skipped(tally, seed)
        if not any((tally.files, tally.passed_over, tally.rows, self._errors)):
            print("nothing to verify: the archive has no closed segment yet")
            return
        files, records = counted(tally.files, "file"), counted(tally.records, "record")
        rows, findings = counted(tally.rows, "row"), counted(self._errors, "finding")
        print(
            f"verified {files}, {records}, {rows}, {tally.bytes / 1e6:.1f} MB: "
            f"{findings if self._errors else 'no findings'}"
        )

    def _print_table(self) -> None:
        """Print each rule that was broken, how often, and the first finding."""
        rows = []
        for (severity, rule), count in sorted(self._counts.items()):
            first = self._first[(severity, rule)]
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

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[dict[str, Any]] = []

    def summary(self, tally: Tally, *, seed: int | None) -> None:
        """Print the object; ``seed`` is that of a sample."""
        rules = [rule_object(self._counts[key], first) for key, first in self._first.items()]
        print_json(
            verification_object(
                tally, seed=seed, errors=self._errors, findings=self._shown, rules=rules
            )
        )

    def _show(self, finding: Finding) -> None:
        self._shown.append(finding_object(finding))


def _print_manifest_changes(tally: Tally) -> None:
    for name in tally.recorded:
        print(f"{_printable(name)}: added to the fixity manifest, which had no entry for it")
    if tally.unrecorded:
        print(f"segments that remain without an entry in the fixity manifest: {tally.unrecorded}")


def _print_skipped(tally: Tally, seed: int | None) -> None:
    """Print how many segments were not verified, and why."""
    if seed is not None:
        segments = counted(tally.files, "segment")
        print(f"sample with seed {seed}: {segments}, {tally.passed_over} skipped")
    elif tally.passed_over:
        print(f"skipped {counted(tally.passed_over, 'older segment')}")
    if tally.live:
        verb = "is" if tally.live == 1 else "are"
        print(f"skipped {counted(tally.live, 'segment')} that {verb} being written")


def _printable(text: str) -> str:
    """Return text as one line of printable characters, whatever a file's name or fields contain."""
    shown = text if text.isascii() else os.fsencode(text).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in shown)
