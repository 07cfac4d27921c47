"""From record to record through a WARC file, past whatever is damaged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archive.model.outcome import Reason
from archive.warc.gzip_reader import Corrupt, Torn
from archive.warc.record_parser import (
    VERSION_LINE,
    Damage,
    MalformedRecordError,
    Record,
    block_length,
    interpret,
    read_fields,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archive.warc.gzip_reader import Pieces

# without an optional first byte: that makes re ten times slower
_HEAD_END = re.compile(rb"\n\r?\n")
_BLANKS = re.compile(rb"[\r\n]*")
_LATER_LINE = re.compile(rb"(?<=\n)WARC/\d+\.\d+[ \t]*\r?\n")
_CLOSING = b"\r\n\r\n"
_FIRST = b"WARC/"
_LONGEST_HEAD = 2**18
_HEAD_PIECES = 64
_LONGEST_LINE = 64
#: Most bytes passed over in search of the next record before going to the next gzip member instead:
#: a few kilobytes that inflate to terabytes must not stop the reader.
_PASSED_OVER = 2**30
#: A file with more damaged places than this is not worth the search for more.
_FAULTS = 1000


class _Lost(Exception):  # noqa: N818 (becomes a Damage)
    """Where the next record begins is no longer known."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class RecordIterator:
    """One pass over the pieces of a file; `run` gives what they hold."""

    def __init__(self, pieces: Pieces, limit: int) -> None:
        self._pieces = pieces
        self._limit = limit
        self._data = b""
        self._at = 0
        self._fresh = False  # whether the data begins a gzip member
        self._start = 0
        self._recognised = False  # whether anything looked like WARC yet
        self._pending: Torn | _Lost | None = None

    def run(self) -> Iterator[Record | Damage]:
        """Every record and every damaged place, in file order."""
        faults = 0
        while faults < _FAULTS:
            try:
                found = self._record()
            except MalformedRecordError as fault:  # the record's end is known: the next one follows
                yield Damage(self._start, fault.reason, fault.sentence)
                continue
            except _Lost as lost:
                reason, sentence, onward = lost.reason, lost.sentence, self._scan()
            except Torn:
                self._start = self._pieces.offset
                self._recognised = self._recognised or self._begins()
                onward = self._resync()
                reason = Reason.BAD_RECORD if onward else Reason.TRUNCATED
                sentence = (
                    "The gzip data runs on without end."
                    if onward
                    else "The file ends inside its gzip data."
                )
            except Corrupt as error:
                self._start = self._pieces.offset
                reason, onward = Reason.BAD_RECORD, self._resync()
                sentence = f"The gzip data is damaged ({error})."
            else:
                if found is None:
                    break
                yield found
                continue
            faults += 1
            if not self._recognised and not onward:
                reason, sentence = Reason.NOT_A_WARC, "The file is not a WARC file."
            yield Damage(self._start, reason, sentence)
            if not onward:
                return
        if faults == _FAULTS:
            sentence = f"After {_FAULTS} damaged places the rest of the file is not read."
            yield Damage(self._pieces.offset, Reason.BAD_RECORD, sentence)
        elif not self._recognised:
            yield Damage(0, Reason.NOT_A_WARC, "The file is empty.")

    def _record(self) -> Record | None:
        """The next record, ``None`` at the end of the file."""
        if self._pending is not None:
            error, self._pending = self._pending, None
            raise error
        if self._at == len(self._data):
            piece = self._pieces.next()
            if not piece:
                return None
            self._take(piece)
            if self._fresh and self._pieces.between and (found := self._sound(piece)) is not None:
                return found
        if not self._to_content():
            return None
        alone = self._fresh and self._at == 0
        self._start = self._pieces.place(len(self._data) - self._at)
        begin = self._head_end()
        self._recognised = True
        try:
            fields = read_fields(self._data[self._at : begin])
            length = block_length(fields)
        except MalformedRecordError as fault:
            raise _Lost(fault.reason, fault.sentence) from fault
        self._at = begin
        if length > self._limit:
            self._pass_over(length)
            raise MalformedRecordError(
                Reason.TOO_LARGE,
                f"The record is {length} bytes long; at most {self._limit} are taken in.",
            )
        block = self._block(length)
        try:
            self._closing(block)
        except Torn as torn:  # the block is whole: the record first, then what is wrong behind it
            self._pending = torn
        return interpret(fields, block, self._start, self._length(alone=alone))

    def _sound(self, piece: bytes) -> Record | None:
        """The record that is all there is in a gzip member, as nearly every one is; None where anything is odd.

        :raises MalformedRecordError: the record is whole, and cannot be taken in.
        """
        end = piece.find(b"\n\r\n") + 3
        if (
            not (piece.startswith(_FIRST) and 3 <= end <= _LONGEST_HEAD)
            or piece.find(b"\n\n", 0, end) >= 0
        ):
            return None
        try:
            fields = read_fields(piece[:end])
            length = block_length(fields)
        except MalformedRecordError:
            return None
        if (
            length > self._limit
            or length != len(piece) - end - len(_CLOSING)
            or not piece.endswith(_CLOSING)
        ):
            return None
        self._recognised, self._start, self._at = True, self._pieces.offset, len(piece)
        return interpret(fields, piece[end:-4], self._start, self._pieces.position - self._start)

    def _length(self, *, alone: bool) -> int:
        """The record's length in the file; 0 if it is not one gzip member by itself."""
        if not self._pieces.packed:
            return self._pieces.place(len(self._data) - self._at) - self._start
        ends = (
            self._pieces.between
            and self._pieces.offset == self._start
            and self._at == len(self._data)
        )
        return self._pieces.position - self._start if alone and ends else 0

    def _to_content(self) -> bool:
        """Pass over blank lines; false at the end of the file."""
        while True:
            blanks = _BLANKS.match(self._data, self._at)
            assert blanks is not None  # it matches nothing, too
            self._at = blanks.end()
            if self._at < len(self._data):
                return True
            piece = self._pieces.next()
            if not piece:
                return False
            self._take(piece)

    def _head_end(self) -> int:
        for _ in range(_HEAD_PIECES):
            end = _HEAD_END.search(self._data, self._at)
            length = (len(self._data) if end is None else end.end()) - self._at
            if not self._begins() or length > _LONGEST_HEAD:
                break
            if end is not None:
                return end.end()
            if not self._extend():
                self._recognised = True
                raise _Lost(Reason.TRUNCATED, "The file ends inside a record's head.")
        raise _Lost(Reason.BAD_RECORD, "What lies here is not the head of a WARC record.")

    def _begins(self) -> bool:
        """Whether the data goes on like a record, as far as it is there."""
        start = self._data[self._at : self._at + len(_FIRST)]
        return bool(start) and _FIRST.startswith(start)

    def _block(self, length: int) -> bytes:
        missing = length - (len(self._data) - self._at)
        if missing <= 0:
            block = self._data[self._at : self._at + length]
            self._at += length
            return block
        parts = [self._data[self._at :]]
        while missing > 0:
            piece = self._next_of_record()
            if not piece:
                self._data, self._at = (
                    b"".join(parts),
                    0,
                )  # the length may be what is wrong: look for records inside
                raise _Lost(Reason.TRUNCATED, "The file ends inside a record.")
            parts.append(piece[:missing])
            self._take(piece)
            self._at = min(missing, len(piece))
            missing -= len(piece)
        return b"".join(parts)

    def _pass_over(self, length: int) -> None:
        missing = length - (len(self._data) - self._at)
        if missing <= 0:
            self._at += length
            return
        if not self._pieces.holds(missing):
            raise _Lost(
                Reason.TRUNCATED,
                f"The record says that it is {length} bytes long, but the file ends before.",
            )
        passed = 0
        while missing > 0:
            piece = self._next_of_record()
            passed += len(piece)
            if not piece or passed > _PASSED_OVER:
                raise Torn
            self._take(piece)
            self._at = min(missing, len(piece))
            missing -= len(piece)

    def _closing(self, block: bytes) -> None:
        """Pass over the blank lines that close the record; without them its length was wrong."""
        if self._data[self._at :] == _CLOSING and self._pieces.between:
            self._at += len(_CLOSING)
            return
        seen = 0
        while True:
            blanks = _BLANKS.match(self._data, self._at)
            assert blanks is not None
            seen += blanks.end() - self._at
            self._at = blanks.end()
            if self._at < len(self._data):
                break
            if self._pieces.between:
                return
            piece = self._pieces.next()
            if not piece:
                if seen < len(_CLOSING):
                    self._pending = _Lost(
                        Reason.TRUNCATED, "The file ends right behind a record's block."
                    )
                return
            self._take(piece)
        if len(self._data) - self._at < len(_FIRST):
            self._extend()
        if not seen or not self._begins():
            self._data, self._at = block + self._data[self._at :], 0
            raise _Lost(
                Reason.BAD_RECORD, f"The record is not the {len(block)} bytes long that it says."
            )

    def _take(self, piece: bytes) -> None:
        self._data, self._at, self._fresh = piece, 0, self._pieces.fresh

    def _next_of_record(self) -> bytes:
        """The next piece; but a gzip member that begins like a record is not the last one's rest."""
        piece = self._pieces.next()
        if self._pieces.fresh and VERSION_LINE.match(piece):
            self._take(piece)
            raise MalformedRecordError(
                Reason.BAD_RECORD, "The record ends before the length that it says."
            )
        return piece

    def _extend(self) -> bool:
        piece = self._next_of_record()
        self._data, self._at = self._data[self._at :] + piece, 0
        return bool(piece)

    def _scan(self) -> bool:
        """Look for the next record behind the present place; false when there is none."""
        try:
            passed = 0
            while passed <= _PASSED_OVER:
                line = _LATER_LINE.search(self._data, self._at + 1)
                if line is not None:
                    self._at = line.start()
                    return True
                kept = self._data[max(self._at, len(self._data) - _LONGEST_LINE) :]
                piece = self._pieces.next()
                if not piece:
                    return False
                fresh = self._pieces.fresh and VERSION_LINE.match(piece)
                self._take(piece if fresh else kept + piece)
                if fresh:
                    return True
                passed += len(piece)
        except (Torn, Corrupt):
            pass  # one damage in the middle of another is told once
        return self._resync()

    def _resync(self) -> bool:
        self._data, self._at = b"", 0
        return self._pieces.resync()
