"""Read the records of the archive in several processes, in the order of the archive."""

from __future__ import annotations

import signal
import threading
from collections import Counter, deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import (
    active_children,
    connection,
    get_context,
    parent_process,
    resource_tracker,
)
from os import _exit
from typing import TYPE_CHECKING, TypeVar

from archive.captures.rows import location_columns
from archive.model.errors import TOO_MANY_FILES, ReaderLostError, SegmentError, is_out_of_files
from archive.model.outcome import Reason, internal_error
from archive.reindex.builder import ReadCapture, ReindexFinding
from archive.reindex.spans import END, Span, SpanReader
from archive.segments.lookup import DOCUMENTS, RecordError, location_in, read_at
from archive.takedown.tombstones import read_tombstone
from archive.warc.record_parser import Damage, original_of
from crawler.extraction.judge import read_capture, unread_capture
from crawler.outlets import use_modules, used_modules
from pipelines.deposit import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from archive.model.exchange import Location
    from archive.reindex.selection import Chunk
    from archive.reindex.spans import Segment
    from archive.segments.store import StoreOrFolder
    from archive.takedown.log import Takedown
    from archive.warc.record_parser import Record
    from pipelines.page import Page

#: Spans read or waiting per process: enough that no process waits for the writer, few enough to
#: hold in memory.
_AHEAD = 3
#: A span, a chunk or a segment, and what is found in it.
_Part = TypeVar("_Part")
_Found = TypeVar("_Found")
_UNREACHABLE = "The record has no id or no gzip member of its own, so no row can refer to it."


@dataclass(frozen=True, slots=True)
class SpanResult:
    """What the records of a span show.

    ``first`` is where the first record begins, ``next`` where the first record after the span
    begins. ``removed`` are the take-downs that its tombstones record.
    """

    first: int
    next: int
    captures: list[ReadCapture] = field(default_factory=list)
    findings: list[ReindexFinding] = field(default_factory=list)
    removed: list[Takedown] = field(default_factory=list)


def read_span(span: Span) -> SpanResult:
    """Read the records of a span.

    A record at which our own code raises an exception becomes a finding, which fails the run.

    :raises SegmentError: the segment cannot be read.
    """
    reader = SpanReader(span)
    result = SpanResult(END, END)
    share = span.share
    for found in reader:
        source = f"{span.segment.name}@{found.offset}"
        if isinstance(found, Damage):
            if share is None or share.is_first:
                result.findings.append(ReindexFinding(source, found.reason, found.sentence))
        elif found.kind in DOCUMENTS:
            if share is None or share.has(_outlet_of(found, source)):
                _read_document(found, span.segment.name, result)
        elif (takedown := read_tombstone(found)) is not None:
            result.removed.append(takedown)
    return replace(result, first=reader.first, next=reader.next)


def outlets_in(segment: Segment) -> Counter[str]:
    """Return the bytes of the records that a segment has of each outlet, without reading them.

    A tombstone counts for the outlet of its article.

    :raises SegmentError: the segment cannot be read.
    """
    sizes: Counter[str] = Counter()
    for found in SpanReader(Span(segment, 0, END)):
        if isinstance(found, Damage):
            continue
        if found.kind in DOCUMENTS:
            sizes[_outlet_of(found, f"{segment.name}@{found.offset}")] += found.length
        elif (takedown := read_tombstone(found)) is not None:
            sizes[takedown.outlet] += found.length
    return sizes


def _outlet_of(record: Record, source: str) -> str:
    """Return the outlet of a document, which its capture has, too; ``""`` if it has none."""
    return unread_capture(record, source).outlet


def read_chunk(archive: StoreOrFolder, chunk: Chunk) -> SpanResult:
    """Read the records of a chunk; one that cannot be read becomes a finding."""
    result = SpanResult(END, END)
    for place in chunk.places:
        try:
            record = read_at(archive, place)
        except RecordError as error:
            source = f"{place.file}@{place.offset}"
            result.findings.append(ReindexFinding(source, Reason.BAD_RECORD, str(error)))
        else:
            _read_document(record, place.file, result)
    return result


def _read_document(record: Record, file: str, result: SpanResult) -> None:
    """Append the record's capture to ``result``, and a finding if something is wrong with it."""
    source = f"{file}@{record.offset}"
    if not (record.length and record.record_id):
        result.findings.append(ReindexFinding(source, Reason.BAD_RECORD, _UNREACHABLE))
        return
    place = location_in(file, record)
    try:
        page = read_capture(record, source)
    except Exception as error:  # a bug at one page of millions: reported, and the run fails
        if is_out_of_files(error):  # a module could not be imported: no fault of this page's
            raise SegmentError(f"Cannot read {source}: {TOO_MANY_FILES}.") from error
        page = unread_capture(record, source)
        sentence = f"{internal_error(error).detail}. The page is kept."
        result.findings.append(ReindexFinding(source, Reason.INTERNAL_ERROR, sentence))
    result.captures.append(_capture(record, place, page))


def _capture(record: Record, place: Location, page: Page) -> ReadCapture:
    """Return the entry for the index that the record and its page give."""
    columns = columns_of(page) | location_columns(place)
    repeats = ""
    if record.kind == "revisit":
        columns["record_type"] = "revisit"
        repeats = original_of(record)
    return ReadCapture(columns, page.article, page.verdict, repeats)


def read_spans(spans: Iterable[Span], processes: int) -> Generator[tuple[Span, SpanResult]]:
    """Yield each span with its result, in order, read by ``processes`` processes.

    With one process, this process reads.

    :raises SegmentError: a segment cannot be read.
    :raises ReaderLostError: a reading process was killed.
    """
    if processes == 1:
        yield from _corrected(((span, read_span(span)) for span in spans), read_span)
        return
    with _pool(processes) as pool:
        yield from _corrected(
            _read_ahead(pool, read_span, spans, processes * _AHEAD),
            lambda span: pool.submit(read_span, span).result(),
        )


def read_chunks(
    archive: StoreOrFolder, chunks: Iterable[Chunk], processes: int
) -> Generator[tuple[Chunk, SpanResult]]:
    """Yield each chunk with what its records show, in order, read by ``processes`` processes.

    With one process, this process reads.

    :raises ReaderLostError: a reading process was killed.
    """
    read = partial(read_chunk, archive)
    if processes == 1:
        yield from ((chunk, read(chunk)) for chunk in chunks)
        return
    with _pool(processes) as pool:
        yield from _read_ahead(pool, read, chunks, processes * _AHEAD)


def scan_segments(
    segments: Sequence[Segment], processes: int
) -> Generator[tuple[Segment, Counter[str]]]:
    """Yield each segment with its outlets, see `outlets_in`, in order, by so many processes.

    :raises SegmentError: a segment cannot be read.
    :raises ReaderLostError: a reading process was killed.
    """
    processes = min(processes, len(segments))
    if processes <= 1:
        yield from ((segment, outlets_in(segment)) for segment in segments)
        return
    with _pool(processes) as pool:
        yield from _read_ahead(pool, outlets_in, segments, processes * _AHEAD)


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Yield so many reading processes, which are killed if the block is left by an exception.

    :raises ReaderLostError: one was killed.
    """
    # Not forked from this process, which holds a database, locks, and threads that show progress.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    others = active_children()
    pool = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_start_reader, initargs=(used_modules(),)
    )
    try:
        _start_readers(pool, processes)
        yield pool
    except BrokenProcessPool as error:
        raise ReaderLostError(
            "A process that reads pages was killed (is there enough memory?). "
            "Run the same command to go on, with fewer --processes if it happens again."
        ) from error
    except BaseException:  # stopped: what is read ahead may take minutes, and nobody waits for it
        for process in active_children():
            if process not in others:
                process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _read_ahead(
    pool: ProcessPoolExecutor,
    read: Callable[[_Part], _Found],
    parts: Iterable[_Part],
    limit: int,
) -> Iterator[tuple[_Part, _Found]]:
    """Yield each part with its result, in order, while up to ``limit`` parts are read ahead."""
    waiting: deque[tuple[_Part, Future[_Found]]] = deque()
    for part in parts:
        waiting.append((part, pool.submit(read, part)))
        if len(waiting) == limit:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()


def _corrected(
    results: Iterable[tuple[Span, SpanResult]], read_again: Callable[[Span], SpanResult]
) -> Iterator[tuple[Span, SpanResult]]:
    """Yield the results, with spans that began at a wrong guess read again.

    A span that starts in the middle of a segment begins at the first thing that looks like a
    record, which may lie inside a document. It is right if the span before says that its
    successor begins there::

        span 1   [record][record][record that reaches into span 2 ... ]
                                                 ^ guess of span 2     ^ next of span 1
        span 2                                   [guessed][...        ][record]   first != next
        again                                                          [record]   from next

    If the record reaches past the whole of span 2, nothing begins in that span.
    """
    expected = 0
    for span, result in results:
        if span.guessed and result.first != expected:
            at_end = expected == END
            result = SpanResult(END, END) if at_end else read_again(span.at(expected))
        expected = result.next
        yield span, result


def _start_readers(pool: ProcessPoolExecutor, processes: int) -> None:
    """Start the reading processes; a Ctrl-C waits until they are ready.

    Until then they, and the process that they are forked from, would answer it with a traceback.

    :raises BrokenProcessPool: one was killed.
    """
    resource_tracker.ensure_running()  # which lets Ctrl-C through again when it has started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for ready in [pool.submit(active_children) for _ in range(processes)]:
            ready.result()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_reader(outlet_modules: tuple[str, ...]) -> None:
    """Make a reading process ignore Ctrl-C and end with its parent, however the parent ends.

    It knows the outlets that its parent knows.
    """
    use_modules(outlet_modules)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    assert parent is not None, "the pool of the parent started this process"
    threading.Thread(target=_exit_with, args=(parent.sentinel,), daemon=True).start()


def _exit_with(sentinel: int) -> None:
    connection.wait([sentinel])
    _exit(1)
