"""Find our capture that a `revisit` record of another archive repeats, proven by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.captures.rows import SHOWN_REVISION, location_of
from archive.index.schema import captures
from archive.model.times import within_calendar
from archive.segments.lookup import RecordError, read_at
from archive.warc.dates import parse_date
from archive.warc.digests import algorithm_of, compute, states
from archive.warc.record_parser import digested_forms, is_server_not_modified
from archive.warc.record_writer import RevisitOf, safe_url

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from archive.model.exchange import Location
    from archive.segments.store import StoreOrFolder
    from archive.warc.record_parser import Record

#: The number of captures of the address that are tried.
_TRIED = 20
#: The number of captures whose digests are cached: a hostile file may ask for the longest documents
#: again and again.
_CACHED = 10_000
_OK = 200
_SAME = timedelta(seconds=1)  # other archives' dates have no fractions


@dataclass(frozen=True, slots=True)
class Original:
    """A committed `response` of ours, and the id of the revision that it shows, if any."""

    revisit_of: RevisitOf
    revision_id: int | None


@dataclass(frozen=True, slots=True)
class _Reference:
    """What a revisit says of its original.

    ``date`` is the original's, None if it is not stated; ``latest`` is its latest possible one.
    ``digest`` is that of the payload, ``""`` if none is stated, or ``of_nothing``.
    """

    url: str
    date: datetime | None
    latest: datetime
    digest: str
    of_nothing: bool


class OriginalFinder:
    """Finds originals in an archive; reads and digests each capture only once."""

    def __init__(self, archive: StoreOrFolder) -> None:
        self._archive = archive
        self._digests = lru_cache(maxsize=_CACHED)(self._read_digests)

    def find(self, connection: Connection, revisit: Record) -> Original | None:
        """Return the capture that a revisit of another archive repeats; None if we have none.

        It has the address that the revisit states for its original, or the revisit's own, and the
        payload with the stated digest. If no comparable digest is stated, it has the stated date.
        Of an answer "not modified" with the digest of nothing and no date, it is the last page that
        was served before.
        """
        try:
            reference = _reference(revisit)
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
            SHOWN_REVISION,
            captures.c.status,
        )
        query = columns.where(
            captures.c.url == reference.url,
            captures.c.record_type == "response",
            captures.c.time_known,
            captures.c.captured_at < reference.latest + _SAME,
        )
        for row in connection.execute(query.order_by(captures.c.captured_at.desc()).limit(_TRIED)):
            if self._is_original(row, reference):
                original = RevisitOf(row.url, row.captured_at, row.payload_digest, row.record_id)
                return Original(original, row.revision_id)
        return None

    def _is_original(self, row: Any, reference: _Reference) -> bool:
        stated, date = reference.digest, reference.date
        if stated == row.payload_digest:
            return True
        name = algorithm_of(stated)
        if name:
            return any(states(stated, digest) for digest in self._digests(name, location_of(row)))
        if stated:
            return False
        if date is None:
            return reference.of_nothing and row.status == _OK
        return bool(abs(row.captured_at - date) < _SAME)

    def _read_digests(self, name: str, location: Location) -> tuple[bytes, ...]:
        """Return the digests that other archives may state for a capture; none if it is damaged.

        They are of the payload, and of the body with its transfer coding.
        """
        try:
            exchange = read_at(self._archive, location).exchange
        except RecordError:  # `verify` reports it
            return ()
        if exchange is None:
            return ()
        return tuple(compute(name, data) for data in digested_forms(exchange))


def _reference(revisit: Record) -> _Reference:
    """Return what a revisit says of its original.

    :raises ValueError: the address or a date is not valid.
    """
    fields = revisit.fields
    url = safe_url(fields["warc-refers-to-target-uri"] or fields["warc-target-uri"])
    date = None
    if "warc-refers-to-date" in fields:
        date = parse_date(fields["warc-refers-to-date"])
    latest = within_calendar(date or parse_date(fields["warc-date"]))
    stated = revisit.payload_digest
    of_nothing = is_server_not_modified(revisit) and _is_of_nothing(stated)
    return _Reference(url, date, latest, "" if of_nothing else stated, of_nothing)


def _is_of_nothing(claim: str) -> bool:
    """Return whether a digest is that of no bytes, as Heritrix states it of a 304."""
    name = algorithm_of(claim)
    return bool(name) and states(claim, compute(name, b""))
