"""A dry run of a reindex whose captures workers read: parts of the articles, and their sum."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import Index
from archive.model.errors import PartsError
from archive.runs.part_results import PartResults, check_awaited
from archive.runs.record import Ending
from crawler.jobs.queue.parts import Parts, new_mark
from crawler.offline.dry_run import DryRun

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def dry_run_by_workers(
    index: Index, words: Sequence[str], number: int, say: Callable[[str], None]
) -> DryRun:
    """Return what a reindex would change, found by workers in ``number`` parts.

    ``words`` are the arguments of each part besides, ``say`` is called with a line about each part
    that has ended.

    :raises PartsError: a part could not be done, or no worker runs.
    :raises IndexUnusableError: the index or its queue can't be used.
    """
    began, mark = monotonic(), new_mark()
    results = PartResults(index, mark)
    each = [
        ["--dry-run", "--part", f"{part}/{number}", "--of", mark, *words]
        for part in range(1, number + 1)
    ]
    whole, endings = DryRun(), {}
    try:
        with Parts(index, "reindex", each, mark, results.begin) as parts:
            for run in parts.ended():
                endings[parts.number_of(run)] = run.ending
                say(parts.line(run))
        for part in range(1, number + 1):
            data = next(results.pieces(part), None)
            result = DryRun.from_bytes(data) if data is not None else None
            # One that found records to be damaged fails as well.
            if result is None or (endings[part] is not Ending.SUCCEEDED and not result.failed):
                raise PartsError(
                    f"part {part}/{number} has left no result; its log says why. Run the same "
                    "command again."
                )
            whole.add_part(result)
    finally:
        results.delete()
    whole.seconds = monotonic() - began
    return whole


def check_part(url: str, mark: str) -> None:
    """Check that somebody waits for a part.

    :raises PartsError: nobody does.
    :raises IndexUnusableError: the index can't be read.
    """
    with Index(url, read_only=True, brief=True) as index:
        check_awaited(index, mark)


def leave_result(url: str, mark: str, part: int, result: DryRun) -> None:
    """Leave what a part found to the process that waits for it.

    :raises IndexUnusableError: the index can't be written.
    """
    with Index(url, brief=True) as index:
        PartResults(index, mark).put(part, [result.as_bytes()])
