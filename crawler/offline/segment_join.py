"""Join the segments that a record was written in (ISO 28500 section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.exchange import MAX_DOCUMENT
from archive.model.outcome import Reason
from archive.warc.record_header import HeaderFields, MalformedRecordError
from archive.warc.record_parser import Damage, Record, build_record

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOTAL = "warc-segment-total-length"
#: Fields that say something of the first segment alone.
_OF_SEGMENT = frozenset({"warc-block-digest", "warc-segment-number", "content-length", _TOTAL})


class SegmentJoiner:
    """Collects the segments of one file's records."""

    def __init__(self) -> None:
        self._segments: dict[str, list[Record]] = {}

    def add(self, segment: Record) -> Record | Damage | None:
        """Take the next segment; return the whole record with its last, or what is wrong.

        None if more segments are to follow, or if it continues a record of another file.
        """
        if segment.kind != "continuation":
            self._segments[segment.record_id] = [segment]
            return None
        origin = segment.fields["warc-segment-origin-id"]
        known = self._segments.get(origin)
        if known is None:
            return None
        known.append(segment)
        first = known[0]
        if segment.fields["warc-segment-number"] != str(len(known)):
            sentence = f"Segment {len(known)} of the record is not where it belongs."
            return self._given_up(origin, Reason.BAD_RECORD, sentence)
        if sum(len(each.block) for each in known) > MAX_DOCUMENT:
            sentence = f"The record has more than {MAX_DOCUMENT} bytes in its segments."
            return self._given_up(origin, Reason.TOO_LARGE, sentence)
        if _TOTAL not in segment.fields:
            return None
        del self._segments[origin]
        try:
            return _joined(known, segment.fields[_TOTAL])
        except MalformedRecordError as error:
            return Damage(first.offset, error.reason, error.sentence)

    def waits_for(self, segment: Record) -> bool:
        """Return whether a continuation is of a record whose first segment was read."""
        return segment.fields["warc-segment-origin-id"] in self._segments

    def flush(self) -> Iterator[Damage]:
        """Yield what is missing at the end of the file."""
        for known in self._segments.values():
            sentence = f"The file holds {len(known)} of the record's segments, but not the last."
            yield Damage(known[0].offset, Reason.TRUNCATED, sentence)
        self._segments.clear()

    def _given_up(self, origin: str, reason: Reason, sentence: str) -> Damage:
        return Damage(self._segments.pop(origin)[0].offset, reason, sentence)


def _joined(segments: list[Record], total: str) -> Record:
    """Return the record of which these are all segments.

    :raises MalformedRecordError: its length is another than was stated, or it is damaged.
    """
    first = segments[0]
    block = b"".join(each.block for each in segments)
    if total != str(len(block)):
        sentence = f"The record's segments have {len(block)} bytes in all, not {total[:20]}."
        raise MalformedRecordError(Reason.BAD_RECORD, sentence)
    kept = [f"{name}: {value}" for name, value in first.fields.pairs if name not in _OF_SEGMENT]
    fields = HeaderFields.from_lines([f"WARC/{first.fields.version}", *kept, "", ""])
    return build_record(fields, block, first.offset, 0)
