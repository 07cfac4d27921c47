"""What a killed run left in the archive and not in the index: read, and brought into it, before a new run begins."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archive.articles.captures import check_archive, indexed_bytes, known_records
from archive.articles.ingest_model import verdict_of_revisit
from archive.model.outcome import Outcome
from archive.segments.names import open_segments
from archive.segments.recovery import recover_segment
from archive.warc.record_parser import original_of
from crawler.extraction.judge import read_capture
from crawler.outlets import known_outlets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from archive.frontier.frontier import Frontier
    from archive.index.database import Index
    from archive.model.exchange import Location
    from archive.segments.recovery import RecoveredSegment
    from archive.warc.record_parser import Record
    from pipelines.deposit import CaptureStore
    from pipelines.page import Page

_log = logging.getLogger(__name__)
#: Records looked up at once.
_MANY = 500
#: Outcomes that are nobody's result here: whether one of several answers to a visit was its last,
#: no record says.
_PASSING = frozenset({Outcome.SKIPPED, Outcome.FAILED})


@dataclass(frozen=True, slots=True)
class Recovered:
    """A dead writer's segment that was taken over: its final name, what was read into the index, what was cut off.

    One that was not ``used`` held nothing, and is gone. ``visits`` of the crawl at hand were given
    back.
    """

    name: str
    records: int
    cut: int
    used: bool
    visits: int


def _log_it(one: Recovered) -> None:
    _log.warning(
        "%s was left open: %s records indexed, %s visits given back",
        one.name,
        one.records,
        one.visits,
    )


def recover(
    folder: Path | str,
    index: Index,
    store: CaptureStore,
    frontier: Frontier | None = None,
    outlet: str = "",
    told: Callable[[Recovered], None] = _log_it,
) -> int:
    """Index what dead writers' segments hold and the index lacks, and close them; give how many records that were.

    What is read of them is what a replay would read. ``frontier``, if given, is that of ``outlet``,
    and learns of the visits that so turn out to have ended. ``told`` is called for each segment,
    once it is closed.

    :raises SegmentError: a segment cannot be mended, or all that the index tells of are gone.
    :raises IndexUnusableError: the index can't be written.
    """

    def settled(name: str) -> int:
        with index.reading() as connection:
            return indexed_bytes(connection, name)

    with index.reading() as connection:
        check_archive(folder, connection)
    number = 0
    for path in open_segments(folder):
        with recover_segment(path, settled) as segment:
            if segment is None:
                continue
            visits = frontier.release_expired() if frontier is not None else 0
            found = 0
            for record, place in _unknown(segment, index):
                page = _read(record, place, index, frontier, outlet)
                store.add_recorded(page, place, revisit=record.kind == "revisit")
                found += 1
            store.flush()
            number += found
        told(Recovered(segment.name, found, segment.cut, segment.used, visits))
    return number


def _unknown(segment: RecoveredSegment, index: Index) -> Iterator[tuple[Record, Location]]:
    """The documents that no row leads to."""
    waiting: list[tuple[Record, Location]] = []

    def lacking() -> Iterator[tuple[Record, Location]]:
        with index.reading() as connection:
            known = known_records(connection, [place.record_id for _, place in waiting])
        return (pair for pair in waiting if pair[1].record_id not in known)

    for pair in segment.documents():
        waiting.append(pair)
        if len(waiting) == _MANY:
            yield from lacking()
            waiting = []
    yield from lacking()


def _read(
    record: Record, place: Location, index: Index, frontier: Frontier | None, outlet: str
) -> Page:
    """The page that a record shows, as the run that was killed would have deposited it."""
    page = read_capture(record, f"{place.file}@{place.offset}")
    if record.exchange is None and page.verdict is None:
        page = replace(page, **_shown_again(record, index))
    page = replace(page, final=page.verdict is None or page.verdict.outcome not in _PASSING)
    known = known_outlets().get(page.outlet)
    asked = known.identify(page.source) if known is not None else None
    if (
        frontier is not None
        and page.outlet == outlet
        and asked is not None
        and frontier.known_ids([asked.article_id])
    ):
        page = replace(page, visit=asked.article_id)
    return page


def _shown_again(revisit: Record, index: Index) -> dict[str, Any]:
    """What a page is that repeats another: its verdict, and the revision that it shows."""
    original = original_of(revisit)
    with index.reading() as connection:
        verdict, revision_id = verdict_of_revisit(
            known_records(connection, [original]).get(original)
        )
    return {"verdict": verdict, "revision_id": revision_id}
