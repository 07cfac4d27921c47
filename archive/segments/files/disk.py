"""Free space of the file systems that the archive, its index and its backups lie on."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def existing(path: Path) -> Path:
    """Return the path if it exists, else the nearest folder above it that does."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free(path: Path) -> int:
    """Return the free bytes of the file system on which the path lies or would be created.

    :raises OSError: the system does not report it.
    """
    return shutil.disk_usage(existing(path)).free


def shortage(path: Path, needed: int) -> str:
    """Return a sentence if fewer than ``needed`` bytes are free at the path, else ``""``.

    :raises OSError: the system does not report it.
    """
    available = free(path)
    if available >= needed:
        return ""
    return f"{path} has {available / 1e6:.1f} MB free, and {needed / 1e6:.1f} MB are needed."
