"""Repair of an open segment after a crash: cut its torn tail, close the holes before it.

A killed process tears the end of the file. A loss of power can do more: of all that was written
since the last sync, any pages may be missing, with whole records after them. Such a hole reads as
zeros and lies after every record that a row of the index refers to; it is closed by moving the
whole records after it forward. Any other damage has another cause, and is left for `verify`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.segments.lookup import DOCUMENTS, records
from archive.warc.record_parser import Record

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes that a disk writes whole or not at all.
_SECTOR = 512
#: More bytes than any batch has: holes are closed in memory, and a larger one has another cause.
_MOST = 2**28


@dataclass(frozen=True, slots=True)
class _Place:
    """A whole record: its bytes, its type and id, and the ids of its warcinfo and its response."""

    start: int
    end: int
    kind: str
    id: str
    warcinfo_id: str
    concurrent_to: str


def repair_tail(fd: int, path: Path, settled: int) -> bool:
    """Leave only whole records in the segment, synced; return whether any is a document.

    ``fd`` is open for writing and locked by this process. Rows of the index refer to records before
    byte ``settled``.

    :raises OSError: it cannot be repaired.
    """
    places, hole = _survey(fd, path, settled)
    end = places[-1].end if places else 0
    if hole >= 0 and end - hole <= _MOST:
        places = _close_hole(fd, places, hole)
    elif end < os.fstat(fd).st_size:
        os.ftruncate(fd, end)
    os.fsync(fd)
    return any(place.kind in DOCUMENTS for place in places)


def _close_hole(fd: int, places: list[_Place], hole: int) -> list[_Place]:
    """Move the records after a hole to where it begins; return those that are left."""
    before = [place for place in places if place.start < hole]
    after = [place for place in places if place.start >= hole]
    kept = _with_context(after, {place.id for place in before})
    moved = [os.pread(fd, place.end - place.start, place.start) for place in kept]
    os.ftruncate(fd, hole)
    # If we are killed here, the moved records are lost, and no row refers to them. Without this
    # sync they could be in the file twice.
    os.fsync(fd)
    for data in moved:
        _append(fd, data)
    return before + kept


def _survey(fd: int, path: Path, settled: int) -> tuple[list[_Place], int]:
    """Return all whole records, and where the first hole before one of them begins, or -1."""
    places: list[_Place] = []
    hole = -1
    for found in records(path):
        # a record without a length shares its gzip member or ends in a torn one
        if not isinstance(found, Record) or not found.length:
            continue
        before = places[-1].end if places else 0
        if hole < 0 and before >= settled and _has_zeros(fd, before, found.offset):
            hole = before
        place = _Place(
            start=found.offset,
            end=found.offset + found.length,
            kind=found.kind,
            id=found.record_id,
            warcinfo_id=found.fields["warc-warcinfo-id"],
            concurrent_to=found.fields["warc-concurrent-to"],
        )
        places.append(place)
    return places, hole


def _with_context(places: list[_Place], known: set[str]) -> list[_Place]:
    """Return the records whose warcinfo, and whose response if they name one, are present too."""
    kept = places
    while True:
        present = known | {place.id for place in kept}
        explained = [
            place for place in kept if {place.warcinfo_id, place.concurrent_to} - {""} <= present
        ]
        if len(explained) == len(kept):
            return kept
        kept = explained


def _has_zeros(fd: int, start: int, end: int) -> bool:
    """Return whether, between two records, a sector is zeros to its end: one never written."""
    while start < end:
        boundary = (start // _SECTOR + 1) * _SECTOR
        if boundary <= end and not any(os.pread(fd, boundary - start, start)):
            return True
        start = boundary
    return False


def _append(fd: int, data: bytes) -> None:
    view = memoryview(data)
    os.lseek(fd, 0, os.SEEK_END)
    while view:
        view = view[os.write(fd, view) :]
