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
_SAMPLE = re.compile(r"(\d{1,9})(%?)", re.A)


@dataclass(frozen=True, slots=True)
class SegmentSelection:
    """Select segments, all by default.

    ``since``: only those closed or changed on this day (KST) or later. ``sample``: so many of them
    (``"5"``, ``"10%"``), drawn with ``seed``.
    """

    since: date | None = None
    sample: str = ""
    seed: int = 0

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.since is None and not self.sample

    def of(self, store: Store, segments: Sequence[str], manifest: Manifest) -> list[str]:
        """Return the chosen ones of the store's closed segments, in their order."""
        chosen = [
            name
            for name in segments
            if self.since is None or _last(store, name, manifest) >= self._from()
        ]
        if not self.sample or not chosen:
            return chosen
        number, percent = sample_of(self.sample)
        number = math.ceil(len(chosen) * number / 100) if percent else number
        return sorted(random.Random(self.seed).sample(chosen, min(number, len(chosen))))  # noqa: S311  (no secret)

    def _from(self) -> datetime:
        assert self.since is not None
        return datetime.combine(self.since, time(), KST)


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
