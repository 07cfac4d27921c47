"""Verification of one WARC file in one pass: records, gzip members and sha256."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from archive.model.errors import describe_os_error
from archive.model.files import open_regular
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.verify.warc_file.gzip_bits import MemberBits
from archive.verify.warc_file.strict_reader import CheckedRecord, StrictReader
from archive.warc.reader import open_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from archive.segments.store import Store

_READ = 2**20


class _HashedFile:
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

    def finish(self) -> tuple[int, str]:
        """Read what was not read yet; return the file's size and sha256."""
        self.seek(self._hashed)
        while self.read(_READ):
            pass
        return self._hashed, self._sum.hexdigest()


class FileCheck:
    """Reads one WARC file strictly.

    ``name`` is what findings call it. ``own`` demands that the file is as this project writes them;
    a file with a `warcinfo` that names this project is checked so from there on. ``thorough``
    checks the bits, too, that no checksum covers; pointless where the file's sha256 is known.
    ``within`` is the file, open for reading, where it is a part of the one at ``path``. With a
    ``store`` it is the segment ``name`` of that archive, and ``path`` is where sentences say it is.

    After `run`: ``size`` and ``sha256`` of the bytes that were read, ``records`` their number, and
    ``end``, the offset behind the last whole record.
    """

    def __init__(
        self,
        path: Path | str,
        name: str,
        *,
        own: bool = False,
        thorough: bool = True,
        within: BinaryIO | None = None,
        store: Store | None = None,
    ) -> None:
        self.path, self.name, self.own = path, name, own
        self._store = store
        self._thorough = thorough and within is None
        self.within = within
        self.size, self.sha256 = -1, ""
        self.records = 0
        self.end = 0

    def run(self) -> Iterator[CheckedRecord | Finding]:
        """Yield every whole record and every finding, in file order; an unreadable file is one."""
        if self.within is not None:
            yield from self._read(self.within)
            return
        try:
            with self.open() as file:
                yield from self._read(file)
        except OSError as error:
            yield Finding(self.name, -1, "", Rule.UNREADABLE, describe_os_error(self.path, error))

    def open(self) -> BinaryIO:
        """Open the file, if it is not within another one.

        :raises OSError: it cannot be opened.
        """
        if self._store is not None:
            return self._store.open(self.name)
        return open_regular(Path(self.path), follow=True)

    def _read(self, file: BinaryIO) -> Iterator[CheckedRecord | Finding]:
        hashed = _HashedFile(file)
        pieces = open_pieces(cast("BinaryIO", hashed))  # reading and seeking is all that it does
        reader = StrictReader(pieces, self.name, own=self.own)
        bits = MemberBits(file) if self._thorough and pieces.packed else None
        is_damaged = False
        for item in reader.run():
            self.own = reader.own
            if isinstance(item, Finding):
                is_damaged = is_damaged or not item.record
            else:
                self.records += 1
                self.end = item.offset + item.length
                if bits is not None:
                    found = bits.check(item, own=reader.own)
                    yield from reader.weighed(item.offset, item.record_id, found)
            yield item
        if bits is not None:
            yield from _finish_bits(bits, reader)
        self.size, self.sha256 = hashed.finish()
        if pieces.packed and not is_damaged:
            yield from self._check_end(hashed)

    def _check_end(self, file: _HashedFile) -> Iterator[Finding]:
        """Yield what is behind the last record of a gzipped file.

        Zero bytes are padding, as gzip(1) takes them: tapes are written in whole blocks. We write
        none, so in a file of ours they are an error.
        """
        if not 0 < self.end < self.size:
            return
        number = self.size - self.end
        if not self.own and _has_only_zeros(file, self.end):
            sentence = f"The {number} zero bytes after the last record are padding."
            yield Finding(self.name, self.end, "", Rule.JUNK, sentence, Severity.NOTE)
        else:
            sentence = f"The {number} bytes after the last record belong to no record."
            yield Finding(self.name, self.end, "", Rule.JUNK, sentence)


def _has_only_zeros(file: _HashedFile, start: int) -> bool:
    """Return whether all bytes from an offset on are zero."""
    file.seek(start)
    while piece := file.read(_READ):
        if piece.strip(b"\0"):
            return False
    return True


def _finish_bits(bits: MemberBits, reader: StrictReader) -> Iterator[Finding]:
    for offset, record_id, deviation in bits.finish():
        yield from reader.weighed(offset, record_id, [deviation])
