"""Spans: parts of the archive's segments that can be read apart and joined again without gaps.

Where a record begins in the middle of a segment can only be guessed: a document may contain what
looks like a record. So reading a span gives where it began and where the next one must begin, and a
span whose guess was wrong is read again when the spans are joined.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.model.errors import SegmentError, describe_os_error
from archive.model.outcome import Reason
from archive.segments.lookup import records_in
from archive.segments.store import store_of
from archive.warc.dates import parse_date
from archive.warc.record_parser import Damage, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.reindex.shares import Share
    from archive.segments.store import Store, StoreOrFolder

#: Compressed bytes of a span: some 200 pages, less than a second's work.
STEP = 4 * 2**20
#: The position behind a segment's last record.
END = sys.maxsize
_NEVER = datetime.min.replace(tzinfo=UTC)
#: Damage at the end of a segment whose writer was killed, or has only just begun it.
_TORN = frozenset({Reason.TRUNCATED, Reason.NOT_A_WARC})


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment; ``name`` is its final name, by which rows refer to it even while it is open.

    ``is_open`` is whether its writer had not closed it when it was listed, or was killed.
    """

    store: Store
    name: str
    size: int
    is_open: bool = False

    def describe(self, error: OSError) -> str:
        """Return a sentence about an error at reading it."""
        return describe_os_error(error.filename or self.store.place(self.name), error)


@dataclass(frozen=True, slots=True)
class Span:
    """The records of a segment that begin from ``start`` to before ``end``.

    If ``guessed``, the first record is the first thing from ``start`` on that looks like one. Only
    records of the ``share`` are read, all if it is None.
    """

    segment: Segment
    start: int
    end: int
    guessed: bool = False
    share: Share | None = None

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
            segment = span.segment
            for found in records_in(segment.store, segment.name, span.start, guessed=span.guessed):
                self.first = min(self.first, found.offset)
                if found.offset >= span.end:
                    self.next = found.offset
                    return
                if not (span.segment.is_open and _is_tail(found)):
                    yield found
        except OSError as error:
            raise SegmentError(span.segment.describe(error)) from error


def list_segments(archive: StoreOrFolder) -> list[Segment]:
    """Return the segments of an archive, open ones too, in the order in which they were begun.

    :raises SegmentError: the archive cannot be read.
    """
    store = store_of(archive)
    try:
        stored = store.segments()
    except FileNotFoundError:
        raise SegmentError(
            f"There is no archive at {store.place()}: name the place of the WARC files in "
            "ARCHIVE_URL."
        ) from None
    except OSError as error:
        raise SegmentError(describe_os_error(error.filename or store.place(), error)) from error
    found = [Segment(store, one.name, one.size, one.is_open) for one in stored]
    return sorted(found, key=lambda segment: (_begun(segment), segment.name))


def being_written(segments: Iterable[Segment]) -> list[Segment]:
    """Return those of the segments that a live process is writing."""
    return [segment for segment in segments if segment.is_open and _is_held(segment)]


def split(segment: Segment, start: int = 0, share: Share | None = None) -> Iterator[Span]:
    """Yield the spans, in order, that make up the segment from the record at ``start`` on."""
    guessed = False
    while True:
        end = start + STEP
        if end >= segment.size:
            yield Span(segment, start, END, guessed, share)
            return
        yield Span(segment, start, end, guessed, share)
        start, guessed = end, True


def _begun(segment: Segment) -> datetime:
    """Return when the segment was begun; the earliest time if its first record is unreadable."""
    try:
        first = next(records_in(segment.store, segment.name), None)
        if isinstance(first, Record):
            return parse_date(first.fields["warc-date"])
    except ValueError:
        pass
    except OSError as error:
        raise SegmentError(segment.describe(error)) from error
    return _NEVER


def _is_tail(found: Record | Damage) -> bool:
    """Return whether a killed writer leaves this at the end, where recovery cuts it."""
    if isinstance(found, Damage):
        return found.reason in _TORN
    return not found.length


def _is_held(segment: Segment) -> bool:
    try:
        return segment.store.is_held(segment.name)
    except FileNotFoundError:  # closed since
        return False
