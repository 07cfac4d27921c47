"""The inventory of a backup: ``backup.json`` lists its files, and is replaced in one step.

``segments/`` holds closed segments, which never change. A folder ``state-…`` holds what belongs to
one moment: the index, the manifest, the log of take-downs, the segments that were open. Files that
the inventory does not list are not part of the backup.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from archive.backup.file_copy import FileDigest
from archive.model.errors import BackupError, describe_os_error
from archive.model.files import read_regular
from archive.model.program import PROGRAM
from archive.model.times import within_calendar
from archive.segments import manifest as fixity
from archive.segments.chains import is_chain_of
from archive.segments.files import file_locks
from archive.segments.files.atomic_files import PART, replace_atomically, sync_folder
from archive.segments.files.file_locks import LockHeldError
from archive.segments.names import is_closed, is_plain, is_segment

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

#: The inventory's name, the folder of closed segments, the prefix of folders of one moment, and the
#: index's name.
NAME, SEGMENTS, STATE, INDEX = "backup.json", "segments", "state-", "index.sqlite3"
#: In an archive's folder: a restore into it has not finished. It holds the name of its moment.
MARK = ".restoring"
_LOCK = ".lock"
#: What a folder may hold and still count as empty: what a killed first backup leaves, and what file
#: systems create.
_IGNORED = frozenset({f".{NAME}{PART}", _LOCK, "lost+found"})
_FORMAT = 1
#: Bytes of an inventory: some 500,000 files.
_LONGEST = 2**26
_STATE = re.compile(re.escape(STATE) + r"[0-9A-Za-z]+-[0-9a-f]+")
#: The logs of one moment.
_LOGS = (fixity.NAME, "removals.jsonl")


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files of a backup, by their path in its folder, and the moment ``at`` they belong to.

    ``at`` is None until the first backup has finished. ``faults`` are sentences, by file name,
    about what was damaged or missing when it was copied.
    """

    at: datetime | None = None
    state: str = ""
    files: dict[str, FileDigest] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def of_state(self, name: str) -> FileDigest | None:
        """Return the digest of a file of the moment, or None if there is no such file."""
        return self.files.get(f"{self.state}/{name}")


def read(folder: Path) -> Inventory | None:
    """Return the inventory of a folder, or None if it has none.

    :raises BackupError: it cannot be read, is damaged, or was written by a newer version.
    """
    path = folder / NAME
    try:
        data = read_regular(path, _LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BackupError(describe_os_error(path, error)) from error
    try:
        return _parse(path, data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError(
            f"{path} is damaged ({error}). The files in {folder / SEGMENTS} are the segments of the"
            f" archive: check them with {PROGRAM} verify, and build an index from them with"
            f" {PROGRAM} reindex."
        ) from error


def _parse(path: Path, data: bytes) -> Inventory:
    values = json.loads(data)
    if values.pop("sum") != _checksum(values):
        raise ValueError("its checksum does not match")
    if values["format"] != _FORMAT:
        raise BackupError(f"{path} was written by a newer version of Sacho: upgrade this one.")
    state = str(values["state"])
    if state and not _STATE.fullmatch(state):
        raise ValueError(f"{state[:60]!r} is no folder of a backup")
    files = {
        _checked_place(str(name), state): FileDigest(int(size), str(sha256))
        for name, (size, sha256) in values["files"].items()
    }
    if len({name.rpartition("/")[2] for name in files}) < len(files):
        raise ValueError("two files would be restored to one name")
    return Inventory(
        at=_checked_time(values["at"]) if values["at"] else None,
        state=state,
        files=files,
        faults={str(name): str(sentence) for name, sentence in values["faults"].items()},
    )


def _checked_place(place: str, state: str) -> str:
    """Return a file's path in the backup's folder, which is a plain name in one of our folders.

    :raises ValueError: it is anything else.
    """
    folder, _, name = place.partition("/")
    is_closed_segment = folder == SEGMENTS and is_closed(name)
    is_of_state = bool(state) and folder == state and _may_be_of_state(name)
    if not is_plain(name) or not (is_closed_segment or is_of_state):
        raise ValueError(f"{place[:80]!r} is no file of a backup")
    return place


def _may_be_of_state(name: str) -> bool:
    return name == INDEX or is_segment(name) or any(is_chain_of(log, name) for log in _LOGS)


def _checked_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("its time has no zone")
    return within_calendar(moment)


def write(folder: Path, inventory: Inventory) -> None:
    """Replace the inventory of a folder in one step; on disk on return.

    :raises BackupError: it cannot be written; the one before is as it was.
    """
    values: dict[str, Any] = {
        "format": _FORMAT,
        "at": inventory.at.isoformat() if inventory.at else "",
        "state": inventory.state,
        "files": {name: [file.size, file.sha256] for name, file in sorted(inventory.files.items())},
        "faults": inventory.faults,
    }
    text = json.dumps(values | {"sum": _checksum(values)}, indent=0, sort_keys=True)
    try:
        with replace_atomically(folder / NAME) as part, part.open("x", encoding="utf-8") as file:
            file.write(text)
        sync_folder(folder)
    except OSError as error:
        raise BackupError(describe_os_error(folder / NAME, error)) from error


def is_empty(folder: Path) -> bool:
    """Return whether the folder is empty, apart from what a killed first backup leaves.

    :raises OSError: it cannot be read.
    """
    return not {path.name for path in folder.iterdir()} - _IGNORED


def exclusive(folder: Path) -> AbstractContextManager[object]:
    """Lock the folder against every other backup and every restore.

    :raises BackupError: one is running, or the folder is not writable.
    """
    try:
        return file_locks.exclusive(folder / _LOCK)
    except LockHeldError:
        raise BackupError(_running(folder)) from None
    except OSError as error:
        raise BackupError(describe_os_error(folder, error)) from error


def shared(folder: Path) -> AbstractContextManager[object]:
    """Lock the folder against every backup while it is read; do nothing if it has no lock file.

    :raises BackupError: a backup is running.
    """
    try:
        return file_locks.shared(folder / _LOCK)
    except LockHeldError:
        raise BackupError(_running(folder)) from None
    except OSError:
        return nullcontext()


def _running(folder: Path) -> str:
    return f"Another backup or restore is running in {folder}; try again when it has finished."


def _checksum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
