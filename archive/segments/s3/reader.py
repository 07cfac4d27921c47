"""An object read as a file: by ranges, which grow while it is read on."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.segments.s3.bucket import Bucket

#: Bytes asked for at first, as one record needs them, and at most.
_FIRST, _MOST = 2**15, 2**23


class ObjectReader(io.RawIOBase):
    """An object of a bucket, open for reading and seeking. Errors are `StoreError`."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        super().__init__()
        self._bucket, self._name = bucket, name
        self._at = 0
        self._start, self._data = 0, b""  # what was fetched last, and where it lies
        self._window = _FIRST
        self._size = -1
        self._fill(1)  # an object that is missing is one that cannot be opened

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position, which may lie behind the end; return it."""
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            offset += self._length()
        if offset < 0:
            raise ValueError(f"the position {offset} is before the beginning")
        self._at = offset
        return offset

    def readinto(self, buffer: object) -> int:
        """Fill a buffer as far as the object goes; return the number of bytes, 0 at its end."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # io calls it with buffers
        done = 0
        while done < len(view):
            piece = self._piece(len(view) - done)
            if not piece:
                break
            view[done : done + len(piece)] = piece
            done += len(piece)
            self._at += len(piece)
        return done

    def _piece(self, wanted: int) -> memoryview | bytes:
        """Return bytes from the position on, at least one unless it is the end."""
        if not self._start <= self._at < self._start + len(self._data):
            if 0 <= self._size <= self._at:
                return b""
            self._fill(wanted)
        offset = self._at - self._start
        return memoryview(self._data)[offset : offset + wanted]

    def _fill(self, wanted: int) -> None:
        """Fetch bytes from the position on; more than before if they follow what was read."""
        gap = self._at - self._start - len(self._data)
        follows = bool(self._data) and 0 <= gap < self._window
        self._window = min(2 * self._window, _MOST) if follows else _FIRST
        length = min(max(wanted, self._window), _MOST)
        if self._size >= 0:
            length = min(length, self._size - self._at)
        data, size = self._bucket.range(self._name, self._at, length)
        self._start, self._data = self._at, data
        if size >= 0:
            self._size = size

    def _length(self) -> int:
        if self._size < 0:
            self._size = self._bucket.head(self._name).size
        return self._size
