"""Errors about files, and their messages: which file, what happened, what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_ADVICE = {
    errno.ENOSPC: "the disk is full. Free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up. Free some space and run the same command again",
    errno.EFBIG: "the file may not grow larger. "
    "Raise the limit (ulimit -f) and run the same command again",
    errno.EACCES: "permission is denied. "
    "Make the folder writable for this user, or name another one",
    errno.EPERM: "the system does not permit it. "
    "Make the folder writable for this user, or name another one",
    errno.EROFS: "the file system is read-only. Mount it writable, or name another folder",
    errno.ENOTDIR: "its folder is a file. Name a folder, or move that file away",
    errno.EEXIST: "it exists already. Move it away, or name another folder",
    errno.ENOENT: "it does not exist. Check the path, and whether the folder was moved or deleted",
    errno.ELOOP: "it is a link, and links are not followed here. "
    "Put the file itself there, or name the folder that it lies in",
    errno.EIO: "the device reported an input/output error. Check the disk before going on",
    errno.EMFILE: "too many files are open. "
    "Raise the limit (ulimit -n) and run the same command again",
    errno.ENFILE: "too many files are open on this machine. "
    "Raise the limit (sysctl fs.file-max) and run the same command again",
}

#: The process, or the system, has no number left for another open file.
_NO_FILE_LEFT = (errno.EMFILE, errno.ENFILE)
#: What to tell the user then.
TOO_MANY_FILES = _ADVICE[errno.EMFILE]

#: What to tell the user where the system gives no more memory.
OUT_OF_MEMORY = (
    "the process may not use more memory. "
    "Raise the limit (ulimit -v) and run the same command again"
)


class StoreError(OSError):
    """An error of a store elsewhere, as of S3; its text is a sentence or two for the user."""

    @classmethod
    def at(cls, place: str, fault: str) -> Self:
        """Return the error about a place; ``fault`` is what is wrong, without a full stop."""
        return cls(f"Cannot use {place}: {fault}.")


class StoreMissingError(StoreError, FileNotFoundError):
    """What was asked for is not in the store."""


class StoreExistsError(StoreError, FileExistsError):
    """What should be written is in the store already, with another content."""


class StoreDeniedError(StoreError, PermissionError):
    """These credentials may not do what was asked for."""


class SegmentError(Exception):
    """A segment cannot be written; the text is a sentence or two for the user."""


class BackupError(Exception):
    """A backup cannot be made or restored; the text is a sentence or two for the user."""


class PartsError(Exception):
    """A command that workers do in parts cannot be finished; the text is a sentence or two."""


class ReaderLostError(Exception):
    """A process that read records has ended; the text is a sentence or two for the user."""


def may_read(path: Path | str) -> bool:
    """Return whether this user may read a file or list a folder, True if it does not exist."""
    if os.access(path, os.R_OK):
        return True
    return os.access(os.path.dirname(path), os.X_OK) and not os.access(path, os.F_OK)  # noqa: PTH120  (of text, too)


def is_out_of_files(error: BaseException) -> bool:
    """Return whether no file could be opened because too many are open."""
    return isinstance(error, OSError) and error.errno in _NO_FILE_LEFT


def describe_os_error(path: Path | str, error: OSError) -> str:
    """Return one or two sentences that name the path, the fault and the remedy.

    Of an archive in S3, whose address may be given as ``path``, it is a file of the spool.
    """
    if isinstance(error, StoreError):
        return str(error)
    if error.filename is not None and str(path).startswith("s3://"):
        path = str(error.filename)
    advice = _ADVICE.get(error.errno or 0)
    if error.errno in (errno.EACCES, errno.EPERM) and not may_read(path):
        advice = "this user may not read it. Let the user or a group of theirs read it"
    return f"Cannot use {path}: {advice or error.strerror or error}."
