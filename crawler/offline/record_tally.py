"""What became of each record of the web archives that were read, counted by type."""

from __future__ import annotations

import re
from collections import Counter
from enum import StrEnum

_UNPRINTABLE = re.compile(r"[^!-~]")
#: Longest name of a record type that is printed.
_LONGEST = 40
#: Files that are named one by one.
_SENTENCES = 20


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
    """Counts records by type and fate, and names files that yielded nothing."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Fate]] = Counter()
        self._empty: list[str] = []

    def add(self, kind: str, fate: Fate, number: int = 1) -> None:
        """Count records of one type."""
        self._counts[(_UNPRINTABLE.sub("?", kind[:_LONGEST]), fate)] += number

    def update(self, other: RecordTally) -> None:
        """Add what another has counted."""
        self._counts.update(other._counts)

    def add_empty(self, sentence: str) -> None:
        """Take note of a file that yielded nothing."""
        self._empty.append(sentence)

    def kinds(self) -> set[str]:
        """Return the types that were counted, without those that only describe the file."""
        return {kind for kind, _ in +self._counts} - {"warcinfo"}

    def sentences(self) -> list[str]:
        """Return a sentence for each of the first files that yielded nothing, and the number."""
        more = len(self._empty) - _SENTENCES
        last = [f"… and {more} more files without any page"] if more > 0 else []
        return [*self._empty[:_SENTENCES], *last]

    def lines(self) -> list[str]:
        """Return a line for each type and fate: ``metadata records: 3 passed over: …``."""
        return [
            f"{kind} records: {count} {fate}"
            for (kind, fate), count in sorted((+self._counts).items())
        ]
