"""Building of a new index: what was read of the archive, and how far reading has come.

The index is built at ``INDEX.reindex``, next to the old one. After a kill at any moment it
continues after the last span that it holds.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select, text

from archive.articles.batch import enter_captures
from archive.articles.blocklist import Blocklist
from archive.articles.captures import known_records
from archive.articles.ingest_model import CaptureEntry, verdict_of_revisit
from archive.index.database import Index, IndexUnusableError, index_file, index_path
from archive.index.dialect import one_of, stored_json
from archive.index.schema import captures, revisions
from archive.model.article import PAYWALLED, Quality
from archive.model.errors import describe_os_error
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result
from archive.segments import file_locks
from archive.segments.file_locks import FileLock, LockHeldError
from archive.takedown.index_rows import record_takedown, remove_blocked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.model.article import Article
    from archive.reindex.spans import Segment
    from archive.runs.recorder import RunRecorder
    from archive.takedown.log import Takedown

#: Captures ingested in one batch.
_BATCH = 500
#: Tables that are in it only while it is built.
SCAFFOLD = ("rebuild_state", "rebuild_segments", "rebuild_findings", "rebuild_revisits")
CREATE_SCAFFOLD = (
    "CREATE TABLE rebuild_state (state TEXT)",
    "CREATE TABLE rebuild_segments (name TEXT PRIMARY KEY, position INTEGER, size INTEGER)",
    "CREATE TABLE rebuild_findings (source TEXT, reason TEXT, sentence TEXT)",
    "CREATE TABLE rebuild_revisits (record_id TEXT PRIMARY KEY, repeats TEXT)",
)
_WRITE_POSITION = "INSERT OR REPLACE INTO rebuild_segments VALUES (:name, :position, :size)"
_WRITE_FINDING = "INSERT INTO rebuild_findings VALUES (:source, :reason, :sentence)"
#: Notes a revisit that was read before its original.
_WRITE_REVISIT = "INSERT OR REPLACE INTO rebuild_revisits VALUES (:record_id, :repeats)"
_JOIN_REVISITS = f"""
UPDATE captures SET outcome = '{Outcome.UNCHANGED}', reason = '', revision_id = original.revision_id
FROM rebuild_revisits AS late JOIN captures AS original ON original.record_id = late.repeats
WHERE captures.record_id = late.record_id AND captures.revision_id IS NULL
AND original.revision_id IS NOT NULL AND original.outcome <> '{Outcome.UNPARSED}'
"""  # noqa: S608  (our own word)
_SIDE_FILES = ("", "-wal", "-shm", "-journal")


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
    state is discarded. ``resumed`` is whether an unfinished one is continued.

    :raises IndexUnusableError: it cannot be created, or another process is building it.
    """

    def __init__(self, url: str, state: str) -> None:
        self.target = index_path(url)
        self.path = self.target.with_name(self.target.name + ".reindex")
        self._lock = exclude_reindex(url)
        try:
            self.resumed = self._open(state)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.index.close()
        self._lock.close()

    def position(self, segment: Segment) -> int:
        """Return the offset of the segment's first record that is not read yet; `END` if all are.

        A segment that was read to its end grows only if its writer had just created it; then it is
        read again from the beginning, and known records are skipped.
        """
        query = text("SELECT position, size FROM rebuild_segments WHERE name = :name")
        with self.index.reading() as connection:
            row = connection.execute(query, {"name": segment.name}).one_or_none()
        return int(row.position) if row is not None and segment.size <= row.size else 0

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
        segment: Segment,
        position: int,
        read: Sequence[ReadCapture],
        findings: Sequence[ReindexFinding],
    ) -> int:
        """Ingest what was read up to ``position``, in one transaction; return how many are new.

        A record that is in the archive twice is ingested once; its copy becomes a finding.
        """
        number = 0
        every = [*findings]
        with self.index.writing() as connection:
            for batch in batches(read):
                fresh, copies = _without_copies(connection, batch)
                every += ingest(connection, fresh)
                number += len(fresh)
                every += copies
            place = {"name": segment.name, "position": position, "size": segment.size}
            connection.execute(text(_WRITE_POSITION), place)
            rows = [
                {"source": one.source, "reason": one.reason, "sentence": one.sentence}
                for one in every
            ]
            if rows:
                connection.execute(text(_WRITE_FINDING), rows)
        return number

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

    def _open(self, state: str) -> bool:
        """Open the unfinished index if it has that state, else create one; return which it was."""
        if self.path.is_symlink():  # somebody's: the index would be built where it leads
            _remove(self.path)
        if self.path.exists():
            # of another version, or damaged: everything in it can be read again
            with suppress(IndexUnusableError):
                if self._state() == state:
                    return True
            _remove(self.path)
        self._reopen()
        with self.index.writing() as connection:
            for statement in CREATE_SCAFFOLD:
                connection.execute(text(statement))
            connection.execute(text("INSERT INTO rebuild_state VALUES (:state)"), {"state": state})
        return False

    def _state(self) -> str:
        """Open the unfinished index; return its state, or ``""`` if it has none."""
        self._reopen()
        try:
            with self.index.reading() as connection:
                created = connection.scalar(
                    text("SELECT 1 FROM sqlite_master WHERE name = 'rebuild_state'")
                )
                if not created:
                    return ""
                return str(connection.scalar(text("SELECT state FROM rebuild_state")))
        except BaseException:
            self.index.close()
            raise

    def _reopen(self) -> None:
        self.index = Index(f"sqlite:///{self.path}", lasting=False, others=CREATE_SCAFFOLD)


def exclude_reindex(url: str) -> FileLock:
    """Lock the index at ``url`` against reindexes: what they read must not be deleted meanwhile.

    :raises IndexUnusableError: one is running, or the lock file cannot be created.
    """
    target = index_path(url)
    path = target.with_name(target.name + ".reindex.lock")
    try:
        return file_locks.exclusive(path, remove=True)
    except LockHeldError:
        raise IndexUnusableError(
            f"Another reindex of {target}, or a remove, is running; try again when it has finished."
        ) from None
    except OSError as error:
        raise IndexUnusableError(describe_os_error(path, error)) from error


def excluding_reindex(url: str) -> AbstractContextManager[object]:
    """Return a context in which no reindex of the index runs; in PostgreSQL there is none so far.

    :raises IndexUnusableError: as `exclude_reindex`.
    """
    return nullcontext() if index_file(url) is None else exclude_reindex(url)


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


def _remove(path: Path) -> None:
    for ending in _SIDE_FILES:
        name = path.with_name(path.name + ending)
        try:
            name.unlink(missing_ok=True)
        except OSError as error:
            raise IndexUnusableError(describe_os_error(name, error)) from error
