"""Reading of segments into a new index, as a whole or a part: what both ways of a reindex share."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from archive.reindex.spans import being_written, list_segments, split
from archive.segments.store import store_of
from crawler.extraction.generic import version as generic_tool
from crawler.offline.workers import read_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.reindex.builder import ReadCapture, ReindexFinding
    from archive.reindex.progress import Unread
    from archive.reindex.spans import Segment, Span
    from archive.segments.store import StoreOrFolder
    from archive.takedown.log import Takedown

#: Packages whose code decides what a record shows: if it changes, records are read again.
_PACKAGES = ("archive", "pipelines", "crawler")


class SpanWriter(Protocol):
    """What takes what was read: the new index, or a part of it."""

    def add_takedowns(self, removed: Sequence[Takedown]) -> None:
        """Block removed articles."""

    def write(
        self,
        span: Span,
        position: int,
        read: Sequence[ReadCapture],
        findings: Sequence[ReindexFinding],
    ) -> int:
        """Take what was read up to a position; return how many captures are new."""


@dataclass(slots=True)
class Progress:
    """Captures read, and processes that read at most."""

    captures: int = 0
    processes: int = 1


def read_unread(
    builder: SpanWriter,
    unread: Sequence[Unread],
    processes: int,
    advance: Callable[[int], None],
) -> Progress:
    """Read what is left of segments into the new index; ``advance`` gets the bytes of each span."""
    progress = Progress()
    spans = [span for one in unread for span in split(one.segment, one.start, one.share)]
    if not spans:
        return progress
    # A small archive is read sooner than a process is started.
    progress.processes = min(processes, len(spans))
    with closing(read_spans(spans, progress.processes)) as results:
        for span, found in results:
            if found.removed:
                builder.add_takedowns(found.removed)
            progress.captures += builder.write(span, found.next, found.captures, found.findings)
            advance(min(span.end, span.segment.size) - span.start)
    return progress


def size_of(unread: Sequence[Unread]) -> int:
    """Return how many bytes are left."""
    return sum(one.segment.size - one.start for one in unread)


def ended_segments(archive: StoreOrFolder) -> list[Segment]:
    """Return the segments that no process is writing.

    :raises SegmentError: the archive cannot be read.
    """
    segments = list_segments(archive)
    writers = being_written(segments)
    return [segment for segment in segments if segment not in writers]


def fingerprint(archive: StoreOrFolder) -> str:
    """Return a digest of the archive's path, our code, and the tool of generic readings.

    An unfinished index is continued only if its fingerprint is the same.
    """
    root = Path(__file__).parents[2]
    digest = hashlib.sha256(store_of(archive).identity().encode("utf-8", "surrogateescape"))
    digest.update(generic_tool().encode() + b"\0")
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = path.relative_to(root).as_posix().encode()
            digest.update(name + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
