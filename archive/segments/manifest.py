"""The fixity manifest: what each closed segment was, kept beside it, so that a lost index does not lose it.

``fixity.jsonl`` lies in the archive's folder: a chained log (`archive.segments.chained_log`), a
line an entry, never rewritten.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.segments import chained_log as chain

if TYPE_CHECKING:
    from pathlib import Path

#: The manifest's name, in the archive's folder.
NAME = "fixity.jsonl"
_READ = 2**20


class EntryKind(StrEnum):
    """Why an entry was made. The last one of a file counts.

    ``closed``: its writer, or who took it over, closed it. ``found``: it was there without an
    entry, and was verified. ``replaced``: it was rewritten on purpose, ``removed``: it is gone on
    purpose; both give a reason.
    """

    CLOSED = "closed"
    FOUND = "found"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line: the file's name, its size in bytes and sha256 in hex, and when (UTC) and why it was written."""

    kind: EntryKind
    file: str
    size: int
    sha256: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last entry of each file, by name; and what is wrong with the lines, by their offset."""

    entries: dict[str, ManifestEntry]
    faults: tuple[tuple[int, str], ...]


def measure(path: Path) -> tuple[int, str]:
    """A file's size and sha256.

    :raises OSError: it cannot be read.
    """
    found = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_READ):
            found.update(piece)
            size += len(piece)
    return size, found.hexdigest()


def record_segment(
    path: Path, kind: EntryKind = EntryKind.CLOSED, reason: str = ""
) -> ManifestEntry:
    """Measure a closed segment and enter it, durably, in the manifest of its folder.

    :raises OSError: the segment cannot be read, or the manifest not written; it is then as it was.
    """
    size, sha256 = measure(path)
    return append(
        path.parent,
        ManifestEntry(
            kind, path.name, size, sha256, datetime.now(UTC).replace(microsecond=0), reason
        ),
    )


def append(folder: Path, entry: ManifestEntry) -> ManifestEntry:
    """Append an entry; it is on disk on return. Any number of processes may do so at once.

    :raises OSError: the manifest cannot be written; it is then as it was.
    """
    chain.append(folder / NAME, _fields(entry))
    return entry


def read(folder: Path) -> Manifest:
    """The manifest of a folder; an empty one where there is none. A torn last line was never finished, and is none.

    :raises OSError: it cannot be read.
    """
    try:
        return parse((folder / NAME).read_bytes())
    except FileNotFoundError:
        return Manifest({}, ())


def whole_lines(folder: Path) -> bytes:
    """The manifest's bytes as far as they are for good: nobody is at work on a line of them. Empty without a manifest.

    :raises OSError: it cannot be read.
    """
    return chain.whole_lines(folder / NAME)


def parse(data: bytes) -> Manifest:
    """The manifest that a file's bytes are."""
    entries: dict[str, ManifestEntry] = {}
    lines, faults = chain.read_lines(data)
    for at, fields in lines:
        try:
            entry = _entry(fields)
        except (ValueError, KeyError, OverflowError, TypeError):
            faults.append((at, "This line is no entry."))
            continue
        known = entries.get(entry.file)
        if (
            known is not None
            and entry.kind in (EntryKind.CLOSED, EntryKind.FOUND)
            and known.sha256 != entry.sha256
        ):
            faults.append(
                (
                    at,
                    f"{entry.file[:80]} was entered before, with another sum, and no reason is given.",
                )
            )
        entries[entry.file] = entry
    return Manifest(entries, tuple(sorted(faults)))


def _fields(entry: ManifestEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "kind": entry.kind.value,
        "file": entry.file,
        "size": entry.size,
        "sha256": entry.sha256,
        "at": entry.at.astimezone(UTC).isoformat(),
    }
    return fields | ({"reason": entry.reason} if entry.reason else {})


def _entry(fields: dict[str, Any]) -> ManifestEntry:
    """The entry that a line is.

    :raises ValueError: it is none; KeyError, OverflowError, TypeError likewise.
    """
    entry = ManifestEntry(
        EntryKind(fields["kind"]),
        str(fields["file"]),
        int(fields["size"]),
        str(fields["sha256"]),
        datetime.fromisoformat(fields["at"]),
        str(fields.get("reason", "")),
    )
    own = {name: value for name, value in fields.items() if name != "chain"}
    # the order is an entry's, too
    if entry.at.tzinfo is None or json.dumps(own) != json.dumps(_fields(entry)):
        raise ValueError("not as an entry is written")
    return entry
