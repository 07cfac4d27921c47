"""Files that appear whole or not at all: written under another name, synced, then renamed."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from archive.model.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The ending of a file that is being written; its name also begins with a dot.
PART = ".part"


@contextmanager
def part_of(path: Path, ending: str = PART) -> Iterator[Path]:
    """Yield a path in the same folder, where no file is, to create one at (mode ``x``).

    What is left there at the end is deleted.

    :raises OSError: what lies there, left by a kill or put there by somebody, cannot be deleted.
    """
    part = path.with_name(f".{path.name}{ending}")
    part.unlink(missing_ok=True)
    try:
        yield part
    finally:
        # an error may be on its way already; the next writer overwrites what is left
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def replace_atomically(path: Path, ending: str = PART) -> Iterator[Path]:
    """Yield a path to write to, and put that file in the place of ``path`` if no error was raised.

    The content is on disk before the rename; `sync_folder` makes the rename durable as well.

    :raises OSError: the file cannot be synced or renamed; ``path`` is then as it was.
    """
    with part_of(path, ending) as part:
        yield part
        sync_file(part)
        part.replace(path)


def rename_new(path: Path, name: Path) -> None:
    """Rename a file, and never over another one; the rename is on disk on return.

    :raises OSError: it cannot be renamed.
    """
    if not name.exists():
        path.rename(name)
    elif path.samefile(name):
        # without a journal, a loss of power during a rename can leave both names
        path.unlink()
    else:  # rename() would replace it
        raise FileExistsError(errno.EEXIST, "exists")
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Return once the file's content is on disk."""
    with open_regular(path) as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Return once the folder's entries (a file made, renamed or removed) are on disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
