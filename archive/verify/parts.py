"""What a verification, or a part of one, has read and found: counted, joined, and packed."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from archive.verify.warc_file.findings import Finding, Rule, Severity

#: Findings that are kept; the others are only counted.
KEPT = 1000


@dataclass(slots=True)
class Tally:
    """What was verified.

    ``recorded``: segments entered in the manifest now; ``unrecorded``: why others could not be.
    ``live``: segments that a running process writes; ``passed_over``: those not selected.
    """

    files: int = 0
    bytes: int = 0
    records: int = 0
    rows: int = 0
    live: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    recorded: list[str] = field(default_factory=list)
    unrecorded: str = ""
    passed_over: int = 0

    def add_part(self, part: Tally) -> None:
        """Add what a part has verified; which segments are live is known already."""
        self.files += part.files
        self.bytes += part.bytes
        self.records += part.records
        self.rows += part.rows
        self.kinds.update(part.kinds)
        self.recorded += part.recorded
        self.unrecorded = self.unrecorded or part.unrecorded


@dataclass(slots=True)
class FoundFindings:
    """Findings, counted by severity and rule, with the first of each and the first errors."""

    counts: Counter[tuple[Severity, Rule]] = field(default_factory=Counter)
    first: dict[tuple[Severity, Rule], Finding] = field(default_factory=dict)
    kept: list[Finding] = field(default_factory=list)
    errors: int = 0

    def add(self, finding: Finding) -> bool:
        """Count a finding; return whether it is one of the first errors, which are kept."""
        key = (finding.severity, finding.rule)
        self.counts[key] += 1
        self.first.setdefault(key, finding)
        if finding.severity is not Severity.ERROR:
            return False
        self.errors += 1
        if self.errors > KEPT:
            return False
        self.kept.append(finding)
        return True

    def join(self, later: FoundFindings) -> list[Finding]:
        """Add what was found after this; return those of its first errors that are kept."""
        self.counts.update(later.counts)
        for key, finding in later.first.items():
            self.first.setdefault(key, finding)
        new = later.kept[: max(0, KEPT - self.errors)]
        self.kept += new
        self.errors += later.errors
        return new

    def packed(self, tally: Tally) -> bytes:
        """Return this and what was verified as bytes, for `read`."""
        return packed(
            {
                "tally": asdict(tally) | {"kinds": dict(tally.kinds)},
                "counts": [[*key, number] for key, number in self.counts.items()],
                "first": [asdict(one) for one in self.first.values()],
                "kept": [asdict(one) for one in self.kept],
                "errors": self.errors,
            }
        )

    @classmethod
    def read(cls, piece: bytes) -> tuple[Self, Tally]:
        """Return what was found and verified."""
        values = unpacked(piece)
        tally = values["tally"]
        first = [_finding(one) for one in values["first"]]
        found = cls(
            counts=Counter(
                {(Severity(one), Rule(rule)): number for one, rule, number in values["counts"]}
            ),
            first={(one.severity, one.rule): one for one in first},
            kept=[_finding(one) for one in values["kept"]],
            errors=values["errors"],
        )
        return found, Tally(**tally | {"kinds": Counter(tally["kinds"])})


def packed(values: dict[str, Any]) -> bytes:
    """Return values as bytes."""
    return zlib.compress(json.dumps(values, separators=(",", ":")).encode(), 6)


def unpacked(piece: bytes) -> dict[str, Any]:
    """Return packed values."""
    values: dict[str, Any] = json.loads(zlib.decompress(piece))
    return values


def _finding(values: dict[str, Any]) -> Finding:
    own = {"rule": Rule(values["rule"]), "severity": Severity(values["severity"])}
    return Finding(**values | own)
