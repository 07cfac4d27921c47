"""A verification whose segments workers verify: it plans their parts, and joins what they find."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from archive.index.database import Index, IndexUnusableError
from archive.model.errors import PartsError
from archive.runs.part_results import PartResults, check_awaited
from archive.runs.record import Ending
from archive.verify.archive import Verification
from archive.verify.parts import FoundFindings, packed, unpacked
from archive.verify.selection import SegmentRange, SegmentSelection, ranges_of
from crawler.jobs.queue.parts import Parts, new_mark

if TYPE_CHECKING:
    from collections.abc import Callable

    from archive.runs.record import RunRecord
    from archive.segments.store import Store
    from archive.verify.articles import Reader
    from archive.verify.parts import Tally
    from crawler.cli.output.findings import Findings

#: The number of the result that is no part's: the ranges of names of all parts.
_PLAN = 0


class VerificationByWorkers:
    """Verifies an archive in ``number`` parts by workers, and here what is no segment's.

    What it finds are the findings of a verification that is not split, in their order. ``say`` is
    called with a line about each part that has ended.
    """

    def __init__(self, index: Index, store: Store, number: int, say: Callable[[str], None]) -> None:
        self._index, self._store, self._number, self._say = index, store, number, say
        self._mark = new_mark()
        self._results = PartResults(index, self._mark)

    def run(self, findings: Findings, reader: Reader | None, *, witness: bool) -> Tally:
        """Verify; return what was verified.

        :raises PartsError: a part could not be done, or no worker runs.
        :raises IndexUnusableError: the index or its queue can't be used.
        """
        words = [self._words(part, witness=witness) for part in range(1, self._number + 1)]
        parts = Parts(self._index, "verify", words, self._mark, self._plan)
        try:
            with parts, Verification(reader=reader, joined=True) as verification:
                own = SegmentSelection(part=(0, self._number))
                for finding in verification.begin(self._store, self._index.url, own):
                    findings.add(finding)
                tables = FoundFindings()
                for finding in verification.go_on():
                    tables.add(finding)
                ended = self._wait(parts)
                for number in sorted(ended):
                    self._join(number, ended[number], verification, findings)
                findings.join(tables)
                for finding in verification.finish_joined():
                    findings.add(finding)
                verification.tally.passed_over = 0
                return verification.tally
        finally:
            # What keeps it from being deleted, keeps the verification from ending well, too, and is
            # said there; the next one deletes it.
            with suppress(IndexUnusableError):
                self._results.delete()

    def _words(self, part: int, *, witness: bool) -> list[str]:
        words = ["--part", f"{part}/{self._number}", "--of", self._mark]
        return [*words, "--witness"] if witness else words

    def _plan(self) -> None:
        """Write which names are whose: segments that are closed meanwhile change nothing."""
        names, _ = self._store.names()
        ranges = [[one.first, one.end] for one in ranges_of(list(names), self._number)]
        self._results.begin()
        self._results.put(_PLAN, [packed({"ranges": ranges})])

    def _wait(self, parts: Parts) -> dict[int, RunRecord]:
        """Wait for the parts; return how each ended, by its number."""
        ended: dict[int, RunRecord] = {}
        for run in parts.ended():
            number = parts.number_of(run)
            ended[number] = run
            self._say(parts.line(run))
        return ended

    def _join(
        self, number: int, run: RunRecord, verification: Verification, findings: Findings
    ) -> None:
        """Add what a part has found, and what it says of the segments of other parts."""
        pieces = self._results.pieces(number)
        first = next(pieces, None)
        part = f"part {number}/{self._number}"
        if first is None:
            raise PartsError(f"{part} has left no result; its log says why. Verify again.")
        found, tally = FoundFindings.read(first)
        if run.ending is not Ending.SUCCEEDED and not found.errors:
            raise PartsError(f"{part} has not ended well; its log says why. Verify again.")
        findings.join(found)
        verification.tally.add_part(tally)
        verification.add_seen(pieces)


class VerificationOfPart:
    """Verifies part ``number`` of ``parts`` for the process that waits for it, by its ``mark``."""

    def __init__(self, url: str, mark: str, part: tuple[int, int]) -> None:
        self._url, self._mark, self._part = url, mark, part

    def selection(self) -> SegmentSelection:
        """Return what to verify.

        :raises PartsError: nobody waits for it.
        :raises IndexUnusableError: the index can't be read.
        """
        with Index(self._url, read_only=True, brief=True) as index:
            check_awaited(index, self._mark)
            plan = next(PartResults(index, self._mark).pieces(_PLAN), None)
        number, parts = self._part
        ranges = unpacked(plan)["ranges"] if plan is not None else []
        if len(ranges) != parts or not number:
            raise PartsError(f"there is no part {number}/{parts} of what {self._mark} waits for.")
        return SegmentSelection(part=self._part, names=SegmentRange(*ranges[number - 1]))

    def leave(self, verification: Verification, found: FoundFindings) -> None:
        """Leave what was found to the process that waits.

        :raises IndexUnusableError: the index can't be written.
        """
        pieces = chain([found.packed(verification.tally)], verification.seen())
        with Index(self._url, brief=True) as index:
            PartResults(index, self._mark).put(self._part[0], pieces)
