"""Read captures with today's code and count what a reindex would change; nothing is written."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from time import monotonic
from typing import TYPE_CHECKING

from archive.captures.rows import check_archive
from archive.index.database import Index
from archive.model.outcome import Reason
from archive.reindex.builder import ReindexFinding
from archive.reindex.selection import choose
from archive.reindex.trial import EXAMPLES, Change, Example, Trial
from archive.verify.parts import packed, unpacked
from crawler.offline.workers import read_chunks
from crawler.outlets import find_outlet

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.reindex.builder import ReadCapture
    from archive.reindex.selection import Selection
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

    def add_part(self, part: DryRun) -> None:
        """Add what a part would change."""
        self.captures += part.captures
        self.processes = max(self.processes, part.processes)
        self.changes.update(part.changes)
        self.other_layouts.update(part.other_layouts)
        self.failed += part.failed
        self.findings += part.findings[: _FINDINGS - len(self.findings)]
        for change, examples in part.examples.items():
            kept = self.examples.setdefault(change, [])
            kept += examples[: EXAMPLES - len(kept)]

    def as_bytes(self) -> bytes:
        """Return it as bytes, of which `from_bytes` makes it again."""
        return packed(
            {
                "captures": self.captures,
                "processes": self.processes,
                "changes": [[asdict(change), number] for change, number in self.changes.items()],
                "examples": [
                    [asdict(change), [asdict(one) for one in examples]]
                    for change, examples in self.examples.items()
                ],
                "other_layouts": [[*key, number] for key, number in self.other_layouts.items()],
                "failed": self.failed,
                "findings": [asdict(finding) for finding in self.findings],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> DryRun:
        """Return what `as_bytes` was made of."""
        values = unpacked(data)
        return cls(
            captures=values["captures"],
            processes=values["processes"],
            changes=Counter({Change(**change): number for change, number in values["changes"]}),
            examples={
                Change(**change): [Example(**one) for one in examples]
                for change, examples in values["examples"]
            },
            other_layouts=Counter(
                {(outlet, layout): number for outlet, layout, number in values["other_layouts"]}
            ),
            failed=values["failed"],
            findings=[
                ReindexFinding(**one | {"reason": Reason(one["reason"])})
                for one in values["findings"]
            ],
        )


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
