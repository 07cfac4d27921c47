"""The original that a foreign `revisit` record stands for, looked for among our captures and proven by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.articles.captures import record_of
from archive.index.schema import captures
from archive.segments.lookup import RecordError
from archive.warc.dates import parse_date
from archive.warc.digests import algorithm_of, compute, states
from archive.warc.record_parser import digested_forms
from archive.warc.record_writer import RevisitOf, safe_url

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.warc.record_parser import Record

#: Captures of the address that are looked into.
_TRIED = 20
#: Digests remembered; a hostile file may ask for the longest documents' again and again.
_REMEMBERED = 10_000
_SAME = timedelta(seconds=1)  # others' dates have no fractions


@dataclass(frozen=True, slots=True)
class Original:
    """A committed `response` of ours, and the revision that it shows, if any."""

    revisit_of: RevisitOf
    revision_id: int | None


class OriginalFinder:
    """Looks for originals in the archive at ``folder``; each capture is read and digested once, however many ask."""

    def __init__(self, folder: Path | str) -> None:
        self._folder = folder
        self._digests: dict[tuple[str, str], tuple[bytes, ...]] = {}

    def find(self, connection: Connection, revisit: Record) -> Original | None:
        """The capture that a revisit of another archive repeats; None if we have none that proves to be it.

        It has the address that the revisit names as its original's, or its own where it names none,
        and the payload whose digest it states. Where it states none that can be compared, the date
        it names has to be the capture's.
        """
        fields = revisit.fields
        try:
            url = safe_url(fields["warc-refers-to-target-uri"] or fields["warc-target-uri"])
            named = None
            if "warc-refers-to-date" in fields:
                named = parse_date(fields["warc-refers-to-date"])
            latest = named or parse_date(fields["warc-date"])
        except ValueError:
            return None
        columns = select(
            captures.c.url,
            captures.c.captured_at,
            captures.c.payload_digest,
            captures.c.record_id,
            captures.c.warc_file,
            captures.c.warc_offset,
            captures.c.warc_length,
            captures.c.revision_id,
        )
        query = columns.where(
            captures.c.url == url, captures.c.record_type == "response", captures.c.time_known
        )
        query = query.where(captures.c.captured_at < latest + _SAME)
        for row in connection.execute(query.order_by(captures.c.captured_at.desc()).limit(_TRIED)):
            if self._is_it(row, named, revisit.payload_digest):
                original = RevisitOf(row.url, row.captured_at, row.payload_digest, row.record_id)
                return Original(original, row.revision_id)
        return None

    def _is_it(self, row: Any, named: datetime | None, claim: str) -> bool:
        if claim == row.payload_digest:
            return True
        name = algorithm_of(claim)
        if not name:
            return not claim and named is not None and abs(row.captured_at - named) < _SAME
        return any(states(claim, found) for found in self._digested(name, row))

    def _digested(self, name: str, row: Any) -> tuple[bytes, ...]:
        """What others may state as the payload's digest: of the payload, or of the body with its framing."""
        key = (name, row.record_id)
        if key not in self._digests:
            if len(self._digests) >= _REMEMBERED:
                self._digests.clear()
            self._digests[key] = ()
            try:
                exchange = record_of(self._folder, row).exchange
            except RecordError:  # `verify` is who says so
                exchange = None
            if exchange is not None:
                self._digests[key] = tuple(compute(name, data) for data in digested_forms(exchange))
        return self._digests[key]
