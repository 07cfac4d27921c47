"""The archive's segments cut into spans that can be read apart, and put together again without a seam.

Where a record begins in the middle of a segment can only be guessed: a document may hold what looks
like one. So a span says where it began and where the next one must, and whoever joins them reads a
span anew whose guess was wrong.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.model.outcome import Reason
from archive.segments.file_locks import take_over
from archive.segments.lookup import records
from archive.segments.names import final_name, is_open, is_segment
from archive.warc.dates import parse_date
from archive.warc.record_parser import Damage, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Compressed bytes of a span: some 200 pages, less than a second's work.
STEP = 4 * 2**20
#: The place behind a segment's last record.
END = sys.maxsize
_NEVER = datetime.min.replace(tzinfo=UTC)
#: What is said of the end of a segment whose writer was killed, or had hardly begun.
_TORN = frozenset({Reason.TRUNCATED, Reason.NOT_A_WARC})


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the archive; ``name`` is its final one, which rows call it by even while it is open."""

    path: Path
    name: str
    size: int

    def where(self) -> Path:
        """Its file; a recovery may have closed it since."""
        return self.path if self.path.exists() else self.path.with_name(self.name)

    @property
    def is_open(self) -> bool:
        """Whether its writer has not closed it, or was killed."""
        return is_open(self.path.name)


@dataclass(frozen=True, slots=True)
class Span:
    """The records of a segment that begin from ``start`` to before ``end``; where ``guessed``, from ``start`` on."""

    segment: Segment
    start: int
    end: int
    guessed: bool = False

    def at(self, start: int) -> Span:
        """The same span, read from where its first record is known to begin."""
        return replace(self, start=start, guessed=False)


class SpanReader:
    """One pass over a span: iterate, then ``first`` is where it began and ``next`` where what follows it begins."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.first = self.next = END

    def __iter__(self) -> Iterator[Record | Damage]:
        """Its records and damaged places.

        :raises SegmentError: the segment cannot be read.
        """
        span = self._span
        try:
            for found in records(span.segment.where(), span.start, guessed=span.guessed):
                self.first = min(self.first, found.offset)
                if found.offset >= span.end:
                    self.next = found.offset
                    return
                if not (span.segment.is_open and _is_tail(found)):
                    yield found
        except OSError as error:
            raise SegmentError(describe_os_error(span.segment.path, error)) from error


def list_segments(folder: Path | str) -> list[Segment]:
    """The segments of an archive in the order in which they were begun; open ones too.

    :raises SegmentError: the folder cannot be read.
    """
    folder = Path(folder)
    found: dict[str, Segment] = {}
    try:
        for path in folder.iterdir():
            if is_segment(path.name):
                name = final_name(path.name)
                found[name] = Segment(path, name, path.stat().st_size)
    except FileNotFoundError:
        if folder.exists():
            return list_segments(folder)  # a writer closed one under our eyes
        sentence = (
            f"There is no archive at {folder}: name the folder of the WARC files in ARCHIVE_URL."
        )
        raise SegmentError(sentence) from None
    except OSError as error:
        raise SegmentError(describe_os_error(folder, error)) from error
    return sorted(found.values(), key=lambda segment: (_begun(segment), segment.name))


def being_written(segments: Iterable[Segment]) -> list[Segment]:
    """Those of the segments that a living process is writing.

    :raises SegmentError: one cannot be opened.
    """
    return [segment for segment in segments if segment.is_open and _is_held(segment)]


def split(segment: Segment, start: int = 0) -> Iterator[Span]:
    """The segment's spans from the record at ``start`` on, in order; together they are all of it."""
    guessed = False
    while True:
        end = start + STEP
        if end >= segment.size:
            yield Span(segment, start, END, guessed)
            return
        yield Span(segment, start, end, guessed)
        start, guessed = end, True


def _begun(segment: Segment) -> datetime:
    """When the segment was begun; without a readable first record, before all others."""
    try:
        first = next(records(segment.where()), None)
        return parse_date(first.fields["warc-date"]) if isinstance(first, Record) else _NEVER
    except ValueError:
        return _NEVER
    except OSError as error:
        raise SegmentError(describe_os_error(segment.path, error)) from error


def _is_tail(found: Record | Damage) -> bool:
    """Whether it is what a killed writer leaves behind its last record, and recovery cuts: no damage."""
    return found.reason in _TORN if isinstance(found, Damage) else not found.length


def _is_held(segment: Segment) -> bool:
    try:
        fd = take_over(segment.path)
    except OSError as error:
        raise SegmentError(describe_os_error(segment.path, error)) from error
    if fd < 0:
        return segment.path.exists()
    os.close(fd)
    return False
