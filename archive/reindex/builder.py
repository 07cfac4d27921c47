"""Building of a new index: what was read of the archive, and how far reading has come.

The index is built beside the old one, see `archive.reindex.fresh_index`. After a kill at any moment
it continues after the last span that it holds.
"""

from __future__ import annotations

from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, inspect, select, text

from archive.articles.batch import enter_captures
from archive.articles.blocklist import Blocklist
from archive.articles.ingest_model import CaptureEntry, verdict_of_revisit
from archive.captures.rows import known_records
from archive.index.database import Index, IndexUnusableError
from archive.index.dialect import one_of, stored_json
from archive.index.schema import captures, revisions
from archive.model.article import PAYWALLED, Quality
from archive.model.outcome import Outcome, Reason, Verdict
from archive.reindex import progress
from archive.reindex.fresh_index import exclude_parts, exclude_reindex, fresh_index
from archive.reindex.scaffold import CREATE_SCAFFOLD
from archive.runs.recorder import Result
from archive.takedown.index_rows import record_takedown, remove_blocked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from archive.model.article import Article
    from archive.reindex.progress import Unread
    from archive.reindex.spans import Segment, Span
    from archive.runs.recorder import RunRecorder
    from archive.takedown.log import Takedown

#: Captures ingested in one batch.
_BATCH = 500
_WRITE_FINDING = "INSERT INTO rebuild_findings VALUES (:source, :reason, :sentence)"
#: Notes a revisit that was read before its original.
_WRITE_REVISIT = (
    "INSERT INTO rebuild_revisits VALUES (:record_id, :repeats) ON CONFLICT (record_id)"
    " DO UPDATE SET repeats = excluded.repeats"
)
_JOIN_REVISITS = f"""
UPDATE captures SET outcome = '{Outcome.UNCHANGED}', reason = '', revision_id = original.revision_id
FROM rebuild_revisits AS late JOIN captures AS original ON original.record_id = late.repeats
WHERE captures.record_id = late.record_id AND captures.revision_id IS NULL
AND original.revision_id IS NOT NULL AND original.outcome <> '{Outcome.UNPARSED}'
"""  # noqa: S608  (our own word)


@dataclass(frozen=True, slots=True)
class ReadCapture:
    """A record as an entry for the writer; ``repeats`` is the record that a revisit refers to."""

    capture: dict[str, Any]
    article: Article | None
    verdict: Verdict | None
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class ReindexFinding:
    """A place in the archive that gave no row, and why."""

    source: str
    reason: Reason
    sentence: str


class IndexBuilder:
    """The new index while it is built, by one process at a time; use as a context manager.

    ``state`` identifies the archive and the code it is built from: an unfinished index with another
    state is discarded. ``resumed`` is whether an unfinished one is continued. With ``in_parts``
    others may read parts of it (`archive.reindex.part_builder`) until `exclude_parts` is called.

    :raises IndexUnusableError: it cannot be created, or another process is building it.
    """

    def __init__(self, url: str, state: str, *, in_parts: bool = False) -> None:
        self._target = url
        self._locks = ExitStack()
        self._locks.enter_context(exclude_reindex(url))
        try:
            if not in_parts:
                self.exclude_parts()
            self._place = fresh_index(url)
            self.url = self._place.url
            self.resumed = self._is_resumed(state)
            if not self.resumed:
                self._make(state, in_parts=in_parts)
        except BaseException:
            self._locks.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.index.close()
        self._locks.close()

    def exclude_parts(self, wait: float = 0.0) -> None:
        """Let nobody read parts from now on.

        :raises IndexUnusableError: somebody still does after ``wait`` seconds.
        """
        self._locks.enter_context(exclude_parts(self._target, wait))

    def unread(self, segments: Iterable[Segment]) -> list[Unread]:
        """Return what is left of the segments, in their order; see `progress.unread`."""
        with self.index.reading() as connection:
            return progress.unread(connection, segments)

    def number_of_parts(self) -> int:
        """Return among how many parts the archive was divided; 0 if it was not."""
        with self.index.reading() as connection:
            return progress.number_of_parts(connection)

    def divide(self, found: Sequence[tuple[Unread, Mapping[str, int]]], number: int) -> None:
        """Divide what is left among parts; see `progress.divide_among_parts`."""
        with self.index.writing() as connection:
            progress.divide_among_parts(connection, found, number)

    def parts_left(self) -> list[int]:
        """Return the parts that have not read all that is theirs."""
        with self.index.reading() as connection:
            return progress.parts_left(connection)

    def add_takedowns(self, removed: Sequence[Takedown]) -> None:
        """Block removed articles: captures of them read from now on are not ingested."""
        with self.index.writing() as connection:
            for removal in removed:
                record_takedown(connection, removal)

    def join_revisits(self) -> None:
        """Give revisits that were read before their originals what those show.

        Where two processes wrote at once, or a clock was set back, an original may lie in the
        segment that was begun later.
        """
        with self.index.writing() as connection:
            join_revisits(connection)

    def remove_blocked(self) -> int:
        """Delete articles that were ingested before they were blocked; return their number."""
        with self.index.writing() as connection:
            number = remove_blocked(connection)
        if number:
            self.index.scrub()
        return number

    def write(
        self,
        span: Span,
        position: int,
        read: Sequence[ReadCapture],
        findings: Sequence[ReindexFinding],
    ) -> int:
        """Ingest what was read up to ``position``, in one transaction; return how many are new.

        A record that is in the archive twice is ingested once; its copy becomes a finding.
        """
        with self.index.writing() as connection:
            return enter_span(connection, span, position, read, findings)

    def findings(self) -> list[ReindexFinding]:
        """Return all findings so far, including those of killed runs."""
        with self.index.reading() as connection:
            rows = connection.execute(
                text("SELECT source, reason, sentence FROM rebuild_findings")
            ).all()
        return [ReindexFinding(row.source, Reason(row.reason), row.sentence) for row in rows]

    def counts(self) -> list[tuple[str, Outcome, Reason | None, int]]:
        """Return the number of captures by outlet, outcome and reason."""
        columns = (captures.c.outlet, captures.c.outcome, captures.c.reason)
        with self.index.reading() as connection:
            rows = connection.execute(
                select(*columns, func.count()).group_by(*columns).order_by(*columns)
            ).all()
        return [
            (outlet, Outcome(outcome), Reason(why) if why else None, count)
            for outlet, outcome, why, count in rows
        ]

    def paywalled(self) -> dict[str, int]:
        """Return how many captures, new or changed, are of articles not free to read, by outlet."""
        query = (
            select(captures.c.outlet, func.count())
            .select_from(captures)
            .join(revisions, captures.c.revision_id == revisions.c.id)
            .where(captures.c.outcome.in_((Outcome.NEW, Outcome.CHANGED)))
            .where(stored_json(revisions.c.flags).contains(f'"{PAYWALLED}"'))
            .group_by(captures.c.outlet)
        )
        with self.index.reading() as connection:
            rows = connection.execute(query).all()
        return {outlet: int(number) for outlet, number in rows}

    def generic(self) -> dict[str, int]:
        """Return how many captures show an article that no layout read, by outlet."""
        query = (
            select(captures.c.outlet, func.count())
            .select_from(revisions)
            .join(captures, captures.c.revision_id == revisions.c.id)
            .where(revisions.c.quality == Quality.GENERIC.value)
            .group_by(captures.c.outlet)
        )
        with self.index.reading() as connection:
            return {outlet: int(number) for outlet, number in connection.execute(query)}

    def finish(self, run: RunRecorder) -> None:
        """Record the counts and the findings with the run, and close the index."""
        for outlet, outcome, reason, count in self.counts():
            run.counts[(outlet, str(Verdict(outcome, reason)))] += count
        for finding in self.findings():
            verdict = Verdict(Outcome.FAILED, finding.reason, finding.sentence)
            run.note(Result(source=finding.source, verdict=verdict))
        with self.index.writing() as connection:
            run.write(connection, ended=True)
        self.index.close()

    def _is_resumed(self, state: str) -> bool:
        """Open the unfinished index; return False, with nothing open, if none has that state."""
        if self._place.is_there():
            # of another version, or damaged: everything in it can be read again
            with suppress(IndexUnusableError):
                if self._state() == state:
                    return True
                self.index.close()
        return False

    def _make(self, state: str, *, in_parts: bool) -> None:
        """Create the new index, in place of an unfinished one."""
        with exclude_parts(self._target) if in_parts else nullcontext():
            if self._place.is_there():
                self._place.remove()
            self._place.prepare()
            self._reopen()
            with self.index.writing() as connection:
                for statement in CREATE_SCAFFOLD:
                    connection.execute(text(statement))
                values = {"state": state}
                connection.execute(text("INSERT INTO rebuild_state VALUES (:state)"), values)

    def _state(self) -> str:
        """Open the unfinished index; return its state, or ``""`` if it has none."""
        self._reopen()
        try:
            with self.index.reading() as connection:
                return state_of(connection)
        except BaseException:
            self.index.close()
            raise

    def _reopen(self) -> None:
        self.index = Index(self.url, lasting=False, others=CREATE_SCAFFOLD)


def state_of(connection: Connection) -> str:
    """Return the state of an unfinished index, ``""`` if it is none."""
    if not inspect(connection).has_table("rebuild_state"):
        return ""
    return str(connection.scalar(text("SELECT state FROM rebuild_state")) or "")


def enter_span(
    connection: Connection,
    span: Span,
    position: int,
    read: Sequence[ReadCapture],
    findings: Sequence[ReindexFinding],
) -> int:
    """Ingest what was read of a span up to ``position``; return how many captures are new.

    A record that is in the archive twice is ingested once; its copy becomes a finding.
    """
    number = 0
    every = [*findings]
    for batch in batches(read):
        fresh, copies = _without_copies(connection, batch)
        every += ingest(connection, fresh)
        number += len(fresh)
        every += copies
    progress.write_position(connection, span, position)
    rows = [{"source": one.source, "reason": one.reason, "sentence": one.sentence} for one in every]
    if rows:
        connection.execute(text(_WRITE_FINDING), rows)
    return number


def batches(captures_read: Sequence[ReadCapture]) -> Iterator[list[ReadCapture]]:
    """Yield batches in order; a revisit is not in one with its original, whose row it needs."""
    batch: list[ReadCapture] = []
    records: set[str] = set()
    for one in captures_read:
        record_id = one.capture["record_id"]
        if len(batch) == _BATCH or one.repeats in records or record_id in records:
            yield batch
            batch, records = [], set()
        batch.append(one)
        records.add(record_id)
    if batch:
        yield batch


def _without_copies(
    connection: Connection, batch: Sequence[ReadCapture]
) -> tuple[list[ReadCapture], list[ReindexFinding]]:
    """Return the captures that are not in the index yet, and a finding for each copy of one."""
    columns = select(captures.c.record_id, captures.c.warc_file, captures.c.warc_offset)
    ids = [one.capture["record_id"] for one in batch]
    rows = connection.execute(columns.where(one_of(captures.c.record_id, ids)))
    known = {row.record_id: (row.warc_file, row.warc_offset) for row in rows}
    fresh: list[ReadCapture] = []
    copies: list[ReindexFinding] = []
    for one in batch:
        record_id = one.capture["record_id"]
        file, offset = one.capture["warc_file"], one.capture["warc_offset"]
        if record_id not in known:
            fresh.append(one)
        elif known[record_id] != (file, offset):
            sentence = f"The record {record_id} is in the archive twice; this copy is skipped."
            copies.append(ReindexFinding(f"{file}@{offset}", Reason.BAD_RECORD, sentence))
    return fresh, copies


def join_revisits(connection: Connection) -> None:
    """Give revisits that `ingest` met before their originals what those show."""
    connection.execute(text(_JOIN_REVISITS))


def ingest(connection: Connection, batch: Sequence[ReadCapture]) -> list[ReindexFinding]:
    """Ingest captures; return a finding for each that had to be set aside."""
    originals = known_records(connection, {one.repeats for one in batch if one.repeats})
    late = [
        {"record_id": one.capture["record_id"], "repeats": one.repeats}
        for one in batch
        if one.repeats and one.verdict is None and one.repeats not in originals
    ]
    if late:
        connection.execute(text(_WRITE_REVISIT), late)
    entries: list[CaptureEntry] = []
    for one in batch:
        verdict, revision_id = one.verdict, None
        if one.repeats and verdict is None:
            verdict, revision_id = verdict_of_revisit(originals.get(one.repeats))
        entries.append(CaptureEntry(one.capture, one.article, verdict, known_revision=revision_id))
    blocklist = Blocklist()
    blocklist.update(connection)
    entries = [blocklist.apply(entry) for entry in entries]
    entered = enter_captures(connection, entries)
    return [
        ReindexFinding(_place(entry), Reason.INTERNAL_ERROR, one.verdict.detail)
        for entry, one in zip(entries, entered, strict=True)
        if one.is_set_aside
    ]


def _place(entry: CaptureEntry) -> str:
    return f"{entry.capture['warc_file']}@{entry.capture['warc_offset']}"
