"""The folder a backup lies in, as the one at work sees it: what it holds of before, and where what is new goes."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.backup import inventory
from archive.backup.file_copy import PART, FileDigest
from archive.backup.inventory import MARK, SEGMENTS, STATE, Inventory
from archive.index.database import index_path
from archive.model.errors import BackupError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.file_locks import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.segments.manifest import ManifestEntry

_ENDING = ".warc.gz"


@contextmanager
def open_destination(archive: Path, index_url: str, folder: Path) -> Iterator[Inventory]:
    """Make the folder ready for a backup, nobody else's meanwhile; give what it holds already.

    :raises BackupError: there is no archive, or the folder can't be used, or holds something else.
    """
    try:
        if not archive.is_dir():
            raise BackupError(f"There is no archive at {archive}: name its folder in ARCHIVE_URL.")
        if (archive / MARK).exists():
            raise BackupError(
                f"{archive} is a restore that was not ended: end it first with {PROGRAM} restore."
            )
        _check_apart(archive, index_url, folder)
        # it is not made: where a disk is not mounted, another one would fill up
        if not folder.parent.is_dir():
            raise BackupError(
                f"There is no folder {folder.parent} to put the backup into; is its disk mounted?"
            )
        if not folder.exists():
            folder.mkdir()
            sync_folder(folder.parent)
        if inventory.read(folder) is None and not inventory.is_empty(folder):
            raise BackupError(
                f"{folder} holds something else, which no backup of ours is: name an empty folder."
            )
        with inventory.exclusive(folder):
            before = inventory.read(folder)
            if before is None:
                before = Inventory()
                inventory.write(folder, before)
            (folder / SEGMENTS).mkdir(exist_ok=True)
            yield before
    except OSError as error:
        raise BackupError(describe_os_error(error.filename or folder, error)) from error


def _check_apart(archive: Path, index_url: str, folder: Path) -> None:
    place, ours = folder.resolve(), archive.resolve()
    if place == ours:
        raise BackupError(
            f"{folder} is the archive itself: name another folder, best on another disk."
        )
    if ours in place.parents:
        raise BackupError(
            f"{folder} lies within the archive: name another folder, best on another disk."
        )
    if place in ours.parents or place in index_path(index_url).parents:
        raise BackupError(
            f"{folder} holds the archive or its index: name another folder, best on another disk."
        )


class BackupFolder:
    """A backup's folder; ``before`` is what it holds. With ``check`` its segments are read before they are relied on.

    ``damaged`` are names of segments whose copies turned out not to be what they were.
    """

    def __init__(self, folder: Path, before: Inventory, *, check: bool = False) -> None:
        self.folder, self.before = folder, before
        self.damaged: set[str] = set()
        self.state = folder
        self._check = check
        self._known: dict[str, FileDigest | None] = {}

    def check_continues(self, manifest: bytes) -> None:
        """See that the archive whose manifest this is, is the one that was backed up here, with what came since.

        :raises BackupError: it is another one, or its manifest was changed.
        """
        known = self.before.of_state(fixity.NAME)
        if known is None:
            return
        if hashlib.sha256(manifest[: known.size]).hexdigest() != known.sha256:
            raise BackupError(
                f"{self.folder} is the backup of another archive, or {fixity.NAME} was changed: it does not begin as "
                f"the one in the backup. See what {PROGRAM} verify says, or name another folder; "
                "nothing was changed."
            )

    def has(self, name: str, entry: ManifestEntry | None) -> FileDigest | None:
        """What the copy of a closed segment is, if there is a good one; ``entry`` is the manifest's on the segment.

        Only copies that were found equal to their entry lie in ``segments``, those of a killed run
        too.
        """
        if name not in self._known:
            self._known[name] = self._look(name, entry)
        return self._known[name]

    def _look(self, name: str, entry: ManifestEntry | None) -> FileDigest | None:
        path = self.folder / SEGMENTS / name
        known = self.before.files.get(self.place(path))
        wanted = FileDigest(entry.size, entry.sha256) if entry is not None else known
        if wanted is None:
            return None
        good = path.exists() and path.stat().st_size == wanted.size and known in (None, wanted)
        if good and self._check:
            try:
                good = FileDigest(*fixity.measure(path)) == wanted
            except OSError:  # what can't be read is no copy
                good = False
        if not good and known is not None:
            self.damaged.add(name)
        return wanted if good else None

    def new_state(self) -> Path:
        """Make the folder of this moment, and leave nothing of what a killed run left."""
        self._drop_states()
        for path in (self.folder / SEGMENTS).glob(f".*{PART}"):
            path.unlink()
        self.state = (
            self.folder / f"{STATE}{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        )
        self.state.mkdir()
        return self.state

    def place(self, path: Path) -> str:
        """How the inventory calls a file."""
        return path.relative_to(self.folder).as_posix()

    def write(self, path: Path, data: bytes) -> FileDigest:
        """Put a small file there; on disk on return.

        :raises OSError: it can't be written.
        """
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return FileDigest(len(data), hashlib.sha256(data).hexdigest())

    def keep(self, part: Path, path: Path) -> None:
        """Give a copy its name.

        :raises OSError: it can't be renamed.
        """
        part.replace(path)

    def commit(self, after: Inventory) -> None:
        """Let the folder hold this from now on; what only the inventory before named is out of it with `tidy`.

        :raises BackupError: the inventory can't be written. :raises OSError: something is not on
            disk.
        """
        for folder in (self.state, self.folder / SEGMENTS):
            sync_folder(folder)
        inventory.write(self.folder, after)
        self.before = after

    def tidy(self) -> int:
        """Delete what the inventory does not name; give how many segments that were.

        :raises OSError: it can't be deleted.
        """
        self._drop_states()
        number = 0
        for path in sorted((self.folder / SEGMENTS).glob(f"*{_ENDING}")):
            if self.place(path) not in self.before.files:
                path.unlink()
                number += 1
        sync_folder(self.folder / SEGMENTS)
        return number

    def drop(self, state: Path) -> None:
        """Delete the folder of a moment.

        :raises OSError: it can't be deleted.
        """
        shutil.rmtree(state)

    def _drop_states(self) -> None:
        for path in self.folder.glob(f"{STATE}*"):
            if path.name != self.before.state:
                shutil.rmtree(path)
