"""What a kill or a loss of power did to an open segment is undone: its torn tail is cut, holes before it are closed.

A kill tears the end. A loss of power can do more: of all that was written since the last sync, any
pages may be missing, with whole records behind them. Such a hole reads as zeros, and lies behind
all that rows lead to; it is closed by moving up what is whole. Any other damage is not theirs, and
stays as it is for `verify` to find.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.warc.reader import iterate
from archive.warc.record_parser import Record

if TYPE_CHECKING:
    from pathlib import Path

#: Longest record taken for one: ours are of whatever length the crawl's settings let in.
LONGEST = 2**31
#: Records that stand for an answer or a document.
DOCUMENTS = frozenset({"response", "revisit", "resource"})
#: What a disk writes whole or not at all.
_SECTOR = 512
#: More than any batch holds: holes are closed in memory, and where more lies behind one, it is none
#: of ours.
_MOST = 2**28


@dataclass(frozen=True, slots=True)
class _Record:
    """A whole record: where it lies, and the ids of itself, its warcinfo and the record it belongs to."""

    start: int
    end: int
    kind: str
    id: str
    info: str
    to: str


def repair_tail(fd: int, path: Path, settled: int) -> bool:
    """Leave nothing in the segment but whole records, synced; whether any of them is a document.

    ``fd`` is open for writing, and the segment locked by us. Rows lead to records before byte
    ``settled``.

    :raises OSError: it cannot be mended.
    """
    records, hole = _survey(fd, path, settled)
    end = records[-1].end if records else 0
    if hole >= 0 and end - hole <= _MOST:
        behind = [record for record in records if record.start >= hole]
        records = [record for record in records if record.start < hole]
        kept = _explained(behind, {record.id for record in records})
        moved = [os.pread(fd, record.end - record.start, record.start) for record in kept]
        os.ftruncate(fd, hole)
        # killed here, what is moved is lost, and no row led to it; never is it there twice
        os.fsync(fd)
        for data in moved:
            _append(fd, data)
        records += kept
    elif end < os.fstat(fd).st_size:
        os.ftruncate(fd, end)
    os.fsync(fd)
    return any(record.kind in DOCUMENTS for record in records)


def _survey(fd: int, path: Path, settled: int) -> tuple[list[_Record], int]:
    """All whole records, and where the first hole with any behind it begins; -1 where there is none."""
    records: list[_Record] = []
    hole = -1
    for found in iterate(path, LONGEST):
        # without one its gzip member is torn, though its block is whole
        if isinstance(found, Record) and found.length:
            before = records[-1].end if records else 0
            if hole < 0 and before >= settled and _has_zeros(fd, before, found.offset):
                hole = before
            ids = (
                found.fields.get(name, "").strip("<>")
                for name in ("warc-warcinfo-id", "warc-concurrent-to")
            )
            end = found.offset + found.length
            records.append(_Record(found.offset, end, found.kind, found.record_id, *ids))
    return records, hole


def _explained(records: list[_Record], known: set[str]) -> list[_Record]:
    """Those of the records whose warcinfo, and whose answer if they belong to one, is there too."""
    there = known | {record.id for record in records}
    while True:
        kept = [record for record in records if {record.info, record.to} - {""} <= there]
        if len(kept) == len(records):
            return kept
        records, there = kept, known | {record.id for record in kept}


def _has_zeros(fd: int, start: int, end: int) -> bool:
    """Whether a sector between a record's end and the next one is all zeros behind it, as one never written since."""
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
