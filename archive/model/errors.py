"""Errors about files, and their messages: which file, what happened, what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

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
    errno.ENOENT: "it does not exist. Check the path; was the folder moved or deleted?",
    errno.ELOOP: "it is a link, and links are not followed here. "
    "Put the file itself there, or name the folder that it lies in",
    errno.EIO: "the device reported an input/output error. Check the disk before going on",
    errno.EMFILE: "too many files are open. "
    "Raise the limit (ulimit -n) and run the same command again",
}

#: What to tell the user where the system gives no more memory.
OUT_OF_MEMORY = (
    "the process may not use more memory. "
    "Raise the limit (ulimit -v) and run the same command again"
)


class SegmentError(Exception):
    """A segment cannot be written; the text is a sentence or two for the user."""


class BackupError(Exception):
    """A backup cannot be made or restored; the text is a sentence or two for the user."""


class ReaderLostError(Exception):
    """A process that read records has ended; the text is a sentence or two for the user."""


def may_read(path: Path | str) -> bool:
    """Return whether this user may read a file or list a folder, True if it does not exist."""
    if os.access(path, os.R_OK):
        return True
    return os.access(os.path.dirname(path), os.X_OK) and not os.access(path, os.F_OK)  # noqa: PTH120  (of text, too)


def describe_os_error(path: Path | str, error: OSError) -> str:
    """Return one or two sentences that name the path, the fault and the remedy."""
    advice = _ADVICE.get(error.errno or 0)
    if error.errno in (errno.EACCES, errno.EPERM) and not may_read(path):
        advice = "this user may not read it. Let the user or a group of theirs read it"
    return f"Cannot use {path}: {advice or error.strerror or error}."
