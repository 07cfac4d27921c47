"""One strict pass over a WARC file: each record proven or its faults told, in bounded memory.

`archive.warc.record_iterator` reads what can be read; this one says what is not as it should be.
The members are walked by the same `archive.warc.gzip_reader`, and damage is passed over in the same
way, so that one bad record costs only itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.verify.warc_file.block import Block
from archive.verify.warc_file.fields import check_fields
from archive.verify.warc_file.findings import Finding, Level, Rule, Severity
from archive.verify.warc_file.header import read_head
from archive.verify.warc_file.warcinfo import check_info
from archive.warc.gzip_reader import Corrupt, Torn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.verify.warc_file.findings import Deviation
    from archive.verify.warc_file.header import Fields
    from archive.warc.gzip_reader import Pieces

_FIRST = b"WARC/"
# without an optional first byte: that makes re ten times slower
_HEAD_END = re.compile(rb"\n\r?\n")
_VERSION_LINE = re.compile(rb"WARC/\d+\.\d+[ \t]*\r?\n")
_LATER_LINE = re.compile(rb"(?<=\n)WARC/\d+\.\d+[ \t]*\r?\n")
_BLANKS = re.compile(rb"[\r\n]*")
_CLOSING = b"\r\n\r\n"
_LONGEST_HEAD = 2**18
_LONGEST_LINE = 64
#: A member that inflates to more than this, and to so many times its size, is a bomb: no web page's
#: does.
_BOMB, _BOMB_RATIO = 2**27, 200
#: A file with more damaged places than this, or more bombs, is not read on.
_FAULTS, _BOMBS = 1000, 2


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """One record, whole: where it lies, its fields, and its block's HTTP head.

    ``length`` is 0 where it is not one gzip member by itself (or, in a plain file, always the
    record's).
    """

    offset: int
    length: int
    fields: Fields
    block: Block
    record_id: str


class _Lost(Exception):  # noqa: N818 (becomes a Finding)
    """Where the next record begins is no longer known."""

    def __init__(self, rule: Rule, sentence: str) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.sentence = sentence


class StrictReader:
    """Reads one file's pieces. ``own``: the file is ours; from its first `warcinfo` on it may say so itself."""

    def __init__(self, pieces: Pieces, name: str, *, own: bool) -> None:
        self._pieces = pieces
        self._name = name
        self.own = own
        self._data = b""
        self._at = 0
        self._start = self._end = 0  # the present record's offset; where the last one ended
        self._faults = self._bombs = self._records = 0
        self._inflated = 0
        self._turned = False  # whether the data is of the member behind the present record's
        self._before = 0  # the offset of the member that the last piece but one was of
        self._first: tuple[int, str, str] | None = None  # the first record's offset, id and type
        self._torn: list[Deviation] = []  # of the present record

    def run(self) -> Iterator[CheckedRecord | Finding]:
        """Every whole record and every finding, in file order."""
        while self._faults < _FAULTS:
            try:
                seen = self._record()
            except _Lost as lost:
                found = self._damage(self._start, lost.rule, lost.sentence)
                onward = self._scan() if lost.rule is not Rule.BOMB else self._resync()
                if self._bombs > _BOMBS:
                    onward = False
                    yield found
                    found = self._damage(
                        self._start, Rule.GIVEN_UP, "The rest of the file is not read."
                    )
            except Torn:
                self._start = self._pieces.offset
                onward = self._resync()
                sentence = (
                    "The gzip data runs on without end."
                    if onward
                    else "The file ends inside its gzip data."
                )
                found = self._damage(self._start, Rule.GZIP if onward else Rule.TRUNCATED, sentence)
            except Corrupt as error:
                self._start = self._pieces.offset
                onward = self._resync()
                found = self._damage(self._start, Rule.GZIP, f"The gzip data is damaged ({error}).")
            else:
                if seen is None:
                    yield from self._began()
                    break
                self._records += 1
                yield from self._told(seen)
                yield seen
                continue
            if not self._records and not onward and found.rule not in (Rule.BOMB, Rule.GIVEN_UP):
                yield self._damage(0, Rule.NOT_A_WARC, "The file holds no whole WARC record.")
            yield found
            if not onward:
                return
            self._end = -1
        if self._faults >= _FAULTS:
            yield self._damage(
                self._start, Rule.GIVEN_UP, f"After {_FAULTS} damaged places the rest is not read."
            )
        elif not self._records and not self._faults:
            yield self._damage(0, Rule.NOT_A_WARC, "The file is empty.")

    def told(
        self, offset: int, record_id: str, complaints: Iterable[Deviation]
    ) -> Iterator[Finding]:
        """Findings made of complaints about a record, each counted as it weighs in this file."""
        for rule, sentence, level in complaints:
            error = level is Level.WRONG or (self.own and level is Level.UNUSUAL)
            yield Finding(
                self._name,
                offset,
                record_id,
                rule,
                sentence,
                Severity.ERROR if error else Severity.NOTE,
            )

    def _told(self, seen: CheckedRecord) -> Iterator[Finding]:
        kind = seen.fields.get("warc-type")
        complaints = [*self._torn, *check_fields(seen.fields), *seen.block.complaints()]
        if kind == "warcinfo":
            complaints += check_info(seen.fields, seen.block)
            self.own = self.own or seen.block.is_ours
        if self._first is None:
            self._first = seen.offset, seen.record_id, kind
        if self._pieces.packed and not seen.length:
            complaints.append(
                (Rule.MEMBER, "The record is not one gzip member by itself.", Level.UNUSUAL)
            )
        elif not self._pieces.packed and self._records == 1:
            complaints.append((Rule.MEMBER, "The file is not compressed.", Level.UNUSUAL))
        yield from self.told(seen.offset, seen.record_id, complaints)

    def _began(self) -> Iterator[Finding]:
        """What is wrong with how the file began; asked at its end, because a later record may say whose it is."""
        if self._first is not None and self._first[2] != "warcinfo":
            fault = (
                Rule.FIRST_RECORD,
                "The file does not begin with a warcinfo record.",
                Level.UNUSUAL,
            )
            yield from self.told(*self._first[:2], [fault])

    def _damage(self, offset: int, rule: Rule, sentence: str) -> Finding:
        self._faults += 1
        return Finding(self._name, offset, "", rule, sentence)

    def _record(self) -> CheckedRecord | None:
        """The next record, ``None`` at the end of the file."""
        self._torn = []
        if self._at == len(self._data) and not self._next():
            return None
        self._start = self._pieces.place(len(self._data) - self._at)
        alone = self._pieces.packed and self._pieces.fresh and self._at == 0
        if self._end >= 0 and self._pieces.packed and alone and self._start != self._end:
            lost = self._start - self._end
            self._torn.append(
                (Rule.JUNK, f"Before it lie {lost} bytes that are of no record.", Level.WRONG)
            )
        head = self._head()
        fields, complaints = read_head(head)
        self._torn += complaints
        text = fields.get("content-length")
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            raise _Lost(Rule.LENGTH, f"The record's Content-Length is {text[:40]!r}.")
        length = int(text)
        if not self._pieces.holds(length - (len(self._data) - self._at)):
            raise _Lost(
                Rule.TRUNCATED,
                f"The record should be {length} bytes long, but the file ends before.",
            )
        block = Block(fields)
        self._pass(block, length)
        self._closing(length)
        size = self._measure(alone=alone)
        return CheckedRecord(
            self._start, size, fields, block, fields.get("warc-record-id").strip("<>")
        )

    def _head(self) -> bytes:
        """The record's head with its blank line, passed over."""
        while True:
            start = self._data[self._at : self._at + len(_FIRST)]
            if not _FIRST.startswith(start):
                blanks = _BLANKS.match(self._data, self._at)
                at = blanks.end() if blanks is not None else self._at
                if not _VERSION_LINE.match(self._data, at) or at == self._at:
                    raise _Lost(Rule.JUNK, "What lies here is no WARC record.")
                self._torn.append(
                    (Rule.CLOSING, "Before it lie more empty lines than two.", Level.WRONG)
                )
                self._at = at
            end = _HEAD_END.search(self._data, self._at)
            length = (len(self._data) if end is None else end.end()) - self._at
            if length > _LONGEST_HEAD:
                raise _Lost(
                    Rule.GRAMMAR, f"The record's head is longer than {_LONGEST_HEAD} bytes."
                )
            if end is not None:
                head = self._data[self._at : end.end()]
                self._at = end.end()
                return head
            kept = self._data[self._at :]
            if not self._next():
                raise _Lost(Rule.TRUNCATED, "The file ends inside a record's head.")
            if self._pieces.fresh and _VERSION_LINE.match(self._data):
                raise _Lost(Rule.GRAMMAR, "The gzip member ends inside a record's head.")
            self._data = kept + self._data

    def _pass(self, block: Block, length: int) -> None:
        """Give the block so many bytes, whole."""
        while True:
            part = memoryview(self._data)[self._at : self._at + length]
            block.feed(part)
            self._at += len(part)
            length -= len(part)
            if not length:
                return
            if not self._next():
                raise _Lost(Rule.TRUNCATED, "The file ends inside a record.")
            if self._pieces.fresh and _VERSION_LINE.match(self._data):
                raise _Lost(Rule.LENGTH, "The record ends before the length that it says.")

    def _closing(self, length: int) -> None:
        self._turned = False
        while len(self._data) - self._at < len(_CLOSING) and not self._pieces.between:
            kept = self._data[self._at :]
            more = self._next()
            if self._pieces.packed and self._pieces.fresh and more:
                self._turned = True
                self._torn.append(
                    (Rule.CLOSING, "The record does not end with two empty lines.", Level.WRONG)
                )
                return
            self._data = kept + self._data
            if not more:
                break
        if self._data.startswith(_CLOSING, self._at):
            self._at += len(_CLOSING)
            return
        blanks = _BLANKS.match(self._data, self._at)
        at = blanks.end() if blanks is not None else self._at
        ends = at == len(self._data) and (self._pieces.between or not self._pieces.packed)
        if not ends and not _VERSION_LINE.match(self._data, at):
            raise _Lost(Rule.LENGTH, f"The record is not the {length} bytes long that it says.")
        self._torn.append(
            (Rule.CLOSING, "The record does not end with two empty lines.", Level.WRONG)
        )
        self._at = at

    def _measure(self, *, alone: bool) -> int:
        """The record's length in the file, 0 if it is not one gzip member by itself; the member's end is proven."""
        if not self._pieces.packed:
            self._end = self._pieces.place(len(self._data) - self._at)
            return self._end - self._start
        self._end = -1
        if self._at == len(self._data) and not self._turned and not self._pieces.between:
            # its content has come, its checksum not yet
            self._turned = self._next() and self._pieces.fresh
        member = self._pieces.offset
        if self._turned:
            member, self._end = self._before, self._pieces.offset
        elif self._at == len(self._data) and self._pieces.between:
            self._end = self._pieces.position
        return self._end - self._start if alone and self._end >= 0 and member == self._start else 0

    def _next(self) -> bool:
        """Take the next piece in place of what is there; false at the end of the file."""
        pieces = self._pieces
        self._before = pieces.offset
        self._data, self._at = pieces.next(), 0
        if pieces.packed:
            self._inflated = len(self._data) + (0 if pieces.fresh else self._inflated)
            if self._inflated > _BOMB and self._inflated > _BOMB_RATIO * (
                pieces.position - pieces.offset
            ):
                self._bombs += 1
                self._start = pieces.offset
                raise _Lost(
                    Rule.BOMB,
                    f"This gzip member inflates to over {_BOMB_RATIO} times its size; left unread.",
                )
        return bool(self._data)

    def _scan(self) -> bool:
        """Look for the next record behind the present place; false when there is none."""
        try:
            while True:
                line = _LATER_LINE.search(self._data, self._at)
                if line is not None:
                    self._at = line.start()
                    return True
                kept = self._data[max(self._at, len(self._data) - _LONGEST_LINE) :]
                if not self._next():
                    return False
                if self._pieces.fresh and _VERSION_LINE.match(self._data):
                    return True
                self._data = kept + self._data
        except (Torn, Corrupt, _Lost):
            return self._resync()  # one damage in the middle of another is told once

    def _resync(self) -> bool:
        self._data, self._at, self._inflated = b"", 0, 0
        return self._pieces.resync()
