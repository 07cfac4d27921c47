"""Store pages: bytes into WARC segments, then rows into the index, in batches."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import DropItem

from archive.articles.batch import enter, enter_unread, in_halves, is_of_record
from archive.articles.blocklist import REMOVED, Blocklist
from archive.articles.ingest_model import CaptureEntry
from archive.captures.rows import known_captures, location_columns
from archive.frontier.visits import VisitResult
from archive.http.message import MessageError, parse_head, retry_at, status_of, validator
from archive.index.database import IndexUnusableError
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.parts import outlet_part
from archive.model.article import PAYWALLED, Quality
from archive.model.errors import OUT_OF_MEMORY, SegmentError
from archive.model.outcome import Outcome, Reason, internal_error
from archive.model.visit_policy import READ
from archive.runs.recorder import Result, RunRecorder
from archive.warc.record_writer import RevisitOf, one_line, payload_digest
from pipelines.cpu_limit import TOO_COSTLY
from pipelines.item import to_item
from pipelines.page import page_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from scrapy.crawler import Crawler

    from archive.frontier.frontier import Frontier
    from archive.index.database import Index, Snapshot
    from archive.model.exchange import Exchange, Location
    from archive.model.outcome import Verdict
    from archive.segments.writer import SegmentWriter
    from pipelines.page import Page

_log = logging.getLogger(__name__)

#: A batch is written when it holds this many captures, or when its oldest capture is this many
#: seconds old, times `CaptureStore.patience`.
BATCH, WAIT = 500, 2.0
#: Or when its bodies have this many bytes: an imported archive may hold only the longest documents.
HEAVY = 2**25

#: Seconds within which a page that was fetched is read.
_READ_WITHIN = 600.0
_STORED = frozenset({Outcome.NEW, Outcome.CHANGED})
#: Address, payload digest and, where it is known, the time of a capture: equal for the same one.
_Key = tuple[str, str, "datetime | None"]


@dataclass(slots=True)
class _Waiting:
    """A page of the batch; ``location`` is set if its bytes are in a segment already.

    ``row`` is that of its record, if it has one that was written before it was read.
    """

    key: _Key
    page: Page
    origin: str = ""
    location: Location | None = None
    revisit: bool = False
    original: RevisitOf | None = None
    row: Any = None


class BatchError(SegmentError):
    """A bug of no page's stops the writing. The records are in an open segment, without rows."""


class CaptureStore:
    """Stores pages in an archive and its index, in batches.

    ``report`` is called once for each page and each added result, after its batch is committed to
    both. A page whose bytes the archive already holds is read again but not stored again. Visits
    are settled in ``frontier`` in the transaction that stores their captures. The caller closes
    ``segments`` and ``index``.

    A page or result at which a bug is met is stored without what was read of it, and reported as
    ``failed/internal_error``. ``on_bug`` is called for each other bug, after it was logged.

    ``patience`` is how many times longer than alone a batch may wait, where others are written by
    the same thread.
    """

    def __init__(
        self,
        segments: SegmentWriter,
        index: Index,
        run: RunRecorder,
        report: Callable[[Result], None],
        frontier: Frontier | None = None,
        on_bug: Callable[[], None] = lambda: None,
    ) -> None:
        self._segments = segments
        self._index = index
        self._run = run
        self._report = report
        self._frontier = frontier
        self._on_bug = on_bug
        self.patience = 1.0
        self._waiting: dict[_Key, _Waiting] = {}
        #: What each appended revisit repeats, until it is read: its batch may be written before.
        self._originals: dict[_Key, RevisitOf] = {}
        self._results: list[Result] = []
        self._oldest = 0.0
        self._weight = 0
        #: The segments of pages that will be read, and when they were appended. A segment stays
        #: open until all its pages are read: after a kill, a recovery reads what is in open ones.
        self._unread: dict[_Key, tuple[str, float]] = {}
        #: How many of what was to be written has no rows yet: its records may be in a segment.
        self._unwritten = 0
        self._warcinfo_ids: dict[str, str] = {}
        self._blocklist = Blocklist()
        with index.reading() as connection:
            self._blocklist.update(connection)

    def append(self, page: Page, original: RevisitOf | None = None) -> None:
        """Append an exchange to the segment at once, before it is read.

        `add_page` may follow with its reading; without one it is stored as a capture, but not
        reported. If ``original`` is given, the capture that it repeats, a `revisit` record is
        written. A capture of a removed article is not stored.
        """
        if self._is_blocked(page):
            return
        key = _key(page)
        self._make_room(key)
        location = self._append(page, original)
        self._waiting[key] = _Waiting(
            key,
            _without_body(page),
            location=location,
            revisit=original is not None,
            original=original,
        )
        if original is not None:
            self._originals[key] = original
        if page.verdict is not None and page.verdict.reason is Reason.INTERNAL_ERROR:
            self._unread[key] = (location.file, monotonic())

    def add_page(self, page: Page, origin: str = "", original: RevisitOf | None = None) -> None:
        """Add a page that was read.

        ``origin`` describes the imported file it comes from, for the segment's warcinfo record.
        ``original`` is the capture, already committed, that an imported revisit repeats.

        :raises SegmentError: the archive can't be written.
        :raises IndexUnusableError: the index can't be written.
        """
        key = _key(page)
        self._unread.pop(key, None)
        appended = self._waiting.get(key)
        original = original or self._originals.pop(key, None)
        if appended is None and self._is_blocked(page):
            self.add_result(_result(page, REMOVED))
            return
        if appended is not None and appended.location is not None and not appended.page.final:
            appended.page = _without_body(page)
        else:
            size = len(page.exchange.body)
            self._make_room(key, size)
            is_revisit = original is not None
            self._waiting[key] = _Waiting(key, page, origin, revisit=is_revisit, original=original)
            self._weight += size
        self._flush_behind(page)

    def add_recorded(
        self, page: Page, location: Location, *, revisit: bool, row: Any = None
    ) -> None:
        """Add a page whose record is in the archive already and not in the index.

        Or it has a ``row``, of `unread_records`, which is then that of what is read now.
        """
        key = _key(page)
        self._make_room(key)
        self._waiting[key] = _Waiting(
            key, _without_body(page), location=location, revisit=revisit, row=row
        )
        self._flush_behind(page)

    def add_result(self, result: Result) -> None:
        """Add the result of an input without a page: an unreadable file, a failed visit."""
        self._make_room(None)
        self._results.append(result)
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write the batch if it is full, or if its oldest capture is old enough."""
        size = len(self._waiting) + len(self._results)
        is_old = size > 0 and monotonic() - self._oldest > WAIT * self.patience
        if size >= BATCH or self._weight >= HEAVY or is_old:
            self.flush()

    def flush(self) -> None:
        """Write the batch: WARC records, fsync, one index transaction; then report.

        If a bug is met, it is written in parts, each in a transaction of its own. After a batch
        that failed or was interrupted, no segment gets its final name any more: only what is left
        open is recovered, and its records get their rows so.

        :raises SegmentError: the archive can't be written.
        :raises IndexUnusableError: the index can't be written.
        """
        batch: list[_Waiting | Result] = [*self._waiting.values(), *self._results]
        self._waiting, self._results, self._weight = {}, [], 0
        self._unwritten += len(batch)
        with _bugs_as_sentence():
            if batch:
                met = in_halves(batch, self._write, self._set_aside)
                if met is not None:
                    self._note_bug("a batch was written at the second try", met)
            if not self._unwritten:
                self._segments.settle(but=self._segments_to_read())

    def _segments_to_read(self) -> set[str]:
        """Return the segments of pages that will be read.

        A page that is not read for long never will be: a part of a user's has dropped it.
        """
        long_ago = monotonic() - _READ_WITHIN
        self._unread = {
            key: (name, appended_at)
            for key, (name, appended_at) in self._unread.items()
            if appended_at >= long_ago
        }
        return {name for name, _ in self._unread.values()}

    def _flush_behind(self, page: Page) -> None:
        """Write the batch if it is due, or if reading a page of it again would cost seconds."""
        if page.verdict == TOO_COSTLY:
            self.flush()
        else:
            self.flush_if_due()

    def close(self) -> None:
        """Write the batch and end the run."""
        self._unread.clear()  # nothing is read any more
        self.flush()
        self._end_run()

    @repeated_on_conflict
    def _end_run(self) -> None:
        with self._run.undone_on_error(), self._index.writing(self._run.part) as connection:
            self._run.write(connection, ended=True)

    @repeated_on_conflict
    def _write(self, part: Sequence[_Waiting | Result]) -> None:
        """Write the records and rows of a part of the batch, the rows all or none; then report."""
        waiting = [one for one in part if isinstance(one, _Waiting)]
        added = [one for one in part if isinstance(one, Result)]
        # Within the transaction, records too: no article can be removed between its check, its
        # record and its row.
        with self._run.undone_on_error(), self._writing(part) as connection:
            # An article may have been removed since its page was requested.
            self._blocklist.update(connection)
            removed = [one for one in waiting if self._is_removed_meanwhile(one)]
            if removed:
                waiting = [one for one in waiting if not self._is_removed_meanwhile(one)]
                added += [_result(one.page, REMOVED) for one in removed if one.page.final]
            entries = self._write_records(waiting)
            results = self._write_rows(connection, waiting, entries)
            for result in added:
                self._run.note(result)
            results += added
            self._run.write(connection)
            if self._frontier is not None:  # last, because it remembers what it has settled
                visited = [result.visited for result in results if result.visited is not None]
                self._frontier.settle(connection, visited)
        self._unwritten -= len(part)
        self._report_all(results)

    def _writing(self, part: Sequence[_Waiting | Result]) -> AbstractContextManager[Snapshot]:
        """Begin a write transaction of a part of the batch, that is, of its outlets."""
        outlets = {one.page.outlet for one in part if isinstance(one, _Waiting)}
        parts = {self._run.part, *map(outlet_part, outlets)}
        if self._frontier is not None:
            parts.add(self._frontier.part)
        return self._index.writing(*parts)

    def _write_rows(
        self, connection: Snapshot, waiting: Sequence[_Waiting], entries: Sequence[CaptureEntry]
    ) -> list[Result]:
        """Write the rows of captures; return the results of the pages to be reported."""
        allowed = [
            self._blocklist.apply(entry, one.page.article_id)
            for one, entry in zip(waiting, entries, strict=True)
        ]
        results: list[Result] = []
        for one, entered in zip(waiting, enter(connection, allowed), strict=True):
            if one.page.final:
                result = _result(one.page, entered.verdict)
                self._run.note(result, entered.capture_id)
                results.append(result)
        return results

    @repeated_on_conflict
    def _set_aside(self, one: _Waiting | Result, error: Exception) -> None:
        """Write of a capture or result, at which a bug was met, no more than what it must leave.

        That is the row of its record, a failed result, and the end of its visit.
        """
        verdict = internal_error(error)
        result = _failed(one, verdict)
        # The record is written within the transaction for the same reason as in `_write`.
        with self._run.undone_on_error(), self._writing([one]) as connection:
            self._blocklist.update(connection)
            entry = self._entry_of_faulty(one, verdict) if isinstance(one, _Waiting) else None
            capture_id = enter_unread(connection, entry).capture_id if entry is not None else None
            if result is not None:
                self._note_faulty(result, capture_id)
            self._run.write(connection)
            if self._frontier is not None and result is not None and result.visited is not None:
                self._frontier.set_aside(connection, result.visited.article_id)
        self._unwritten -= 1
        if result is None:
            self._note_bug("a page could not be stored before it was read", error)
        else:
            self._report_all([result])

    def _entry_of_faulty(self, one: _Waiting, verdict: Verdict) -> CaptureEntry | None:
        """Return the entry of a capture at which a bug was met, None if it has no record or row.

        Of a removed article no record is written, and a record that is there shows no article.
        """
        is_blocked = self._is_blocked(one.page)
        if is_blocked and one.location is None:
            return None
        try:
            (entry,) = self._write_records([one])
        except Exception as error:  # a bug at one record, which the caller reports
            if not is_of_record(error):
                raise
            _log.debug("%s: nothing was read", one.page.exchange.url, exc_info=error)
            if one.location is None:
                return None
            self._segments.sync()
            columns = _columns_of_faulty(one) | location_columns(one.location)
            entry = CaptureEntry(columns, None, verdict)
        return replace(entry, article=None, verdict=REMOVED if is_blocked else verdict)

    def _note_faulty(self, result: Result, capture_id: int | None) -> None:
        """Note a result in the run's history, if that is not where the bug is."""
        try:
            self._run.note(result, capture_id)
        except Exception as error:  # noqa: BLE001 - a bug, which is counted
            self._note_bug(f"{result.source} is missing in the run's results", error)

    def _report_all(self, results: Sequence[Result]) -> None:
        for result in results:
            try:
                self._report(result)
            except Exception as error:  # a bug, which is counted; no output that is full or closed
                if not is_of_record(error):
                    raise
                self._note_bug(f"{result.source}: {result.verdict} could not be reported", error)

    def _note_bug(self, what: str, error: Exception) -> None:
        _log.error("a bug: %s", what, exc_info=error)
        self._on_bug()

    def _is_removed_meanwhile(self, one: _Waiting) -> bool:
        """Return whether a capture without a record is of an article that was removed."""
        return one.location is None and self._is_blocked(one.page)

    def _is_blocked(self, page: Page) -> bool:
        if not self._blocklist:  # mostly so, and then no digest is computed
            return False
        article_id = page.article.article_id if page.article else page.article_id
        return self._blocklist.blocks(page.outlet, article_id, payload_digest(page.exchange))

    def _make_room(self, key: _Key | None, size: int = 0) -> None:
        """Write the batch first if it holds the same capture, to settle that first.

        Or if it would become heavy by the ``size`` bytes of the body that comes.
        """
        is_heavy = self._weight > 0 and self._weight + size >= HEAVY
        if is_heavy or (key is not None and key in self._waiting):
            self.flush()
        if not self._waiting and not self._results:
            self._oldest = monotonic()

    def _write_records(self, waiting: Sequence[_Waiting]) -> list[CaptureEntry]:
        """Append the exchanges that the archive does not hold yet, and sync; return the entries.

        After an error it may be called again: what is written is not written twice.
        """
        digests = {_row_digest(one) for one in waiting if one.location is None}
        known: dict[tuple[str, str], list[Any]] = {}
        if digests:
            with self._index.reading() as connection:
                known = known_captures(connection, digests)
        entries: list[CaptureEntry] = []
        for one in waiting:
            row = one.row
            if one.location is None:
                url, _, moment = one.key
                row = _same_capture(known.get((url, _row_digest(one)), ()), one, moment)
            entries.append(self._new_entry(one) if row is None else _known_entry(one.page, row))
        self._segments.sync()
        return entries

    def _new_entry(self, one: _Waiting) -> CaptureEntry:
        """Return the entry of a capture that has no row, after its record is written."""
        page = one.page
        if one.location is None:
            one.location = self._append(page, one.original, self._warcinfo_of(one.origin))
        columns = columns_of(page) | location_columns(one.location)
        if one.revisit:
            columns["record_type"] = "revisit"
        return CaptureEntry(columns, page.article, page.verdict, known_revision=page.revision_id)

    def _append(
        self, page: Page, original: RevisitOf | None, warcinfo_id: str | None = None
    ) -> Location:
        """Append the page's exchange to the segment, as a revisit if there is an original."""
        source = _other_source(page)
        if original is None:
            return self._segments.write(
                page.exchange, warcinfo_id=warcinfo_id, outlet=page.outlet, source=source
            )
        return self._segments.write_revisit(
            page.exchange, original, warcinfo_id=warcinfo_id, outlet=page.outlet, source=source
        )

    def _warcinfo_of(self, origin: str) -> str | None:
        """Return the id of the warcinfo record that describes the imported file, if it is one."""
        if not origin:
            return None
        if origin not in self._warcinfo_ids:
            self._warcinfo_ids[origin] = self._segments.describe(origin)
        return self._warcinfo_ids[origin]


def columns_of(page: Page) -> dict[str, Any]:
    """Return the columns of ``captures`` that are known before the record is written."""
    exchange = page.exchange
    return {
        "outlet": page.outlet,
        "url": exchange.url,
        "record_type": "response" if exchange.head else "resource",
        "status": status_of(exchange.head),
        "media_type": _media_type_of(exchange),
        "captured_at": exchange.captured_at,
        "time_known": exchange.time_known,
        "charset_declared": page.decoded.declared,
        "charset_used": page.decoded.used,
        "charset_damage": page.decoded.damage,
        "source": one_line(_other_source(page)) or exchange.url,
    }


def _columns_of_faulty(one: _Waiting) -> dict[str, Any]:
    """Return the columns as `columns_of` does, without what is read if that is where the bug is."""
    page, exchange = one.page, one.page.exchange
    kind = "response" if exchange.head else "resource"
    try:
        return columns_of(page) | {"record_type": "revisit" if one.revisit else kind}
    except Exception as error:  # noqa: BLE001 - the caller reports the first
        _log.debug("%s: nothing was read", exchange.url, exc_info=error)
    return {
        "outlet": page.outlet,
        "url": exchange.url,
        "record_type": "revisit" if one.revisit else kind,
        "status": status_of(exchange.head),
        "media_type": _stated_media_type(exchange),
        "captured_at": exchange.captured_at,
        "time_known": exchange.time_known,
        "charset_declared": page.decoded.declared,
        "charset_used": page.decoded.used,
        "charset_damage": page.decoded.damage,
        "source": exchange.url,
    }


def _stated_media_type(exchange: Exchange) -> str:
    """Return the media type as the record states it, for `verify` compares the row with it."""
    if exchange.head:
        with suppress(MessageError):
            return parse_head(exchange.head).get("Content-Type")
    return exchange.media_type


class DepositPipeline:
    """Item pipeline: hands each page to the spider, which stores it. Reads no settings."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DepositPipeline:
        """Create the pipeline for a crawler."""
        return cls(crawler)

    def process_item(self, item: Page) -> dict[str, Any]:
        """Store the page and return its article as an item.

        :raises DropItem: the page has no article that a layout reads; it is stored and counted.
        """
        page = page_of(item)
        spider: Any = self._crawler.spider
        spider.deposit(page)
        if page.article is None or page.verdict is not None:
            raise DropItem(f"no article to pass on: {page.verdict}", log_level="DEBUG")
        return to_item(page, page.article, status_of(page.exchange.head))


@contextmanager
def _bugs_as_sentence() -> Iterator[None]:
    """Raise a bug as a `BatchError`, a sentence for the operator, after it was logged."""
    try:
        yield
    except (SegmentError, IndexUnusableError, OSError):
        raise
    except MemoryError as error:
        raise BatchError(f"{OUT_OF_MEMORY}.") from error
    except Exception as error:  # a bug, raised again
        # The records are written and stay in the open segment, whose recovery makes the rows.
        _log.exception("A batch could not be stored")
        raise BatchError(
            f"a batch could not be stored ({error!r}); this is a bug. The log above says where; "
            "what was fetched is indexed by the next run."
        ) from error


def _key(page: Page) -> _Key:
    exchange = page.exchange
    return (
        exchange.url,
        payload_digest(exchange),
        exchange.captured_at if exchange.time_known else None,
    )


def _without_body(page: Page) -> Page:
    """Return a page whose record is written without its body, which a batch does not need."""
    digest = payload_digest(page.exchange)
    return replace(page, exchange=replace(page.exchange, body=b"", payload_digest=digest))


def _row_digest(one: _Waiting) -> str:
    """Return the payload digest in the capture's row: of a revisit, that of its original."""
    if one.original is None:
        return one.key[1]
    return one.original.payload_digest


def _same_capture(rows: Sequence[Any], one: _Waiting, moment: datetime | None) -> Any:
    """Return the row of the same capture, None if there is none.

    In an imported file, two captures of the same second may be an original and its revisit. A
    crawl's times are finer, and its batch may have been written before it was known what a revisit
    shows.
    """
    same = [row for row in rows if moment is None or row.captured_at == moment]
    for row in same:
        if (row.record_type == "revisit") is one.revisit:
            return row
    if one.origin or not same:
        return None
    return same[0]


def _known_entry(page: Page, row: Any) -> CaptureEntry:
    """Return the entry of a capture that has a row already."""
    columns = columns_of(page) | {"captured_at": row.captured_at, "time_known": row.time_known}
    revision_id = row.revision_id or page.revision_id
    return CaptureEntry(columns, page.article, page.verdict, row.id, revision_id)


@dataclass(frozen=True, slots=True)
class _HeadFacts:
    """What the frontier stores of a response head."""

    status: int | None = None
    etag: str = ""
    last_modified: str = ""
    retry_at: datetime | None = None


def _head_facts(exchange: Exchange) -> _HeadFacts:
    """Return the facts of the response head; if there is none, or it is malformed, no status."""
    if exchange.head:
        with suppress(MessageError):
            head = parse_head(exchange.head)
            return _HeadFacts(
                status=head.status,
                etag=validator(head.get("ETag")),
                last_modified=validator(head.get("Last-Modified")),
                retry_at=retry_at(head, exchange.captured_at),
            )
    return _HeadFacts()


def _media_type_of(exchange: Exchange) -> str:
    """Return the media type that the response head states, or that of a document without one."""
    if exchange.head:
        with suppress(MessageError):
            return parse_head(exchange.head).get("Content-Type")
    return exchange.media_type


def retry_time(exchange: Exchange) -> datetime | None:
    """Return when the response asks to be requested again, None if it does not."""
    return _head_facts(exchange).retry_at


def _result(page: Page, verdict: Verdict) -> Result:
    visited = None
    if page.visit:
        visited = _visit_result(page, verdict)
    return Result(
        source=page.source,
        outlet=page.outlet,
        verdict=verdict,
        url=page.exchange.url,
        visited=visited,
        paywalled=verdict.outcome in _STORED and _is_paywalled(page),
        generic=_is_generic(page),
    )


def _failed(one: _Waiting | Result, verdict: Verdict) -> Result | None:
    """Return the failed result of a page or result; None of a page that is not a result yet."""
    if isinstance(one, Result):
        visit = one.visited.article_id if one.visited is not None else ""
        source, outlet, url = one.source, one.outlet, one.url
    elif one.page.final:
        visit, source, outlet = one.page.visit, one.page.source, one.page.outlet
        url = one.page.exchange.url
    else:
        return None
    visited = VisitResult(article_id=visit, verdict=verdict) if visit else None
    return Result(source=source, outlet=outlet, verdict=verdict, url=url, visited=visited)


def _is_paywalled(page: Page) -> bool:
    return page.article is not None and PAYWALLED in page.article.flags


def _is_generic(page: Page) -> bool:
    return page.article is not None and page.article.quality is Quality.GENERIC


def _visit_result(page: Page, verdict: Verdict) -> VisitResult:
    head = _head_facts(page.exchange)
    return VisitResult(
        article_id=page.visit,
        verdict=verdict,
        status=head.status,
        etag=head.etag,
        last_modified=head.last_modified,
        retry_at=head.retry_at,
        published_at=page.article.published_at if page.article else None,
        payload_digest="" if verdict.outcome in READ else payload_digest(page.exchange),
    )


def _other_source(page: Page) -> str:
    """Return where a page comes from if that is not its own address, else ``""``."""
    return page.source if page.source != page.exchange.url else ""
