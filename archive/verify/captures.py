"""Compare the rows of ``captures`` with the records that they lead to, both ways."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.captures.rows import known_records
from archive.index.schema import captures
from archive.model.times import is_capture_time
from archive.segments.lookup import DOCUMENTS
from archive.verify.selection import SegmentRange
from archive.verify.warc_file.findings import Finding, Rule, Severity
from archive.warc.dates import parse_standard_date
from archive.warc.record_writer import OUTLET_FIELD, TIME_FIELD, WarcError, safe_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection, Row

    from archive.index.database import Index
    from archive.verify.warc_file.strict_reader import CheckedRecord

_COLUMNS = (
    "id",
    "url",
    "record_type",
    "status",
    "media_type",
    "captured_at",
    "time_known",
    "warc_file",
    "warc_offset",
    "warc_length",
    "record_id",
    "payload_digest",
    "outlet",
    "source",
)
_MANY = 500
#: Columns that a record may name itself.
_NAMED = {"x-archive-outlet": "outlet", "x-archive-source": "source"}


class CaptureRows:
    """The rows of ``captures`` by file and offset, taken file by file in order of their names."""

    def __init__(
        self, connection: Connection, files: Collection[str] | SegmentRange | None = None
    ) -> None:
        """``files``: only rows that lead into these; None for all."""
        query = select(*(captures.c[name] for name in _COLUMNS))
        if isinstance(files, SegmentRange):
            query = query.where(captures.c.warc_file >= files.first)
            if files.end is not None:
                query = query.where(captures.c.warc_file < files.end)
        elif files is not None:
            query = query.where(captures.c.warc_file.in_(files))
        query = query.order_by(captures.c.warc_file, captures.c.warc_offset, captures.c.id)
        self._rows = connection.execute(query.execution_options(yield_per=1000))
        self._groups = groupby(self._rows, attrgetter("warc_file"))
        self._next = next(self._groups, None)

    def close(self) -> None:
        """End the query, if rows are left."""
        self._rows.close()

    def before(self, file: str | None) -> Iterator[tuple[str, Iterator[Row[Any]]]]:
        """Yield the files before this one (for None: all that are left), each with its rows."""
        while self._next is not None and (file is None or self._next[0] < file):
            yield self._next
            self._next = next(self._groups, None)

    def of(self, file: str) -> Iterator[Row[Any]]:
        """Yield the rows that lead into this file; call `before` first."""
        if self._next is not None and self._next[0] == file:
            yield from self._next[1]
            self._next = next(self._groups, None)


class RowCheck:
    """Compares the records of one segment, in file order, with the rows that lead into it.

    Call `see` with each record, then `finish`.
    """

    def __init__(self, name: str, rows: Iterator[Row[Any]]) -> None:
        self._name = name
        self._rows = rows
        self._row = next(rows, None)
        self.count = 0
        #: Documents that no row leads to: offset and record id.
        self.lacking: list[tuple[int, str]] = []

    def see(self, seen: CheckedRecord) -> Iterator[Finding]:
        """Compare a record with the rows that lead to its offset."""
        yield from self._nowhere(seen.offset)
        known = False
        while self._row is not None and self._row.warc_offset == seen.offset:
            known = known or self._row.record_id == seen.record_id
            wrong = differences(self._row, seen)
            if wrong:
                sentence = f"Row {self._row.id} of captures says otherwise: {', '.join(wrong)}."
                yield Finding(self._name, seen.offset, self._row.record_id, Rule.ROW, sentence)
            self._advance()
        if not known and seen.fields["warc-type"] in DOCUMENTS:
            self.lacking.append((seen.offset, seen.record_id))

    def finish(self) -> Iterator[Finding]:
        """Yield findings about the rows that lead behind the last record."""
        yield from self._nowhere(None)

    def _nowhere(self, offset: int | None) -> Iterator[Finding]:
        while self._row is not None and (offset is None or self._row.warc_offset < offset):
            sentence = f"Row {self._row.id} of captures leads here, where no whole record begins."
            yield Finding(
                self._name, self._row.warc_offset, self._row.record_id, Rule.NO_RECORD, sentence
            )
            self._advance()

    def _advance(self) -> None:
        self.count += 1
        self._row = next(self._rows, None)


def without_row(
    index: Index, name: str, lacking: list[tuple[int, str]], *, in_flight: bool
) -> Iterator[Finding]:
    """Yield findings about documents without a row, looked up again: it may be committed by now.

    ``in_flight``: a live writer may be about to commit them.
    """
    for start in range(0, len(lacking), _MANY):
        part = lacking[start : start + _MANY]
        with index.reading() as connection:
            known = known_records(connection, [record_id for _, record_id in part])
        for offset, record_id in part:
            if record_id not in known:
                sentence = "No row of captures leads to this record."
                severity = Severity.NOTE if in_flight else Severity.ERROR
                yield Finding(name, offset, record_id, Rule.NO_ROW, sentence, severity)


def differences(row: Row[Any], seen: CheckedRecord) -> list[str]:
    """Return the columns of a row that are not what its record says, with both."""
    fields, head = seen.fields, seen.block.head
    kind = fields["warc-type"]
    pairs: dict[str, tuple[object, object]] = {
        "record_id": (row.record_id, seen.record_id),
        "record_type": (row.record_type, kind),
        "warc_length": (row.warc_length, seen.length),
        "payload_digest": (row.payload_digest, fields["warc-payload-digest"]),
        "url": (_safe(row.url), fields["warc-target-uri"]),
        "status": (row.status, head.status if head is not None else None),
    }
    moment = parse_standard_date(fields["warc-date"])
    if moment is None or is_capture_time(moment, datetime.now(UTC)):  # else the date is a finding
        pairs["captured_at"] = (row.captured_at, moment)
        pairs["time_known"] = (row.time_known, TIME_FIELD.lower() not in fields)
    for name, column in _NAMED.items():
        if name in fields:
            pairs[column] = (getattr(row, column), fields[name])
        elif column == "source" and OUTLET_FIELD.lower() in fields:  # its own address is left out
            pairs[column] = (_safe(row.source), fields["warc-target-uri"])
    pairs["media_type"] = _media_types(row, seen)
    return [
        f"{name} {_short(one)} and not {_short(other)}"
        for name, (one, other) in pairs.items()
        if one != other
    ]


def _media_types(row: Row[Any], seen: CheckedRecord) -> tuple[object, object]:
    """Return the media type of a row and that of its record; the same where the record has none."""
    if seen.block.head is not None:
        return row.media_type, seen.block.head.get("Content-Type")
    if seen.fields["warc-type"] == "resource":
        stated = " ".join(row.media_type.split()) or "application/octet-stream"
        return stated, seen.fields["content-type"]
    return row.media_type, row.media_type


def _safe(url: str) -> str:
    try:
        return safe_url(url)
    except WarcError:
        return url


def _short(value: object) -> str:
    return str(value)[:120] or "nothing"
