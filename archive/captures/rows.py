"""Rows of the table ``captures``: where a capture's record lies, and what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from archive.index.dialect import one_of
from archive.index.schema import captures, revisions
from archive.model.errors import SegmentError, describe_os_error
from archive.model.exchange import Location
from archive.model.outcome import Outcome, Reason
from archive.model.visit_policy import GONE_STATUSES
from archive.segments.lookup import read_at
from archive.segments.store import store_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from archive.segments.store import Store, StoreOrFolder
    from archive.warc.record_parser import Record

#: How many captures show which segments are written last.
_LAST = 1_000


@dataclass(frozen=True, slots=True)
class LastCapture:
    """The newest complete capture of an address, of which the next one may be a revisit."""

    url: str
    captured_at: datetime
    payload_digest: str
    record_id: str
    revision_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCapture:
    """A capture of one of an article's addresses.

    ``captured_at`` is aware; if ``time_known`` is False it is when the capture was imported.
    ``revision_id`` and ``revision`` (its number) are of the revision that the capture showed, None
    if it showed none. ``decides`` is whether it counts for the question if the article is deleted
    (see `archive.captures.deletions`); it does not if it was made ``in_outage`` of the outlet.
    ``charset`` is Python's name of that by which it was read, ``""`` if it was not read as text.
    """

    id: int
    outlet: str
    url: str
    record_type: str
    status: int | None
    reason: str
    captured_at: datetime
    time_known: bool
    location: Location
    revision_id: int | None
    revision: int | None = None
    decides: bool = True
    in_outage: bool = False
    charset: str = ""

    @property
    def sign_of_deletion(self) -> str:
        """How the capture shows that the article is gone: its status, or the reason."""
        return str(self.status) if self.status in GONE_STATUSES else self.reason


def stored_capture(row: Row[Any], revision: int | None, *, decides: bool) -> StoredCapture:
    """Return the capture of a row of ``captures``."""
    return StoredCapture(
        id=row.id,
        outlet=row.outlet,
        url=row.url,
        record_type=row.record_type,
        status=row.status,
        reason=row.reason,
        captured_at=row.captured_at,
        time_known=row.time_known,
        location=location_of(row),
        revision_id=row.revision_id,
        revision=revision,
        decides=decides,
        charset=row.charset_used,
    )


#: The revision that a capture shows to somebody who asks what its repetition shows: nothing of a
#: page that no layout reads, whose repetition is no success.
SHOWN_REVISION = case(
    (captures.c.outcome != Outcome.UNPARSED, captures.c.revision_id), else_=None
).label("revision_id")


def captures_of(connection: Connection, row_id: int) -> list[StoredCapture]:
    """Return the captures that showed the article, oldest first."""
    query = select(captures, revisions.c.number).join(
        revisions, captures.c.revision_id == revisions.c.id
    )
    query = query.where(revisions.c.article == row_id)
    rows = connection.execute(query.order_by(captures.c.captured_at, captures.c.id))
    return [stored_capture(row, row.number, decides=True) for row in rows]


def capture_of_record(connection: Connection, record_id: str) -> StoredCapture | None:
    """Return the capture in the record of that id, None if the index has none."""
    query = select(captures, revisions.c.number).outerjoin(
        revisions, captures.c.revision_id == revisions.c.id
    )
    row = connection.execute(query.where(captures.c.record_id == record_id)).first()
    return stored_capture(row, row.number, decides=True) if row is not None else None


def capture_with_payload(connection: Connection, outlet: str, digest: str) -> StoredCapture | None:
    """Return a capture of the outlet whose record holds the payload with that digest, if any."""
    query = select(captures).where(
        captures.c.payload_digest == digest,
        captures.c.outlet == outlet,
        captures.c.record_type != "revisit",
    )
    row = connection.execute(query.order_by(captures.c.captured_at).limit(1)).first()
    return stored_capture(row, None, decides=True) if row is not None else None


def last_captures(connection: Connection, urls: Iterable[str]) -> dict[str, LastCapture]:
    """Return the newest `response` with status 200 and a revision, by address; no revisits.

    A page that no layout reads is none: it is fetched whole again, and read by the layouts of then.
    """
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
        captures.c.outcome != Outcome.UNPARSED,
    )
    rows = connection.execute(query.order_by(captures.c.captured_at))
    return {row.url: LastCapture(*row) for row in rows}


def known_records(connection: Connection, record_ids: Collection[str]) -> dict[str, int | None]:
    """Return those of the record ids that have a row, with the id of the revision each showed."""
    query = select(captures.c.record_id, SHOWN_REVISION)
    rows = connection.execute(query.where(one_of(captures.c.record_id, record_ids)))
    return {row.record_id: row.revision_id for row in rows}


def unread_records(connection: Connection, record_ids: Collection[str]) -> dict[str, Any]:
    """Return those rows, by the record ids, that say that their record was not read.

    A crawl stores what it has fetched before it reads it, and a bug may have been met.
    """
    is_unread = (captures.c.outcome == Outcome.FAILED, captures.c.reason == Reason.INTERNAL_ERROR)
    columns = select(
        captures.c.record_id,
        captures.c.id,
        captures.c.captured_at,
        captures.c.time_known,
        captures.c.revision_id,
    )
    rows = connection.execute(columns.where(one_of(captures.c.record_id, record_ids), *is_unread))
    return {row.record_id: row for row in rows}


def known_captures(
    connection: Connection, digests: Iterable[str]
) -> dict[tuple[str, str], list[Any]]:
    """Return the rows with one of these payload digests, by (url, digest)."""
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


def captured_urls(connection: Connection, urls: Iterable[str]) -> set[str]:
    """Return those of the addresses that have a capture with status 200."""
    query = select(captures.c.url).where(one_of(captures.c.url, urls), captures.c.status == 200)
    return set(connection.scalars(query))


def last_capture_until(connection: Connection, url: str, moment: datetime) -> StoredCapture | None:
    """Return the last capture of an address that was made until a moment; None if there is none."""
    query = select(captures).where(captures.c.url == url, captures.c.captured_at <= moment)
    query = query.order_by(captures.c.captured_at.desc(), captures.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else stored_capture(row, revision=None, decides=False)


def pictures_captured(connection: Connection, urls: Iterable[str]) -> dict[str, datetime]:
    """Return when each of the addresses was last captured as a picture; those never were, not."""
    query = select(captures.c.url, func.max(captures.c.captured_at)).where(
        one_of(captures.c.url, urls),
        captures.c.status == 200,
        captures.c.media_type.startswith("image/"),
    )
    return {row[0]: row[1] for row in connection.execute(query.group_by(captures.c.url))}


def indexed_bytes(connection: Connection, warc_file: str) -> int:
    """Return the end of the last record of a segment that has a row, in bytes; 0 for none."""
    end = func.max(captures.c.warc_offset + captures.c.warc_length)
    return connection.scalar(select(end).where(captures.c.warc_file == warc_file)) or 0


def check_archive(archive: StoreOrFolder, connection: Connection) -> None:
    """Check that the archive that the index refers to is in the store.

    Call it before segments are created there.

    :raises SegmentError: the store contains no segment, for instance because its disk is not
        mounted, or cannot be read.
    """
    _checked_names(store_of(archive), connection)


def check_same_archive(archive: StoreOrFolder, connection: Connection) -> None:
    """Check that the store is the archive that others write, as far as the index tells.

    One segment may be lost; that all of the last ones are missing means another folder or disk.

    :raises SegmentError: it has none of the segments that captures were entered from last, or
        cannot be read.
    """
    store = store_of(archive)
    there = _checked_names(store, connection)
    last = select(captures.c.warc_file).order_by(captures.c.id.desc()).limit(_LAST).subquery()
    names = set(connection.scalars(select(last.c.warc_file).distinct()))
    if names and names.isdisjoint(there):
        raise SegmentError(
            f"{store.place()} has none of the segments that the index refers to last (as "
            f"{min(names)}): it is another archive; {_question(store)}"
        )


def _checked_names(store: Store, connection: Connection) -> set[str]:
    """Return the segments in a store, none if the index refers to none; see `check_archive`."""
    name = _newest_segment(connection)
    if not name:
        return set()
    try:
        closed, opened = store.names()
    except OSError as error:
        raise SegmentError(describe_os_error(store.place(), error)) from error
    if not closed and not opened:
        raise SegmentError(
            f"{store.place()} contains no segment, but the index refers to segments there (the "
            f"last is {name}): {_question(store)} A new archive needs a new index (INDEX_URL)."
        )
    return {*closed, *opened}


def _question(store: Store) -> str:
    """Return what to look at if a store is not the one that was expected."""
    if store.is_remote:
        return "is ARCHIVE_URL right?"
    return "is its disk mounted, and is ARCHIVE_URL right?"


def location_columns(location: Location) -> dict[str, Any]:
    """Return the columns of ``captures`` that say where the record lies."""
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


def record_of(archive: StoreOrFolder, row: Row[Any] | Mapping[str, Any]) -> Record:
    """Return the record of a row of ``captures`` from the segments of the archive.

    :raises RecordError: it is missing, damaged or another one.
    """
    return read_at(archive, location_of(row))


def _newest_segment(connection: Connection) -> str:
    """Return the segment of the capture that was entered last, ``""`` for none."""
    query = select(captures.c.warc_file).order_by(captures.c.id.desc()).limit(1)
    return connection.scalar(query) or ""
