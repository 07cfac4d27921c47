"""The last step: bytes into the WARC, then rows into the index, a batch at a time."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

from archive import warc
from archive.http import MessageError, parse_head
from archive.ledger import Entry, Ledger, known_captures, location_columns
from archive.runs import Result, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.index import Index
    from archive.segments import SegmentWriter
    from pipelines.page import Page

#: A batch is written when it holds this many captures, or when the oldest has waited this many seconds.
BATCH, WAIT = 500, 2.0


class Depositor:
    """Keeps pages in an archive and its index; nothing is reported before it is durable in both.

    ``report`` is called once for each page, after its batch is committed. A page whose bytes the archive
    already holds is read again but not stored again. The caller closes ``segments`` and ``index``.
    """

    def __init__(self, segments: SegmentWriter, index: Index, verb: str, report: Callable[[Result], None]) -> None:
        self._segments = segments
        self._index = index
        self._report = report
        self._run = Run(verb)
        self._waiting: dict[tuple[Any, ...], tuple[Page, str]] = {}
        self._noted: list[Result] = []
        self._oldest = 0.0
        self._origins: dict[str, str] = {}

    def add(self, page: Page, origin: str = "") -> None:
        """Take a page; ``origin`` describes the imported file it is from, for the segment's warcinfo.

        :raises SegmentError: the archive can't be written.
        :raises IndexUnusableError: the index can't be written.
        """
        exchange = page.exchange
        key = (exchange.url, warc.payload_digest(exchange), exchange.captured_at if exchange.time_known else None)
        if key in self._waiting:  # the same document twice: settle the first before the second
            self.flush()
        if not self._waiting:
            self._oldest = monotonic()
        self._waiting[key] = (page, origin)
        if len(self._waiting) >= BATCH or monotonic() - self._oldest > WAIT:
            self.flush()

    def note(self, result: Result) -> None:
        """Record an input that holds no page to keep: an unreadable file, a record of another outlet."""
        self._run.note(result)
        self._report(result)

    def flush(self, *, last: bool = False) -> None:
        """Write what waits: WARC, fsync, then one index transaction; then report."""
        waiting, self._waiting = self._waiting, {}
        entries = self._keep(waiting)
        results: list[Result] = []
        with self._index.writing() as connection:
            ledger = Ledger(connection)
            ledger.load(entries)
            for (page, _), entry in zip(waiting.values(), entries, strict=True):
                verdict, capture_id = ledger.enter(entry)
                result = Result(source=page.source, outlet=page.outlet, verdict=verdict, url=page.exchange.url)
                self._run.note(result, capture_id)
                results.append(result)
            ledger.write()
            self._run.write(connection, ended=last)
        for result in results:
            self._report(result)

    def close(self) -> None:
        """Write what waits and end the run."""
        self.flush(last=True)

    def _keep(self, waiting: dict[tuple[Any, ...], tuple[Page, str]]) -> Sequence[Entry]:
        """Append what the archive does not hold yet, and sync; an entry for each page, in order."""
        with self._index.reading() as connection:
            known = known_captures(connection, (digest for _, digest, _ in waiting))
        entries: list[Entry] = []
        for (url, digest, moment), (page, origin) in waiting.items():
            row = next((r for r in known.get((url, digest), ()) if moment is None or r.captured_at == moment), None)
            columns = _columns(page)
            if row is not None:
                columns |= {"captured_at": row.captured_at, "time_known": row.time_known}
                entry = Entry(columns, page.article, page.verdict, row.id, row.revision_id)
            else:
                location = self._segments.write(page.exchange, warcinfo_id=self._described(origin))
                entry = Entry(columns | location_columns(location), page.article, page.verdict)
            entries.append(entry)
        self._segments.sync()
        return entries

    def _described(self, origin: str) -> str | None:
        if not origin:
            return None
        if origin not in self._origins:
            self._origins[origin] = self._segments.describe(origin)
        return self._origins[origin]


def _columns(page: Page) -> dict[str, Any]:
    """The columns of ``captures`` that are known before the record is written."""
    exchange = page.exchange
    status, media_type = None, exchange.media_type
    if exchange.head:
        with suppress(MessageError):  # kept all the same; a head nobody can read has no status
            head = parse_head(exchange.head)
            status, media_type = head.status, head.get("Content-Type")
    return {
        "outlet": page.outlet,
        "url": exchange.url,
        "record_type": "response" if exchange.head else "resource",
        "status": status,
        "media_type": media_type,
        "captured_at": exchange.captured_at,
        "time_known": exchange.time_known,
        "charset_declared": page.decoded.declared,
        "charset_used": page.decoded.used,
        "charset_damage": page.decoded.damage,
        "source": page.source,
    }
