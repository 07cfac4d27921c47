"""The index made anew from the archive: read by all cores, decided on by one, put in place when it is whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.model.outcome import Outcome, Verdict
from archive.reindex.builder import IndexBuilder
from archive.reindex.frontier_seed import seed_frontier
from archive.reindex.spans import END, being_written, list_segments, split
from archive.reindex.swap import carry_over, check_old_index, exclusive, swap_in
from archive.runs.recorder import Result
from archive.takedown import log as takedown_log
from crawler.offline.workers import read_spans
from crawler.outlets import article_id

if TYPE_CHECKING:
    from archive.reindex.spans import Segment
    from archive.runs.recorder import RunRecorder
    from crawler.cli.summary import Report

#: Whose code decides what a record shows: another code, and what was read before is read again.
_PACKAGES = ("archive", "pipelines", "crawler")


@dataclass(slots=True)
class Remade:
    """What a reindex did: captures read this time, in how many seconds, by how many processes at most.

    ``resumed`` is whether it went on with an unfinished one. ``old`` is the name that the old index
    has now, None if there was none; then ``seeded`` articles of the frontier were made again from
    the captures.
    """

    captures: int = 0
    seconds: float = 0.0
    processes: int = 1
    resumed: bool = False
    seeded: int = 0
    old: Path | None = None


def reindex(folder: str, url: str, processes: int, report: Report, run: RunRecorder) -> Remade:
    """Make the index at ``url`` anew from the WARCs in ``folder``.

    ``report`` is given the captures' outcomes and the findings; ``run`` writes them down. The
    archive is only read. Killed or stopped at any moment, the old index is as it was, and the next
    call goes on.

    :raises SegmentError: the archive can't be read.
    :raises IndexUnusableError: the index can't be written or replaced, or somebody is writing.
    :raises ReaderLostError: a reading process was killed.
    """
    began = monotonic()
    _see_that_nobody_writes(folder)
    check_old_index(url)
    with IndexBuilder(url, _state(folder)) as rebuild:
        remade = Remade(resumed=rebuild.resumed)
        rebuild.add_takedowns([*takedown_log.read(Path(folder)).takedowns.values()])
        while True:
            _read(rebuild, _closed(folder), processes, report, remade)
            remade.seconds = monotonic() - began
            with exclusive(url) as old:
                # Nobody can begin a crawl now; one that did meanwhile has left segments to read
                # first.
                _see_that_nobody_writes(folder)
                if any(rebuild.position(segment) != END for segment in list_segments(folder)):
                    continue
                rebuild.remove_blocked()
                rebuild.index.close()
                if old is not None:
                    carry_over(old, rebuild.path)
                remade.seeded = seed_frontier(rebuild.index, article_id, datetime.now(UTC))
                _tell(rebuild, report)
                rebuild.finish(run)
                remade.old = swap_in(rebuild.path, url)
                return remade


def _see_that_nobody_writes(folder: str) -> None:
    writers = being_written(list_segments(folder))
    if writers:
        raise IndexUnusableError(
            f"{writers[0].name} is being written, by a crawl or a replay. Run the same command when it has ended."
        )


def _closed(folder: str) -> list[Segment]:
    """The segments to which nothing is added any more."""
    segments = list_segments(folder)
    writers = being_written(segments)
    return [segment for segment in segments if segment not in writers]


def _read(
    rebuild: IndexBuilder, segments: list[Segment], processes: int, report: Report, remade: Remade
) -> None:
    """Bring into the new index what of the segments it has not."""
    left = [(segment, place) for segment in segments if (place := rebuild.position(segment)) != END]
    if not left:
        return
    size = sum(segment.size - place for segment, place in left)
    spans = [span for segment, place in left for span in split(segment, place)]
    # a small archive is read sooner than a process is started
    processes = min(processes, len(spans))
    remade.processes = max(remade.processes, processes)
    report.start("reading", total=size)
    for span, found in read_spans(spans, processes):
        if found.removed:
            rebuild.add_takedowns(found.removed)
        remade.captures += rebuild.write(span.segment, found.next, found.captures, found.findings)
        report.advance(min(span.end, span.segment.size) - span.start)


def _tell(rebuild: IndexBuilder, report: Report) -> None:
    """Give the report what the whole index holds, and every finding, those of an earlier part too."""
    for outlet, outcome, reason, count in rebuild.counts():
        report.count(outlet, Verdict(outcome, reason), count)
    for finding in rebuild.findings():
        verdict = Verdict(Outcome.FAILED, finding.reason, finding.sentence)
        report.add(Result(source=finding.source, verdict=verdict))


def _state(folder: str) -> str:
    """What an unfinished index must have been made from and by to be gone on with."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256(str(Path(folder).resolve()).encode("utf-8", "surrogateescape"))
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(
                path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
            )
    return digest.hexdigest()
