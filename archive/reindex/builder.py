"""An index made anew beside the old one: what is read of the archive goes into it, with how far that has come.

It lies at ``INDEX.reindex`` until it is whole. Killed at any moment, it goes on behind the last
span that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import func, select, text

from archive.articles.blocklist import Blocklist
from archive.articles.captures import known_records
from archive.articles.ingest import ArticleWriter
from archive.articles.ingest_model import CaptureEntry, verdict_of_revisit
from archive.index.database import Index, IndexUnusableError, index_path
from archive.index.schema import captures
from archive.model.errors import describe_os_error
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import Result
from archive.segments import file_locks
from archive.segments.file_locks import FileLock, LockHeldError
from archive.takedown.index_rows import record_takedown, remove_blocked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.model.article import Article
    from archive.reindex.spans import Segment
    from archive.runs.recorder import RunRecorder
    from archive.takedown.log import Takedown

#: Captures that the writer decides on in one batch.
_BATCH = 500
#: Tables that are in it only while it is made.
SCAFFOLD = ("rebuild_state", "rebuild_segments", "rebuild_findings")


@dataclass(frozen=True, slots=True)
class ReadCapture:
    """A record as an entry for the writer; ``repeats`` is the record that a revisit refers to."""

    capture: dict[str, Any]
    article: Article | None
    verdict: Verdict | None
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class ReindexFinding:
    """A place of the archive that gave no row, and why."""

    source: str
    reason: Reason
    sentence: str


class IndexBuilder:
    """The new index while it is made; use as a context manager. One process at a time has it.

    ``state`` says what it is made from and by: one begun from or by anything else is begun afresh.
    ``resumed`` is whether there was one to go on with.

    :raises IndexUnusableError: it cannot be made, or another process is making it.
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
        """Where in the segment the first record lies that it does not hold yet; `END` if it holds all.

        Nobody appends to a segment that was read to its end but a writer who had only just made it:
        then all of it is to be read again, and what is known of it is passed over.
        """
        query = text("SELECT position, size FROM rebuild_segments WHERE name = :name")
        with self.index.reading() as connection:
            row = connection.execute(query, {"name": segment.name}).one_or_none()
        return int(row.position) if row is not None and segment.size <= row.size else 0

    def know(self, removed: Sequence[Takedown]) -> None:
        """Take note of removed articles: what is read of them from now on is no article."""
        with self.index.writing() as connection:
            for removal in removed:
                record_takedown(connection, removal)

    def forget_removed(self) -> int:
        """Take out articles that were read before it was known that they are removed; give their number."""
        with self.index.writing() as connection:
            number = remove_blocked(connection)
        if number:
            self.index.scrub()
        return number

    def write(
        self,
        segment: Segment,
        position: int,
        kept: Sequence[ReadCapture],
        findings: Sequence[ReindexFinding],
    ) -> int:
        """Take what was read up to ``position``, in one transaction; give how many captures are new to it.

        A record that is in the archive twice is kept once, and its copy elsewhere a finding.
        """
        number = 0
        copies: list[ReindexFinding] = []
        with self.index.writing() as connection:
            for batch in _batches(kept):
                fresh = _without_copies(connection, batch, copies)
                _enter(connection, fresh)
                number += len(fresh)
            place = {"name": segment.name, "position": position, "size": segment.size}
            so_far = text(
                "INSERT OR REPLACE INTO rebuild_segments VALUES (:name, :position, :size)"
            )
            connection.execute(so_far, place)
            rows = [
                {"source": f.source, "reason": f.reason, "sentence": f.sentence}
                for f in (*findings, *copies)
            ]
            if rows:
                connection.execute(
                    text("INSERT INTO rebuild_findings VALUES (:source, :reason, :sentence)"), rows
                )
        return number

    def findings(self) -> list[ReindexFinding]:
        """All findings so far, those of killed runs too."""
        with self.index.reading() as connection:
            rows = connection.execute(
                text("SELECT source, reason, sentence FROM rebuild_findings")
            ).all()
        return [ReindexFinding(row.source, Reason(row.reason), row.sentence) for row in rows]

    def counts(self) -> list[tuple[str, Outcome, Reason | None, int]]:
        """How many captures of each outlet became what."""
        columns = (captures.c.outlet, captures.c.outcome, captures.c.reason)
        with self.index.reading() as connection:
            rows = connection.execute(
                select(*columns, func.count()).group_by(*columns).order_by(*columns)
            ).all()
        return [
            (outlet, Outcome(outcome), Reason(why) if why else None, count)
            for outlet, outcome, why, count in rows
        ]

    def end(self, run: RunRecorder) -> None:
        """Note the counts and the findings as the run's, and close it."""
        for outlet, outcome, reason, count in self.counts():
            run.counts[(outlet, str(Verdict(outcome, reason)))] += count
        for finding in self.findings():
            verdict = Verdict(Outcome.FAILED, finding.reason, finding.sentence)
            run.note(Result(source=finding.source, verdict=verdict))
        with self.index.writing() as connection:
            run.write(connection, ended=True)
        self.index.close()

    def forget(self) -> None:
        """Remove it, unfinished."""
        self.index.close()
        _remove(self.path)

    def _open(self, state: str) -> bool:
        if self.path.exists():
            try:
                if self._state() == state:
                    return True
            except IndexUnusableError:
                pass  # of another version, or damaged: nothing in it that could not be read again
            _remove(self.path)
        self._reopen()
        with self.index.writing() as connection:
            for statement in (
                "CREATE TABLE rebuild_state (state TEXT)",
                "CREATE TABLE rebuild_segments (name TEXT PRIMARY KEY, position INTEGER, size INTEGER)",
                "CREATE TABLE rebuild_findings (source TEXT, reason TEXT, sentence TEXT)",
            ):
                connection.execute(text(statement))
            connection.execute(text("INSERT INTO rebuild_state VALUES (:state)"), {"state": state})
        return False

    def _state(self) -> str:
        self._reopen()
        try:
            with self.index.reading() as connection:
                made = connection.scalar(
                    text("SELECT 1 FROM sqlite_master WHERE name = 'rebuild_state'")
                )
                state = (
                    str(connection.scalar(text("SELECT state FROM rebuild_state"))) if made else ""
                )
        except BaseException:
            self.index.close()
            raise
        return state

    def _reopen(self) -> None:
        self.index = Index(f"sqlite:///{self.path}", lasting=False)


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


def _batches(kept: Sequence[ReadCapture]) -> Iterator[list[ReadCapture]]:
    """In order; a revisit never in one batch with what it repeats, whose row it has to find."""
    batch: list[ReadCapture] = []
    records: set[str] = set()
    for one in kept:
        record_id = one.capture["record_id"]
        if len(batch) == _BATCH or one.repeats in records or record_id in records:
            yield batch
            batch, records = [], set()
        batch.append(one)
        records.add(record_id)
    if batch:
        yield batch


def _without_copies(
    connection: Connection, batch: Sequence[ReadCapture], copies: list[ReindexFinding]
) -> list[ReadCapture]:
    columns = select(captures.c.record_id, captures.c.warc_file, captures.c.warc_offset)
    ids = [one.capture["record_id"] for one in batch]
    rows = connection.execute(columns.where(captures.c.record_id.in_(ids)))
    known = {row.record_id: (row.warc_file, row.warc_offset) for row in rows}
    fresh: list[ReadCapture] = []
    for one in batch:
        row = one.capture
        place = known.get(row["record_id"])
        if place == (row["warc_file"], row["warc_offset"]):
            continue
        if place is not None:
            sentence = (
                f"The record {row['record_id']} is in the archive twice; this copy is passed over."
            )
            copies.append(
                ReindexFinding(
                    f"{row['warc_file']}@{row['warc_offset']}", Reason.BAD_RECORD, sentence
                )
            )
        else:
            fresh.append(one)
    return fresh


def _enter(connection: Connection, batch: Sequence[ReadCapture]) -> None:
    originals = known_records(connection, {one.repeats for one in batch if one.repeats})
    entries: list[CaptureEntry] = []
    for one in batch:
        verdict, revision_id = one.verdict, None
        if one.repeats and verdict is None:
            verdict, revision_id = verdict_of_revisit(originals.get(one.repeats))
        entries.append(CaptureEntry(one.capture, one.article, verdict, known_revision=revision_id))
    blocklist = Blocklist()
    blocklist.update(connection)
    entries = [blocklist.apply(entry) for entry in entries]
    writer = ArticleWriter(connection)
    writer.load(entries)
    for entry in entries:
        writer.enter(entry)
    writer.write()


def _remove(path: Path) -> None:
    for name in (
        path,
        *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal")),
    ):
        try:
            name.unlink(missing_ok=True)
        except OSError as error:
            raise IndexUnusableError(describe_os_error(name, error)) from error
