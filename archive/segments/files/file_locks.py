"""Locks on files (`flock`), which the system releases when their holder dies, however it dies.

A segment is written under such a lock, which tells a live writer's segment from one that a killed
process left open. Where a file system has no locks, `exclusive` and `shared` exclude no other
process, and `take_over` takes nothing over.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from archive.model.files import is_odd, open_file

if TYPE_CHECKING:
    from pathlib import Path

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
_SHARED_FILE = os.O_RDWR | os.O_CREAT | os.O_APPEND


class LockHeldError(Exception):
    """Another process holds the lock."""


class FileLock:
    """A lock on an open file, ``fd``, released by `close` or at the end of a ``with`` block."""

    def __init__(self, path: Path, fd: int, *, remove: bool = False) -> None:
        self.fd = fd
        self._path = path
        self._remove = remove

    def close(self) -> None:
        """Release the lock; delete the file first if it was locked with ``remove``."""
        if self._remove:
            with suppress(OSError):  # a lock file that stays behind is held by no process
                self._path.unlink()
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exclusive(path: Path, *, wait: bool = False, remove: bool = False) -> FileLock:
    """Lock a file, which is created with its folder if missing, against every other process.

    ``wait`` waits for the processes that hold it now; ``remove`` deletes the file on release.

    :raises LockHeldError: another process holds it, and ``wait`` is false.
    :raises OSError: the file cannot be created or opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        fd = open_file(path, _SHARED_FILE)
        try:
            _lock(fd, fcntl.LOCK_EX, wait=wait)
            current = _is_current(fd, path)
        except BaseException:
            os.close(fd)
            raise
        if current:
            return FileLock(path, fd, remove=remove)
        os.close(fd)  # the holder before us deleted the file: that lock excludes no process


def shared(path: Path, *, wait: bool = False) -> FileLock:
    """Lock a file against those who lock it with `exclusive`; any number may hold it like this.

    :raises LockHeldError: a process holds it exclusively, and ``wait`` is false.
    :raises OSError: the file is missing or cannot be opened.
    """
    fd = open_file(path, os.O_RDONLY)
    try:
        _lock(fd, fcntl.LOCK_SH, wait=wait)
    except BaseException:
        os.close(fd)
        raise
    return FileLock(path, fd)


def create(path: Path) -> int:
    """Create a file and lock it for as long as it is open, which marks its writer as alive.

    Return its descriptor, or -1 if a recovery found the new file before it was locked and deleted
    it as a dead writer's.

    :raises OSError: the file cannot be created.
    """
    fd = open_file(path, _NEW)
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
    """Lock a dead writer's file.

    Return its descriptor, or -1 if the writer is alive, another process was faster, or the file
    system has no locks.

    :raises OSError: the file cannot be opened.
    """
    try:
        fd = open_file(path, os.O_RDWR)
    except FileNotFoundError:
        return -1
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_current(fd, path):  # else it was renamed between the two calls
            return fd
    except OSError:
        pass
    os.close(fd)
    return -1


def is_held(path: Path) -> bool:
    """Return whether a live writer holds the file, or true if that cannot be found out.

    :raises FileNotFoundError: there is no such file, as when a writer has just closed a segment.
    """
    try:
        fd = open_file(path, os.O_RDONLY)
    except FileNotFoundError:
        raise
    except OSError as error:
        return not is_odd(error)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def _lock(fd: int, how: int, *, wait: bool) -> None:
    try:
        fcntl.flock(fd, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockHeldError from None
    except OSError:
        pass  # the file system has no locks: users must see to it that one process works at a time


def _is_current(fd: int, path: Path) -> bool:
    """Return whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False
