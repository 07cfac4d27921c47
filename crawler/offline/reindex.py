"""Rebuild the index from the archive: several processes read, one decides and writes.

The new index replaces the old one only when it is complete.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError, index_path
from archive.model.outcome import Outcome, Verdict
from archive.reindex.builder import IndexBuilder
from archive.reindex.comparison import ComparisonError, compare_indexes, number_of_generic
from archive.reindex.frontier_seed import seed_frontier
from archive.reindex.given_up import revive_given_up
from archive.reindex.spans import END, being_written, list_segments, split
from archive.reindex.swap import carry_over, check_old_index, exclusive, swap_in
from archive.runs.recorder import Result
from archive.segments.store import store_of
from archive.takedown import log as takedown_log
from crawler.extraction.generic import version as generic_tool
from crawler.offline.workers import read_spans
from crawler.outlets import article_id, find_outlet

if TYPE_CHECKING:
    from archive.reindex.comparison import Difference
    from archive.reindex.spans import Segment
    from archive.runs.recorder import RunRecorder
    from archive.segments.store import StoreOrFolder
    from crawler.cli.output.summary import Report

#: Packages whose code decides what a record shows: if it changes, records are read again.
_PACKAGES = ("archive", "pipelines", "crawler")


@dataclass(slots=True)
class ReindexResult:
    """What a reindex did: captures read this time, the seconds it took, processes used at most.

    ``resumed`` is whether it continued an unfinished reindex. ``old`` is the path of the replaced
    index, None if there was none; then ``seeded`` counts the articles of the frontier that were
    derived from captures, and ``revived`` those given up that are due again. ``differences`` are
    from that index; None, with ``not_compared`` for the reason, if it could not be compared.
    ``left_out`` is how many of its articles no layout read, if what reads them is not installed.
    """

    captures: int = 0
    seconds: float = 0.0
    processes: int = 1
    resumed: bool = False
    seeded: int = 0
    revived: int = 0
    old: Path | None = None
    differences: list[Difference] | None = None
    not_compared: str = ""
    left_out: int = 0


def reindex(
    archive: StoreOrFolder, url: str, processes: int, report: Report, run: RunRecorder
) -> ReindexResult:
    """Rebuild the index at ``url`` from the WARC files of the archive.

    ``report`` gets the outcomes of the captures and the findings; ``run`` records them. The archive
    is only read. If it is killed or stopped at any moment, the old index is unchanged, and the next
    call continues.

    :raises SegmentError: the archive cannot be read.
    :raises IndexUnusableError: the index cannot be written or replaced, or another process writes.
    :raises ReaderLostError: a reading process was killed.
    """
    began = monotonic()
    _check_no_writer(archive)
    check_old_index(url)
    with IndexBuilder(url, _fingerprint(archive)) as builder:
        result = ReindexResult(resumed=builder.resumed)
        builder.add_takedowns([*takedown_log.read(archive).takedowns.values()])
        while True:
            _read_segments(builder, _closed_segments(archive), processes, report, result)
            result.seconds = monotonic() - began
            with exclusive(url) as old:
                # No crawl can begin now; one that began meanwhile has left segments to read first.
                _check_no_writer(archive)
                if any(builder.position(segment) != END for segment in list_segments(archive)):
                    continue
                builder.join_revisits()
                builder.remove_blocked()
                builder.index.close()
                if old is not None:
                    carry_over(old, builder.path)
                now = datetime.now(UTC)
                result.seeded = seed_frontier(builder.index, article_id, now)
                result.revived = revive_given_up(builder.index, _is_walk, now)
                _report_results(builder, report)
                builder.finish(run)
                result.old = swap_in(builder.path, url)
            _compare(result, url)
            return result


def _compare(result: ReindexResult, url: str) -> None:
    """Compare the new index with the old one; the old one may be damaged."""
    if result.old is None:
        return
    try:
        if not generic_tool():
            result.left_out = number_of_generic(result.old)
        result.differences = compare_indexes(index_path(url), result.old)
    except ComparisonError as error:
        result.not_compared = str(error)


def _is_walk(outlet: str, name: str) -> bool:
    """Return whether a channel of an outlet enumerates ids."""
    known = find_outlet(outlet)
    return known is not None and any(
        channel.name == name and channel.walk is not None for channel in known.channels
    )


def _check_no_writer(archive: StoreOrFolder) -> None:
    """Raise IndexUnusableError if a process is writing to the archive."""
    writers = being_written(list_segments(archive))
    if writers:
        raise IndexUnusableError(
            f"{writers[0].name} is being written, by a crawl or a replay. "
            "Run the same command when it has ended."
        )


def _closed_segments(archive: StoreOrFolder) -> list[Segment]:
    """Return the segments that no process is writing."""
    segments = list_segments(archive)
    writers = being_written(segments)
    return [segment for segment in segments if segment not in writers]


def _read_segments(
    builder: IndexBuilder,
    segments: list[Segment],
    processes: int,
    report: Report,
    result: ReindexResult,
) -> None:
    """Read into the new index what it lacks of the segments."""
    positions = ((segment, builder.position(segment)) for segment in segments)
    unread = [(segment, start) for segment, start in positions if start != END]
    if not unread:
        return
    size = sum(segment.size - start for segment, start in unread)
    spans = [span for segment, start in unread for span in split(segment, start)]
    # A small archive is read sooner than a process is started.
    processes = min(processes, len(spans))
    result.processes = max(result.processes, processes)
    report.start("reading", total=size)
    with closing(read_spans(spans, processes)) as results:
        for span, found in results:
            if found.removed:
                builder.add_takedowns(found.removed)
            number = builder.write(span.segment, found.next, found.captures, found.findings)
            result.captures += number
            report.advance(min(span.end, span.segment.size) - span.start)


def _report_results(builder: IndexBuilder, report: Report) -> None:
    """Report what the whole index holds, and all findings, those of earlier runs included."""
    for outlet, outcome, reason, count in builder.counts():
        report.count(outlet, Verdict(outcome, reason), count)
    report.paywalled.update(builder.paywalled())
    report.generic.update(builder.generic())
    for finding in builder.findings():
        verdict = Verdict(Outcome.FAILED, finding.reason, finding.sentence)
        report.add(Result(source=finding.source, verdict=verdict))


def _fingerprint(archive: StoreOrFolder) -> str:
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
