"""Restore of a backup to empty places, each file checked against its checksum.

Every file appears whole or not at all. Damaged segments are reported and restored as they are,
because their other records are good and `verify` lists those that are not. A damaged index is not
restored: it can be rebuilt. Until all files are restored, a file in the archive's folder names the
backup that is being restored, so that a second call continues.
"""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from archive.backup import inventory
from archive.backup.archive_place import place_of_archive
from archive.backup.file_copy import UnreadableError, copy_to_part, source_file
from archive.backup.index_place import delete_side_files, place_of
from archive.backup.index_snapshot import foreign_object
from archive.backup.inventory import INDEX, MARK, SEGMENTS, Inventory
from archive.index.database import EarlierSchemaError
from archive.model.errors import BackupError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments.files import disk
from archive.segments.files.atomic_files import PART
from archive.segments.names import is_open
from archive.segments.store import store_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from archive.backup.archive_place import ArchivePlace
    from archive.backup.file_copy import FileDigest
    from archive.backup.index_place import IndexPlace
    from archive.segments.store import StoreOrFolder


@dataclass(slots=True)
class RestoreResult:
    """What was restored: the number of files and bytes, of the moment ``at``.

    ``index`` is whether there is an index now. ``open`` are segments that were open, as after a
    crash. ``faults`` are sentences about what is damaged or missing.
    """

    at: datetime
    files: int = 0
    size: int = 0
    index: bool = False
    open: int = 0
    faults: list[str] = field(default_factory=list)


def restore(
    folder: Path,
    archive: StoreOrFolder,
    index_url: str,
    begin: Callable[[int], None] = lambda _: None,
    advance: Callable[[int], None] = lambda _: None,
) -> RestoreResult:
    """Restore the backup in ``folder`` as the archive and its index; the backup is only read.

    ``begin`` is called with the total number of bytes, ``advance`` with the bytes of each step.
    After an interrupt or a kill, the next call continues.

    :raises BackupError: there is no backup, something lies in the places already, or they are not
        writable.
    :raises IndexUnusableError: the database for the index cannot be read or written.
    """
    store = store_of(archive)
    place, index = place_of_archive(store), place_of(index_url, store.spool)
    with inventory.shared(folder):
        known = _read_inventory(folder)
        _check_folders(folder, known)
        try:
            return _Restore(folder, known, store.place(), place, index, advance).run(begin)
        except OSError as error:
            sentence = describe_os_error(error.filename or store.place(), error)
            raise BackupError(sentence) from error


def _check_folders(folder: Path, known: Inventory) -> None:
    """Raise BackupError if a folder of the backup is a link: its files may be anybody's."""
    for name in (SEGMENTS, known.state):
        if (folder / name).is_symlink():
            raise BackupError(describe_os_error(folder / name, OSError(errno.ELOOP, "a link")))


def _read_inventory(folder: Path) -> Inventory:
    if not folder.is_dir():
        raise BackupError(
            f"There is no backup at {folder}: name the folder that {PROGRAM} backup wrote to."
        )
    known = inventory.read(folder)
    if known is None:
        raise BackupError(
            f"{folder} is not a backup of Sacho: name the folder that {PROGRAM} backup wrote to."
        )
    if known.at is None:
        raise BackupError(
            f"The first backup into {folder} has not finished: there is nothing to restore yet."
        )
    return known


class _Restore:
    """One restore of a backup."""

    def __init__(
        self,
        folder: Path,
        known: Inventory,
        name: str,
        archive: ArchivePlace,
        index: IndexPlace,
        advance: Callable[[int], None],
    ) -> None:
        assert known.at is not None
        self._folder, self._known, self._archive, self._index = folder, known, archive, index
        self._name = name  # what sentences call the archive
        self._has_index = False
        self._index_file = f"{known.state}/{INDEX}"
        self._advance = advance
        faults = [f"When it was backed up: {text}" for text in known.faults.values()]
        self._result = RestoreResult(known.at, faults=faults)

    def run(self, begin: Callable[[int], None]) -> RestoreResult:
        """Restore it."""
        self._check_outside_backup()
        resumed = self._check_archive()
        source = self._folder / self._index_file
        of_index = self._known.of_state(INDEX)
        self._has_index = self._index.is_restored(source, of_index, resumed=resumed)
        begin(sum(digest.size for digest in self._known.files.values()))
        self._check_space()
        if not resumed:
            self._archive.begin(self._known.state)
        for place, digest in self._known.files.items():
            if place != self._index_file:
                self._restore_file(place, digest)
        self._restore_index()
        self._archive.end()
        return self._result

    def _check_outside_backup(self) -> None:
        backup, archive = self._folder.resolve(), self._archive.folder.resolve()
        index = self._index.folder
        if archive == backup or backup in (*archive.parents, index, *index.parents):
            raise BackupError(
                f"{self._name} lies within the backup: name other places in ARCHIVE_URL and"
                " INDEX_URL."
            )

    def _check_archive(self) -> bool:
        """Return whether an earlier call has begun to restore this backup.

        :raises BackupError: the archive's folder holds something else.
        """
        present, mark = self._archive.present(), self._archive.mark()
        if mark is not None:
            if mark not in (self._known.state, ""):
                raise BackupError(
                    f"A restore of another backup into {self._name} was begun: empty that folder"
                    " first."
                )
            ours = {PurePosixPath(place).name for place in self._known.files}
            present -= ours | {MARK}
            present = {name for name in present if not _is_part(name)}
        if present:
            raise BackupError(
                f"{self._name} is not empty ({min(present)}), and no file is ever overwritten."
                " Move it away, or name another folder in ARCHIVE_URL. (If only the index is lost,"
                f" rebuild it with {PROGRAM} reindex.)"
            )
        return mark is not None

    def _check_space(self) -> None:
        """Check that there is room on each of the disks that archive and index are restored to."""
        index = self._known.of_state(INDEX)
        of_index = index.size if index is not None else 0
        needs: dict[int, tuple[Path, int]] = {}
        of_archive = (file for name, file in self._known.files.items() if name != self._index_file)
        for folder, needed in (
            (self._archive.folder, self._archive.missing_bytes(of_archive)),
            (self._index.folder, of_index - self._index.size()),
        ):
            place = disk.existing(folder)
            device = place.stat().st_dev
            first, before = needs.get(device, (place, 0))
            needs[device] = first, before + needed
        for place, needed in needs.values():
            shortage = disk.shortage(place, needed)
            if shortage:
                raise BackupError(
                    f"{shortage} Make room there, or name other places in ARCHIVE_URL and"
                    " INDEX_URL."
                )

    def _restore_file(self, place: str, digest: FileDigest) -> None:
        """Copy a file of the archive, and report it if it is damaged."""
        source = self._folder / place
        copied = source_file(source)
        self._result.open += is_open(source.name)
        if self._archive.has(source.name, digest):  # restored by an interrupted call
            self._advance(digest.size)
        else:
            try:
                with copy_to_part(copied, self._archive.folder, self._advance) as (part, found):
                    if found != digest:
                        self._result.faults.append(f"{source} is damaged; it is restored as it is.")
                    self._archive.put(part, source.name)
            except UnreadableError as error:
                self._result.faults.append(str(error))
                return
        self._result.files += 1
        self._result.size += digest.size

    def _restore_index(self) -> None:
        digest = self._known.files.get(self._index_file)
        if digest is None:
            return
        if not self._has_index and not self._copy_index(digest):
            return
        self._result.index = True
        self._result.size += digest.size

    def _copy_index(self, digest: FileDigest) -> bool:
        """Copy the index, and report it if it is damaged; return whether it was restored."""
        source = self._folder / self._index_file
        folder = self._index.folder
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with copy_to_part(source_file(source), folder, self._advance) as (part, found):
                delete_side_files(part)
                fault = _fault_of_index(source, part, is_whole=found == digest)
                if fault:
                    self._result.faults.append(fault)
                    return False
                self._index.put(part)
        except EarlierSchemaError:
            self._result.faults.append(
                f"{source} was made by an earlier version of Sacho, and is restored to a file only,"
                " so there is no index now."
            )
            return False
        except UnreadableError as error:
            self._result.faults.append(str(error))
            return False
        return True


def _fault_of_index(source: Path, part: Path, *, is_whole: bool) -> str:
    """Return a sentence if a copied index must not be restored, else ``""``."""
    if is_whole:
        try:
            foreign = foreign_object(part)
        except sqlite3.Error as error:
            return f"{source} is not an index of Sacho ({error}), so there is no index now."
        if foreign:
            return f"{source} holds {foreign}, which Sacho did not make, so there is no index now."
        return ""
    return f"{source} is damaged, so there is no index now."


def _is_part(name: str) -> bool:
    """Return whether a file is one that was being written, or one that SQLite keeps beside it."""
    return name.startswith(".") and PART in name
