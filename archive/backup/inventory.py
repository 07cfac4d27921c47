"""What a backup holds: ``backup.json`` in its folder, which says of each file what it is, and is replaced in one step.

``segments/`` holds closed segments, which never change, and a folder ``state-…`` what was at one
moment: the index, the manifest, the log of removals, the segments that were open. Files that the
inventory does not name are no part of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archive.backup.file_copy import FileDigest
from archive.model.errors import BackupError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments.file_locks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The inventory's name, the folder of closed segments, what folders of a moment begin with, and the
#: index's name.
NAME, SEGMENTS, STATE, INDEX = "backup.json", "segments", "state-", "index.sqlite3"
#: In an archive's folder: a restore into it has begun and not ended; within, of which moment.
MARK = ".restoring"
_PART, _LOCK = f".{NAME}.part", ".lock"
#: What may lie in a folder that counts as empty: what a killed first backup leaves, and what file
#: systems make.
_NOTHING = frozenset({_PART, _LOCK, "lost+found"})
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files of a backup by their place in its folder, as the archive was ``at`` a moment; None: not yet.

    ``faults`` are sentences, by file name, about what was damaged or missing when it was copied.
    """

    at: datetime | None = None
    state: str = ""
    files: dict[str, FileDigest] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def of_state(self, name: str) -> FileDigest | None:
        """What is known of a file of the moment."""
        return self.files.get(f"{self.state}/{name}")


def read(folder: Path) -> Inventory | None:
    """The inventory of a folder; None where there is none.

    :raises BackupError: it can't be read, is damaged, or a newer version's.
    """
    path = folder / NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(describe_os_error(path, error)) from error
    try:
        values = json.loads(data)
        said = values.pop("sum")
        if said != _sum(values):
            raise ValueError("its sum is another one")
        if values["format"] != _FORMAT:
            raise BackupError(f"{path} is of a newer Sacho: upgrade this one.")
        at = datetime.fromisoformat(values["at"]) if values["at"] else None
        files = {
            str(name): FileDigest(int(size), str(sha256))
            for name, (size, sha256) in values["files"].items()
        }
        return Inventory(
            at, str(values["state"]), files, {str(k): str(v) for k, v in values["faults"].items()}
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(
            f"{path} is damaged ({error}). The files in {folder / SEGMENTS} are the archive's own "
            f"segments: {PROGRAM} "
            f"verify reads them by themselves, and {PROGRAM} reindex makes an index of them."
        ) from error


def write(folder: Path, inventory: Inventory) -> None:
    """Put an inventory in the place of the one before, in one step; on disk on return.

    :raises BackupError: it can't be written; the one before is as it was.
    """
    values: dict[str, Any] = {
        "format": _FORMAT,
        "at": inventory.at.isoformat() if inventory.at else "",
        "state": inventory.state,
        "files": {name: [item.size, item.sha256] for name, item in sorted(inventory.files.items())},
        "faults": inventory.faults,
    }
    part = folder / _PART
    try:
        with part.open("w", encoding="utf-8") as file:
            json.dump(values | {"sum": _sum(values)}, file, indent=0, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / NAME)
        sync_folder(folder)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise BackupError(describe_os_error(folder / NAME, error)) from error


def is_empty(folder: Path) -> bool:
    """Whether nothing lies in the folder.

    :raises OSError: it can't be read.
    """
    return not {path.name for path in folder.iterdir()} - _NOTHING


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep every other backup, and every restore, out of the folder.

    :raises BackupError: one is at work, or nothing can be written there.
    """
    path = folder / _LOCK
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise BackupError(describe_os_error(folder, error)) from error
    with _locked(fd, fcntl.LOCK_EX, folder):
        yield


@contextmanager
def shared(folder: Path) -> Iterator[None]:
    """Keep every backup out of the folder while it is read; without effect where it was never written with locks.

    :raises BackupError: one is at work.
    """
    try:
        fd = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    with _locked(fd, fcntl.LOCK_SH, folder):
        yield


@contextmanager
def _locked(fd: int, how: int, folder: Path) -> Iterator[None]:
    try:
        try:
            fcntl.flock(fd, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError(
                f"Another backup or restore is at work in {folder}; let it end."
            ) from None
        except OSError:
            pass  # where a file system has no locks, one at a time must do
        yield
    finally:
        os.close(fd)


def _sum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
