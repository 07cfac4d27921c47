"""Files that outlive their writer: made under a lock, told from a dead writer's, and their names synced.

The lock (`flock`) is the system's, which lets go of it when the process dies, however it dies.
Where a file system has none, nobody takes anything over.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC


def create(path: Path) -> int:
    """A new file, locked for as long as it is open: by that others know it for a live writer's.

    -1 if a recovery took it, new and still empty, for a dead one's and removed it before it was
    locked.

    :raises OSError: it cannot be made.
    """
    fd = os.open(path, _NEW, 0o644)
    try:
        with suppress(OSError):
            fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return fd
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return -1


def take_over(path: Path) -> int:
    """A dead writer's file, locked by us; -1 where the writer lives or another process was faster.

    :raises OSError: it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), path.stat()):  # else it was renamed while we opened it
            return fd
    except OSError:
        pass
    os.close(fd)
    return -1


def give_name(path: Path, name: Path) -> None:
    """Rename a file, never over another one; on disk when this returns.

    :raises OSError: it cannot be renamed.
    """
    if not name.exists():
        path.rename(name)
    elif path.samefile(
        name
    ):  # a loss of power within a rename can leave both names, where no journal joins them
        path.unlink()
    else:  # rename() would replace it
        raise FileExistsError(errno.EEXIST, "exists")
    sync_folder(path.parent)


def is_held(path: Path) -> bool:
    """Whether a live writer holds the file; True too where that can't be told. Changes nothing.

    :raises FileNotFoundError: it is gone, which a closed segment's open name is.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def sync_folder(folder: Path) -> None:
    """Return once the folder's entries (a file made, renamed or removed) are on disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
