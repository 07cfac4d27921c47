"""How much room the file systems have that the archive and the index grow on, and how long it lasts."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from archive.segments import disk
from archive.segments.names import is_segment
from crawler.model.text import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What must be free where nobody says: so many bytes, or such a share if that is more.
LEAST_BYTES, LEAST_SHARE = 2**30, 0.05
#: An alarm is over when so much more than that is free.
MARGIN = 1.2
_WEEK, _DAY = 7 * 86400, 86400


@dataclass(frozen=True, slots=True)
class Room:
    """The file system of ``place``: ``free`` bytes to us, of which ``wanted`` must be."""

    place: str
    device: int
    free: int
    wanted: int

    @property
    def short(self) -> bool:
        """Whether there is too little."""
        return self.free < self.wanted

    @property
    def ample(self) -> bool:
        """Whether there is enough again for an alarm to be over."""
        return self.free >= self.wanted * MARGIN


def rooms(places: Iterable[str | Path], least: int) -> list[Room]:
    """The file systems of these places, each once, under the first place on it.

    ``least`` bytes must be free; 0 is the usual. What can't be looked at is left out: whoever
    writes there will say so.
    """
    found: dict[int, Room] = {}
    for place in places:
        try:
            there = disk.existing(Path(place))
            device = there.stat().st_dev
            figures = os.statvfs(there)
        except OSError:
            continue
        wanted = least or max(LEAST_BYTES, int(figures.f_blocks * figures.f_frsize * LEAST_SHARE))
        found.setdefault(
            device, Room(as_text(str(place)), device, figures.f_bavail * figures.f_frsize, wanted)
        )
    return list(found.values())


def growth(archive: Path, index: Path, *, both: bool) -> float:
    """Bytes a day that the archive grew by over the last week, with the index in proportion if ``both``."""
    total = young = 0
    try:
        for entry in os.scandir(archive):
            if is_segment(entry.name):
                size = entry.stat().st_size
                total += size
                young += size * (entry.stat().st_mtime > time() - _WEEK)
        beside = index.stat().st_size / total if both and total else 0.0
    except OSError:
        return 0.0
    return young * (1 + beside) / 7


def sentence(room: Room, a_day: float) -> str:
    """What to tell of a file system that is nearly full, which fills by so many bytes a day."""
    lasts = (
        f"at last week's {_size(a_day)} a day it lasts {room.free / a_day:.1f} days"
        if a_day
        else "nothing grew"
    )
    return (
        f"{room.place} has {_size(room.free)} left, less than the {_size(room.wanted)} that should be free "
        f"(DISK_FREE_MIN); {lasts}. Make room, or move it; to see what is there: df -h {shlex.quote(room.place)}"
    )


def file_number(path: Path) -> int:
    """The number of the file that has this name now, 0 if none has."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _size(number: float) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**29 else f"{number / 2**20:.1f} MiB"
