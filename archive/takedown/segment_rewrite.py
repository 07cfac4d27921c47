"""A segment written anew without certain records: tombstones in their place, all other bytes as they were.

The new segment has a name of its own, and the old one stays beside it until every row leads into
the new: so no row ever leads to wrong bytes, whoever is killed when, and who has the old one open
reads it to its end.
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
from archive.segments.atomic_files import part_of, rename_new
from archive.segments.lookup import DOCUMENTS, records
from archive.segments.names import ENDING
from archive.takedown.log import RemovedRecord
from archive.takedown.tombstones import tombstone
from archive.warc.gzip_member import member
from archive.warc.record_parser import Record
from archive.warc.record_writer import format_date, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from archive.takedown.log import Takedown
    from archive.warc.record_writer import RevisitOf

_AGAIN = re.compile(r"-r(\d+)\.warc\.gz\Z")
_COPY = 2**20


@dataclass(slots=True)
class RewriteResult:
    """``name`` is the new segment's; ``places`` are offset and length of each record that stayed, by its old offset.

    ``extra`` are records that went besides those asked for: copies of their payload that no row
    leads to, and revisits left without original.
    """

    name: str
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    extra: list[tuple[Takedown, RemovedRecord]] = field(default_factory=list)


@dataclass(slots=True)
class _Edit:
    """Bytes from ``start`` to before ``end`` give way to ``data``."""

    start: int
    end: int
    data: bytes = b""


class SegmentRewrite:
    """One segment of ``folder`` and what goes from it.

    ``going`` are the records that go, by id, with the removal each is of; ``digests`` the payloads
    of which no copy may stay. A revisit of one that goes refers to the original that ``originals``
    gives for it, or goes as well.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        going: Mapping[str, tuple[Takedown, RemovedRecord]],
        digests: Mapping[str, Takedown],
        originals: Mapping[str, RevisitOf],
    ) -> None:
        self._folder, self._name = folder, name
        self._going = dict(going)
        self._digests = digests
        self._originals = originals
        self._result = RewriteResult(next_name(name))
        self._edits: list[_Edit] = []
        self._stones: list[tuple[_Edit, Takedown, RemovedRecord, str]] = []
        self._companions: dict[str, list[str]] = {}
        self._kept: dict[int, tuple[str, int]] = {}
        self._met: set[str] = set()
        self._info = ""  # the last warcinfo's id

    def run(self) -> RewriteResult:
        """Write the new segment under its own name, proven and on disk; the old one stays as it is.

        :raises SegmentError: the old one cannot be read, lacks a record that is to go, or the new
            not be written.
        """
        path = self._folder / self._name
        try:
            with path.open("rb", buffering=0) as file:
                self._look(file, path)
                new = self._folder / self._result.name
                with part_of(new) as part:
                    self._write(file, part)
                    self._prove(part)
                    rename_new(part, new)
        except OSError as error:
            raise SegmentError(describe_os_error(path, error)) from error
        return self._result

    def _look(self, file: BinaryIO, path: Path) -> None:
        """Find what has to change."""
        places = {
            gone.offset: record_id
            for record_id, (_, gone) in self._going.items()
            if gone.file == self._name
        }
        damaged: _Edit | None = None
        for found in records(path):
            if damaged is not None:
                damaged.end, damaged = found.offset, None
            if isinstance(found, Record):
                self._see(found, file)
            elif found.offset in places:
                # What is left of a damaged record that is to go may be read all the same: it goes
                # as far as the next.
                removal, gone = self._going[places[found.offset]]
                damaged = self._edit(found.offset, 0)
                self._stones.append((damaged, removal, gone, self._info))
                self._met.add(gone.record_id)
        if damaged is not None:
            damaged.end = os.fstat(file.fileno()).st_size
        for record_id, (_, gone) in self._going.items():
            if gone.file == self._name and record_id not in self._met:
                raise SegmentError(
                    f"Record {record_id} is not found in {path}, where it was at byte "
                    f"{gone.offset}. {PROGRAM} verify "
                    "says what else is wrong there."
                )

    def _see(self, found: Record, file: BinaryIO) -> None:
        get = found.fields.get
        refers = _bare(get("warc-refers-to", ""))
        beside = _bare(get("warc-concurrent-to", "")) or (refers if found.kind != "revisit" else "")
        info = _bare(get("warc-warcinfo-id", ""))
        self._info = found.record_id if found.kind == "warcinfo" else info or self._info
        if found.record_id in self._going:
            removal, gone = self._going[found.record_id]
            self._stones.append((self._edit(found.offset, found.length), removal, gone, info))
            self._met.add(found.record_id)
        elif beside in self._going:
            self._companions.setdefault(beside, []).append(found.record_id)
            self._edit(found.offset, found.length)
        elif found.kind in DOCUMENTS and found.payload_digest in self._digests:
            self._take(found, self._digests[found.payload_digest], info, shows=True)
        elif found.kind == "revisit" and refers in self._going:
            original = self._originals.get(found.record_id)
            if original is None:
                self._take(found, self._going[refers][0], info, shows=False)
            else:
                edit = self._edit(found.offset, found.length)
                edit.data = member(_changed(_record(file, found), _references(original)))
                self._kept[found.offset] = found.record_id, len(edit.data)
        elif found.kind == "warcinfo" and get("warc-filename") == self._name:
            edit = self._edit(found.offset, found.length)
            edit.data = member(_changed(_record(file, found), {"WARC-Filename": self._result.name}))
        else:
            self._kept[found.offset] = found.record_id, found.length

    def _take(self, found: Record, removal: Takedown, info: str, *, shows: bool) -> None:
        date, digest = found.fields.get("warc-date", ""), found.payload_digest
        gone = RemovedRecord(
            found.record_id, found.kind, date, digest, self._name, found.offset, shows
        )
        self._going[found.record_id] = removal, gone  # and with it what belongs to it
        self._result.extra.append((removal, gone))
        self._stones.append((self._edit(found.offset, found.length), removal, gone, info))
        self._met.add(found.record_id)

    def _edit(self, start: int, length: int) -> _Edit:
        self._edits.append(_Edit(start, start + length))
        return self._edits[-1]

    def _write(self, file: BinaryIO, part: Path) -> None:
        for edit, removal, gone, info in self._stones:
            edit.data = member(
                tombstone(removal, gone, self._companions.get(gone.record_id, ()), info)
            )
        self._edits.sort(key=lambda edit: edit.start)
        end = os.fstat(file.fileno()).st_size
        with part.open("wb") as out:
            os.fchmod(out.fileno(), os.fstat(file.fileno()).st_mode & 0o777)
            at = 0
            for edit in (*self._edits, _Edit(end, end)):
                file.seek(at)
                left = edit.start - at
                while left > 0:
                    piece = file.read(min(left, _COPY))
                    if not piece:
                        raise SegmentError(
                            f"{self._folder / self._name} was cut while it was read."
                        )
                    out.write(piece)
                    left -= len(piece)
                out.write(edit.data)
                at = edit.end
            out.flush()
            os.fsync(out.fileno())
        self._place()

    def _place(self) -> None:
        """Where each record that stays lies now."""
        edits = iter((*self._edits, _Edit(sys.maxsize, sys.maxsize)))
        edit, shift = next(edits), 0
        for old in sorted(self._kept):
            while edit.start < old:
                shift += len(edit.data) - (edit.end - edit.start)
                edit = next(edits)
            self._result.places[old] = old + shift, self._kept[old][1]

    def _prove(self, part: Path) -> None:
        """Every record that stays is where it should be, and none that goes is."""
        every = [one for one in records(part) if isinstance(one, Record)]
        there = {(one.record_id, one.offset, one.length) for one in every}
        wanted = {
            (record_id, *self._result.places[old]) for old, (record_id, _) in self._kept.items()
        }
        if wanted - there or self._met & {one.record_id for one in every}:
            raise SegmentError(
                f"{self._folder / self._name} was not written anew as it should be; it stays as it is."
            )


def next_name(name: str) -> str:
    """The name of a segment written anew: ``…-r1.warc.gz``, then ``…-r2.warc.gz``."""
    again = _AGAIN.search(name)
    stem = name[: again.start()] if again else name.removesuffix(ENDING)
    return f"{stem}-r{int(again[1]) + 1 if again else 1}{ENDING}"


def _record(file: BinaryIO, found: Record) -> bytes:
    if not found.length:
        raise SegmentError(
            f"Record {found.record_id} shares its gzip member with others, which none of ours does."
        )
    return bytes(isal_zlib.decompress(os.pread(file.fileno(), found.length, found.offset), 31))


def _changed(record: bytes, values: Mapping[str, str]) -> bytes:
    """The record with these fields of its head set so; those with an empty value are left out."""
    head, blank, rest = record.partition(b"\r\n\r\n")
    named = {name.lower(): f"{name}: {value}" if value else "" for name, value in values.items()}
    lines = []
    for line in head.decode().split("\r\n"):
        kept = named.pop(line.partition(":")[0].strip().lower(), line)
        if kept:
            lines.append(kept)
    return "\r\n".join(lines).encode() + blank + rest


def _references(original: RevisitOf) -> dict[str, str]:
    return {
        "WARC-Refers-To": f"<{original.record_id}>",
        "WARC-Refers-To-Target-URI": safe_url(original.url),
        "WARC-Refers-To-Date": format_date(original.captured_at),
    }


def _bare(uri: str) -> str:
    return uri[1:-1] if uri[:1] == "<" and uri[-1:] == ">" else uri
