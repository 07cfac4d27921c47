"""The original that a foreign `revisit` record stands for, looked for among our captures and proven by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.exchange import Location
from archive.reader import RecordError, read_at
from archive.records import Fault, agrees, payload_of, read_date
from archive.tables import captures
from archive.warc import RevisitOf, WarcError, safe_url

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.records import Found

#: Captures of the address that are looked into.
_TRIED = 20
_SAME = timedelta(seconds=1)  # others' dates have no fractions


@dataclass(frozen=True, slots=True)
class Original:
    """A committed `response` of ours, and the revision that it shows, if any."""

    revisit_of: RevisitOf
    revision_id: int | None


def find_original(connection: Connection, folder: Path | str, revisit: Found) -> Original | None:
    """The capture that a revisit of another archive repeats; None if we have none that proves to be it.

    It has the address that the revisit names as its original's, or its own where it names none, and the payload
    whose digest it states. Where it states none that can be compared, the date it names has to be the capture's.
    """
    fields = revisit.fields
    try:
        url = safe_url((fields.get("warc-refers-to-target-uri") or fields.get("warc-target-uri", "")).strip("<>"))
        named = read_date(fields["warc-refers-to-date"]) if "warc-refers-to-date" in fields else None
        latest = named or read_date(fields.get("warc-date", ""))
    except (WarcError, Fault):
        return None
    columns = select(
        captures.c.url, captures.c.captured_at, captures.c.payload_digest, captures.c.record_id,
        captures.c.warc_file, captures.c.warc_offset, captures.c.warc_length, captures.c.revision_id,
    )  # fmt: skip
    query = columns.where(captures.c.url == url, captures.c.record_type == "response", captures.c.time_known)
    query = query.where(captures.c.captured_at < latest + _SAME).order_by(captures.c.captured_at.desc()).limit(_TRIED)
    for row in connection.execute(query):
        if _is_it(row, named, revisit, folder):
            original = RevisitOf(row.url, row.captured_at, row.payload_digest, row.record_id)
            return Original(original, row.revision_id)
    return None


def _is_it(row: Any, named: datetime | None, revisit: Found, folder: Path | str) -> bool:
    claim = revisit.payload_digest
    if claim == row.payload_digest:
        return True
    if not claim:
        return named is not None and abs(row.captured_at - named) < _SAME
    try:
        place = Location(row.warc_file, row.warc_offset, row.warc_length, row.record_id, row.payload_digest)
        exchange = read_at(folder, place).exchange
    except RecordError:  # `verify` is who says so
        return False
    return exchange is not None and any(agrees(claim, data, unknown=False) for data in payload_of(exchange))
