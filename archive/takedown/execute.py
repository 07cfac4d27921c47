"""Execution of take-downs, in steps between each of which a killed process may leave the archive.

First a take-down is recorded in the log, then its rows are deleted in one transaction, then its
records are removed from the segments one by one, then the index file is scrubbed. The next call
finishes what the log says was begun.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.captures.rows import indexed_bytes
from archive.index.database import index_file
from archive.model.errors import SegmentError, describe_os_error
from archive.model.program import PROGRAM
from archive.segments import manifest as fixity
from archive.segments.files import disk
from archive.segments.manifest import EntryKind
from archive.segments.names import is_closed, is_plain
from archive.segments.store import store_of
from archive.takedown import log as takedown_log
from archive.takedown.index_rows import move_rows, record_takedown, remove_rows
from archive.takedown.log import Takedown
from archive.takedown.plan import add_quotes, combine, plan_takedown
from archive.takedown.revisits import RevisitTargets
from archive.takedown.segment_rewrite import SegmentRewrite, next_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.index.database import Index
    from archive.segments.chained_log import LockedLog
    from archive.segments.store import Store, StoredSegment, StoreOrFolder
    from archive.takedown.log import RemovedRecord, TakedownLog
    from archive.takedown.plan import ArticleOf, TakedownPlan
    from archive.takedown.segment_rewrite import RewriteResult
    from archive.warc.record_writer import RevisitOf

    #: The records to remove by id, each with the take-down that it belongs to.
    Going = dict[str, tuple[Takedown, RemovedRecord]]

#: How the names of the files end in which a reindex keeps the old index, or an unfinished one.
_KEPT = tuple(f"{name}{ending}" for name in (".old", ".reindex") for ending in ("", "-wal", "-shm"))


@dataclass(slots=True)
class TakedownResult:
    """What was done: segments replaced (old and new names), and take-downs that are finished.

    ``repointed`` is the number of revisits that refer to another original now. ``waiting`` are
    sentences about what could not be done yet.
    """

    rewritten: list[tuple[str, str]] = field(default_factory=list)
    done: list[Takedown] = field(default_factory=list)
    repointed: int = 0
    waiting: list[str] = field(default_factory=list)


class SharedBytesError(Exception):
    """The bytes to remove show another article as well; the message is a sentence with advice."""

    def __init__(self, plan: TakedownPlan) -> None:
        others = " ".join(plan.others)
        super().__init__(
            f"The bytes of {plan} also show {others}: while that article stays, the text stays."
            " Name it as well. Nothing was changed."
        )


class TakedownExecutor:
    """Execute take-downs in an archive and its index; the caller has locked the log.

    ``clock`` returns aware times; ``step`` is called with the name of each step before it is taken.
    """

    def __init__(
        self,
        archive: StoreOrFolder,
        index: Index,
        log: LockedLog,
        article_of: ArticleOf,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        step: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store, self._index, self._log = store_of(archive), index, log
        self._article_of = article_of
        self._clock, self._step = clock, step

    def begin(
        self,
        wanted: Sequence[tuple[str, str]],
        reason: str,
        by: str,
        quoting: Mapping[str, Sequence[str]] | None = None,
    ) -> list[TakedownPlan]:
        """Record the take-down of these articles (outlet, id), delete their rows, return the plans.

        Rows of unfinished take-downs that came in since are deleted as well. Articles of which
        nothing is left are not returned. ``quoting`` are the ids of further records to remove, by
        article.

        :raises SharedBytesError: the same bytes show an article that is not to be removed.
        :raises SegmentError: the log cannot be written.
        :raises IndexUnusableError: the index cannot be written. In all cases nothing was changed.
        """
        lines: list[int] = []
        try:
            known = takedown_log.read(self._store)
            self._index.check_can_scrub()
            with self._index.writing() as connection:
                plans = self._plan(connection, [*wanted, *_pending_keys(known)])
                for article in plans:
                    # rows that the plan before this one deleted are not part of this one
                    quotes = (quoting or {}).get(str(article), ())
                    plan = add_quotes(connection, article, quotes)
                    takedown = self._takedown(plan, known, reason, by)
                    self._step("log")
                    lines.append(self._log.append(takedown_log.begun_line(takedown)))
                    self._step("hide")
                    remove_rows(connection, plan, takedown)
                for takedown in known.pending:
                    record_takedown(connection, takedown)
        except BaseException as error:
            if lines:
                with suppress(OSError):
                    self._log.cut(lines[0])
            if isinstance(error, OSError):
                raise self._error(takedown_log.NAME, error) from error
            raise
        self._step("hidden")
        return plans

    def _plan(self, connection: Connection, keys: Sequence[tuple[str, str]]) -> list[TakedownPlan]:
        found: list[TakedownPlan] = []
        for outlet, name in dict.fromkeys(keys):
            plan = plan_takedown(connection, outlet, name, self._article_of)
            if plan is not None:
                found.append(plan)
        return [plan for plan in combine(found) if plan.has_work]

    def _takedown(self, plan: TakedownPlan, known: TakedownLog, reason: str, by: str) -> Takedown:
        """Return the take-down to record; an unfinished one keeps its reason and its author.

        :raises SharedBytesError: the same bytes show an article that is not to be removed.
        """
        if plan.others:
            raise SharedBytesError(plan)
        before = known.takedowns.get((plan.outlet, plan.article_id))
        if before is not None and not before.done:
            reason, by = before.reason, before.by
        return Takedown(
            outlet=plan.outlet,
            article_id=plan.article_id,
            names=plan.names,
            records=plan.records,
            reason=reason,
            by=by,
            at=self._now(),
        )

    def finish(self) -> TakedownResult:
        """Finish everything that was begun, as far as no other process prevents it.

        :raises SegmentError: a segment or the log cannot be read or written; what was begun remains
            unfinished.
        :raises IndexUnusableError: the index cannot be written; likewise.
        """
        result = TakedownResult()
        pending = takedown_log.read(self._store).pending
        if not pending:
            return result
        going: Going = {}
        for takedown in pending:
            going |= {record.record_id: (takedown, record) for record in takedown.records}
        open_files = self._remove_records(going, result)
        self._step("scrub")
        self._delete_old_indexes()
        if not self._index.scrub():
            result.waiting.append(
                "Another process is reading the index, so deleted content is still in its file."
            )
            return result
        self._step("done")
        for takedown in pending:
            if not any(record.file in open_files for record in takedown.records):
                self._write(takedown_log.done_line(takedown, result.rewritten, self._clock()))
                result.done.append(takedown)
        return result

    def _remove_records(self, going: Going, result: TakedownResult) -> set[str]:
        """Replace the segments that hold the records; return those that are being written."""
        targets = RevisitTargets(self._index, self._store, [one for _, one in going.values()])
        files = {record.file for _, record in going.values()} | targets.files
        open_files: set[str] = set()
        for name in sorted(files):
            _check_name(name)
            found = self._find(name)
            if found is not None and not found.is_open:
                self._replace(name, going, targets.originals)
                result.rewritten.append((name, next_name(name)))
            elif found is not None:  # a dead writer's was recovered before
                open_files.add(name)
                result.waiting.append(f"{name} is being written by a crawl or a replay.")
        result.repointed = len(targets.originals)
        return open_files

    def _replace(self, name: str, going: Going, originals: dict[str, RevisitOf]) -> None:
        """Replace a segment by one without the records; killed anywhere, the next call goes on."""
        new = next_name(name)
        if not (self._find(new) is not None and self._has_rows(new)):
            rewritten = self._rewrite(name, going, originals)
            removed = [record.record_id for _, record in rewritten.extra]
            self._step("move")
            with self._index.writing() as connection:
                move_rows(connection, name, new, rewritten.places, removed)
        self._step("unlist")
        size, sha256 = self._measure(name)
        entry = fixity.ManifestEntry(
            EntryKind.REMOVED, name, size, sha256, self._now(), f"now {new}"
        )
        self._write_manifest(lambda: fixity.append(self._store, entry))
        self._step("unlink")
        try:
            self._store.delete(name)
        except OSError as error:
            raise self._error(name, error) from error

    def _rewrite(self, name: str, going: Going, originals: dict[str, RevisitOf]) -> RewriteResult:
        """Write the new segment and its manifest entry; record what had to be removed besides."""
        new = next_name(name)
        self._step("rewrite")
        with suppress(FileNotFoundError):  # a killed call's, to which no row refers
            self._store.delete(new)
        digests = {
            record.payload_digest: takedown for takedown, record in going.values() if record.shows
        }
        rewritten = SegmentRewrite(self._store, name, going, digests, originals).run()
        for takedown, record in rewritten.extra:
            self._write(takedown_log.begun_line(takedown.only(record)))
        here = {str(takedown) for takedown, record in going.values() if record.file == name}
        reason = f"{name} without what was removed: {', '.join(sorted(here)) or 'others'}"
        self._step("manifest")
        self._write_manifest(
            lambda: fixity.record_segment(self._store, new, EntryKind.REPLACED, reason)
        )
        return rewritten

    def _has_rows(self, name: str) -> bool:
        """Return whether rows refer to the segment."""
        with self._index.reading() as connection:
            return indexed_bytes(connection, name) > 0

    def _find(self, name: str) -> StoredSegment | None:
        try:
            return self._store.find(name)
        except OSError as error:
            raise self._error(name, error) from error

    def _measure(self, name: str) -> tuple[int, str]:
        try:
            return fixity.measure_segment(self._store, name)
        except OSError as error:
            raise self._error(name, error) from error

    def _write_manifest(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            raise self._error(fixity.NAME, error) from error

    def _write(self, fields: dict[str, object]) -> None:
        try:
            self._log.append(fields)
        except OSError as error:
            raise self._error(takedown_log.NAME, error) from error

    def _error(self, name: str, error: OSError) -> SegmentError:
        return SegmentError(describe_os_error(self._store.place(name), error))

    def _delete_old_indexes(self) -> None:
        """Delete the indexes that a reindex kept or has not finished: they hold the text too."""
        if index_file(self._index.url) is None:
            # Imported here only: most indexes are files.
            from archive.index.postgres.schemas import drop_beside

            drop_beside(self._index.url)
        for path in _old_files(self._index.url):
            try:
                path.unlink()
            except OSError as error:
                raise SegmentError(describe_os_error(path, error)) from error

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def room_lacks(store: Store, index_url: str, files: Sequence[str]) -> str:
    """Return why there is too little space to rewrite these segments and the index, else ``""``."""
    found = [store.find(name) for name in files]
    longest = max((one.size for one in found if one is not None), default=0)
    lack = store.room_for(longest)
    index = index_file(index_url)
    if index is not None:  # of a server's disk nothing is known
        lack = lack or disk.shortage(index.parent, 2 * index.stat().st_size)
    return f"{lack} Nothing was changed." if lack else ""


def old_indexes(index_url: str) -> list[str]:
    """Return the names of files, or schemas, of a kept old index and of an unfinished one.

    :raises IndexUnusableError: the server cannot be asked.
    """
    if index_file(index_url) is not None:
        return [str(path) for path in _old_files(index_url)]
    # Imported here only: most indexes are files.
    from archive.index.postgres.schemas import indexes_beside

    return [f"the schema {name}" for name in indexes_beside(index_url)]


def _old_files(index_url: str) -> list[Path]:
    path = index_file(index_url)
    if path is None:
        return []
    return [old for ending in _KEPT if (old := path.with_name(path.name + ending)).exists()]


def _check_name(name: str) -> None:
    """Raise SegmentError unless a row of the index names a file in the archive's folder."""
    if not (is_plain(name) and is_closed(name)):
        raise SegmentError(
            f"The index names {name[:200]!r} as a segment, which is none: run {PROGRAM} reindex."
        )


def _pending_keys(log: TakedownLog) -> list[tuple[str, str]]:
    return [key for key, takedown in log.takedowns.items() if not takedown.done]
