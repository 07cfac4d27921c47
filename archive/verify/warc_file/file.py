"""One file proven from end to end: its records, its gzip members, and its sha256, all in one reading."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, cast

from archive.model.errors import describe_os_error
from archive.verify.warc_file.findings import Finding, Rule
from archive.verify.warc_file.gzip_bits import Members
from archive.verify.warc_file.strict_reader import CheckedRecord, StrictReader
from archive.warc.gzip_reader import MAGIC, GzipPieces, PlainPieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from archive.warc.gzip_reader import Pieces

_READ = 2**20


class _Hashing:
    """A file that is hashed as it is read, each byte once, in whatever order it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self._at = self._hashed = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        end = self._at + len(data)
        if self._at <= self._hashed < end:
            self._sum.update(memoryview(data)[self._hashed - self._at :])
            self._hashed = end
        self._at = end
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = self._file.seek(offset, whence)
        return self._at

    def fileno(self) -> int:
        return self._file.fileno()

    def finish(self) -> tuple[int, str]:
        self.seek(self._hashed)
        while self.read(_READ):
            pass
        return self._hashed, self._sum.hexdigest()


class FileCheck:
    """Reads one WARC file strictly; after `run`, ``size`` and ``sha256`` are those of the bytes that were read.

    ``thorough``: look at bits, too, that change nothing anybody reads; needless where a sum of the
    whole is known.

    ``name`` is what findings call it. ``own`` says that it must be as we write them; a file with a
    `warcinfo` that says it is ours is held to that by itself from there on. ``end`` is where the
    last whole record ended.
    """

    def __init__(self, path: Path, name: str, *, own: bool = False, thorough: bool = True) -> None:
        self._path, self.name, self.own = path, name, own
        self._thorough = thorough
        self.size, self.sha256 = -1, ""
        self.records = 0
        self.end = 0

    def run(self) -> Iterator[CheckedRecord | Finding]:
        """Every whole record, and every finding, in file order; an unreadable file is one."""
        try:
            with self._path.open("rb", buffering=0) as file:
                yield from self._run(file)
        except OSError as error:
            yield Finding(self.name, -1, "", Rule.UNREADABLE, describe_os_error(self._path, error))

    def _run(self, file: BinaryIO) -> Iterator[CheckedRecord | Finding]:
        first = file.read(len(MAGIC))
        file.seek(0)
        hashing = _Hashing(file)
        agreeing = sum(one == other for one, other in zip(first, MAGIC, strict=False))
        file = cast("BinaryIO", hashing)  # it does all that is asked of one here
        pieces: Pieces = GzipPieces(file, measured=False) if agreeing >= 2 else PlainPieces(file)
        walk = StrictReader(pieces, self.name, own=self.own)
        members = Members(file.fileno()) if self._thorough and pieces.packed else None
        damaged = False
        for item in walk.run():
            self.own = walk.own
            if isinstance(item, CheckedRecord):
                self.records += 1
                self.end = item.offset + item.length
                if members is not None:
                    yield from walk.told(
                        item.offset, item.record_id, members.see(item, own=walk.own)
                    )
            else:
                damaged = damaged or not item.record
            yield item
        for offset, record_id, complaint in members.finish() if members is not None else ():
            yield from walk.told(offset, record_id, [complaint])
        self.size, self.sha256 = hashing.finish()
        if pieces.packed and not damaged and self.end and self.end < self.size:
            lost = f"Behind the last record lie {self.size - self.end} bytes that are of none."
            yield Finding(self.name, self.end, "", Rule.JUNK, lost)
