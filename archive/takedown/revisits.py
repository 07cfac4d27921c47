"""Revisits whose original is removed, and other captures of the same payload to refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.captures.rows import record_of
from archive.index.dialect import one_of
from archive.index.schema import captures
from archive.segments.lookup import RecordError
from archive.warc.record_writer import NOT_MODIFIED, RevisitOf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from archive.index.database import Index
    from archive.segments.store import StoreOrFolder
    from archive.takedown.log import RemovedRecord


class RevisitTargets:
    """The new ``originals`` of revisits, by their ids, and the ``files`` in which all of them lie.

    A revisit has no body of its own. Those that show the article are removed with it, so the ones
    here repeat something else: a paywall, an empty page. A revisit for whose payload there is no
    other capture is not among ``originals``, and is removed as well.
    """

    def __init__(
        self, index: Index, archive: StoreOrFolder, going: Iterable[RemovedRecord]
    ) -> None:
        self._archive = archive
        digests = {record.record_id: record.payload_digest for record in going}
        self._going = digests.keys()
        self.files: set[str] = set()
        self.originals: dict[str, RevisitOf] = {}
        with index.reading() as connection:
            self._find(connection, set(digests.values()))

    def _find(self, connection: Connection, digests: set[str]) -> None:
        revisits = select(captures).where(
            one_of(captures.c.payload_digest, digests), captures.c.record_type == "revisit"
        )
        for row in connection.execute(revisits).all():
            if row.record_id in self._going:
                continue
            try:
                fields = record_of(self._archive, row).fields
            except RecordError:  # reported by `verify`
                continue
            if fields["warc-refers-to"] not in self._going:
                continue
            self.files.add(row.warc_file)
            # "not modified" is only true of a capture of the same URL
            url = row.url if fields["warc-profile"] == NOT_MODIFIED else ""
            original = self._other(connection, row, url)
            if original is not None:
                self.originals[row.record_id] = original

    def _other(self, connection: Connection, row: Row[Any], url: str) -> RevisitOf | None:
        """Return the first capture of the same payload that stays, of that URL if one is given."""
        query = select(captures).where(
            captures.c.payload_digest == row.payload_digest,
            captures.c.record_type.in_(("response", "resource")),
            captures.c.time_known,
        )
        if url:
            query = query.where(captures.c.url == url)
        for one in connection.execute(query.order_by(captures.c.captured_at, captures.c.id)):
            if one.record_id not in self._going:
                return RevisitOf(one.url, one.captured_at, one.payload_digest, one.record_id)
        return None
