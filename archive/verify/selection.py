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
    from pathlib import Path

    from archive.segments.manifest import Manifest

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

    def of(self, segments: Sequence[Path], manifest: Manifest) -> list[Path]:
        """Return the chosen ones, in their order."""
        chosen = [
            path for path in segments if self.since is None or _last(path, manifest) >= self._from()
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


def _last(path: Path, manifest: Manifest) -> datetime:
    entry = manifest.entries.get(path.name)
    changed = _EPOCH + timedelta(seconds=min(path.stat().st_mtime, _LAST))
    return max(changed, entry.at) if entry is not None and entry.kind != "found" else changed
