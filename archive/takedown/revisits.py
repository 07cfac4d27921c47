"""Revisits whose original is removed, and the other captures of the same payload that they can refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.articles.captures import record_of
from archive.index.schema import captures
from archive.segments.lookup import RecordError
from archive.warc.record_writer import NOT_MODIFIED, RevisitOf

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from archive.index.database import Index
    from archive.takedown.log import RemovedRecord

_MANY = 500


class RevisitTargets:
    """Revisits that stay while their original goes: in which ``files`` they lie, and which ``originals`` they get.

    A revisit has no body of its own. What shows the article goes with it, so these repeat something
    else: a wall, an empty answer. One that nothing else has the payload of is in ``files`` only,
    and goes as well.
    """

    def __init__(self, index: Index, folder: Path, going: Iterable[RemovedRecord]) -> None:
        self._folder = folder
        digests = {gone.record_id: gone.payload_digest for gone in going}
        self._going = digests.keys()
        self.files: set[str] = set()
        self.originals: dict[str, RevisitOf] = {}
        known = sorted(set(digests.values()))
        with index.reading() as connection:
            for start in range(0, len(known), _MANY):
                self._look(connection, known[start : start + _MANY])

    def _look(self, connection: Connection, digests: list[str]) -> None:
        repeating = select(captures).where(
            captures.c.payload_digest.in_(digests), captures.c.record_type == "revisit"
        )
        for row in connection.execute(repeating).all():
            if row.record_id in self._going:
                continue
            fields = self._fields(row)
            if fields.get("warc-refers-to", "").strip("<>") not in self._going:
                continue
            self.files.add(row.warc_file)
            # That a page was not modified is said of the copy of its own address.
            url = row.url if fields.get("warc-profile") == NOT_MODIFIED else ""
            original = self._other(connection, row, url)
            if original is not None:
                self.originals[row.record_id] = original

    def _fields(self, row: Row[Any]) -> dict[str, str]:
        try:
            return dict(record_of(self._folder, row).fields)
        except RecordError:  # `verify` says so
            return {}

    def _other(self, connection: Connection, row: Row[Any], url: str) -> RevisitOf | None:
        query = select(captures).where(
            captures.c.payload_digest == row.payload_digest,
            captures.c.record_type.in_(("response", "resource")),
            captures.c.time_known,
        )
        query = query.where(captures.c.url == url) if url else query
        for one in connection.execute(query.order_by(captures.c.captured_at, captures.c.id)):
            if one.record_id not in self._going:
                return RevisitOf(one.url, one.captured_at, one.payload_digest, one.record_id)
        return None
