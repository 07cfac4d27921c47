"""Records read by several processes at once, and given in the order of the archive."""

from __future__ import annotations

import signal
import threading
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from os import _exit
from typing import TYPE_CHECKING

from archive.articles.captures import location_columns
from archive.model.errors import ReaderLostError
from archive.model.exchange import Location
from archive.model.outcome import Reason
from archive.reindex.builder import ReadCapture, ReindexFinding
from archive.reindex.spans import END, SpanReader
from archive.takedown.tombstones import read_tombstone
from archive.warc.record_parser import Damage, original_of
from crawler.extraction.judge import read_record
from pipelines.deposit import columns_of
from pipelines.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archive.reindex.spans import Span
    from archive.takedown.log import Takedown
    from archive.warc.record_parser import Record
    from pipelines.page import Page

#: Spans in hand or waiting, a process: enough that none waits for the writer, few enough to hold in
#: memory.
_AHEAD = 3
_DOCUMENTS = frozenset({"response", "revisit", "resource"})


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What the records of a span show; ``first`` is where it began, ``next`` where what follows it begins.

    ``removed`` are the articles of which its tombstones tell.
    """

    first: int
    next: int
    kept: list[ReadCapture]
    findings: list[ReindexFinding]
    removed: list[Takedown]


def read_span(span: Span) -> SpanResult:
    """Read a span. A record that a step of ours raises at becomes a finding, which fails the run.

    :raises SegmentError: the segment cannot be read.
    """
    kept: list[ReadCapture] = []
    findings: list[ReindexFinding] = []
    removed: list[Takedown] = []
    reading = SpanReader(span)
    name = span.segment.name
    for found in reading:
        source = f"{name}@{found.offset}"
        if isinstance(found, Damage):
            findings.append(ReindexFinding(source, found.reason, found.sentence))
        elif found.kind in _DOCUMENTS and not (found.length and found.record_id):
            findings.append(ReindexFinding(source, Reason.BAD_RECORD, _UNREACHABLE))
        elif found.kind in _DOCUMENTS:
            place = Location(
                name, found.offset, found.length, found.record_id, found.payload_digest
            )
            try:
                page = read_record(found, place)
            except Exception as error:  # noqa: BLE001  (a bug of ours at one page of millions: named, and the run fails)
                page = read_record(found, place, blind=True)
                findings.append(
                    ReindexFinding(
                        source, Reason.INTERNAL_ERROR, f"{error!r}: it is a bug; the page is kept."
                    )
                )
            kept.append(_kept(found, place, page))
        elif (removal := read_tombstone(found)) is not None:
            removed.append(removal)
    return SpanResult(reading.first, reading.next, kept, findings, removed)


_UNREACHABLE = "The record has no id, or no gzip member to itself: no row can lead to it."


def _kept(found: Record, place: Location, page: Page) -> ReadCapture:
    columns = columns_of(page) | location_columns(place)
    if found.kind == "revisit":
        columns["record_type"] = "revisit"
    return ReadCapture(
        columns, page.article, page.verdict, original_of(found) if found.kind == "revisit" else ""
    )


def read_spans(spans: Iterable[Span], processes: int) -> Iterator[tuple[Span, SpanResult]]:
    """Each span with what its records show, in order, read by so many processes; by this one if it is one.

    :raises SegmentError: a segment cannot be read.
    :raises ReaderLostError: a process was killed.
    """
    if processes == 1:
        yield from _joined(((span, read_span(span)) for span in spans), read_span)
        return
    # Not forked from this process, which holds a database, locks, and threads that show progress.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)
    try:
        yield from _joined(
            _ahead(pool, spans, processes * _AHEAD),
            lambda span: pool.submit(read_span, span).result(),
        )
    except BrokenProcessPool as error:
        raise ReaderLostError(
            "A process that reads pages was killed (is there enough memory?). Run the same command to go on, with "
            "fewer --processes if it happens again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ahead(
    pool: ProcessPoolExecutor, spans: Iterable[Span], most: int
) -> Iterator[tuple[Span, SpanResult]]:
    waiting: deque[tuple[Span, Future[SpanResult]]] = deque()
    for span in spans:
        waiting.append((span, pool.submit(read_span, span)))
        if len(waiting) == most:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def _joined(
    read: Iterable[tuple[Span, SpanResult]], again: Callable[[Span], SpanResult]
) -> Iterator[tuple[Span, SpanResult]]:
    """The spans without a seam: what was read from a wrong guess on is read again from where it really begins."""
    due = 0
    for span, found in read:
        if span.guessed and found.first != due:
            found = again(span.at(due)) if due != END else SpanResult(END, END, [], [], [])
        due = found.next
        yield span, found


def _begin() -> None:
    """Make a reading process one that ends with its parent, however that ends, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None, "it was started by one"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    _exit(1)
