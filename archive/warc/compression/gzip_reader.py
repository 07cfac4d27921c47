"""A WARC file as a run of plain pieces of bytes, from ``.warc`` and ``.warc.gz`` alike.

gzip members are walked one by one, so that every checksum is compared and every early end seen, and
so that a damaged member costs only itself. Reading whole streams hides all three.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from isal import isal_zlib

from archive.http.content_coding import INFLATE_ERROR
from archive.model.exchange import MAX_DOCUMENT

if TYPE_CHECKING:
    from typing import BinaryIO

# the allocator maps larger ones again each time, which costs more than the calls
_READ = 2**16
_FEED = 2**15  # about two pages' members: what is fed beyond a member's end is copied back
_PIECE = 2**20  # a piece's most bytes, whatever it was squeezed from
MAGIC = b"\x1f\x8b\x08"
_PEEK = 2**12
#: What a file may inflate to in any case (the longest document), and how many times its size beyond
#: that. Pages take up a fifth to a twentieth packed; what takes up less than a hundredth was made
#: to keep its reader busy. A member that stays small is read even then: it may be a good record
#: behind a bomb.
_INFLATED, _GROWTH, _SMALL = MAX_DOCUMENT + 2**22, 100, 2**16


class Corrupt(Exception):  # noqa: N818 (it says what the data is)
    """The bytes at `Pieces.offset` do not inflate, or not to what their checksum says."""


class Bomb(Corrupt):
    """The file inflates to so many times its size that reading on is refused."""


class Torn(Exception):  # noqa: N818 (as above)
    """The file ends inside the gzip member at `Pieces.offset`."""


class Pieces(Protocol):
    """The interface of a file's decompressed pieces.

    ``offset`` is where the last piece began in the file, or the gzip member it is of; ``fresh``
    says that it is the member's first piece, ``between`` that the member ended with it, checksum
    and all, and ``position`` is the file offset right behind all pieces given; ``member_end`` is
    where the last member ended that held anything; ``packed`` whether there are members at all.
    """

    packed: bool
    offset: int
    position: int
    member_end: int
    fresh: bool
    between: bool

    def next(self) -> bytes:
        """Return the next piece, ``b""`` at the end of the file.

        :raises Corrupt: see there; :raises Torn: see there. Either way only `resync` leads on.
        """

    def place(self, unread: int) -> int:
        """Return the offset of the ``unread`` last bytes given, or of their gzip member."""

    def holds(self, length: int) -> bool:
        """Return whether as many more bytes can follow, as far as that is known."""

    def resync(self) -> bool:
        """Go to the next place behind ``offset`` where a record may begin; false without one."""

    def begin(self, offset: int, *, guessed: bool) -> bool:
        """Go to a record's beginning; if it is ``guessed``, to the first likely one from there on.

        Return whether there is one.
        """


class PlainPieces:
    """An uncompressed file; records are found again by their first line, without `resync`."""

    packed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        file.seek(0)
        self.offset = self.position = self.member_end = 0
        self.fresh = self.between = False

    def next(self) -> bytes:
        """See `Pieces`."""
        piece = self._file.read(_READ)
        self.offset = self.position
        self.position += len(piece)
        return piece

    def place(self, unread: int) -> int:
        """See `Pieces`."""
        return self.position - unread

    def holds(self, length: int) -> bool:
        """See `Pieces`."""
        return length <= self._size - self.position

    def resync(self) -> bool:
        """See `Pieces`."""
        return False

    def begin(self, offset: int, *, guessed: bool) -> bool:
        """See `Pieces`; in a plain file a record looks like one within a document."""
        self._file.seek(offset)
        self.offset = self.position = offset
        return not guessed


class GzipPieces:
    """A file of gzip members; zero bytes between them are padding (RFC 1952 readers skip them).

    ``marks`` are how a member begins that `resync` goes to, each of at most 8 bytes.
    """

    packed = True

    def __init__(self, file: BinaryIO, marks: tuple[bytes, ...] = (b"WARC/",)) -> None:
        self._file = file
        self._marks = marks
        self._buffer = b""
        # file offset of the buffer, and where in it the next byte to feed is
        self._base = self._at = 0
        self._inflater = isal_zlib.decompressobj(31)
        self._pending = b""
        self._given = self._member = 0
        self.offset = self.position = self.member_end = 0
        self.fresh = False
        self.between = True

    def next(self) -> bytes:
        """See `Pieces`; raise `Bomb` if the bytes given are too many for the bytes read."""
        self.fresh = self.between
        while not self.between or self._begin():
            piece = self._inflate()
            if self.between and (piece or not self.fresh):
                self.member_end = self.position
            if piece:
                self._given += len(piece)
                self._member = len(piece) if self.fresh else self._member + len(piece)
                if self._given > _INFLATED and self._is_bomb():
                    raise Bomb(f"it inflates to more than {_GROWTH} times its size")
                return piece
            self.fresh = self.fresh or self.between  # an empty member or piece: on to the next
        return b""

    def _inflate(self) -> bytes:
        """Return what the next bytes inflate to; set ``between`` where the member ends."""
        data = self._pending or self._feed()
        inflater = self._inflater
        try:
            # without data too: it may still hold some
            piece = inflater.decompress(data, _PIECE)
        except INFLATE_ERROR as error:
            raise Corrupt(str(error)) from error
        if inflater.eof:
            self._pending = b""
            self._at -= len(inflater.unused_data)
            self.between = True
        elif data or piece:
            self._pending = inflater.unconsumed_tail
        else:
            raise Torn
        self.position = self._base + self._at - len(self._pending)
        return piece

    def _is_bomb(self) -> bool:
        return self._given > _GROWTH * self.position and self._member > _SMALL

    def place(self, unread: int) -> int:  # noqa: ARG002 (a member cannot be entered in the middle)
        """See `Pieces`."""
        return self.offset

    def holds(self, length: int) -> bool:  # noqa: ARG002 (unknown until it is inflated)
        """See `Pieces`."""
        return True

    def resync(self) -> bool:
        """See `Pieces`: the next gzip member whose content begins with ``WARC/``."""
        at = self.offset + 1
        overlap = len(MAGIC) - 1
        while True:
            self._file.seek(at)
            block = self._file.read(_READ)
            hit = block.find(MAGIC)
            while hit >= 0:
                if self._begins_record(at + hit):
                    self._restart(at + hit)
                    return True
                hit = block.find(MAGIC, hit + 1)
            if len(block) <= overlap:
                return False
            at += len(block) - overlap

    def begin(self, offset: int, *, guessed: bool) -> bool:
        """See `Pieces`."""
        if guessed:
            self.offset = offset - 1
            return self.resync()
        self._restart(offset)
        return True

    def _begins_record(self, offset: int) -> bool:
        self._file.seek(offset)
        try:
            return (
                isal_zlib.decompressobj(31)
                .decompress(self._file.read(_PEEK), 8)
                .startswith(self._marks)
            )
        except INFLATE_ERROR:
            return False

    def _restart(self, offset: int) -> None:
        self._file.seek(offset)
        self._buffer, self._at, self._pending = b"", 0, b""
        self._base = self.offset = self.position = offset
        self.between = True

    def _begin(self) -> bool:
        """Go to the next member; return false at the end of the file."""
        while True:
            if self._at == len(self._buffer) and not self._fill():
                return False
            if self._buffer[self._at]:
                break
            rest = self._buffer[self._at :].lstrip(b"\0")
            self._at = len(self._buffer) - len(rest)
        self.offset = self._base + self._at
        self._inflater = isal_zlib.decompressobj(31)
        self.between = False
        return True

    def _feed(self) -> bytes | memoryview:
        if len(self._buffer) - self._at < _FEED:
            self._fill()
        data = memoryview(self._buffer)[self._at : self._at + _FEED]
        self._at += len(data)
        return data

    def _fill(self) -> bool:
        more = self._file.read(_READ)
        self._base += self._at
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return bool(more)
