"""A backup in parts: other processes copy closed segments, which a plan names.

The plan lies in the folder of the moment, as do copies until they are whole. Whoever makes the
backup deletes both before its inventory is written, and when it fails: a part that is left of it
can then do nothing any more.
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archive.backup.file_copy import (
    FileDigest,
    UnreadableError,
    copy_to_part,
    is_readable_as,
    source_of,
)
from archive.backup.inventory import SEGMENTS, STATE
from archive.model.errors import BackupError, describe_os_error
from archive.model.files import read_regular
from archive.segments.files.atomic_files import sync_folder
from archive.segments.names import is_closed, is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from archive.segments.store import Store

#: The folder of the plan in the folder of a moment; and the name it has while it is deleted.
PARTS, ENDED_PARTS = "parts", "parts-ended"
_PLAN = "plan.json"
#: The ending of a mark: that a copy in the backup was damaged.
_DAMAGED = ".damaged"
#: Bytes of a plan: some 500,000 segments.
_LONGEST = 2**26


@dataclass(frozen=True, slots=True)
class Plan:
    """The segments to copy, with what each must be; with ``check`` copies that exist are read."""

    segments: Mapping[str, FileDigest]
    check: bool

    def part(self, number: int, parts: int) -> dict[str, FileDigest]:
        """Return the segments of part ``number``, from 1: as many bytes as of any other."""
        total = max(1, sum(digest.size for digest in self.segments.values()))
        before, own = 0, {}
        for name, digest in sorted(self.segments.items()):
            if min(before * parts // total, parts - 1) == number - 1:
                own[name] = digest
            before += digest.size
        return own


@dataclass(slots=True)
class PartResult:
    """What a part did; ``left`` are sentences about segments that it leaves to the others."""

    copied: int = 0
    size: int = 0
    left: list[str] = field(default_factory=list)


def write_plan(state: Path, plan: Plan) -> None:
    """Write a plan into the folder of a moment.

    :raises OSError: it cannot be written.
    """
    (state / PARTS).mkdir()
    values = {
        "check": plan.check,
        "segments": {name: [one.size, one.sha256] for name, one in plan.segments.items()},
    }
    (state / PARTS / _PLAN).write_text(json.dumps(values), "utf-8")


def damaged_copies(state: Path) -> set[str]:
    """Return the segments whose copies parts have found damaged."""
    marks = (state / PARTS).glob(f"*{_DAMAGED}")
    return {path.name.removesuffix(_DAMAGED) for path in marks}


def copy_part(
    store: Store,
    folder: Path,
    state: str,
    part: tuple[int, int],
    advance: Callable[[int], None] = lambda _: None,
) -> PartResult:
    """Copy the segments of a part to the backup in ``folder``; ``state`` is its moment's folder.

    What another run of the part has copied is not copied again. Segments that cannot be read, or
    are not what they must be, are left to whoever makes the backup.

    :raises BackupError: no such backup is under way, or the folder cannot be written.
    """
    if not state.startswith(STATE) or not is_plain(state):
        raise BackupError(f"{state[:80]!r} is no folder of a backup.")
    place = folder / state / PARTS
    plan = _read_plan(folder, place)
    copying = place / secrets.token_hex(4)  # another run of the part may not have ended yet
    try:
        copying.mkdir()
        result = _Part(store, folder, copying, plan, advance).run(plan.part(*part))
        with suppress(OSError):  # whoever makes the backup deletes it, too
            copying.rmdir()
    except OSError as error:
        if not place.exists():
            raise BackupError(_gone(folder, state)) from error
        raise BackupError(describe_os_error(error.filename or folder, error)) from error
    except BackupError as error:
        if not place.exists():
            raise BackupError(_gone(folder, state)) from error
        raise
    return result


class _Part:
    """The copying of some segments by way of the folder ``copying``."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        copying: Path,
        plan: Plan,
        advance: Callable[[int], None],
    ) -> None:
        self._store, self._segments, self._copying = store, folder / SEGMENTS, copying
        self._check, self._advance = plan.check, advance
        self._result = PartResult()

    def run(self, segments: Mapping[str, FileDigest]) -> PartResult:
        """Copy them."""
        for name, wanted in segments.items():
            path = self._segments / name
            if self._is_good(path, wanted):
                continue
            if self._check and path.exists():
                (self._copying.parent / f"{name}{_DAMAGED}").touch()
            self._copy(name, wanted)
        sync_folder(self._segments)
        return self._result

    def _is_good(self, path: Path, wanted: FileDigest) -> bool:
        if not path.exists() or path.stat().st_size != wanted.size:
            return False
        return not self._check or is_readable_as(path, wanted)

    def _copy(self, name: str, wanted: FileDigest) -> None:
        source = source_of(self._store, name)
        try:
            with copy_to_part(source, self._copying, self._advance) as (part, digest):
                if digest != wanted:
                    self._result.left.append(f"{source.place} is damaged.")
                    return
                part.replace(self._segments / name)
        except UnreadableError as error:
            self._result.left.append(str(error))
            return
        self._result.copied += 1
        self._result.size += digest.size


def _read_plan(folder: Path, place: Path) -> Plan:
    try:
        values: dict[str, Any] = json.loads(read_regular(place / _PLAN, _LONGEST))
        segments = {
            str(name): FileDigest(int(size), str(sha256))
            for name, (size, sha256) in values["segments"].items()
        }
        if not all(is_plain(name) and is_closed(name) for name in segments):
            raise ValueError("a name is none of a segment")
        return Plan(segments, check=bool(values["check"]))
    except FileNotFoundError as error:
        raise BackupError(_gone(folder, place.parent.name)) from error
    except OSError as error:
        raise BackupError(describe_os_error(place / _PLAN, error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{place / _PLAN} is damaged ({error}).") from error


def _gone(folder: Path, state: str) -> str:
    return (
        f"{folder} holds no backup under way as {state}: it has ended, or that folder is not the "
        "one that it is written to; is it mounted on this machine?"
    )
