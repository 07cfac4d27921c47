"""Files copied from one place to another: summed on the way, on disk before they have a name, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.model.errors import BackupError, describe_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

_PIECE = 2**20
#: What a copy is called before it has its name.
PART = ".part"


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file is known by: its size in bytes and its sha256 in hex."""

    size: int
    sha256: str


class UnreadableError(Exception):
    """What is to be copied cannot be read; the text is a sentence. Others may be."""


@contextmanager
def copy_to_part(
    source: Path, folder: Path, advance: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[Path, FileDigest]]:
    """A copy of the file as long as it is when it is opened: on disk in ``folder``, under no name of its own.

    Who wants to keep it renames it; else it is gone at the end. ``advance`` is told of bytes.

    :raises UnreadableError: the file cannot be read.
    :raises BackupError: the copy cannot be written.
    """
    part = folder / f".{source.name}{PART}"
    try:
        yield part, _copy(source, part, advance)
    finally:
        # a fault is already on its way; whoever copies next removes what is left
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _copy(source: Path, part: Path, advance: Callable[[int], None]) -> FileDigest:
    found, left, size = hashlib.sha256(), -1, 0
    try:
        file = source.open("rb", buffering=0)
    except OSError as error:
        raise UnreadableError(describe_os_error(source, error)) from error
    with file:
        try:
            with part.open("wb", buffering=0) as out:
                while left:
                    piece, left = _read(source, file, left)
                    if not piece:
                        break
                    found.update(piece)
                    size += len(piece)
                    _write(out, piece)
                    advance(len(piece))
                os.fsync(out.fileno())
        except OSError as error:
            raise BackupError(describe_os_error(part.with_name(source.name), error)) from error
    return FileDigest(size, found.hexdigest())


def _read(source: Path, file: BinaryIO, left: int) -> tuple[bytes, int]:
    """The next piece, and how much is left; a file that grows meanwhile is copied no further than it was long."""
    try:
        if left < 0:
            left = os.fstat(file.fileno()).st_size
        piece = file.read(min(_PIECE, left)) if left else b""
    except OSError as error:
        raise UnreadableError(describe_os_error(source, error)) from error
    return piece, left - len(piece)


def _write(out: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[out.write(view) :]
