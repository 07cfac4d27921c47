"""Spans: parts of the archive's segments that can be read apart and joined again without gaps.

Where a record begins in the middle of a segment can only be guessed: a document may contain what
looks like a record. So reading a span gives where it began and where the next one must begin, and a
span whose guess was wrong is read again when the spans are joined.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.model.files import check_regular
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
#: The position behind a segment's last record.
END = sys.maxsize
_NEVER = datetime.min.replace(tzinfo=UTC)
#: Damage at the end of a segment whose writer was killed, or has only just begun it.
_TORN = frozenset({Reason.TRUNCATED, Reason.NOT_A_WARC})


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment; ``name`` is its final name, by which rows refer to it even while it is open."""

    path: Path
    name: str
    size: int

    def where(self) -> Path:
        """Return its current path: it may have been closed since it was listed."""
        return self.path if self.path.exists() else self.path.with_name(self.name)

    @property
    def is_open(self) -> bool:
        """Whether its writer has not closed it, or was killed."""
        return is_open(self.path.name)


@dataclass(frozen=True, slots=True)
class Span:
    """The records of a segment that begin from ``start`` to before ``end``.

    If ``guessed``, the first record is the first thing from ``start`` on that looks like one.
    """

    segment: Segment
    start: int
    end: int
    guessed: bool = False

    def at(self, start: int) -> Span:
        """Return the same span with the known beginning of its first record."""
        return replace(self, start=start, guessed=False)


class SpanReader:
    """One pass over a span.

    After it is iterated, ``first`` is where its first record began, and ``next`` where the first
    record after it begins; `END` if there is none.
    """

    def __init__(self, span: Span) -> None:
        self._span = span
        self.first = self.next = END

    def __iter__(self) -> Iterator[Record | Damage]:
        """Yield its records and damaged places.

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
    """Return the segments of an archive, open ones too, in the order in which they were begun.

    :raises SegmentError: the folder cannot be read.
    """
    folder = Path(folder)
    found: dict[str, Segment] = {}
    try:
        for path in folder.iterdir():
            if is_segment(path.name):
                name = final_name(path.name)
                status = path.lstat()
                check_regular(status, path)
                found[name] = Segment(path, name, status.st_size)
    except FileNotFoundError:
        if folder.exists():
            return list_segments(folder)  # a writer closed one meanwhile
        raise SegmentError(
            f"There is no archive at {folder}: name the folder of the WARC files in ARCHIVE_URL."
        ) from None
    except OSError as error:
        raise SegmentError(describe_os_error(error.filename or folder, error)) from error
    return sorted(found.values(), key=lambda segment: (_begun(segment), segment.name))


def being_written(segments: Iterable[Segment]) -> list[Segment]:
    """Return those of the segments that a live process is writing.

    :raises SegmentError: one cannot be opened.
    """
    return [segment for segment in segments if segment.is_open and _is_held(segment)]


def split(segment: Segment, start: int = 0) -> Iterator[Span]:
    """Yield the spans, in order, that make up the segment from the record at ``start`` on."""
    guessed = False
    while True:
        end = start + STEP
        if end >= segment.size:
            yield Span(segment, start, END, guessed)
            return
        yield Span(segment, start, end, guessed)
        start, guessed = end, True


def _begun(segment: Segment) -> datetime:
    """Return when the segment was begun; the earliest time if its first record is unreadable."""
    try:
        first = next(records(segment.where()), None)
        if isinstance(first, Record):
            return parse_date(first.fields["warc-date"])
    except ValueError:
        pass
    except OSError as error:
        raise SegmentError(describe_os_error(segment.path, error)) from error
    return _NEVER


def _is_tail(found: Record | Damage) -> bool:
    """Return whether a killed writer leaves this at the end, where recovery cuts it."""
    if isinstance(found, Damage):
        return found.reason in _TORN
    return not found.length


def _is_held(segment: Segment) -> bool:
    try:
        fd = take_over(segment.path)
    except OSError as error:
        raise SegmentError(describe_os_error(segment.path, error)) from error
    if fd < 0:
        return segment.path.exists()
    os.close(fd)
    return False
