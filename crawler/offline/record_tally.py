"""What became of each record of the web archives that were read, counted by type."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

_UNPRINTABLE = re.compile(r"[^!-~]")
#: Longest name of a record type that is printed.
_LONGEST = 40


class Fate(StrEnum):
    """What became of a record, as it is printed."""

    TAKEN = "taken"
    JOINED = "joined to another record"
    ALONE = "passed over: what it belongs to is not in the file"
    NO_HTTP = "passed over: no answer over HTTP"
    NO_HEAD = "passed over: no HTTP head"
    ABOUT = "passed over: about other records"
    DERIVED = "passed over: made of other records"
    UNKNOWN = "passed over: a type of another tool"
    DAMAGED = "damaged"


class RecordTally:
    """Counts records by type and fate."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Fate]] = Counter()

    def add(self, kind: str, fate: Fate, number: int = 1) -> None:
        """Count records of one type."""
        self._counts[(_UNPRINTABLE.sub("?", kind[:_LONGEST]), fate)] += number

    def update(self, other: RecordTally) -> None:
        """Add what another has counted."""
        self._counts.update(other._counts)

    def lines(self) -> list[str]:
        """Return a line for each type and fate: ``metadata records: 3 passed over: …``."""
        return [
            f"{kind} records: {count} {fate}"
            for (kind, fate), count in sorted((+self._counts).items())
        ]
