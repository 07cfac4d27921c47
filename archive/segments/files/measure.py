"""The size and sha256 of a file."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from archive.model.files import open_regular

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

_READ = 2**20


def measure(path: Path) -> tuple[int, str]:
    """Return a file's size in bytes and its sha256 in hex.

    :raises OSError: it cannot be read.
    """
    with open_regular(path) as file:
        return measure_open(file)


def measure_open(file: BinaryIO) -> tuple[int, str]:
    """Return the size in bytes and the sha256 in hex of what an open file has left.

    :raises OSError: it cannot be read.
    """
    found = hashlib.sha256()
    size = 0
    while piece := file.read(_READ):
        found.update(piece)
        size += len(piece)
    return size, found.hexdigest()
