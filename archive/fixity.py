"""The fixity manifest: what each closed segment was, kept beside it, so that a lost index does not lose it.

``fixity.jsonl`` lies in the archive's folder: one JSON object a line, appended and synced under a lock, and never
rewritten. Each line is chained to the one before by a sum over both, so that one changed or taken out shows.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.locks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The manifest's name, in the archive's folder.
NAME = "fixity.jsonl"
_READ = 2**20
#: Names are 255 bytes at most; a reason is a sentence.
_LONGEST_LINE = 2**16
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class Kind(StrEnum):
    """Why an entry was made. The last one of a file counts.

    ``closed``: its writer, or who took it over, closed it. ``found``: it was there without an entry, and was verified.
    ``replaced``: it was rewritten on purpose, ``removed``: it is gone on purpose; both give a reason.
    """

    CLOSED = "closed"
    FOUND = "found"
    REPLACED = "replaced"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: the file's name, its size in bytes and sha256 in hex, and when (UTC) and why it was written."""

    kind: Kind
    file: str
    size: int
    sha256: str
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last entry of each file, by name; and what is wrong with the lines, by their offset."""

    entries: dict[str, Entry]
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


def record(path: Path, kind: Kind = Kind.CLOSED, reason: str = "") -> Entry:
    """Measure a closed segment and enter it, durably, in the manifest of its folder.

    :raises OSError: the segment cannot be read, or the manifest not written; it is then as it was.
    """
    size, sha256 = measure(path)
    return enter(path.parent, Entry(kind, path.name, size, sha256, datetime.now(UTC).replace(microsecond=0), reason))


def enter(folder: Path, entry: Entry) -> Entry:
    """Append an entry; it is on disk on return. Any number of processes may do so at once.

    :raises OSError: the manifest cannot be written; it is then as it was.
    """
    path = folder / NAME
    new = not path.exists()
    with _locked(path) as fd:
        end, chain = _last_line(fd)
        if end < os.fstat(fd).st_size:  # a kill tore the line behind it, which nobody counts on
            os.ftruncate(fd, end)
        line = _line(entry, _chain(chain, entry)) + b"\n"
        try:
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(fd)
        except BaseException:
            os.ftruncate(fd, end)
            raise
    if new:
        sync_folder(folder)
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
    try:
        file = (folder / NAME).open("rb")
    except FileNotFoundError:
        return b""
    with file:
        with suppress(OSError):  # where a file system has no locks
            fcntl.flock(file, fcntl.LOCK_SH)
        whole, newline, _ = file.read().rpartition(b"\n")
        return whole + newline


def parse(data: bytes) -> Manifest:
    """The manifest that a file's bytes are."""
    entries: dict[str, Entry] = {}
    faults: list[tuple[int, str]] = []
    at, chain = 0, ""
    known_chain = True  # whether that of the line before can be told
    for line in data.split(b"\n")[:-1]:
        try:
            entry, said = _parse(line)
        except (ValueError, KeyError, TypeError):
            faults.append((at, "This line is no entry."))
            known_chain = False
        else:
            if known_chain and said != _chain(chain, entry):
                faults.append((at, f"This line, of {entry.file[:80]}, or the one before it was changed or taken out."))
            known = entries.get(entry.file)
            if known is not None and entry.kind in (Kind.CLOSED, Kind.FOUND) and known.sha256 != entry.sha256:
                faults.append((at, f"{entry.file[:80]} was entered before, with another sum, and no reason is given."))
            entries[entry.file] = entry
            chain, known_chain = said, True
        at += len(line) + 1
    return Manifest(entries, tuple(faults))


def _fields(entry: Entry) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "kind": entry.kind.value,
        "file": entry.file,
        "size": entry.size,
        "sha256": entry.sha256,
        "at": entry.at.astimezone(UTC).isoformat(),
    }
    return fields | ({"reason": entry.reason} if entry.reason else {})


def _chain(before: str, entry: Entry) -> str:
    text = json.dumps(_fields(entry), sort_keys=True)
    return hashlib.sha256((before + text).encode()).hexdigest()[:32]


def _parse(line: bytes) -> tuple[Entry, str]:
    """An entry and the chain that its line says."""
    value = json.loads(line)
    entry = Entry(
        Kind(value["kind"]),
        str(value["file"]),
        int(value["size"]),
        str(value["sha256"]),
        datetime.fromisoformat(value["at"]),
        str(value.get("reason", "")),
    )
    chain = str(value["chain"])
    if entry.at.tzinfo is None or _line(entry, chain) != line:
        raise ValueError("not as an entry is written")
    return entry, chain


def _line(entry: Entry, chain: str) -> bytes:
    return json.dumps(_fields(entry) | {"chain": chain}).encode()


def _last_line(fd: int) -> tuple[int, str]:
    """Where the last whole line ends, and its chain; ``""`` where there is none that can be read."""
    size = os.fstat(fd).st_size
    start = max(size - _LONGEST_LINE, 0)
    tail = os.pread(fd, size - start, start)
    whole, newline, _ = tail.rpartition(b"\n")
    if not newline:
        return start, ""
    try:
        chain = _parse(whole.rpartition(b"\n")[2])[1]
    except (ValueError, KeyError, TypeError):
        chain = ""
    return start + len(whole) + 1, chain


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    fd = os.open(path, _FLAGS, 0o644)
    try:
        with suppress(OSError):  # where a file system has no locks, one writer at a time must do
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd
    finally:
        os.close(fd)
