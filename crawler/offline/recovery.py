"""Index what a killed run left in the archive but not in the index, or not read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archive.articles.batch import is_of_record
from archive.articles.ingest_model import verdict_of_revisit
from archive.captures.rows import check_archive, indexed_bytes, known_records, unread_records
from archive.model.errors import SegmentError, describe_os_error
from archive.model.outcome import Outcome, Reason, Verdict, internal_error
from archive.runs.recorder import Result
from archive.segments.names import open_segments
from archive.segments.recovery import recover_segment
from archive.segments.store import store_of
from archive.warc.record_parser import original_of
from crawler.extraction.judge import read_capture, unread_capture
from crawler.outlets import article_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.frontier.frontier import Frontier
    from archive.index.database import Index
    from archive.model.exchange import Location
    from archive.segments.recovery import RecoveredSegment
    from archive.segments.store import Store, StoreOrFolder
    from archive.warc.record_parser import Record
    from pipelines.deposit import CaptureStore
    from pipelines.page import Page

_log = logging.getLogger(__name__)
#: Records looked up at once.
_BATCH = 500
#: Outcomes that end no visit here: no record says whether a response was the last of its visit.
_PASSING = frozenset({Outcome.SKIPPED, Outcome.FAILED})


@dataclass(frozen=True, slots=True)
class Recovered:
    """A recovered segment.

    ``name`` is its final name, ``records`` counts the captures that were indexed, ``cut`` the bytes
    of a torn tail that were removed. A segment that was not ``used`` held no document and was
    deleted. ``visits`` counts the visits that were given back to the frontier.
    """

    name: str
    records: int
    cut: int
    used: bool
    visits: int


@dataclass(frozen=True, slots=True)
class _Left:
    """A document that a killed run left; ``row`` is set if it has one and was not read."""

    record: Record
    place: Location
    row: Any

    @property
    def source(self) -> str:
        """Where it lies."""
        return f"{self.place.file}@{self.place.offset}"

    def add_to(self, store: CaptureStore, page: Page) -> None:
        """Add its page to a store."""
        store.add_recorded(page, self.place, revisit=self.record.kind == "revisit", row=self.row)


def _log_recovered(segment: Recovered) -> None:
    _log.warning(
        "%s was left open: %s records indexed, %s visits given back",
        segment.name,
        segment.records,
        segment.visits,
    )


def recover(
    archive: StoreOrFolder,
    index: Index,
    store: CaptureStore,
    frontier: Frontier | None = None,
    outlet: str = "",
    on_recovered: Callable[[Recovered], None] = _log_recovered,
) -> int:
    """Index the captures in segments of dead writers that have no row yet, and close the segments.

    So are those that have a row and were not read: a crawl may be killed between the two. Return
    how many captures were indexed. They are read as a replay reads them; one at which our
    own code raises an error is kept unread, and is a failed result. ``frontier``, if given, is that
    of ``outlet``: visits whose response is found have ended. ``on_recovered`` is called for each
    segment after it was closed.

    :raises SegmentError: a segment cannot be repaired, or the archive of the index is missing.
    :raises IndexUnusableError: the index cannot be written.
    """

    def settled(name: str) -> int:
        with index.reading() as connection:
            return indexed_bytes(connection, name)

    with index.reading() as connection:
        check_archive(archive, connection)
    total = 0
    kept_in = store_of(archive)
    for path in open_segments(kept_in.spool):
        with recover_segment(path, settled, kept_in) as segment:
            if segment is None:
                continue
            visits = frontier.release_expired() if frontier is not None else 0
            count = 0
            for left in _each_once(_left_by(segment, index), store):
                count += _add(left, index, store, frontier, outlet)
            store.flush()
            total += count
        on_recovered(Recovered(segment.name, count, segment.cut, segment.used, visits))
    _tidy(kept_in)
    return total


def _tidy(store: Store) -> None:
    """Remove what killed writers left beside their segments.

    :raises SegmentError: it cannot be removed.
    """
    try:
        store.tidy()
    except OSError as error:
        raise SegmentError(describe_os_error(store.place(), error)) from error


def _each_once(left: Iterator[_Left], store: CaptureStore) -> Iterator[_Left]:
    """Yield the documents without copies of one record, which are failed results."""
    seen: set[str] = set()
    for one in left:
        record_id = one.place.record_id
        if record_id in seen:
            verdict = Verdict(Outcome.FAILED, Reason.BAD_RECORD, "a copy of a record; skipped")
            store.add_result(Result(source=one.source, verdict=verdict))
            continue
        seen.add(record_id)
        yield one


def _left_by(segment: RecoveredSegment, index: Index) -> Iterator[_Left]:
    """Yield the documents of a segment that have no row, or one that says that they are unread."""
    batch: list[tuple[Record, Location]] = []
    for document in segment.documents():
        batch.append(document)
        if len(batch) == _BATCH:
            yield from _left_of(batch, index)
            batch = []
    yield from _left_of(batch, index)


def _left_of(documents: list[tuple[Record, Location]], index: Index) -> Iterator[_Left]:
    record_ids = [place.record_id for _, place in documents]
    with index.reading() as connection:
        known = known_records(connection, record_ids)
        unread = unread_records(connection, record_ids)
    for record, place in documents:
        row = unread.get(place.record_id)
        if row is not None or place.record_id not in known:
            yield _Left(record, place, row)


def _add(
    left: _Left, index: Index, store: CaptureStore, frontier: Frontier | None, outlet: str
) -> bool:
    """Add the capture of a record; return whether there is one."""
    record, source = left.record, left.source
    try:
        page = _read(record, source, index)
        if frontier is not None and page.outlet == outlet:
            page = _with_visit(page, frontier)
    except Exception as error:  # a bug at one record: reported, the recovery fails
        if not is_of_record(error):
            raise
        store.add_result(Result(source=source, verdict=internal_error(error)))
        return left.row is None and _add_unread(left, store)
    left.add_to(store, page)
    return True


def _add_unread(left: _Left, store: CaptureStore) -> bool:
    """Add the capture of a record that could not be read; return False if that fails as well."""
    try:
        page = replace(unread_capture(left.record, left.source), final=False)
    except Exception as error:  # the bug is reported already; this says no more
        if not is_of_record(error):
            raise
        _log.debug("%s has no row", left.source, exc_info=error)
        return False
    left.add_to(store, page)
    return True


def _read(record: Record, source: str, index: Index) -> Page:
    """Return the page that a record shows, as the killed run would have deposited it."""
    page = read_capture(record, source)
    if record.exchange is None and page.verdict is None:
        page = _with_verdict_of_original(page, record, index)
    return replace(page, final=page.verdict is None or page.verdict.outcome not in _PASSING)


def _with_visit(page: Page, frontier: Frontier) -> Page:
    """Return the page as the result of a visit, if the frontier has the article that it is of."""
    requested = article_id(page.outlet, page.source)
    if requested is None or not frontier.known_ids([requested]):
        return page
    return replace(page, visit=requested)


def _with_verdict_of_original(page: Page, revisit: Record, index: Index) -> Page:
    """Return the page of a `revisit` with the verdict and the revision that its original gives."""
    original = original_of(revisit)
    with index.reading() as connection:
        known = known_records(connection, [original])
    verdict, revision_id = verdict_of_revisit(known.get(original))
    return replace(page, verdict=verdict, revision_id=revision_id)
