"""Rewriting of a segment without certain records: tombstones in their place, other bytes unchanged.

The new segment has a name of its own, and the old one stays until every row refers to the new one.
So no row ever refers to wrong bytes, and a process that has the old one open reads it to its end.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isal import isal_zlib

from archive.model.errors import SegmentError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments.lookup import DOCUMENTS, records, records_in
from archive.segments.names import ENDING
from archive.takedown.log import RemovedRecord
from archive.takedown.tombstones import tombstone
from archive.warc.compression.gzip_member import member
from archive.warc.record_parser import Record
from archive.warc.record_writer import format_date, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from archive.segments.store import Store
    from archive.takedown.log import Takedown
    from archive.warc.record_writer import RevisitOf

_REWRITTEN = re.compile(r"-r(\d+)\.warc\.gz\Z")
_COPY = 2**20


@dataclass(slots=True)
class RewriteResult:
    """The ``name`` of the new segment, and where its records lie.

    ``places`` are the offset and length of each kept record by its old offset. ``extra`` are
    records that were removed besides those asked for: copies of their payload that no row refers
    to, and revisits left without an original.
    """

    name: str
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    extra: list[tuple[Takedown, RemovedRecord]] = field(default_factory=list)


@dataclass(slots=True)
class _Edit:
    """Replace the bytes from ``start`` to before ``end`` by ``data``."""

    start: int
    end: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class _Tombstone:
    """A tombstone to write, once the companions of its record are known."""

    edit: _Edit
    takedown: Takedown
    record: RemovedRecord
    warcinfo_id: str


class SegmentRewrite:
    """The rewriting of one segment of the archive.

    ``going`` are the records to remove, by id, each with its take-down; ``digests`` the payloads of
    which no copy may stay. A revisit of a removed record gets the original that ``originals`` names
    for it, or is removed as well.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        going: Mapping[str, tuple[Takedown, RemovedRecord]],
        digests: Mapping[str, Takedown],
        originals: Mapping[str, RevisitOf],
    ) -> None:
        self._store, self._name = store, name
        self._place = store.place(name)
        self._going = dict(going)
        self._digests = digests
        self._originals = originals
        self._result = RewriteResult(next_name(name))
        self._edits: list[_Edit] = []
        self._tombstones: list[_Tombstone] = []
        self._companions: dict[str, list[str]] = {}
        self._kept: dict[int, tuple[str, int]] = {}  # id and new length by old offset
        self._removed: set[str] = set()
        self._warcinfo_id = ""  # of the last warcinfo
        self._size = 0  # of the old segment

    def run(self) -> RewriteResult:
        """Write the new segment, checked and on disk; the old one stays as it is.

        :raises SegmentError: the old one cannot be read, lacks a record to remove, or the new one
            cannot be written.
        """
        try:
            with self._store.open(self._name) as file:
                self._size = file.seek(0, os.SEEK_END)
                self._plan(file)
                with self._store.adding(self._result.name, like=self._name) as part:
                    self._write(file, part)
                    self._check(part)
        except OSError as error:
            raise SegmentError(describe_os_error(self._place, error)) from error
        return self._result

    def _plan(self, file: BinaryIO) -> None:
        """Find what has to change."""
        here = {
            record.offset: (takedown, record)
            for takedown, record in self._going.values()
            if record.file == self._name
        }
        damaged: _Edit | None = None
        for found in records_in(self._store, self._name):
            if damaged is not None:
                damaged.end, damaged = found.offset, None
            if isinstance(found, Record):
                self._visit(found, file)
            elif found.offset in here:
                # a damaged record can still be readable in part: remove it up to the next record
                damaged = self._remove(found.offset, 0, *here[found.offset], self._warcinfo_id)
        if damaged is not None:
            damaged.end = self._size
        self._check_all_found()

    def _check_all_found(self) -> None:
        for _, record in self._going.values():
            if record.file == self._name and record.record_id not in self._removed:
                raise SegmentError(
                    f"Record {record.record_id} is not in {self._place}, where it was at byte"
                    f" {record.offset}. Run {PROGRAM} verify to see what else is wrong there."
                )

    def _visit(self, record: Record, file: BinaryIO) -> None:
        """Decide what becomes of a record."""
        refers_to = record.fields["warc-refers-to"]
        warcinfo_id = record.fields["warc-warcinfo-id"]
        if record.kind == "warcinfo":
            self._warcinfo_id = record.record_id
        elif warcinfo_id:
            self._warcinfo_id = warcinfo_id
        reason = self._reason_to_remove(record, refers_to)
        response_id = _companion_of(record, refers_to)
        if reason is not None and record.record_id in self._going:
            self._remove(record.offset, record.length, *reason, warcinfo_id)
        elif response_id in self._going:
            self._companions.setdefault(response_id, []).append(record.record_id)
            self._edit(record.offset, record.length)
        elif reason is not None:
            self._going[record.record_id] = reason  # its companions are removed with it
            self._result.extra.append(reason)
            self._remove(record.offset, record.length, *reason, warcinfo_id)
        else:
            self._keep(record, refers_to, file)

    def _reason_to_remove(
        self, record: Record, refers_to: str
    ) -> tuple[Takedown, RemovedRecord] | None:
        """Return the take-down for which a record is removed, and how it is recorded; or None."""
        if record.record_id in self._going:
            return self._going[record.record_id]
        if record.kind in DOCUMENTS and record.payload_digest in self._digests:
            return self._as_removed(record, self._digests[record.payload_digest], shows=True)
        lost = record.kind == "revisit" and refers_to in self._going
        if lost and record.record_id not in self._originals:
            return self._as_removed(record, self._going[refers_to][0], shows=False)
        return None

    def _as_removed(
        self, record: Record, takedown: Takedown, *, shows: bool
    ) -> tuple[Takedown, RemovedRecord]:
        removed = RemovedRecord(
            record_id=record.record_id,
            type=record.kind,
            date=record.fields["warc-date"],
            payload_digest=record.payload_digest,
            file=self._name,
            offset=record.offset,
            shows=shows,
        )
        return takedown, removed

    def _keep(self, record: Record, refers_to: str, file: BinaryIO) -> None:
        """Keep a record, changing the fields that would be wrong in the new segment."""
        changes: dict[str, str] = {}
        if record.kind == "revisit" and refers_to in self._going:
            changes = _references(self._originals[record.record_id])
        elif record.kind == "warcinfo" and record.fields["warc-filename"] == self._name:
            changes = {"WARC-Filename": self._result.name}
        length = record.length
        if changes:
            edit = self._edit(record.offset, record.length)
            edit.data = member(_with_fields(_read(file, record), changes))
            length = len(edit.data)
        if record.kind != "warcinfo" or not changes:
            self._kept[record.offset] = record.record_id, length

    def _remove(
        self, start: int, length: int, takedown: Takedown, record: RemovedRecord, warcinfo_id: str
    ) -> _Edit:
        """Put a tombstone in the place of these bytes."""
        edit = self._edit(start, length)
        self._tombstones.append(_Tombstone(edit, takedown, record, warcinfo_id))
        self._removed.add(record.record_id)
        return edit

    def _edit(self, start: int, length: int) -> _Edit:
        self._edits.append(_Edit(start, start + length))
        return self._edits[-1]

    def _write(self, file: BinaryIO, part: Path) -> None:
        for stone in self._tombstones:
            companions = self._companions.get(stone.record.record_id, ())
            data = tombstone(stone.takedown, stone.record, companions, stone.warcinfo_id)
            stone.edit.data = member(data)
        self._edits.sort(key=lambda edit: edit.start)
        with part.open("wb") as out:
            at = 0
            for edit in (*self._edits, _Edit(self._size, self._size)):
                self._copy(file, out, at, edit.start)
                out.write(edit.data)
                at = edit.end
        self._locate()

    def _copy(self, file: BinaryIO, out: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        left = end - start
        while left > 0:
            piece = file.read(min(left, _COPY))
            if not piece:
                raise SegmentError(f"{self._place} was cut while it was read.")
            out.write(piece)
            left -= len(piece)

    def _locate(self) -> None:
        """Compute where each kept record lies in the new segment."""
        edits = iter((*self._edits, _Edit(sys.maxsize, sys.maxsize)))
        edit, shift = next(edits), 0
        for old in sorted(self._kept):
            while edit.start < old:
                shift += len(edit.data) - (edit.end - edit.start)
                edit = next(edits)
            self._result.places[old] = old + shift, self._kept[old][1]

    def _check(self, part: Path) -> None:
        """Check that each kept record is where it should be, and that no removed one is left."""
        # Of each record only these: all of them together are the segment.
        found = {
            (one.record_id, one.offset, one.length)
            for one in records(part)
            if isinstance(one, Record)
        }
        wanted = {
            (record_id, *self._result.places[old]) for old, (record_id, _) in self._kept.items()
        }
        if wanted - found or self._removed & {record_id for record_id, _, _ in found}:
            raise SegmentError(
                f"The new segment for {self._place} is not as it should be; nothing was replaced."
            )


def next_name(name: str) -> str:
    """Return the name of a rewritten segment: ``…-r1.warc.gz``, then ``…-r2.warc.gz``."""
    before = _REWRITTEN.search(name)
    if before is None:
        return f"{name.removesuffix(ENDING)}-r1{ENDING}"
    return f"{name[: before.start()]}-r{int(before[1]) + 1}{ENDING}"


def _companion_of(record: Record, refers_to: str) -> str:
    """Return the id of the record that this one, a request or metadata, belongs to, or ``""``."""
    concurrent_to = record.fields["warc-concurrent-to"]
    if concurrent_to or record.kind == "revisit":
        return concurrent_to
    return refers_to


def _read(file: BinaryIO, record: Record) -> bytes:
    if not record.length:
        raise SegmentError(
            f"Record {record.record_id} shares its gzip member with others; Sacho writes none so."
        )
    file.seek(record.offset)
    return bytes(isal_zlib.decompress(file.read(record.length), 31))


def _with_fields(record: bytes, values: Mapping[str, str]) -> bytes:
    """Return the record with these header fields; those with an empty value are left out."""
    head, blank, rest = record.partition(b"\r\n\r\n")
    changed = {name.lower(): f"{name}: {value}" if value else "" for name, value in values.items()}
    lines: list[str] = []
    for line in head.decode().split("\r\n"):
        name = line.partition(":")[0].strip().lower()
        kept = changed.pop(name, line)
        if kept:
            lines.append(kept)
    return "\r\n".join(lines).encode() + blank + rest


def _references(original: RevisitOf) -> dict[str, str]:
    return {
        "WARC-Refers-To": f"<{original.record_id}>",
        "WARC-Refers-To-Target-URI": safe_url(original.url),
        "WARC-Refers-To-Date": format_date(original.captured_at),
    }
