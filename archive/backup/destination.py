"""The destination folder of a backup: what it holds already, and where new files go."""

from __future__ import annotations

import errno
import hashlib
import secrets
import shutil
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.backup import inventory
from archive.backup.archive_place import place_of_archive
from archive.backup.file_copy import FileDigest, is_readable_as
from archive.backup.inventory import SEGMENTS, STATE, Inventory
from archive.backup.parts import ENDED_PARTS, PARTS
from archive.index.database import index_file
from archive.model.errors import BackupError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.chains import is_chain_of
from archive.segments.files.atomic_files import PART, replace_atomically, sync_folder
from archive.segments.names import closed_segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set
    from pathlib import Path

    from archive.segments.manifest import ManifestEntry
    from archive.segments.store import Store


@contextmanager
def open_destination(store: Store, index_url: str, folder: Path) -> Iterator[Inventory]:
    """Create and lock the destination folder; yield the inventory of what it holds.

    :raises BackupError: there is no archive, or the folder is not usable, or holds something else.
    """
    try:
        _check(store, index_url, folder)
        if not folder.exists():
            folder.mkdir()
            sync_folder(folder.parent)
        if inventory.read(folder) is None and not inventory.is_empty(folder):
            raise BackupError(
                f"{folder} is not empty, and not a backup of Sacho: name an empty folder."
            )
        with inventory.exclusive(folder):
            before = inventory.read(folder)
            if before is None:
                before = Inventory()
                inventory.write(folder, before)
            if (folder / SEGMENTS).is_symlink():
                raise OSError(errno.ELOOP, "a link", str(folder / SEGMENTS))
            (folder / SEGMENTS).mkdir(exist_ok=True)
            yield before
    except OSError as error:
        raise BackupError(describe_os_error(error.filename or folder, error)) from error


def _check(store: Store, index_url: str, folder: Path) -> None:
    place, archive = store.place(), store.spool
    if not store.exists():
        raise BackupError(f"There is no archive at {place}: correct ARCHIVE_URL.")
    if place_of_archive(store).mark() is not None:
        raise BackupError(
            f"A restore into {place} has not finished: finish it first with {PROGRAM} restore."
        )
    _check_apart(archive, index_url, folder)
    # its parent is not created: if a disk is not mounted, another one would fill up
    if not folder.parent.is_dir():
        raise BackupError(
            f"The folder {folder.parent} for the backup does not exist; is its disk mounted?"
        )


def _check_apart(archive: Path, index_url: str, folder: Path) -> None:
    place, ours = folder.resolve(), archive.resolve()
    index = index_file(index_url)
    fault = ""
    if place == ours:
        fault = "is the archive itself"
    elif ours in place.parents:
        fault = "lies within the archive"
    elif place in ours.parents or (index is not None and place in index.parents):
        fault = "holds the archive or its index"
    if fault:
        raise BackupError(f"{folder} {fault}: name another folder, best on another disk.")


class BackupFolder:
    """The folder of a backup; ``before`` is the inventory of what it holds.

    With ``check`` the segments in it are read before they are relied on. ``damaged`` are the names
    of segments whose copies turned out to be damaged.
    """

    def __init__(self, folder: Path, before: Inventory, *, check: bool = False) -> None:
        self.folder, self.before = folder, before
        self.damaged: set[str] = set()
        self.state = folder
        self.check = check
        self._known: dict[str, FileDigest | None] = {}
        self._of_others: set[str] = set()

    def check_continues(self, manifest: Mapping[str, bytes]) -> None:
        """Check that the manifest continues the one in the backup: that it is the same archive.

        :raises BackupError: it is another archive, or a chain of its manifest was changed.
        """
        for place, known in self.before.files.items():
            name = place.rpartition("/")[2]
            if not is_chain_of(fixity.NAME, name):
                continue
            begin = manifest.get(name, b"")[: known.size]
            if hashlib.sha256(begin).hexdigest() != known.sha256:
                raise BackupError(
                    f"{self.folder} is the backup of another archive, or {name} was changed: it"
                    f" does not begin like the one in the backup. Run {PROGRAM} verify, or name"
                    " another folder; nothing was changed."
                )

    def find_copy(self, name: str, entry: ManifestEntry | None) -> FileDigest | None:
        """Return the digest of a good copy of a closed segment, or None if there is none.

        ``entry`` is the segment's entry in the manifest. ``segments/`` holds only copies that were
        equal to their entry, including those that killed backups made.
        """
        if name not in self._known:
            self._known[name] = self._find_copy(name, entry)
        return self._known[name]

    def _find_copy(self, name: str, entry: ManifestEntry | None) -> FileDigest | None:
        path = self.folder / SEGMENTS / name
        known = self.before.files.get(self.place(path))
        wanted = FileDigest(entry.size, entry.sha256) if entry is not None else known
        if wanted is None:
            return None
        good = path.exists() and path.stat().st_size == wanted.size and known in (None, wanted)
        if good and self.check and name not in self._of_others:
            good = is_readable_as(path, wanted)
        if good:
            return wanted
        if known is not None:
            self.damaged.add(name)
        return None

    def leave_to_others(self, names: Set[str]) -> None:
        """Let others read and copy these closed segments, until `take_back`."""
        self._of_others = {*names}

    def take_back(self, damaged: Set[str]) -> None:
        """Look again for what others have copied; copies that they found ``damaged`` are read."""
        for name in self._of_others:
            self._known.pop(name, None)
        self._of_others -= damaged
        self.damaged |= damaged

    def new_state(self) -> Path:
        """Create the folder of this moment, and delete what killed backups left."""
        self._drop_states()
        for path in (self.folder / SEGMENTS).glob(f".*{PART}"):
            path.unlink()
        name = f"{STATE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        self.state = self.folder / name
        self.state.mkdir()
        return self.state

    def place(self, path: Path) -> str:
        """Return the path of a file as the inventory names it."""
        return path.relative_to(self.folder).as_posix()

    def write(self, path: Path, data: bytes) -> FileDigest:
        """Write a small file, which is on disk on return.

        :raises OSError: it cannot be written.
        """
        with replace_atomically(path) as part, part.open("xb") as file:
            file.write(data)
        return FileDigest(len(data), hashlib.sha256(data).hexdigest())

    def commit(self, after: Inventory) -> None:
        """Replace the inventory; `tidy` then deletes what only the inventory before listed.

        :raises BackupError: the inventory cannot be written.
        :raises OSError: a folder cannot be synced.
        """
        for folder in (self.state, self.folder / SEGMENTS):
            sync_folder(folder)
        inventory.write(self.folder, after)
        self.before = after

    def tidy(self) -> int:
        """Delete what the inventory does not list; return the number of segments deleted.

        :raises OSError: it cannot be deleted.
        """
        self._drop_states()
        number = 0
        for path in closed_segments(self.folder / SEGMENTS):
            if self.place(path) not in self.before.files:
                path.unlink()
                number += 1
        sync_folder(self.folder / SEGMENTS)
        return number

    def drop(self, state: Path) -> None:
        """Delete the folder of a moment.

        :raises OSError: it cannot be deleted.
        """
        self.end_parts(state)
        shutil.rmtree(state)

    def end_parts(self, state: Path) -> None:
        """Delete the plan in the folder of a moment: no part can copy anything any more.

        :raises OSError: it cannot be deleted.
        """
        ended = state / ENDED_PARTS
        with suppress(FileNotFoundError):
            # At once: a part that goes on would put files where some are being deleted.
            (state / PARTS).rename(ended)
        if ended.exists():
            shutil.rmtree(ended)

    def _drop_states(self) -> None:
        for path in self.folder.glob(f"{STATE}*"):
            if path.name != self.before.state:
                self.drop(path)
