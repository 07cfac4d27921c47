"""Checks that what was removed is gone: the log, tombstones, records and rows are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.schema import articles, captures, refused
from archive.model.errors import SegmentError
from archive.model.program import PROGRAM
from archive.segments.lookup import DOCUMENTS
from archive.takedown import log as takedown_log
from archive.takedown.tombstones import is_tombstone
from archive.verify.warc_file.findings import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from archive.segments.store import StoreOrFolder
    from archive.takedown.log import Takedown
    from archive.verify.warc_file.strict_reader import CheckedRecord


class TakedownCheck:
    """Compares an archive with its log of take-downs.

    Call `see` with each record, then `finish`, and `rows` with the index.
    """

    def __init__(self, archive: StoreOrFolder) -> None:
        self._fault = ""
        try:
            self._log = takedown_log.read(archive)
        except SegmentError as error:
            self._log, self._fault = takedown_log.TakedownLog({}), str(error)
        self._records: dict[str, Takedown] = {}
        self._digests: dict[str, Takedown] = {}
        self._known: set[str] = set()
        #: The ids of the records that tombstones stand for.
        self.stones: set[str] = set()
        for removal in self._log.takedowns.values():
            self._add(removal)

    def _add(self, removal: Takedown) -> None:
        self._known.update(gone.record_id for gone in removal.records)
        if not removal.done:
            return
        for gone in removal.records:
            self._records[gone.record_id] = removal
            if gone.shows:
                self._digests[gone.payload_digest] = removal

    def see(self, file: str, seen: CheckedRecord) -> Iterator[Finding]:
        """Yield findings about a record; tombstones are remembered."""
        fields = seen.fields
        kind = fields["warc-type"]
        if is_tombstone(kind, fields["content-type"]):
            self.stones.add(fields["warc-target-uri"])
            if fields["warc-target-uri"] not in self._known:
                named = fields["warc-target-uri"][:120]
                sentence = f"It says that {named} was removed, but {takedown_log.NAME} does not."
                yield Finding(file, seen.offset, seen.record_id, Rule.REMOVAL, sentence)
            return
        removal = self._records.get(seen.record_id)
        if removal is None and kind in DOCUMENTS:
            removal = self._digests.get(fields["warc-payload-digest"])
        if removal is not None:
            sentence = (
                f"It is of {removal}, which was removed on {removal.at:%Y-%m-%d}, but it exists."
            )
            yield Finding(file, seen.offset, seen.record_id, Rule.REMOVAL, sentence)

    def finish(self, *, whole: bool) -> Iterator[Finding]:
        """Yield findings about the log itself; ``whole``: every record of the archive was seen."""
        if self._fault:
            yield _found(Rule.UNREADABLE, self._fault)
        for fault in self._log.faults:
            yield Finding(fault.file, fault.offset, "", Rule.REMOVAL, fault.sentence)
        for removal in self._log.pending:
            sentence = (
                f"The removal of {removal} has not finished: run {PROGRAM} remove {removal} again."
            )
            yield _found(Rule.REMOVAL, sentence)
        if whole:
            for record_id in sorted(self._records.keys() - self.stones):
                removal = self._records[record_id]
                sentence = f"There is no tombstone for {record_id}, a record of {removal}."
                yield _found(Rule.REMOVAL, sentence)

    def rows(self, connection: Connection) -> Iterator[Finding]:
        """Yield findings about the index: removed articles must be absent and blocked."""
        for removal in self._log.takedowns.values():
            names = set(removal.refused)
            query = select(refused.c.name).where(
                refused.c.outlet == removal.outlet, refused.c.name.in_(names)
            )
            if names - set(connection.scalars(query)):
                sentence = f"It does not block {removal}, which was removed: run {PROGRAM} reindex."
                yield Finding("refused", -1, str(removal), Rule.REMOVAL, sentence)
            own = select(articles.c.id).where(articles.c.outlet == removal.outlet)
            for key in connection.scalars(own.where(articles.c.article_id.in_(removal.names))):
                yield _row("articles", key, removal)
            if removal.done:
                of_it = captures.c.record_id.in_([gone.record_id for gone in removal.records])
                for key in connection.scalars(select(captures.c.id).where(of_it)):
                    yield _row("captures", key, removal)
        late = select(captures.c.id).where(captures.c.reason == "removed")
        for key in connection.scalars(late):
            sentence = (
                "It is of a removed article, and came after the removal: "
                f"run {PROGRAM} remove for it again."
            )
            yield Finding("captures", -1, str(key), Rule.REMOVAL, sentence)


def _row(table: str, key: int, removal: Takedown) -> Finding:
    return Finding(table, -1, str(key), Rule.REMOVAL, f"It is of {removal}, which was removed.")


def _found(rule: Rule, sentence: str) -> Finding:
    return Finding(takedown_log.NAME, -1, "", rule, sentence)
