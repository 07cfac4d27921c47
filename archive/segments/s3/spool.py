"""The local folder in which segments of one archive are written before they are uploaded.

It holds open segments, locked by their writers; copies of closed ones, which are deleted after a
while; locks; and the name of the writer, which no other spool has.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING

from archive.segments.files import file_locks
from archive.segments.files.atomic_files import rename_new, replace_atomically, sync_folder
from archive.segments.names import is_closed, open_name, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archive.segments.files.file_locks import FileLock

_WRITER = "writer"


@dataclass(frozen=True, slots=True)
class Spool:
    """The spool of one archive at ``folder``, which is made when it is first written to."""

    folder: Path

    def writer(self) -> str:
        """Return the name of whoever writes here, made when it is first asked for.

        :raises OSError: the folder is not writable.
        """
        path = self.folder / _WRITER
        if not path.exists():
            with self.lock(_WRITER, wait=True):
                if not path.exists():
                    name = f"{plain(socket.gethostname())}-{secrets.token_hex(4)}"
                    with replace_atomically(path) as part:
                        part.write_text(name, encoding="utf-8")
                    sync_folder(self.folder)
        return path.read_text(encoding="utf-8")

    def known_writer(self) -> str:
        """Return the name of whoever writes here, ``""`` if nothing ever was."""
        try:
            return (self.folder / _WRITER).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def lock(self, name: str, *, wait: bool) -> FileLock:
        """Lock what all processes that share the spool must do one after the other.

        :raises LockHeldError: another process holds the lock, and ``wait`` is false.
        :raises OSError: the folder is not writable.
        """
        return file_locks.exclusive(self.folder / f".{name}.lock", wait=wait)

    def open_path(self, name: str) -> Path:
        """Return where an open segment is, or would be."""
        return self.folder / open_name(name)

    def copy_path(self, name: str) -> Path:
        """Return where the copy of a closed segment is, or would be."""
        return self.folder / name

    def local(self, name: str) -> Iterator[Path]:
        """Yield where to look for a segment here, in this order: it may be closed meanwhile."""
        if "/" in name or "\0" in name:
            return
        yield self.open_path(name)
        yield self.copy_path(name)

    def keep(self, name: str, path: Path) -> None:
        """Keep a file as the copy of a closed segment, from now on."""
        os.utime(path)
        rename_new(path, self.copy_path(name))

    def drop(self, path: Path) -> None:
        """Delete a file, if it is there."""
        path.unlink(missing_ok=True)
        sync_folder(self.folder)

    def copies(self) -> list[Path]:
        """Return the copies of closed segments."""
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if is_closed(path.name)]

    def drop_old(self, keep: float) -> None:
        """Delete copies of closed segments that are older than ``keep`` seconds."""
        for path in self.copies():
            try:
                if time() - path.stat().st_mtime >= keep:
                    path.unlink()
            except FileNotFoundError:  # another process was faster
                continue
