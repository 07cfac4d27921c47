"""Selection of the segments to verify: all, those since a day, or a reproducible sample."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from archive.segments.manifest import Manifest
    from archive.segments.store import Store

#: File systems hold times that a datetime cannot.
_EPOCH, _LAST = datetime(1970, 1, 1, tzinfo=UTC), 2.5e11
#: Ranges that an archive may be split into.
MOST_PARTS = 1000
_PART = re.compile(r"(\d{1,4})/(\d{1,4})", re.A)
_SAMPLE = re.compile(r"(\d{1,9})(%?)", re.A)


@dataclass(frozen=True, slots=True)
class SegmentRange:
    """The segments from the name ``first`` on to those before ``end``, which is None for all."""

    first: str = ""
    end: str | None = None

    def __contains__(self, name: str) -> bool:
        return self.first <= name and (self.end is None or name < self.end)


def ranges_of(names: Sequence[str], number: int) -> list[SegmentRange]:
    """Return so many ranges with about as many of these names each; any name is in one of them."""
    ordered = sorted(names)
    begins = [ordered[len(ordered) * part // number] if ordered else "" for part in range(number)]
    begins[0] = ""
    return [
        SegmentRange(first, begins[part] if part < number else None)
        for part, first in enumerate(begins, 1)
    ]


@dataclass(frozen=True, slots=True)
class SegmentSelection:
    """Select segments, all by default.

    ``since``: only those closed or changed on this day (KST) or later. ``sample``: so many of them
    (``"5"``, ``"10%"``), drawn with ``seed``. ``part``: only the k-th of n ranges of them, for
    ``(k, n)``, which is ``names`` if that is given; of ``(0, n)`` none, but what is no segment's:
    the manifest, the index by itself, the articles.
    """

    since: date | None = None
    sample: str = ""
    seed: int = 0
    part: tuple[int, int] | None = None
    names: SegmentRange | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.since is None and not self.sample and self.part is None

    @property
    def has_whole_index(self) -> bool:
        """Whether what the index says by itself is verified, and the articles."""
        return self.is_all or (self.part is not None and self.part[0] == 0)

    @property
    def has_archive(self) -> bool:
        """Whether what is about the archive as such is verified: its manifest and its logs."""
        return self.part is None or self.part[0] == 0

    def range_of(self, segments: Sequence[str]) -> SegmentRange | None:
        """Return the range to verify, None if it is not one of these segments' ranges.

        Rows that lead to no segment are in the range that their segment would be in.
        """
        if self.part is None or not self.part[0]:
            return None
        return self.names or ranges_of(segments, self.part[1])[self.part[0] - 1]

    def of(self, store: Store, segments: Sequence[str], manifest: Manifest) -> list[str]:
        """Return the chosen ones of the store's closed segments, in their order."""
        chosen = [
            name
            for name in segments
            if self.since is None or _last(store, name, manifest) >= self._from()
        ]
        if self.part is not None:
            within = self.range_of(segments)
            return [name for name in chosen if within is not None and name in within]
        if not self.sample or not chosen:
            return chosen
        number, percent = sample_of(self.sample)
        number = math.ceil(len(chosen) * number / 100) if percent else number
        return sorted(random.Random(self.seed).sample(chosen, min(number, len(chosen))))  # noqa: S311  (no secret)

    def _from(self) -> datetime:
        assert self.since is not None
        return datetime.combine(self.since, time(), KST)


def part_of(text: str) -> tuple[int, int]:
    """Return what ``K/N`` says.

    :raises ValueError: K is not between 0 and N, or N not between 1 and 1000.
    """
    found = _PART.fullmatch(text.strip())
    if found is None or not int(found[1]) <= int(found[2]) or not 1 <= int(found[2]) <= MOST_PARTS:
        raise ValueError(f"give K/N, with K from 0 to N, and N from 1 to {MOST_PARTS}")
    return int(found[1]), int(found[2])


def sample_of(sample: str) -> tuple[int, bool]:
    """Return a sample's number, and whether it is a percentage.

    :raises ValueError: it is neither ``N`` nor ``N%``, or nothing, or more than all.
    """
    found = _SAMPLE.fullmatch(sample.strip())
    if found is None or not int(found[1]) or (found[2] and int(found[1]) > 100):
        raise ValueError("give a number of segments (5) or a percentage of them (10%)")
    return int(found[1]), bool(found[2])


def _last(store: Store, name: str, manifest: Manifest) -> datetime:
    """Return when a segment was last closed or changed; the last time there is if it is no file."""
    entry = manifest.entries.get(name)
    try:
        found = store.find(name)
    except OSError:  # chosen, so that reading it says what is wrong
        return _EPOCH + timedelta(seconds=_LAST)
    changed = _EPOCH + timedelta(seconds=min(found.changed if found else _LAST, _LAST))
    return max(changed, entry.at) if entry is not None and entry.kind != "found" else changed
