"""From record to record through a WARC file, past whatever is damaged.

One pass serves both readers: `archive.warc.reader` takes what can be read and ignores deviations,
`archive.verify.warc_file.strict_reader` collects them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from archive.warc.compression.gzip_reader import Bomb, Corrupt, Torn
from archive.warc.deviations import Deviation, FormatRule, Level
from archive.warc.record_header import (
    VERSION_LINE,
    MalformedRecordError,
    block_length,
    header_deviations,
    parse_header,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.warc.compression.gzip_reader import Pieces
    from archive.warc.record_header import HeaderFields

#: The blank line that ends a header. Without an optional first byte, which would make `re` ten
#: times slower.
HEADER_END = re.compile(rb"\n\r?\n")
_BLANKS = re.compile(rb"[\r\n]*")
_LATER_LINE = re.compile(rb"(?<=\n)WARC/\d+\.\d+[ \t]*\r?\n")
_CLOSING = b"\r\n\r\n"
_FIRST = b"WARC/"
_MAX_HEADER = 2**18
_MAX_HEADER_PIECES = 64
_MAX_VERSION_LINE = 64
#: Most bytes skipped in search of the next record before going to the next gzip member instead: a
#: few kilobytes that inflate to terabytes must not stop the reader.
_MAX_SKIPPED = 2**30
#: A file with more damaged places than this is not worth the search for more.
_MAX_FAULTS = 1000


class Block(Protocol):
    """What takes a record's block as it is read."""

    def feed(self, data: bytes | memoryview) -> None:
        """Take more of the block."""

    def kept(self) -> bytes:
        """Return what is kept of the block, to be searched for records if its length is wrong."""


B = TypeVar("B", bound=Block)


@dataclass(
    slots=True
)  # not frozen: one is made of every record, and that takes three times as long
class RawRecord(Generic[B]):
    """A record as it was read.

    ``offset`` and ``length`` lead back to it; the length is 0 where it shares a gzip member with
    other records and cannot be read alone. ``complete`` is false if the file ends inside the gzip
    member, behind the whole block.
    """

    offset: int
    length: int
    fields: HeaderFields
    block: B
    complete: bool = True


@dataclass(frozen=True, slots=True)
class BrokenSpan:
    """A part of the file that cannot be read, from ``offset`` to the next record.

    ``is_warc`` is false if the file ends there and nothing in it looked like a WARC record.
    """

    offset: int
    rule: FormatRule
    sentence: str
    is_warc: bool = True


class _SkippedError(Exception):
    """A record cannot be taken; the next one follows."""

    def __init__(self, rule: FormatRule, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.sentence = sentence


class _LostError(_SkippedError):
    """The place where the next record begins is not known."""


class _Discarded:
    """A block that is skipped.

    :raises Torn: it has more than `_MAX_SKIPPED` bytes.
    """

    def __init__(self) -> None:
        self._size = 0

    def feed(self, data: bytes | memoryview) -> None:
        self._size += len(data)
        if self._size > _MAX_SKIPPED:
            raise Torn

    def kept(self) -> bytes:
        return b""


class RecordIterator(Generic[B]):
    """One pass over the pieces of a file; `run` yields what they hold.

    ``new_block`` makes the receiver of a record's block. Records longer than ``limit`` bytes are
    skipped. ``report`` is called with each deviation of the record that comes next.
    """

    def __init__(
        self,
        pieces: Pieces,
        new_block: Callable[[HeaderFields], B],
        limit: int,
        report: Callable[[Deviation], None] | None = None,
    ) -> None:
        self._pieces = pieces
        self._new_block = new_block
        self._limit = limit
        self._report = report
        self._data = b""
        self._at = 0
        self._fresh = False  # whether the data begins a gzip member
        self._member_before = -1  # offset of the gzip member that the previous piece was of
        self._start = 0
        self._end = 0  # where the last record's gzip member ended; -1 if that is not known
        self._recognised = False  # whether anything looked like WARC yet
        self._pending: Torn | _LostError | None = None

    def run(self) -> Iterator[RawRecord[B] | BrokenSpan]:
        """Yield every record and every damaged place, in file order."""
        faults = 0
        while faults < _MAX_FAULTS:
            try:
                record = self._next_record()
            except (_LostError, Torn, Corrupt) as error:
                faults += 1
                span, found_next = self._recover(error)
                yield span
                if not found_next:
                    return
            except _SkippedError as error:
                self._end = -1
                yield BrokenSpan(self._start, error.rule, error.sentence)
            else:
                if record is None:
                    break
                yield record
        if faults == _MAX_FAULTS:
            sentence = f"After {_MAX_FAULTS} damaged places the rest of the file is not read."
            yield BrokenSpan(self._pieces.offset, FormatRule.GIVEN_UP, sentence)
        elif not self._recognised:
            yield BrokenSpan(0, FormatRule.NOT_A_WARC, "The file is empty.", is_warc=False)

    def _recover(self, error: _LostError | Torn | Corrupt) -> tuple[BrokenSpan, bool]:
        """Go to the next record behind damage; return the damage and whether there is one."""
        self._end = -1
        if isinstance(error, _LostError):
            rule, sentence = error.rule, error.sentence
            found_next = self._scan()
        else:
            self._start = self._pieces.offset
            if isinstance(error, Torn):
                self._recognised = self._recognised or self._begins()
            found_next = self._resync()
            rule, sentence = _gzip_damage(error, found_next=found_next)
        is_warc = self._recognised or found_next
        return BrokenSpan(self._start, rule, sentence, is_warc), found_next

    def _next_record(self) -> RawRecord[B] | None:
        """Return the next record, None at the end of the file."""
        if self._pending is not None:
            error, self._pending = self._pending, None
            raise error
        if self._at == len(self._data):
            if not self._advance():
                return None
            if self._fresh and self._pieces.between:
                record = self._whole_member()
                if record is not None:
                    return record
        return self._any_record() if self._skip_blanks() else None

    def _whole_member(self) -> RawRecord[B] | None:
        """Return the record that is all there is in a gzip member, as nearly every one is.

        None where anything is unusual: `_any_record` reads that.
        """
        piece = self._data
        blank_line = HEADER_END.search(piece)
        end = blank_line.end() if blank_line is not None else 0
        if not 0 < end <= _MAX_HEADER:
            return None
        header = piece[:end]
        try:
            fields = parse_header(header)
            length = block_length(fields)
        except MalformedRecordError:
            return None
        size = len(piece) - end - len(_CLOSING)
        if length > self._limit or length != size or not piece.endswith(_CLOSING):
            return None
        pieces = self._pieces
        self._recognised, self._start, self._at = True, pieces.offset, len(piece)
        if self._report is not None:
            self._report_header(header, fields)
        self._end = pieces.position
        block = self._new_block(fields)
        block.feed(memoryview(piece)[end : -len(_CLOSING)])
        return RawRecord(self._start, pieces.position - self._start, fields, block)

    def _any_record(self) -> RawRecord[B]:
        """Return the record that begins here, however it lies in pieces and gzip members."""
        alone = self._fresh and self._at == 0
        self._start = self._pieces.place(len(self._data) - self._at)
        end = self._find_header_end()
        self._recognised = True
        header = self._data[self._at : end]
        try:
            fields = parse_header(header)
            length = block_length(fields)
        except MalformedRecordError as error:
            raise _LostError(error.rule, error.sentence) from error
        self._at = end
        self._check_room(length)
        if length > self._limit:
            self._read_block(_Discarded(), length)
            sentence = f"The record has {length} bytes; the limit is {self._limit}."
            raise _SkippedError(FormatRule.TOO_LARGE, sentence)
        if self._report is not None:
            if not alone:
                self._end = -1
            self._report_header(header, fields)
        block = self._new_block(fields)
        self._read_block(block, length)
        complete = True
        try:
            self._skip_closing(block, length)
        except Torn as torn:  # the block is whole: the record comes first, then the damage
            self._pending = torn
            complete = False
        return RawRecord(self._start, self._measure(alone=alone), fields, block, complete)

    def _report_header(self, header: bytes, fields: HeaderFields) -> None:
        """Report what is unusual before the record and in its header."""
        report = self._report
        assert report is not None
        lost = self._start - self._end
        if self._end >= 0 and self._pieces.packed and lost:
            sentence = f"The {lost} bytes before it belong to no record."
            report(Deviation(FormatRule.JUNK, sentence, Level.WRONG))
        for deviation in header_deviations(header, fields):
            report(deviation)

    def _measure(self, *, alone: bool) -> int:
        """Return the record's length in the file, 0 if it is not one gzip member by itself."""
        pieces = self._pieces
        unread = len(self._data) - self._at
        if not pieces.packed:
            self._end = pieces.place(unread)
            return self._end - self._start
        self._end = -1
        if not alone:
            return 0
        if self._at == 0 and self._fresh and self._member_before == self._start:
            # the next member had to be read to see that this one ends
            self._end = pieces.member_end
        elif unread == 0 and pieces.between and pieces.offset == self._start:
            self._end = pieces.position
        return self._end - self._start if self._end >= 0 else 0

    def _skip_blanks(self) -> bool:
        """Skip blank lines before a record; return false at the end of the file."""
        skipped = False
        while True:
            skipped = self._consume_blanks() > 0 or skipped
            if self._at < len(self._data):
                break
            if not self._advance():
                return False
        if skipped and self._report is not None:
            sentence = "There are more than two empty lines before it."
            self._report(Deviation(FormatRule.CLOSING, sentence, Level.WRONG))
        return True

    def _consume_blanks(self) -> int:
        blanks = _BLANKS.match(self._data, self._at)
        assert blanks is not None  # it matches nothing, too
        self._at = blanks.end()
        return len(blanks[0])

    def _find_header_end(self) -> int:
        for _ in range(_MAX_HEADER_PIECES):
            end = HEADER_END.search(self._data, self._at)
            length = (len(self._data) if end is None else end.end()) - self._at
            if not self._begins():
                break
            if length > _MAX_HEADER:
                sentence = f"The record's header is longer than {_MAX_HEADER} bytes."
                raise _LostError(FormatRule.GRAMMAR, sentence)
            if end is not None:
                return end.end()
            if not self._extend():
                self._recognised = True
                raise _LostError(FormatRule.TRUNCATED, "The file ends inside a record's header.")
        raise _LostError(FormatRule.JUNK, "There is no WARC record here.")

    def _begins(self) -> bool:
        """Return whether the data continues like a record, as far as it is there."""
        start = self._data[self._at : self._at + len(_FIRST)]
        return bool(start) and _FIRST.startswith(start)

    def _check_room(self, length: int) -> None:
        missing = length - (len(self._data) - self._at)
        if missing > 0 and not self._pieces.holds(missing):
            sentence = f"The record should have {length} bytes, but the file ends before."
            raise _LostError(FormatRule.TRUNCATED, sentence)

    def _read_block(self, block: Block, length: int) -> None:
        while True:
            part = memoryview(self._data)[self._at : self._at + length]
            block.feed(part)
            self._at += len(part)
            length -= len(part)
            if not length:
                return
            self._member_before = self._pieces.offset
            piece = self._next_of_record()
            if not piece:
                self._data, self._at = block.kept(), 0
                raise _LostError(FormatRule.TRUNCATED, "The file ends inside a record.")
            self._take(piece)

    def _skip_closing(self, block: Block, length: int) -> None:
        """Skip the blank lines that close the record; without them its length was wrong."""
        if self._data[self._at :] == _CLOSING and self._pieces.between:
            self._at += len(_CLOSING)
            return
        closing = self._read_closing()
        if self._at < len(self._data):
            if len(self._data) - self._at < len(_FIRST):
                self._extend()
            if not closing or not self._begins():
                self._data, self._at = block.kept() + self._data[self._at :], 0
                sentence = f"The record does not have the {length} bytes that it states."
                raise _LostError(FormatRule.LENGTH, sentence)
        if closing != _CLOSING and self._report is not None:
            sentence = "The record does not end with two empty lines."
            self._report(Deviation(FormatRule.CLOSING, sentence, Level.WRONG))

    def _read_closing(self) -> bytes:
        """Return the first bytes of the blank lines here, up to the next record or member's end."""
        closing = b""
        while True:
            before = self._at
            self._consume_blanks()
            closing = (closing + self._data[before : self._at])[: len(_CLOSING) + 1]
            if self._at < len(self._data) or self._pieces.between:
                return closing
            if not self._advance():
                if len(closing) < len(_CLOSING):
                    sentence = "The file ends right behind a record's block."
                    self._pending = _LostError(FormatRule.TRUNCATED, sentence)
                return closing

    def _take(self, piece: bytes) -> None:
        self._data, self._at, self._fresh = piece, 0, self._pieces.fresh

    def _advance(self) -> bool:
        """Take the next piece in place of the data; return false at the end of the file."""
        self._member_before = self._pieces.offset
        piece = self._pieces.next()
        if piece:
            self._take(piece)
        return bool(piece)

    def _next_of_record(self) -> bytes:
        """Return the next piece of the record here.

        :raises _SkippedError: a gzip member follows that begins like a record.
        """
        piece = self._pieces.next()
        if self._pieces.fresh and VERSION_LINE.match(piece):
            self._take(piece)
            sentence = "The record ends before the length that it states."
            raise _SkippedError(FormatRule.LENGTH, sentence)
        return piece

    def _extend(self) -> bool:
        piece = self._next_of_record()
        self._data, self._at = self._data[self._at :] + piece, 0
        return bool(piece)

    def _scan(self) -> bool:
        """Look for the next record behind the present place; return false when there is none."""
        try:
            skipped = 0
            while skipped <= _MAX_SKIPPED:
                line = _LATER_LINE.search(self._data, self._at + 1)
                if line is not None:
                    self._at = line.start()
                    return True
                kept = self._data[max(self._at, len(self._data) - _MAX_VERSION_LINE) :]
                piece = self._pieces.next()
                if not piece:
                    return False
                fresh = self._pieces.fresh and VERSION_LINE.match(piece)
                self._take(piece if fresh else kept + piece)
                if fresh:
                    return True
                skipped += len(piece)
        except (Torn, Corrupt):
            pass  # damage in the middle of other damage is reported once
        return self._resync()

    def _resync(self) -> bool:
        self._data, self._at = b"", 0
        return self._pieces.resync()


def _gzip_damage(error: Torn | Corrupt, *, found_next: bool) -> tuple[FormatRule, str]:
    if isinstance(error, Bomb):
        return FormatRule.BOMB, f"The gzip data is not read ({error})."
    if isinstance(error, Corrupt):
        return FormatRule.GZIP, f"The gzip data is damaged ({error})."
    if found_next:
        return FormatRule.GZIP, "The gzip data does not end."
    return FormatRule.TRUNCATED, "The file ends inside its gzip data."
