"""A reindex whose segments are read in parts, by workers, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.reindex.part_builder import PartBuilder
from archive.runs.record import Ending
from crawler.cli.output.progress import ProgressBar
from crawler.offline.segment_reading import ended_segments, fingerprint, read_unread, size_of
from crawler.offline.workers import scan_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archive.reindex.builder import IndexBuilder
    from archive.runs.record import RunRecord
    from archive.segments.store import StoreOrFolder
    from crawler.cli.output.summary import Report

#: How often parts are deferred that were killed.
_ATTEMPTS = 3
#: Seconds between looks how far the parts are: their positions are read from the new index.
_LOOK = 5.0
#: Seconds that processes of ended parts have until the server has found that they are gone.
_GONE = 30.0


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers that read ``number`` parts, at most.

    ``defer`` is given parts as ``K/N``, and yields the run of each when it has ended. Meanwhile it
    calls the function that it is given as well, again and again.
    """

    number: int
    defer: Callable[[Sequence[str], Callable[[], None]], Iterable[RunRecord]]


@dataclass(frozen=True, slots=True)
class PartResult:
    """What reading a part did: captures read, the seconds it took, processes used at most."""

    captures: int
    seconds: float
    processes: int


def read_by_workers(
    builder: IndexBuilder,
    archive: StoreOrFolder,
    workers: Workers,
    processes: int,
    report: Report,
) -> None:
    """Divide the archive into parts, unless it is, and let workers read those; wait for their end.

    :raises IndexUnusableError: a part failed, or others are still being read.
    """
    if not builder.number_of_parts():
        _divide(builder, archive, workers.number, processes, report)
    number = builder.number_of_parts()
    look = _shown(builder, archive, report)
    for _ in range(_ATTEMPTS):
        left = builder.parts_left()
        if not left:
            break
        ended = [*workers.defer([f"{part}/{number}" for part in left], look)]
        failed = [run for run in ended if run.ending is not Ending.SUCCEEDED]
        if not all(_was_killed(run) for run in failed):
            break
    if builder.parts_left():
        raise IndexUnusableError(
            "Not all parts were read; see above, and their logs. The old index is unchanged. Run "
            "the same command to go on with what is left."
        )
    builder.exclude_parts(_GONE)


def _divide(
    builder: IndexBuilder, archive: StoreOrFolder, number: int, processes: int, report: Report
) -> None:
    """Look which outlets the segments have, and divide these among parts."""
    unread = builder.unread(ended_segments(archive))
    report.start("dividing", total=size_of(unread))
    found = []
    segments = [one.segment for one in unread]
    for one, (segment, outlets) in zip(unread, scan_segments(segments, processes), strict=True):
        found.append((one, outlets))
        report.advance(segment.size - one.start)
    builder.divide(found, number)


def _shown(builder: IndexBuilder, archive: StoreOrFolder, report: Report) -> Callable[[], None]:
    """Show progress through what the parts have to read; return what brings it up to date."""
    segments = ended_segments(archive)

    def size_left() -> int:
        return size_of([one for one in builder.unread(segments) if one.share is not None])

    left, looked = size_left(), monotonic()
    report.start("reading", total=left)

    def look() -> None:
        nonlocal left, looked
        if monotonic() - looked < _LOOK:
            return
        before, left = left, size_left()
        report.advance(before - left)
        looked = monotonic()

    return look


def _was_killed(run: RunRecord) -> bool:
    return run.exit_code is not None and run.exit_code < 0


def read_part(
    archive: StoreOrFolder,
    url: str,
    part: tuple[int, int],
    processes: int,
    waits: Callable[[], None],
) -> PartResult:
    """Read part K of N, ``(K, N)``, into the unfinished index.

    ``waits`` is called if another process reads the same part, whose end is waited for.

    :raises SegmentError: the archive cannot be read.
    :raises IndexUnusableError: there is no unfinished index of this archive, code and division.
    :raises ReaderLostError: a reading process was killed.
    """
    began = monotonic()
    with PartBuilder(url, fingerprint(archive), *part, waits) as builder:
        unread = builder.unread(ended_segments(archive))
        with ProgressBar("reading", total=size_of(unread)) as progress:
            read = read_unread(builder, unread, processes, progress.advance)
    return PartResult(read.captures, monotonic() - began, read.processes)
