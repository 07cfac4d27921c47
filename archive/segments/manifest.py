"""The fixity manifest: the size and sha256 of each closed segment, independent of the index.

``fixity.jsonl`` in the archive's folder is a chained log (`archive.segments.chained_log`), one line
an entry, and is never rewritten. Where nothing can be appended to, each writer has a chain of its
own (`archive.segments.chains`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from archive.segments.chains import ChainFault, join
from archive.segments.files.measure import measure_open
from archive.segments.names import is_plain
from archive.segments.store import store_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archive.segments.store import Store, StoreOrFolder

#: The manifest's name, in the archive's folder.
NAME = "fixity.jsonl"


class EntryKind(StrEnum):
    """Why an entry was made. The last entry of a file counts.

    ``closed``: its writer, or a recovery, closed it. ``found``: it had no entry, and was verified.
    ``replaced``: it takes the place of another one. ``removed``: it was deleted. The last two are
    deliberate and have a reason.
    """

    CLOSED = "closed"
    FOUND = "found"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One line: a file's name, size in bytes and sha256 in hex, and when (UTC) and why."""

    kind: EntryKind
    file: str
    size: int
    sha256: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last entry of each file, by name, and the faults of the lines."""

    entries: dict[str, ManifestEntry]
    faults: tuple[ChainFault, ...]


def measure_segment(store: Store, name: str) -> tuple[int, str]:
    """Return the size in bytes of a segment in the archive, and its sha256 in hex.

    :raises OSError: it cannot be read.
    """
    with store.open(name) as file:
        return measure_open(file)


def record_segment(
    store: Store, name: str, kind: EntryKind = EntryKind.CLOSED, reason: str = ""
) -> ManifestEntry:
    """Measure a closed segment and add it to the manifest of its archive; on disk on return.

    :raises OSError: the segment cannot be read, or the manifest not written; it is then as it was.
    """
    size, sha256 = measure_segment(store, name)
    return _record(store, name, size, sha256, kind, reason)


def record_closed(store: Store, name: str, size: int, sha256: str) -> ManifestEntry:
    """Add a segment to the manifest that was closed just now; kept for good on return.

    :raises OSError: the manifest cannot be written; it is then as it was.
    """
    return _record(store, name, size, sha256, EntryKind.CLOSED, "")


def _record(
    store: Store, name: str, size: int, sha256: str, kind: EntryKind, reason: str
) -> ManifestEntry:
    now = datetime.now(UTC).replace(microsecond=0)
    return append(store, ManifestEntry(kind, name, size, sha256, now, reason))


def append(archive: StoreOrFolder, entry: ManifestEntry) -> ManifestEntry:
    """Append an entry, which is on disk on return; several processes may do so at once.

    :raises OSError: the manifest cannot be written; it is then as it was.
    """
    store_of(archive).append(NAME, _fields(entry))
    return entry


def read(archive: StoreOrFolder) -> Manifest:
    """Return the manifest of an archive, empty if there is none; a torn last line is ignored.

    :raises OSError: it cannot be read.
    """
    return parse(store_of(archive).read_logs(NAME))


def parse(chains: Mapping[str, bytes]) -> Manifest:
    """Parse the chains of a manifest, by the names of their files."""
    entries: dict[str, ManifestEntry] = {}
    lines, faults = join(chains)
    for line in lines:
        try:
            entry = _entry(line.fields)
        except (ValueError, KeyError, OverflowError, TypeError):
            faults.append(ChainFault(line.file, line.offset, "This line is not an entry."))
            continue
        if _contradicts(entry, entries.get(entry.file)):
            sentence = f"{entry.file[:80]} has an earlier entry with another sha256, and no reason."
            faults.append(ChainFault(line.file, line.offset, sentence))
        entries[entry.file] = entry
    return Manifest(entries, tuple(sorted(faults)))


def _contradicts(entry: ManifestEntry, known: ManifestEntry | None) -> bool:
    """Return whether an entry changes what is known of a file without giving a reason."""
    if known is None or entry.kind not in (EntryKind.CLOSED, EntryKind.FOUND):
        return False
    return known.sha256 != entry.sha256


def _fields(entry: ManifestEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "kind": entry.kind.value,
        "file": entry.file,
        "size": entry.size,
        "sha256": entry.sha256,
        "at": entry.at.astimezone(UTC).isoformat(),
    }
    if entry.reason:
        fields["reason"] = entry.reason
    return fields


def _entry(fields: dict[str, Any]) -> ManifestEntry:
    """Return the entry of a line.

    :raises ValueError: it is not an entry; KeyError, OverflowError and TypeError likewise.
    """
    entry = ManifestEntry(
        EntryKind(fields["kind"]),
        str(fields["file"]),
        int(fields["size"]),
        str(fields["sha256"]),
        datetime.fromisoformat(fields["at"]),
        str(fields.get("reason", "")),
    )
    # compared as text, so that the order of the fields counts
    as_written = json.dumps(fields) == json.dumps(_fields(entry))
    if not (as_written and is_plain(entry.file) and entry.at.tzinfo is not None):
        raise ValueError("not as entries are written")
    return entry
