"""Open regular files only: no link is followed, and no pipe, device or socket is waited for.

A neighbour who may write to a folder of ours could otherwise make us read or cut a file of his
choice. A path that a person names may be a link; what is found in a folder may not.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path

#: Of a link; of what `check_regular` finds; of a socket; of a folder opened for writing.
_ODD = frozenset({errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EISDIR})
NOT_REGULAR = "it is not a regular file"


def is_odd(error: OSError) -> bool:
    """Return whether an error of `open_file` means that the path is no regular file."""
    return error.errno in _ODD


def open_file(path: Path | str, flags: int, mode: int = 0o666, *, follow: bool = False) -> int:
    """Return the descriptor of a regular file, opened as by `os.open`.

    :raises OSError: it cannot be opened, or is a link (unless ``follow``), a pipe or a device.
    """
    own = os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    fd = os.open(path, flags | own, mode)
    try:
        check_regular(os.fstat(fd), path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def check_regular(status: os.stat_result, path: Path | str) -> None:
    """Raise OSError unless the status is a regular file's."""
    if stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))


def open_regular(path: Path, *, follow: bool = False) -> FileIO:
    """Return a regular file, open for reading without a buffer.

    :raises OSError: see `open_file`.
    """
    return open(open_file(path, os.O_RDONLY, follow=follow), "rb", buffering=0)


def read_regular(path: Path, limit: int = 2**31, *, follow: bool = False) -> bytes:
    """Return the content of a regular file.

    :raises OSError: see `open_file`; or it is longer than ``limit`` bytes.
    """
    with open_regular(path, follow=follow) as file:
        if os.fstat(file.fileno()).st_size > limit:
            raise OSError(errno.EFBIG, f"it is longer than {limit} bytes", str(path))
        return file.read()
