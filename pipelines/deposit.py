"""The last step: bytes into the WARC, then rows into the index, a batch at a time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from archive.articles.blocklist import REMOVED, Blocklist
from archive.articles.captures import known_captures, location_columns
from archive.articles.ingest import ArticleWriter
from archive.articles.ingest_model import CaptureEntry
from archive.frontier.visits import VisitResult
from archive.runs.recorder import Result, Run
from archive.warc import record_writer as warc
from archive.warc.http_message import MessageError, parse_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from scrapy.crawler import Crawler

    from archive.frontier.frontier import Frontier
    from archive.index.database import Index
    from archive.model.exchange import Location
    from archive.segments.writer import SegmentWriter
    from archive.warc.http_message import Head
    from pipelines.page import Page

#: A batch is written when it holds this many captures, or when the oldest has waited this many
#: seconds.
BATCH, WAIT = 500, 2.0
#: Or this many bytes of bodies: a foreign archive may hold nothing but the longest documents.
HEAVY = 2**25

_Key = tuple[Any, ...]


@dataclass(slots=True)
class _Held:
    """A page that waits for its batch. ``location`` is set where its bytes are in the segment already."""

    page: Page
    origin: str = ""
    location: Location | None = None
    revisit: bool = False
    original: warc.RevisitOf | None = None


class CaptureStore:
    """Keeps pages in an archive and its index; nothing is reported before it is durable in both.

    ``report`` is called once for each page and noted result, after its batch is committed. A page
    whose bytes the archive already holds is read again but not stored again. ``frontier`` learns of
    visits in the same transaction that keeps their captures. The caller closes ``segments`` and
    ``index``.
    """

    def __init__(
        self,
        segments: SegmentWriter,
        index: Index,
        run: Run,
        report: Callable[[Result], None],
        frontier: Frontier | None = None,
    ) -> None:
        self._segments = segments
        self._index = index
        self._run = run
        self._report = report
        self._frontier = frontier
        self._waiting: dict[_Key, _Held] = {}
        self._noted: list[Result] = []
        self._oldest = 0.0
        self._weight = 0
        self._origins: dict[str, str] = {}
        self._blocklist = Blocklist()
        with index.reading() as connection:
            self._blocklist.learn(connection)

    def append(self, page: Page, original: warc.RevisitOf | None = None) -> None:
        """Append an exchange to the segment now, before anybody reads it; `add_page` may follow with its reading.

        ``original`` is the capture that it repeats: then only a `revisit` is written. Without a
        reading it is kept as a capture, but not reported. What is a removed article's is not kept
        at all.
        """
        if self._is_refused(page):
            return
        key = _key(page)
        self._before(key)
        location = self._write(page, original)
        self._waiting[key] = _Held(page, location=location, revisit=original is not None)

    def add_page(
        self, page: Page, origin: str = "", original: warc.RevisitOf | None = None
    ) -> None:
        """Take a page that was read; ``origin`` describes the imported file it is from, for the segment's warcinfo.

        ``original`` is the capture, committed already, that an imported revisit repeats.

        :raises SegmentError: the archive can't be written.
        :raises IndexUnusableError: the index can't be written.
        """
        key = _key(page)
        held = self._waiting.get(key)
        if held is None and self._is_refused(page):
            self.add_result(_result(page, REMOVED))
            return
        if held is not None and held.location is not None and not held.page.final:
            held.page = page
        else:
            self._before(key)
            self._waiting[key] = _Held(
                page, origin, revisit=original is not None, original=original
            )
            self._weight += len(page.exchange.body)
        self.flush_if_due()

    def add_recorded(self, page: Page, location: Location, *, revisit: bool) -> None:
        """Take a page whose record, a `revisit` or not, lies in the archive already, and which the index lacks."""
        key = _key(page)
        self._before(key)
        self._waiting[key] = _Held(page, location=location, revisit=revisit)
        self.flush_if_due()

    def add_result(self, result: Result) -> None:
        """Record an input that holds no page to keep: an unreadable file, a visit without an answer."""
        self._before(None)
        self._noted.append(result)
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write the batch if it is full, or its oldest capture has waited long enough."""
        size = len(self._waiting) + len(self._noted)
        if size >= BATCH or self._weight >= HEAVY or (size and monotonic() - self._oldest > WAIT):
            self.flush()

    def flush(self, *, last: bool = False) -> None:
        """Write what waits: WARC, fsync, then one index transaction; then report."""
        waiting, self._waiting = self._waiting, {}
        noted, self._noted = self._noted, []
        self._weight = 0
        entries = self._written(waiting)
        results: list[Result] = []
        with self._index.writing() as connection:
            # an article may have been removed since its page was asked for
            self._blocklist.learn(connection)
            if self._blocklist:
                entries = list(
                    map(
                        self._blocklist.applied,
                        entries,
                        [h.page.article_id for h in waiting.values()],
                    )
                )
            writer = ArticleWriter(connection)
            writer.load(entries)
            for held, entry in zip(waiting.values(), entries, strict=True):
                verdict, capture_id = writer.enter(entry)
                if held.page.final:
                    results.append(_result(held.page, verdict))
                    self._run.note(results[-1], capture_id)
            for result in noted:
                self._run.note(result)
            writer.write()
            results += noted
            if self._frontier is not None:
                self._frontier.settle(
                    connection, [r.visited for r in results if r.visited is not None]
                )
            self._run.write(connection, ended=last)
        self._segments.settle()
        for result in results:
            self._report(result)

    def close(self) -> None:
        """Write what waits and end the run."""
        self.flush(last=True)

    def _is_refused(self, page: Page) -> bool:
        article_id = page.article.article_id if page.article else page.article_id
        known = self._blocklist  # mostly none, and then no digest is made
        return bool(known) and known.refuses(
            page.outlet, article_id, warc.payload_digest(page.exchange)
        )

    def _before(self, key: _Key | None) -> None:
        """Make room: the same document twice is settled one after the other."""
        if key is not None and key in self._waiting:
            self.flush()
        if not self._waiting and not self._noted:
            self._oldest = monotonic()

    def _written(self, waiting: dict[_Key, _Held]) -> Sequence[CaptureEntry]:
        """Append what the archive does not hold yet, and sync; an entry for each page, in order."""
        digests = {digest for (_, digest, _), held in waiting.items() if held.location is None}
        known: dict[tuple[str, str], list[Any]] = {}
        if digests:
            with self._index.reading() as connection:
                known = known_captures(connection, digests)
        entries: list[CaptureEntry] = []
        for (url, digest, moment), held in waiting.items():
            page = held.page
            columns = columns_of(page)
            row = None
            if held.location is None:
                row = _same(known.get((url, digest), ()), held, moment)
            if row is not None:
                columns |= {"captured_at": row.captured_at, "time_known": row.time_known}
                entries.append(
                    CaptureEntry(
                        columns,
                        page.article,
                        page.verdict,
                        row.id,
                        row.revision_id or page.revision_id,
                    )
                )
                continue
            location = held.location
            if location is None:
                location = self._write(page, held.original, self._described(held.origin))
            if held.revisit:
                columns["record_type"] = "revisit"
            columns |= location_columns(location)
            entries.append(
                CaptureEntry(columns, page.article, page.verdict, known_revision=page.revision_id)
            )
        self._segments.sync()
        return entries

    def _write(
        self, page: Page, original: warc.RevisitOf | None, info: str | None = None
    ) -> Location:
        """Append the page's exchange, as a revisit where there is an original."""
        source = _elsewhere(page)
        if original is None:
            return self._segments.write(
                page.exchange, warcinfo_id=info, outlet=page.outlet, source=source
            )
        return self._segments.write_revisit(
            page.exchange, original, warcinfo_id=info, outlet=page.outlet, source=source
        )

    def _described(self, origin: str) -> str | None:
        if not origin:
            return None
        if origin not in self._origins:
            self._origins[origin] = self._segments.describe(origin)
        return self._origins[origin]


def _key(page: Page) -> _Key:
    exchange = page.exchange
    return (
        exchange.url,
        warc.payload_digest(exchange),
        exchange.captured_at if exchange.time_known else None,
    )


def _same(rows: Sequence[Any], held: _Held, moment: datetime | None) -> Any:
    """The row of the same capture, if there is one.

    In an imported file two of one second may be an original and its revisit; a crawl's times are
    finer, and its batch may have been written before it was told what a revisit shows.
    """
    same = [row for row in rows if moment is None or row.captured_at == moment]
    alike = next((row for row in same if (row.record_type == "revisit") is held.revisit), None)
    return alike if alike is not None or held.origin else next(iter(same), None)


def _head(page: Page) -> Head | None:
    if page.exchange.head:
        with suppress(MessageError):  # kept all the same; a head nobody can read has no status
            return parse_head(page.exchange.head)
    return None


def _result(page: Page, verdict: Any) -> Result:
    visited = None
    if page.visit:
        head = _head(page)
        visited = VisitResult(
            article_id=page.visit,
            verdict=verdict,
            status=head.status if head else None,
            etag=head.get("ETag") if head else "",
            last_modified=head.get("Last-Modified") if head else "",
            published_at=page.article.published_at if page.article else None,
        )
    return Result(
        source=page.source,
        outlet=page.outlet,
        verdict=verdict,
        url=page.exchange.url,
        visited=visited,
    )


def _elsewhere(page: Page) -> str:
    """Where a page is from, if that is not its own address: what the record has to say besides."""
    return page.source if page.source != page.exchange.url else ""


def columns_of(page: Page) -> dict[str, Any]:
    """The columns of ``captures`` that are known before the record is written."""
    exchange, head = page.exchange, _head(page)
    return {
        "outlet": page.outlet,
        "url": exchange.url,
        "record_type": "response" if exchange.head else "resource",
        "status": head.status if head else None,
        "media_type": head.get("Content-Type") if head else exchange.media_type,
        "captured_at": exchange.captured_at,
        "time_known": exchange.time_known,
        "charset_declared": page.decoded.declared,
        "charset_used": page.decoded.used,
        "charset_damage": page.decoded.damage,
        "source": warc.one_line(_elsewhere(page)) or exchange.url,
    }


class DepositPipeline:
    """Scrapy's door to the crawl's store, which its spider holds. Reads no settings."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DepositPipeline:
        """Make the step."""
        return cls(crawler)

    def process_item(self, item: Page) -> Page:
        """Deposit the page, and pass it on."""
        spider: Any = self._crawler.spider
        spider.deposit(item)
        return item
