"""The alarm of a file system that fills up under the archive or the index."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from archive.runs.alarms import AlarmKind, Cause
from archive.segments.files import disk
from archive.segments.store import store_of
from crawler.model.text import as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archive.runs.alarms import Alarm
    from archive.segments.store import Store, StoreOrFolder
    from crawler.alarms.changes import AlarmChanges

#: Bytes that must be free by default, or this share of the file system if that is more.
LEAST_BYTES, LEAST_SHARE = 2**30, 0.05
#: An alarm is over when this multiple of the required bytes is free.
MARGIN = 1.2
_WEEK = 7 * 86400


@dataclass(frozen=True, slots=True)
class FileSystem:
    """The file system of ``place``: ``free`` bytes, of which ``required`` should be free."""

    place: str
    device: int
    free: int
    required: int

    @property
    def is_short(self) -> bool:
        """Whether too little is free."""
        return self.free < self.required

    @property
    def is_ample(self) -> bool:
        """Whether enough is free again for an alarm to be over."""
        return self.free >= self.required * MARGIN


class DiskAlarms:
    """Judges the file systems of the archive and the index, within one check of the monitor.

    Of an archive in S3 it is that of its spool.

    ``least`` bytes must be free; 0 for the default. ``index`` is None for one in a server, whose
    disk is not looked at.
    """

    def __init__(
        self, changes: AlarmChanges, now: datetime, archive: Store, index: Path | None, least: int
    ) -> None:
        self._changes, self._now, self._store = changes, now, archive
        self._archive = archive.spool
        self._index, self._least = index or self._archive, least

    def judge(self) -> None:
        """End and raise the alarms of both file systems, which may be one."""
        known = file_systems((self._archive, self._index), self._least)
        alarms = self._changes.open(AlarmKind.DISK)
        devices = {alarm.id: _devices(alarm) for alarm in alarms}
        for one in known:
            # Archive and index may have been moved, or be on one disk now: the device decides.
            its = [a for a in alarms if a.subject == one.place or one.device in devices[a.id]]
            if one.is_ample:
                self._changes.end(its)
            elif one.is_short and not its:
                self._raise(one, both=len(known) == 1)
        self._end_moved({one.device for one in known}, devices)

    def _end_moved(self, ours: set[int], devices: Mapping[int, set[int]]) -> None:
        """End the alarms of file systems that neither the archive nor the index is on any more."""
        names = {as_text(str(place)) for place in (self._archive, self._index)}
        for alarm in self._changes.open(AlarmKind.DISK):
            # A place that cannot be examined may still be full.
            if alarm.subject not in names and not ours & devices[alarm.id]:
                self._changes.end([alarm])

    def _raise(self, one: FileSystem, *, both: bool) -> None:
        per_day = growth(self._store, self._index, both=both)
        self._changes.add(
            Cause(
                kind=AlarmKind.DISK,
                subject=one.place,
                sentence=sentence(one, per_day, self._waiting()),
                began_at=self._now,
            )
        )

    def _waiting(self) -> str:
        """Return what lies there if it is not the archive itself, else ``""``."""
        if self._store.free() is not None:
            return ""
        return f"segments of {self._store.place()} wait there to be uploaded"


def file_systems(places: Iterable[str | Path], least: int) -> list[FileSystem]:
    """Return the file systems of these places, each once, under the first place on it.

    ``least`` bytes must be free; 0 for the default. A place that cannot be examined is left out:
    whatever writes there reports it.
    """
    found: dict[int, FileSystem] = {}
    for place in places:
        try:
            there = disk.existing(Path(place))
            device = there.stat().st_dev
            figures = os.statvfs(there)
        except OSError:
            continue
        share = int(figures.f_blocks * figures.f_frsize * LEAST_SHARE)
        required = least or max(LEAST_BYTES, share)
        free = figures.f_bavail * figures.f_frsize
        found.setdefault(device, FileSystem(as_text(str(place)), device, free, required))
    return list(found.values())


def growth(archive: StoreOrFolder, index: Path, *, both: bool) -> float:
    """Return the bytes a day that the archive grew by in the last week.

    With ``both``, the index is added in proportion. 0 if the files cannot be examined.
    """
    total = recent = 0
    week_ago = time() - _WEEK
    try:
        for one in store_of(archive).segments():
            total += one.size
            if one.changed > week_ago:
                recent += one.size
        index_share = index.stat().st_size / total if both and total else 0.0
    except OSError:
        return 0.0
    return recent * (1 + index_share) / 7


def sentence(one: FileSystem, per_day: float, waiting: str = "") -> str:
    """Return the sentence about a file system that fills up by ``per_day`` bytes a day.

    ``waiting`` says what lies there of an archive that itself lies elsewhere.
    """
    lasts = waiting or "nothing grew last week"
    if per_day and not waiting:
        days = one.free / per_day
        lasts = f"at last week's {_size(per_day)} a day it lasts {days:.1f} days"
    return (
        f"{one.place} has {_size(one.free)} free, less than the {_size(one.required)} that should "
        f"be free (DISK_FREE_MIN); {lasts}. Free some space or move it; see: "
        f"df -h {shlex.quote(one.place)}"
    )


def _devices(alarm: Alarm) -> set[int]:
    """Return the device of the alarm's place now, nothing if it cannot be examined."""
    return {one.device for one in file_systems([os.fsdecode(alarm.subject.encode())], 0)}


def _size(number: float) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**29 else f"{number / 2**20:.1f} MiB"
