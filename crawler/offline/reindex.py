"""Rebuild the index from the archive: several processes read, one decides and writes.

The new index replaces the old one only when it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.model.outcome import Outcome, Verdict
from archive.reindex.builder import IndexBuilder
from archive.reindex.comparison import ComparisonError, compare_indexes, number_of_generic
from archive.reindex.frontier_seed import seed_frontier
from archive.reindex.given_up import revive_given_up
from archive.reindex.lost_captures import fetch_lost_again
from archive.reindex.replacement.swap import carry_over, check_old_index, exclusive, swap_in
from archive.reindex.spans import being_written, list_segments
from archive.runs.recorder import Result
from archive.takedown import log as takedown_log
from crawler.extraction.generic import version as generic_tool
from crawler.offline.reindex_parts import read_by_workers
from crawler.offline.segment_reading import ended_segments, fingerprint, read_unread, size_of
from crawler.outlets import article_id, find_outlet

if TYPE_CHECKING:
    from archive.reindex.comparison import Difference
    from archive.reindex.replacement.swap import KeptIndex
    from archive.runs.recorder import RunRecorder
    from archive.segments.store import StoreOrFolder
    from crawler.cli.output.summary import Report
    from crawler.offline.reindex_parts import Workers


@dataclass(slots=True)
class ReindexResult:
    """What a reindex did: captures read this time, the seconds it took, processes used at most.

    ``parts`` is how many parts workers read, 0 if none; their captures count, their processes do
    not. ``resumed`` is whether it continued an unfinished reindex. ``old`` is the replaced index,
    None if there was none; then ``seeded`` counts the articles of the frontier that were
    derived from captures, ``revived`` those given up that are due again, and ``lost`` those of
    which no capture is left, due again as well. ``differences`` are from that index; None,
    with ``not_compared`` for the reason, if it could not be compared.
    ``left_out`` is how many of its articles no layout read, if what reads them is not installed.
    """

    captures: int = 0
    seconds: float = 0.0
    processes: int = 1
    parts: int = 0
    resumed: bool = False
    seeded: int = 0
    revived: int = 0
    lost: int = 0
    old: KeptIndex | None = None
    differences: list[Difference] | None = None
    not_compared: str = ""
    left_out: int = 0


def reindex(
    archive: StoreOrFolder,
    url: str,
    processes: int,
    report: Report,
    run: RunRecorder,
    workers: Workers | None = None,
) -> ReindexResult:
    """Rebuild the index at ``url`` from the WARC files of the archive.

    ``report`` gets the outcomes of the captures and the findings; ``run`` records them. With
    ``workers`` those read it first, in parts. The archive is only read. If it is killed or stopped
    at any moment, the old index is unchanged, and the next call continues.

    :raises SegmentError: the archive cannot be read.
    :raises IndexUnusableError: the index cannot be written or replaced, another process writes, or
        a part failed.
    :raises ReaderLostError: a reading process was killed.
    """
    began = monotonic()
    _check_no_writer(archive)
    check_old_index(url)
    state = fingerprint(archive)
    with IndexBuilder(url, state, in_parts=workers is not None) as builder:
        result = ReindexResult(resumed=builder.resumed)
        builder.add_takedowns([*takedown_log.read(archive).takedowns.values()])
        if workers is not None:
            before = _captures(builder)
            read_by_workers(builder, archive, workers, processes, report)
            result.parts = builder.number_of_parts()
            result.captures = _captures(builder) - before
        while True:
            _read_segments(builder, archive, processes, report, result)
            result.seconds = monotonic() - began
            with exclusive(url) as old:
                # No crawl can begin now; one that began meanwhile has left segments to read first.
                _check_no_writer(archive)
                if builder.unread(list_segments(archive)):
                    continue
                builder.join_revisits()
                builder.remove_blocked()
                builder.index.close()
                if old is not None:
                    carry_over(old, builder.url)
                now = datetime.now(UTC)
                result.seeded = seed_frontier(builder.index, article_id, now)
                result.lost = fetch_lost_again(builder.index, now)
                result.revived = revive_given_up(builder.index, _is_walk, now)
                _report_results(builder, report)
                builder.finish(run)
                result.old = swap_in(builder.url, url, old)
            _compare(result, url)
            return result


def _compare(result: ReindexResult, url: str) -> None:
    """Compare the new index with the old one; the old one may be damaged."""
    if result.old is None:
        return
    try:
        if not generic_tool():
            result.left_out = number_of_generic(result.old.url)
        result.differences = compare_indexes(url, result.old.url)
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


def _read_segments(
    builder: IndexBuilder,
    archive: StoreOrFolder,
    processes: int,
    report: Report,
    result: ReindexResult,
) -> None:
    """Read into the new index what it lacks of the segments."""
    unread = builder.unread(ended_segments(archive))
    if not unread:
        return
    report.start("reading", total=size_of(unread))
    read = read_unread(builder, unread, processes, report.advance)
    result.captures += read.captures
    result.processes = max(result.processes, read.processes)


def _captures(builder: IndexBuilder) -> int:
    return sum(number for *_, number in builder.counts())


def _report_results(builder: IndexBuilder, report: Report) -> None:
    """Report what the whole index holds, and all findings, those of earlier runs included."""
    for outlet, outcome, reason, count in builder.counts():
        report.count(outlet, Verdict(outcome, reason), count)
    report.paywalled.update(builder.paywalled())
    report.generic.update(builder.generic())
    for finding in builder.findings():
        verdict = Verdict(Outcome.FAILED, finding.reason, finding.sentence)
        report.add(Result(source=finding.source, verdict=verdict))
