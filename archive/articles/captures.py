"""Reading the index: articles with their revisions and captures, lists, and full-text search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from archive.index.bulk import one_of
from archive.index.schema import captures
from archive.model.errors import SegmentError, describe_os_error
from archive.model.exchange import Location
from archive.segments.lookup import read_at
from archive.segments.names import closed_segments, open_segments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Row

    from archive.warc.record_parser import Record


@dataclass(frozen=True, slots=True)
class LastCapture:
    """The last whole capture of an address: what a further one is compared with, and may be a revisit of."""

    url: str
    captured_at: datetime
    payload_digest: str
    record_id: str
    revision_id: int | None


def last_captures(connection: Connection, urls: Iterable[str]) -> dict[str, LastCapture]:
    """By address, its newest `response` with status 200 whose reading is known; never a revisit."""
    columns = (
        captures.c.url,
        captures.c.captured_at,
        captures.c.payload_digest,
        captures.c.record_id,
    )
    query = select(*columns, captures.c.revision_id).where(
        one_of(captures.c.url, urls),
        captures.c.record_type == "response",
        captures.c.status == 200,
        captures.c.revision_id.is_not(None),
    )
    return {
        row.url: LastCapture(*row)
        for row in connection.execute(query.order_by(captures.c.captured_at))
    }


def known_records(connection: Connection, record_ids: Collection[str]) -> dict[str, int | None]:
    """Those of the records that a row of ``captures`` leads to, with the revision that each showed."""
    query = select(captures.c.record_id, captures.c.revision_id).where(
        one_of(captures.c.record_id, record_ids)
    )
    return {row.record_id: row.revision_id for row in connection.execute(query)}


def end_of_rows(connection: Connection, warc_file: str) -> int:
    """The byte of a segment behind the last record that a row leads to; 0 without any."""
    end = func.max(captures.c.warc_offset + captures.c.warc_length)
    return connection.scalar(select(end).where(captures.c.warc_file == warc_file)) or 0


def newest_segment(connection: Connection) -> str:
    """The segment of the capture that was entered last; ``""`` without any."""
    return (
        connection.scalar(select(captures.c.warc_file).order_by(captures.c.id.desc()).limit(1))
        or ""
    )


def captured_urls(connection: Connection, urls: Iterable[str]) -> set[str]:
    """Those of the addresses that have a capture with status 200."""
    query = select(captures.c.url).where(one_of(captures.c.url, urls), captures.c.status == 200)
    return set(connection.scalars(query))


def location_columns(location: Location) -> dict[str, Any]:
    """The columns of ``captures`` that say where the record lies."""
    return {
        "warc_file": location.file,
        "warc_offset": location.offset,
        "warc_length": location.length,
        "record_id": location.record_id,
        "payload_digest": location.payload_digest,
    }


def location_of(row: Row[Any] | Mapping[str, Any]) -> Location:
    """Return where the record of a row of ``captures`` lies."""
    columns = row if isinstance(row, Mapping) else row._mapping
    return Location(
        columns["warc_file"],
        columns["warc_offset"],
        columns["warc_length"],
        columns["record_id"],
        columns["payload_digest"],
    )


def record_of(folder: Path | str, row: Row[Any] | Mapping[str, Any]) -> Record:
    """Return the record of a row of ``captures`` from the segments in ``folder``.

    :raises RecordError: it is missing, damaged or another one.
    """
    return read_at(folder, location_of(row))


def known_captures(
    connection: Connection, digests: Iterable[str]
) -> dict[tuple[str, str], list[Any]]:
    """Rows of ``captures`` with one of these payload digests, by (url, digest)."""
    columns = select(
        captures.c.id,
        captures.c.url,
        captures.c.payload_digest,
        captures.c.captured_at,
        captures.c.time_known,
        captures.c.revision_id,
        captures.c.record_type,
    )
    found: dict[tuple[str, str], list[Any]] = {}
    for row in connection.execute(columns.where(one_of(captures.c.payload_digest, set(digests)))):
        found.setdefault((row.url, row.payload_digest), []).append(row)
    return found


def check_there(folder: Path | str, connection: Connection) -> None:
    """See that the archive of which the index tells is in the folder, before another is begun in its place.

    :raises SegmentError: there is no segment at all; its disk may not be mounted. Or the folder
        can't be looked at.
    """
    name = newest_segment(connection)
    try:
        lost = name and not (closed_segments(folder) or open_segments(folder))
    except OSError as error:
        raise SegmentError(describe_os_error(folder, error)) from error
    if lost:
        raise SegmentError(
            f"{folder} holds no segment, but the index tells of some there (the last is {name}): is its disk mounted, "
            "and does ARCHIVE_URL name it? A new archive needs a new index (INDEX_URL)."
        )
