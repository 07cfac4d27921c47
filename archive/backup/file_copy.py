"""Copies of files: hashed while they are read, and on disk before they get a name."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from archive.model.errors import BackupError, describe_os_error
from archive.model.files import open_regular
from archive.segments.files.atomic_files import part_of
from archive.segments.files.measure import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from archive.segments.store import Store

_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class FileDigest:
    """The content of a file: its size in bytes and its sha256 in hex."""

    size: int
    sha256: str


class UnreadableError(Exception):
    """One file cannot be read; the message is a sentence. Other files may be readable."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to copy: its name, how sentences call it, and what opens it."""

    name: str
    place: str
    open: Callable[[], BinaryIO]


def source_file(path: Path) -> Source:
    """Return a file of a folder as a source."""
    return Source(path.name, str(path), partial(open_regular, path))


def source_of(store: Store, name: str) -> Source:
    """Return a segment of a store as a source."""
    return Source(name, store.place(name), partial(store.open, name))


def is_readable_as(path: Path, wanted: FileDigest) -> bool:
    """Return whether a file can be read and has that content."""
    try:
        return FileDigest(*measure(path)) == wanted
    except OSError:
        return False


@contextmanager
def copy_to_part(
    source: Source, folder: Path, advance: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[Path, FileDigest]]:
    """Copy a file, as long as it is now, to a synced part file in ``folder``; yield its path.

    The caller renames the part file to keep it; otherwise it is deleted. ``advance`` is called with
    the number of bytes of each step.

    :raises UnreadableError: the file cannot be read.
    :raises BackupError: the copy cannot be written.
    """
    with part_of(folder / source.name) as part:
        yield part, _copy(source, part, advance)


def _copy(source: Source, part: Path, advance: Callable[[int], None]) -> FileDigest:
    digest, size = hashlib.sha256(), 0
    try:
        file = source.open()
    except OSError as error:
        raise UnreadableError(describe_os_error(source.place, error)) from error
    with file:
        try:
            with part.open("xb", buffering=0) as out:
                for piece in _pieces(source.place, file):
                    digest.update(piece)
                    size += len(piece)
                    _write(out, piece)
                    advance(len(piece))
                os.fsync(out.fileno())
        except OSError as error:
            raise BackupError(describe_os_error(part.with_name(source.name), error)) from error
    return FileDigest(size, digest.hexdigest())


def _pieces(place: str, file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of a file up to the length it has at the start: it may be growing."""
    try:
        left = file.seek(0, os.SEEK_END)
        file.seek(0)
        while left:
            piece = file.read(min(_PIECE, left))
            if not piece:
                return
            yield piece
            left -= len(piece)
    except OSError as error:
        raise UnreadableError(describe_os_error(place, error)) from error


def _write(out: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[out.write(view) :]
