"""Read captures with today's code and count what a reindex would change; nothing is written."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from time import monotonic
from typing import TYPE_CHECKING

from archive.articles.captures import check_archive
from archive.index.database import Index
from archive.reindex.selection import choose
from archive.reindex.trial import Trial
from crawler.offline.workers import read_chunks
from crawler.outlets import find_outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.reindex.builder import ReadCapture, ReindexFinding
    from archive.reindex.selection import Selection
    from archive.reindex.trial import Change, Example
    from archive.segments.store import StoreOrFolder

#: Findings that are kept; the others are only counted.
_FINDINGS = 20


@dataclass(slots=True)
class DryRun:
    """What a reindex would change.

    ``captures`` is the number of those read that were selected. ``other_layouts`` counts, by outlet
    and layout, the captures that were read by a layout that was not in use on their date.
    ``failed`` is how many could not be read or entered; ``findings`` are the first of these.
    """

    captures: int = 0
    seconds: float = 0.0
    processes: int = 1
    changes: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[Example]] = field(default_factory=dict)
    other_layouts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    findings: list[ReindexFinding] = field(default_factory=list)

    def note(self, findings: list[ReindexFinding]) -> None:
        """Count captures that could not be read or entered."""
        self.failed += len(findings)
        self.findings += findings[: _FINDINGS - len(self.findings)]


def dry_run(
    archive: StoreOrFolder,
    url: str,
    selection: Selection,
    processes: int,
    advance: Callable[[int], None],
) -> DryRun:
    """Return what a reindex would change of the selected captures in the index at ``url``.

    ``advance`` is called with the number of captures read, again and again.

    :raises SegmentError: the archive is not there.
    :raises IndexUnusableError: there is no index, or it cannot be read.
    :raises ReaderLostError: a reading process was killed.
    """
    began = monotonic()
    result = DryRun()
    with Index(url, read_only=True, brief=True) as index, Trial(index) as trial:
        with index.reading() as connection:
            check_archive(archive, connection)
        chunks = choose(index, selection)
        # A few captures are read sooner than a process is started.
        first = list(islice(chunks, processes))
        result.processes = max(1, len(first))
        with closing(read_chunks(archive, chain(first, chunks), result.processes)) as results:
            for chunk, found in results:
                result.note(found.findings)
                result.note(trial.add(chunk, found.captures))
                for capture in found.captures:
                    if capture.capture["record_id"] in chunk.selected:
                        _count_layout(result, capture)
                result.captures += len(chunk.selected)
                advance(len(chunk.selected))
        result.changes, result.examples = trial.changes, trial.examples
    result.seconds = monotonic() - began
    return result


def _count_layout(result: DryRun, read: ReadCapture) -> None:
    """Count a capture that was read by a layout that was not in use on its date."""
    article, capture = read.article, read.capture
    if article is None or not capture["time_known"]:
        return
    outlet = find_outlet(article.outlet)
    if outlet is None:
        return
    day = capture["captured_at"].date()
    for layout in outlet.layouts:
        if layout.name == article.layout and not layout.covers(day):
            result.other_layouts[article.outlet, layout.name] += 1
