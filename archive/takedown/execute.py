"""Take-downs carried out, so that a kill between any two steps leaves the archive as before or as after each.

On record first, then hidden in one transaction, then out of the segments one by one, then out of
the index's file. What was begun is in the log: whoever removes next finishes it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archive.index.database import index_path
from archive.model.errors import SegmentError, describe_os_error
from archive.segments import disk
from archive.segments import manifest as fixity
from archive.segments.atomic_files import sync_folder
from archive.segments.file_locks import is_held
from archive.segments.manifest import EntryKind
from archive.segments.names import open_name
from archive.takedown import log as takedown_log
from archive.takedown.index_rows import move_rows, record_takedown, remove_rows
from archive.takedown.plan import add_quotes, combine, file_sizes, plan_takedown
from archive.takedown.revisits import RevisitTargets
from archive.takedown.segment_rewrite import SegmentRewrite, next_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from archive.index.database import Index
    from archive.segments.chained_log import ChainedLog
    from archive.takedown.log import RemovedRecord, Takedown
    from archive.takedown.plan import ArticleOf, TakedownPlan
    from archive.warc.record_writer import RevisitOf


@dataclass(slots=True)
class TakedownResult:
    """What was done: segments that went with those in their place, and articles of which nothing is left.

    ``waiting`` says, a sentence each, what could not be done now.
    """

    rewritten: list[tuple[str, str]] = field(default_factory=list)
    done: list[Takedown] = field(default_factory=list)
    repointed: int = 0
    waiting: list[str] = field(default_factory=list)


class SharedBytesError(Exception):
    """The bytes that are to go show another article as well; the message is a sentence with what to do."""

    def __init__(self, takedown: TakedownPlan) -> None:
        others = " ".join(takedown.others)
        super().__init__(
            f"The same bytes as those of {takedown} show {others}: while that stays, so does the text. Name it as "
            "well. Nothing was changed."
        )


class TakedownExecutor:
    """Carries take-downs out in the archive at ``folder`` and its index; one process at a time, which holds the log.

    ``clock`` gives aware times; ``step`` is told of each step before it is taken.
    """

    def __init__(
        self,
        folder: Path,
        index: Index,
        log: ChainedLog,
        article_of: ArticleOf,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        step: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folder, self._index, self._log, self._article_of = folder, index, log, article_of
        self._clock, self._step = clock, step

    def begin(
        self,
        wanted: Sequence[tuple[str, str]],
        reason: str,
        by: str,
        quoting: Mapping[str, Sequence[str]] | None = None,
    ) -> list[TakedownPlan]:
        """Put the take-down of these articles (outlet, id) on record, and hide them; give what goes.

        What an earlier one has begun and not ended is hidden again, with what has come in of it
        since. Articles of which there is nothing, or nothing more, are not among what is given.
        ``quoting`` are the ids of further records that go with an article.

        :raises StillShownError: the same bytes show an article that is not wanted to go.
        :raises SegmentError: the log can't be written. :raises IndexUnusableError: the index can't.
        Either way nothing was done.
        """
        lines: list[int] = []
        try:
            known = takedown_log.read(self._folder)
            keys = [*wanted, *(key for key, removal in known.takedowns.items() if not removal.done)]
            with self._index.writing() as connection:
                found = (
                    plan_takedown(connection, outlet, name, self._article_of)
                    for outlet, name in dict.fromkeys(keys)
                )
                going = [
                    one
                    for one in combine(one for one in found if one is not None)
                    if _has_rows(one)
                ]
                for found_one in going:
                    takedown = add_quotes(
                        connection, found_one, (quoting or {}).get(str(found_one), ())
                    )
                    if takedown.others:
                        raise SharedBytesError(takedown)
                    before = known.takedowns.get((takedown.outlet, takedown.article_id))
                    why = (
                        (before.reason, before.by)
                        if before is not None and not before.done
                        else (reason, by)
                    )
                    removal = self._removal(takedown, *why)
                    self._step("log")
                    lines.append(self._log.append(takedown_log.begun_line(removal)))
                    self._step("hide")
                    remove_rows(connection, takedown, removal)
                for removal in known.pending:
                    record_takedown(connection, removal)
        except BaseException as error:
            if lines:
                with suppress(OSError):
                    self._log.cut(lines[0])
            if isinstance(error, OSError):
                raise SegmentError(
                    describe_os_error(self._folder / takedown_log.NAME, error)
                ) from error
            raise
        self._step("hidden")
        return going

    def finish(self) -> TakedownResult:
        """Bring everything that was begun to its end, as far as nobody is in the way.

        :raises SegmentError: a segment or the log can't be read or written; what was begun stays
            so.
        :raises IndexUnusableError: the index can't be written; likewise.
        """
        finished = TakedownResult()
        pending = takedown_log.read(self._folder).pending
        if not pending:
            return finished
        going = {gone.record_id: (removal, gone) for removal in pending for gone in removal.records}
        repointing = RevisitTargets(self._index, self._folder, [gone for _, gone in going.values()])
        files = {gone.file for _, gone in going.values()} | repointing.files
        stuck: set[str] = set()
        for name in sorted(files):
            if (self._folder / name).exists():
                self._replace(name, going, repointing.originals, finished)
            elif _is_written(self._folder / (open_name(name))):
                stuck.add(name)
                finished.waiting.append(f"{name} is being written by a crawl or a replay.")
        finished.repointed = len(repointing.originals)
        self._step("scrub")
        self._drop_old_indexes()
        if not self._index.scrub():
            finished.waiting.append(
                "Another process reads the index, which so keeps what was deleted from it."
            )
            return finished
        self._step("done")
        for removal in pending:
            if not any(gone.file in stuck for gone in removal.records):
                self._write(takedown_log.done_line(removal, finished.rewritten, self._clock()))
                finished.done.append(removal)
        return finished

    def _replace(
        self,
        name: str,
        going: dict[str, tuple[Takedown, RemovedRecord]],
        originals: dict[str, RevisitOf],
        finished: TakedownResult,
    ) -> None:
        """Put a new segment in the place of one; killed anywhere, the next call goes on."""
        new = next_name(name)
        old_path, new_path = self._folder / name, self._folder / new
        if not (new_path.exists() and self._leads(new)):
            self._step("rewrite")
            with suppress(FileNotFoundError):  # a killed one's, to which no row leads
                new_path.unlink()
            digests = {
                gone.payload_digest: removal for removal, gone in going.values() if gone.shows
            }
            rewritten = SegmentRewrite(self._folder, name, going, digests, originals).run()
            for removal, gone in rewritten.extra:
                self._write(takedown_log.begun_line(_with(removal, gone)))
            why = (
                ", ".join(
                    sorted({str(removal) for removal, gone in going.values() if gone.file == name})
                )
                or "others"
            )
            self._step("manifest")
            self._enter(
                lambda: fixity.record_segment(
                    new_path, EntryKind.REPLACED, f"{name} without what was removed: {why}"
                )
            )
            self._step("move")
            with self._index.writing() as connection:
                gone_ids = [gone.record_id for _, gone in rewritten.extra]
                move_rows(connection, name, new, rewritten.places, gone_ids)
        self._step("unlist")
        size, sha256 = self._measured(old_path)
        entry = fixity.ManifestEntry(
            EntryKind.REMOVED,
            name,
            size,
            sha256,
            self._clock().replace(microsecond=0),
            f"now {new}",
        )
        self._enter(lambda: fixity.append(self._folder, entry))
        self._step("unlink")
        try:
            old_path.unlink()
            sync_folder(self._folder)
        except OSError as error:
            raise SegmentError(describe_os_error(old_path, error)) from error
        finished.rewritten.append((name, new))

    def _leads(self, name: str) -> bool:
        """Whether rows lead into the segment."""
        with self._index.reading() as connection:
            return bool(file_sizes(connection, [name]))

    def _measured(self, path: Path) -> tuple[int, str]:
        try:
            return fixity.measure(path)
        except OSError as error:
            raise SegmentError(describe_os_error(path, error)) from error

    def _enter(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            raise SegmentError(describe_os_error(self._folder / fixity.NAME, error)) from error

    def _write(self, fields: dict[str, object]) -> None:
        try:
            self._log.append(fields)
        except OSError as error:
            raise SegmentError(
                describe_os_error(self._folder / takedown_log.NAME, error)
            ) from error

    def _drop_old_indexes(self) -> None:
        """What a reindex keeps or has not finished holds the texts, too."""
        for path in old_indexes(self._index.url):
            try:
                path.unlink()
            except OSError as error:
                raise SegmentError(describe_os_error(path, error)) from error

    def _removal(self, takedown: TakedownPlan, reason: str, by: str) -> Takedown:
        names, records = takedown.names, takedown.records
        at = self._clock().replace(microsecond=0)
        return takedown_log.Takedown(
            takedown.outlet, takedown.article_id, names, records, reason, by, at
        )


def room_lacks(folder: Path, index_url: str, files: Sequence[str]) -> str:
    """Why there is too little room to rewrite these segments and the index; ``""`` if there is enough."""
    sizes = [path.stat().st_size for name in files if (path := folder / name).exists()]
    index = index_path(index_url)
    for place, need in ((folder, max(sizes, default=0)), (index.parent, 2 * index.stat().st_size)):
        shortage = disk.shortage(place, need)
        if shortage:
            return f"{shortage} Nothing was changed."
    return ""


def old_indexes(index_url: str) -> list[Path]:
    """The files in which a reindex kept the index before it, or left one unfinished."""
    path = index_path(index_url)
    names = [
        f"{path.name}{ending}"
        for ending in (".old", ".old-wal", ".old-shm", ".reindex", ".reindex-wal", ".reindex-shm")
    ]
    return [path.with_name(name) for name in names if path.with_name(name).exists()]


def _has_rows(takedown: TakedownPlan) -> bool:
    return takedown.row is not None or bool(takedown.captures) or not takedown.known


def _is_written(path: Path) -> bool:
    """Whether a live process writes the segment; one left by a dead writer is recovered before."""
    try:
        return is_held(path) or path.exists()
    except FileNotFoundError:
        return False


def _with(removal: Takedown, gone: RemovedRecord) -> Takedown:
    return takedown_log.Takedown(
        removal.outlet, removal.article_id, (), (gone,), removal.reason, removal.by, removal.at
    )
