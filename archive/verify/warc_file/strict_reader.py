"""One strict pass over a WARC file that checks each record, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.verify.warc_file.block import Block
from archive.verify.warc_file.fields import check_fields
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.verify.warc_file.warcinfo import check_info, is_ours
from archive.warc.deviations import Deviation, FormatRule, Level
from archive.warc.record_iterator import BrokenSpan, RecordIterator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.warc.compression.gzip_reader import Pieces
    from archive.warc.record_header import HeaderFields
    from archive.warc.record_iterator import RawRecord

#: Blocks are not held in memory, so records may have any length.
_ANY_LENGTH = 2**63
#: A file with more gzip bombs than this is not read on.
_MAX_BOMBS = 2
#: Damage that says by itself why no record was read.
_SAYS_ENOUGH = frozenset({FormatRule.BOMB, FormatRule.GIVEN_UP, FormatRule.NOT_A_WARC})


@dataclass(frozen=True, slots=True)
class CheckedRecord:
    """One whole record: its place, its fields, and its block as far as that is kept.

    ``length`` is 0 where the record is not one gzip member by itself; in a plain file it always is
    the record's.
    """

    offset: int
    length: int
    fields: HeaderFields
    block: Block
    record_id: str


class StrictReader:
    """Reads one file's pieces.

    ``own``: this project wrote the file; from its first `warcinfo` on the file may say so itself.
    """

    def __init__(self, pieces: Pieces, name: str, *, own: bool) -> None:
        self.own = own
        self._packed = pieces.packed
        self._name = name
        self._deviations: list[Deviation] = []  # of the record that is being read
        self._records = RecordIterator(pieces, Block, _ANY_LENGTH, self._deviations.append)

    def run(self) -> Iterator[CheckedRecord | Finding]:
        """Yield every whole record and every finding, in file order."""
        first: CheckedRecord | None = None
        bombs = 0
        last_damage: FormatRule | None = None  # if the file ended in damage
        for item in self._records.run():
            if isinstance(item, BrokenSpan):
                self._deviations.clear()
                last_damage = item.rule
                yield self._damage(item.offset, item.rule, item.sentence)
                bombs += item.rule is FormatRule.BOMB
                if bombs > _MAX_BOMBS:
                    sentence = "The rest of the file is not read."
                    yield self._damage(item.offset, FormatRule.GIVEN_UP, sentence)
                    break
            elif item.complete:
                checked = _checked(item)
                yield from self._check(checked, is_first=first is None)
                first, last_damage = first or checked, None
                yield checked
            self._deviations.clear()
        if first is None and last_damage not in _SAYS_ENOUGH:
            sentence = "The file holds no whole WARC record."
            yield self._damage(0, FormatRule.NOT_A_WARC, sentence)
        if last_damage is None:
            yield from self._check_beginning(first)

    def weighed(
        self, offset: int, record_id: str, deviations: Iterable[Deviation]
    ) -> Iterator[Finding]:
        """Yield findings made of a record's deviations, each as severe as it is in this file."""
        for rule, sentence, level in deviations:
            in_this_file = Level.UNUSUAL if self.own else Level.SUSPECT
            is_error = level in (Level.WRONG, in_this_file)
            severity = Severity.ERROR if is_error else Severity.NOTE
            yield Finding(self._name, offset, record_id, Rule(rule), sentence, severity)

    def _check(self, record: CheckedRecord, *, is_first: bool) -> Iterator[Finding]:
        deviations = [
            *self._deviations,
            *check_fields(record.fields),
            *record.block.deviations(),
        ]
        if record.fields["warc-type"] == "warcinfo":
            deviations += check_info(record.fields, record.block.text)
            self.own = self.own or is_ours(record.block.text)
        if self._packed and not record.length:
            sentence = "The record is not one gzip member by itself."
            deviations.append(Deviation(Rule.MEMBER, sentence, Level.UNUSUAL))
        elif is_first and not self._packed:
            sentence = "The file is not compressed."
            deviations.append(Deviation(Rule.MEMBER, sentence, Level.UNUSUAL))
        yield from self.weighed(record.offset, record.record_id, deviations)

    def _check_beginning(self, first: CheckedRecord | None) -> Iterator[Finding]:
        """Check how the file began; at its end, because a later record may say whose it is."""
        if first is not None and first.fields["warc-type"] != "warcinfo":
            sentence = "The file does not begin with a warcinfo record."
            deviation = Deviation(Rule.FIRST_RECORD, sentence, Level.UNUSUAL)
            yield from self.weighed(first.offset, first.record_id, [deviation])

    def _damage(self, offset: int, rule: FormatRule, sentence: str) -> Finding:
        return Finding(self._name, offset, "", Rule(rule), sentence)


def _checked(raw: RawRecord[Block]) -> CheckedRecord:
    record_id = raw.fields["warc-record-id"]
    return CheckedRecord(raw.offset, raw.length, raw.fields, raw.block, record_id)
