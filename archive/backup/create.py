"""A backup of an archive: another folder that holds it as it was at one moment, made while others go on writing.

First what is closed is listed, then the index is copied, then the segments. Closed ones were in the
index before they were closed, so no record of theirs lacks its row; all that rows lead to was on
disk before the rows were, and the segments that were open are copied later than the index, as far
as they are then. What they hold besides, whoever restores them reads into the index, as after a
kill.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.backup.destination import BackupFolder, open_destination
from archive.backup.file_copy import FileDigest, UnreadableError, copy_to_part
from archive.backup.index_snapshot import copy_index, segment_ends
from archive.backup.inventory import INDEX, SEGMENTS, Inventory
from archive.index.database import IndexUnusableError, index_path
from archive.model.errors import BackupError
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.manifest import EntryKind
from archive.segments.names import OPEN
from archive.takedown import log as takedown_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archive.segments.manifest import Manifest

_ENDING = ".warc.gz"


@dataclass(slots=True)
class BackupResult:
    """What a backup did, in segments: ``new`` and ``unchanged`` ones, those ``open``, those ``gone`` from the archive.

    ``copied`` are bytes, ``size`` those of all it holds. ``index`` is whether it holds one.
    ``mended`` are segments whose copies were damaged and are good again, ``faults`` sentences about
    what was damaged or missing, ``pending`` articles whose removal is not done.
    """

    at: datetime
    new: int = 0
    unchanged: int = 0
    open: int = 0
    gone: int = 0
    copied: int = 0
    size: int = 0
    index: bool = False
    mended: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)


def back_up(
    archive: Path,
    index_url: str,
    folder: Path,
    *,
    check: bool = False,
    begin: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> BackupResult:
    """Bring the backup in ``folder`` up to what the archive and its index are now.

    With ``check`` every segment that it holds is read, and copied again if it is damaged. ``begin``
    is told how many bytes there are to copy, ``advance`` of some that are. Stopped or killed at any
    moment, what the folder's inventory says is as it was, and the next call goes on.

    :raises BackupError: there is nothing to back up, or no way to write there; or the folder holds
        something else.
    :raises IndexUnusableError: the index can't be copied.
    """
    with open_destination(archive, index_url, folder) as before:
        while True:
            backup = _Pass(
                archive, index_url, BackupFolder(folder, before, check=check), begin, advance
            )
            made = backup.run()
            if made is not None:
                return made


class _Pass:
    """One try to take everything as of one moment; in vain if a take-down comes between."""

    def __init__(
        self,
        archive: Path,
        index_url: str,
        room: BackupFolder,
        begin: Callable[[int], None],
        advance: Callable[[int], None],
    ) -> None:
        self._archive, self._index_path, self._room = archive, index_path(index_url), room
        self._begin, self._advance = begin, advance
        self._files: dict[str, FileDigest] = {}
        self._faults: dict[str, str] = {}
        self._made = BackupResult(datetime.now(UTC))

    def run(self) -> BackupResult | None:
        """Make the backup; None if what was copied is not of one moment."""
        lines, log = fixity.whole_lines(self._archive), self._log()
        manifest = fixity.parse(lines)
        self._room.check_continues(lines)
        closed, opened = self._listed(manifest)
        self._make_room(closed, opened, manifest)
        state = self._room.new_state()
        try:
            self._made.at = datetime.now(UTC)
            ends = self._copy_index()
            self._check_knows(ends, closed)
            self._keep_bytes(fixity.NAME, lines)
            if log:
                self._keep_bytes(takedown_log.NAME, log)
            for name in sorted({*opened, *ends} - closed):
                self._copy_open(name, ends.get(name, 0), named=name in ends)
            for name in sorted(closed):
                self._take_closed(name, manifest)
            if not self._undisturbed(log, manifest):
                self._room.drop(state)
                return None
            self._room.commit(Inventory(self._made.at, state.name, self._files, self._faults))
        except BaseException:
            with suppress(OSError):
                self._room.drop(state)
            raise
        return self._tell()

    def _listed(self, manifest: Manifest) -> tuple[set[str], set[str]]:
        """The names of segments that are closed, or were and are missing; and of open ones.

        What a take-down has written anew and was killed before it deleted it, is no part of the
        archive any more.
        """
        there = {path.name for path in self._archive.iterdir()}
        closed = {name for name in there if name.endswith(_ENDING)} | manifest.entries.keys()
        closed -= _removed(manifest)
        opened = {name.removesuffix(OPEN) for name in there if name.endswith(_ENDING + OPEN)}
        return closed, opened - closed

    def _make_room(self, closed: set[str], opened: set[str], manifest: Manifest) -> None:
        """Say how much is to be copied, and see whether there is room."""
        lacking = [name for name in closed if not self._room.has(name, manifest.entries.get(name))]
        paths = [self._archive / name for name in lacking] + [
            self._archive / (name + OPEN) for name in opened
        ]
        need = sum(_size(path) for path in (*paths, self._index_path))
        free = shutil.disk_usage(self._room.folder).free
        if free < need:
            raise BackupError(
                f"{self._room.folder} has {free / 1e6:.1f} MB free, and {need / 1e6:.1f} MB are to be copied. Make "
                "room, or name another folder; nothing was changed."
            )
        self._begin(need)

    def _copy_index(self) -> dict[str, int]:
        """Copy the index as it is now, if there is one; give how far its rows lead."""
        if not self._index_path.exists():
            if self._room.before.of_state(INDEX) is not None:
                raise BackupError(
                    f"There is no index at {self._index_path}, and the backup in {self._room.folder} has one, which "
                    f"stays: name the index in INDEX_URL, or make it anew with {PROGRAM} reindex."
                )
            return {}
        copy = self._room.state / INDEX
        self._files[self._room.place(copy)] = item = copy_index(self._index_path, copy)
        self._made.index = True
        self._made.copied += item.size
        self._advance(item.size)
        return segment_ends(copy)

    def _check_knows(self, ends: dict[str, int], closed: set[str]) -> None:
        """See that the index is none that was made anew where one was lost: it would take the good one's place.

        A take-down may leave an index that leads nowhere, until it is done.
        """
        item, copy = (
            self._room.before.of_state(INDEX),
            self._room.folder / self._room.before.state / INDEX,
        )
        if not closed - ends.keys() or item is None or takedown_log.read(self._archive).pending:
            return
        try:
            known = segment_ends(copy).keys() & closed
        except IndexUnusableError:
            return  # nothing is lost with it
        if known and not known & ends.keys():
            raise BackupError(
                f"No row of {self._index_path} leads into what was backed up, as those of the index in {copy.parent} "
                f"do, which stays: was it lost, and made anew? {PROGRAM} reindex reads the archive "
                "into it; or put that "
                "one in its place, or name another in INDEX_URL. Nothing was changed."
            )

    def _keep_bytes(self, name: str, data: bytes) -> None:
        path = self._room.state / name
        self._files[self._room.place(path)] = self._room.write(path, data)

    def _copy_open(self, name: str, end: int, *, named: bool) -> None:
        """Copy what there is of a segment that was open when the index was copied, and may be closed by now.

        A torn end is cut by whoever restores it. Rows lead to what is before byte ``end``.
        """
        for path in (self._archive / (name + OPEN), self._archive / name):
            if not path.exists():
                continue
            try:
                with copy_to_part(path, self._room.state, self._advance) as (part, item):
                    if item.size < end:
                        self._faults[name] = (
                            f"{path} ends at byte {item.size}, and rows of the index lead up to {end}."
                        )
                    self._keep(part, self._room.state / (name + OPEN), item)
                self._made.open += 1
            except UnreadableError as error:
                if not path.exists():
                    continue  # closed a moment ago
                self._faults[name] = str(error)
            return
        if named:
            self._faults[name] = (
                f"{self._archive / name} is not there, and rows of the index lead into it."
            )

    def _take_closed(self, name: str, manifest: Manifest) -> None:
        """See to it that the backup has a closed segment, as the manifest says it is."""
        source, entry = self._archive / name, manifest.entries.get(name)
        kept = self._room.has(name, entry)
        if kept is not None:
            self._made.unchanged += 1
            self._files[f"{SEGMENTS}/{name}"] = kept
            # What lies in the archive is not read again, which is what verify is for; that it is
            # there costs nothing.
            if _size(source) != kept.size:
                state = "has another size than" if source.exists() else "is not there. Its copy is"
                self._faults[name] = (
                    f"{source} {state} in {self._room.folder / SEGMENTS}, from where it can be taken."
                )
            return
        try:
            with copy_to_part(source, self._room.folder / SEGMENTS, self._advance) as (part, item):
                if entry is None or item == FileDigest(entry.size, entry.sha256):
                    self._keep(part, self._room.folder / SEGMENTS / name, item)
                    self._made.new += name not in self._room.damaged
                    self._made.mended += [name] if name in self._room.damaged else []
                else:
                    self._keep(part, self._room.state / name, item)
                    self._faults[name] = (
                        f"{source} is damaged: its sha256 is not what it was on {entry.at:%Y-%m-%d}. It is copied as "
                        f"it is; {PROGRAM} verify says which records it concerns."
                    )
        except UnreadableError as error:
            self._faults[name] = str(error)
            place = f"{SEGMENTS}/{name}"
            if place in self._room.before.files:  # a bad copy is better than none
                self._files[place] = self._room.before.files[place]

    def _keep(self, part: Path, path: Path, item: FileDigest) -> None:
        self._room.keep(part, path)
        self._files[self._room.place(path)] = item
        self._made.copied += item.size

    def _undisturbed(self, log: bytes, before: Manifest) -> bool:
        """Whether no article was taken down meanwhile: then the copies would hold what is gone, or not fit together."""
        now = fixity.parse(fixity.whole_lines(self._archive))
        return _removed(now) == _removed(before) and self._log() == log

    def _log(self) -> bytes:
        path = self._archive / takedown_log.NAME
        return path.read_bytes() if path.exists() else b""

    def _tell(self) -> BackupResult:
        made = self._made
        made.gone = self._room.tidy()
        made.size = sum(item.size for item in self._files.values())
        made.faults = [sentence for _, sentence in sorted(self._faults.items())]
        made.pending = [str(removal) for removal in takedown_log.read(self._archive).pending]
        return made


def _removed(manifest: Manifest) -> set[str]:
    return {name for name, entry in manifest.entries.items() if entry.kind is EntryKind.REMOVED}


def _size(path: Path) -> int:
    """A file's size; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
