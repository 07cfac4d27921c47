"""A backup brought back into places where nothing is: every file held to its sum, and there whole or not at all.

What turns out damaged is named and restored as it is, because its other records are good and
`verify` says which are not; only an index is not used unless it is what it was, for it can be made
anew. Until all is there a file in the archive's folder says what is being restored, so that a
second call goes on with it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from archive.backup import inventory
from archive.backup.file_copy import PART, FileDigest, UnreadableError, copy_to_part
from archive.backup.inventory import INDEX, MARK, Inventory
from archive.index.database import index_path
from archive.model.errors import BackupError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments.file_locks import give_name, sync_folder
from archive.segments.manifest import measure
from archive.segments.names import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime


@dataclass(slots=True)
class RestoreResult:
    """What was restored: files of the archive and all bytes, of the moment ``at``.

    ``index`` is whether there is an index now. ``open`` are segments that were open, as a kill
    leaves them. ``faults`` are sentences about what is damaged or missing.
    """

    at: datetime
    files: int = 0
    size: int = 0
    index: bool = False
    open: int = 0
    faults: list[str] = field(default_factory=list)


def restore(
    folder: Path,
    archive: Path,
    index_url: str,
    begin: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> RestoreResult:
    """Bring the backup in ``folder`` back as the archive and its index; the backup is only read.

    ``begin`` and ``advance`` are told of bytes. Killed or stopped, the next call goes on.

    :raises BackupError: there is no backup, something is in the places already, or nothing can be
        written there.
    """
    index = index_path(index_url)
    with inventory.shared(folder):
        known = _of(folder)
        try:
            return _Restoring(folder, known, archive, index, advance).run(begin)
        except OSError as error:
            raise BackupError(describe_os_error(error.filename or archive, error)) from error


def _of(folder: Path) -> Inventory:
    if not folder.is_dir():
        raise BackupError(
            f"There is no backup at {folder}: name the folder that {PROGRAM} backup was given."
        )
    known = inventory.read(folder)
    if known is None:
        raise BackupError(
            f"{folder} holds no backup of ours: name the folder that {PROGRAM} backup was given."
        )
    if known.at is None:
        raise BackupError(
            f"The first backup into {folder} was not ended, so it holds nothing to restore yet."
        )
    return known


class _Restoring:
    """One backup on its way into its places."""

    def __init__(
        self,
        folder: Path,
        known: Inventory,
        archive: Path,
        index: Path,
        advance: Callable[[int], None],
    ) -> None:
        assert known.at is not None
        self._folder, self._known, self._archive, self._index = folder, known, archive, index
        self._advance = advance
        self._done = RestoreResult(
            known.at, faults=[f"When it was backed up: {text}" for text in known.faults.values()]
        )
        self._mark = archive / MARK

    def run(self, begin: Callable[[int], None]) -> RestoreResult:
        """Restore it."""
        resumed = self._check_places()
        self._check_room(begin)
        if not resumed:
            self._archive.mkdir(parents=True, exist_ok=True)
            self._mark.write_text(self._known.state)
            sync_folder(self._archive)
        for place, item in self._known.files.items():
            name = PurePosixPath(place).name
            if place != f"{self._known.state}/{INDEX}":
                self._bring(place, item, self._archive / name)
                self._done.open += name.endswith(OPEN)
        self._bring_index()
        self._mark.unlink()
        sync_folder(self._archive)
        return self._done

    def _check_places(self) -> bool:
        """Whether a restore of this backup was begun there.

        :raises BackupError: something else is there.
        """
        place = self._archive.resolve()
        if place == self._folder.resolve() or self._folder.resolve() in (
            *place.parents,
            *self._index.parents,
        ):
            raise BackupError(
                f"{self._archive} lies in the backup: name other places in ARCHIVE_URL and INDEX_URL."
            )
        there = (
            {path.name for path in self._archive.iterdir()} - {"lost+found"}
            if self._archive.exists()
            else set()
        )
        resumed = MARK in there
        if resumed and self._mark.read_text() not in (self._known.state, ""):
            raise BackupError(
                f"Another backup was begun to be restored into {self._archive}: empty that folder first."
            )
        ours = {PurePosixPath(place).name for place in self._known.files} if resumed else set()
        foreign = {name for name in there - ours - {MARK} if not (resumed and name.endswith(PART))}
        if foreign:
            raise BackupError(
                f"{self._archive} holds something already ({min(foreign)}), and nothing is ever overwritten. Move it "
                f"away, or name another folder in ARCHIVE_URL. (Only the index is lost? {PROGRAM} "
                "reindex makes it anew.)"
            )
        names = [
            self._index.with_name(self._index.name + ending)
            for ending in ("-wal", "-shm", "-journal", "")
        ]
        for path in names:
            if path.exists() and not (resumed and path == self._index and self._is_whole(path)):
                raise BackupError(
                    f"{path} is there already, and nothing is ever overwritten. Move it away, or name another file in "
                    "INDEX_URL."
                )
        return resumed

    def _is_whole(self, index: Path) -> bool:
        return FileDigest(*measure(index)) == self._known.of_state(INDEX)

    def _check_room(self, begin: Callable[[int], None]) -> None:
        """See whether there is room on each of the disks that archive and index are brought to."""
        every = sum(item.size for item in self._known.files.values())
        begin(every)
        index = self._known.of_state(INDEX)
        of_index = index.size if index is not None else 0
        needs: dict[int, tuple[Path, int]] = {}
        for folder, need, there_already in (
            (
                self._archive,
                every - of_index,
                self._archive.iterdir() if self._archive.exists() else (),
            ),
            (self._index.parent, of_index, (self._index,)),
        ):
            place = folder
            while not place.exists():
                place = place.parent
            kept = sum(path.stat().st_size for path in there_already if path.is_file())
            disk = place.stat().st_dev
            first, before = needs.get(disk, (place, 0))
            needs[disk] = first, before + need - kept
        for place, need in needs.values():
            free = shutil.disk_usage(place).free
            if free < need:
                raise BackupError(
                    f"{place} has {free / 1e6:.1f} MB free, and {need / 1e6:.1f} MB are to be restored. Make room "
                    "there, or name other places in ARCHIVE_URL and INDEX_URL."
                )

    def _bring(self, place: str, item: FileDigest, target: Path) -> None:
        """Copy a file of the archive, and say if it is not what it was."""
        source = self._folder / place
        if target.exists() and FileDigest(*measure(target)) == item:  # by a call that was stopped
            self._advance(item.size)
        else:
            try:
                with copy_to_part(source, target.parent, self._advance) as (part, found):
                    if found != item:
                        self._done.faults.append(f"{source} is damaged; it is restored as it is.")
                    target.unlink(missing_ok=True)  # a damaged one's, from such a call
                    give_name(part, target)
            except UnreadableError as error:
                self._done.faults.append(str(error))
                return
        self._done.files += 1
        self._done.size += item.size

    def _bring_index(self) -> None:
        place = f"{self._known.state}/{INDEX}"
        item = self._known.files.get(place)
        if item is None:
            return
        if not self._index.exists():
            self._index.parent.mkdir(parents=True, exist_ok=True)
            try:
                with copy_to_part(self._folder / place, self._index.parent, self._advance) as (
                    part,
                    found,
                ):
                    if found != item:
                        self._done.faults.append(
                            f"{self._folder / place} is damaged, so there is no index now."
                        )
                        return
                    give_name(part, self._index)
            except UnreadableError as error:
                self._done.faults.append(str(error))
                return
        self._done.index = True
        self._done.size += item.size
