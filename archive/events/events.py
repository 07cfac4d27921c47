"""What an index learned, event by event: articles new, changed, missing, deleted, back, removed.

They come in the order in which the index learned of them, not of the times at which they happened.
Of an article that was removed nothing remains but that it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select

from archive.articles.queries import PAGE
from archive.captures.deletions import DeletionJudge, Status
from archive.events.absence_events import AbsenceReader, Moment
from archive.events.event_cursor import (
    EventCursor,
    check_cursor,
    cursor_now,
    first_cursor,
)
from archive.index.dialect import one_of
from archive.index.rows.row_ids import settled_id
from archive.index.schema import articles, captures, removals, revisions
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from archive.events.absence_events import AbsenceEvent
    from archive.index.database import Index

    _Events = Generator["ArchiveEvent", None, EventCursor]


class EventKind(StrEnum):
    """What became known of an article.

    It is new when it is read for the first time; also when a layout reads it for the first time, of
    which there were only generic readings.
    """

    NEW = "new"
    CHANGED = "changed"
    MISSING = "missing"
    DELETED = "deleted"
    BACK = "back"
    REMOVED = "removed"


_KINDS = {
    Status.MISSING: EventKind.MISSING,
    Status.DELETED: EventKind.DELETED,
    Status.PUBLISHED: EventKind.BACK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEvent:
    """An event; ``at`` is in KST, ``cursor`` that of somebody who has read it.

    ``at`` is when the capture was made that showed it, or when the article was removed.
    ``revision`` and ``headline`` are those of a new or changed article, else those of its current
    revision; ``status`` is the article's now; ``change`` is that of a changed one. Of a removed
    article there is only its id.
    """

    kind: EventKind
    outlet: str
    article_id: str
    at: datetime
    cursor: EventCursor
    url: str = ""
    headline: str = ""
    revision: int | None = None
    status: Status | None = None
    change: dict[str, Any] | None = None


def read_events(
    index: Index, cursor: EventCursor | None, most: int
) -> tuple[list[ArchiveEvent], EventCursor]:
    """Return the events after a cursor, at most so many, and the cursor to go on from.

    None is the beginning. There are no more for now if there are fewer than ``most``. The index is
    not held open for reading longer than this takes, whatever becomes of the events.

    :raises StaleCursorError: the index was rebuilt since, or is an earlier one.
    :raises IndexUnusableError: it cannot be read.
    """
    with index.reading(settled=True) as connection:
        return events_after(connection, cursor, most)


def events_after(
    connection: Connection, cursor: EventCursor | None, most: int
) -> tuple[list[ArchiveEvent], EventCursor]:
    """Return what `read_events` does, in a transaction of ``Index.reading(settled=True)``.

    :raises StaleCursorError: the index was rebuilt since, or is an earlier one.
    """
    events = each_event(connection, cursor)
    found: list[ArchiveEvent] = []
    while len(found) < most:
        try:
            found.append(next(events))
        except StopIteration as end:
            # The last one's reader has read what gave no event, too.
            found[-1:] = [replace(one, cursor=end.value) for one in found[-1:]]
            return found, end.value
    events.close()
    return found, found[-1].cursor


def each_event(connection: Connection, cursor: EventCursor | None = None) -> _Events:
    """Yield the events after a cursor, None for the beginning; return the cursor at the end.

    :raises StaleCursorError: the index was rebuilt since, or is an earlier one.
    """
    if cursor is None:
        cursor = first_cursor(connection)
    check_cursor(connection, cursor)
    if cursor.until:
        cursor = yield from _absences(connection, cursor)
    cursor = yield from _revisions(connection, cursor)
    # What was settled once stays so, even if a transaction that began then says less.
    last = max(cursor.capture, settled_id(connection, captures))
    if (cursor.capture, cursor.known) != (last, cursor.revision):
        cursor = yield from _absences(connection, replace(cursor, until=last))
    return (yield from _removals(connection, cursor))


def now(index: Index) -> EventCursor:
    """Return the cursor of somebody who has read all that the index knows."""
    with index.reading(settled=True) as connection:
        return cursor_now(connection)


def _revisions(connection: Connection, cursor: EventCursor) -> _Events:
    """Yield new and changed articles."""
    earlier = revisions.alias()
    is_changed = exists().where(
        earlier.c.article == revisions.c.article, earlier.c.id < revisions.c.id
    )
    query = select(
        revisions.c.id,
        revisions.c.article,
        revisions.c.number,
        revisions.c.captured_at,
        revisions.c.headline,
        revisions.c.change,
        articles.c.outlet,
        articles.c.article_id,
        articles.c.url,
        is_changed.label("is_changed"),
    ).join(articles)
    query = query.where(revisions.c.id <= settled_id(connection, revisions))
    judge = DeletionJudge(connection)
    while True:
        rows = connection.execute(
            query.where(revisions.c.id > cursor.revision).order_by(revisions.c.id).limit(PAGE)
        ).all()
        gone = judge.deletions({row.article for row in rows})
        for row in rows:
            cursor = replace(cursor, revision=row.id)
            yield ArchiveEvent(
                kind=EventKind.CHANGED if row.is_changed else EventKind.NEW,
                outlet=row.outlet,
                article_id=row.article_id,
                at=row.captured_at.astimezone(KST),
                cursor=cursor,
                url=row.url,
                headline=row.headline,
                revision=row.number,
                status=gone[row.article].status if row.article in gone else Status.PUBLISHED,
                change=row.change,
            )
        if len(rows) < PAGE:
            return cursor


def _absences(connection: Connection, cursor: EventCursor) -> _Events:
    """Yield what captures after ``capture``, up to ``until``, show of absences."""
    before = Moment(cursor.capture, cursor.known)
    reader = AbsenceReader(connection, before, Moment(cursor.until, cursor.revision))
    begin = cursor
    for events in reader.events(begin.article):
        row_id = events[0].article
        told = begin.told if row_id == begin.article else 0
        row = _current(connection, row_id)
        for number, event in islice(enumerate(events, 1), told, None):
            cursor = replace(cursor, article=row_id, told=number)
            if row is not None:
                yield _absence_event(row, event, cursor)
    return cursor.at_capture(connection, cursor.until)


def _current(connection: Connection, row_id: int) -> Row[*tuple[Any, ...]] | None:
    query = select(
        articles.c.outlet,
        articles.c.article_id,
        articles.c.url,
        revisions.c.number,
        revisions.c.headline,
    ).join(revisions)
    query = query.where(revisions.c.current, one_of(revisions.c.article, [row_id]))
    return connection.execute(query).one_or_none()


def _absence_event(
    row: Row[*tuple[Any, ...]], event: AbsenceEvent, cursor: EventCursor
) -> ArchiveEvent:
    return ArchiveEvent(
        kind=_KINDS[event.status],
        outlet=row.outlet,
        article_id=row.article_id,
        at=event.at,
        cursor=cursor,
        url=row.url,
        headline=row.headline,
        revision=row.number,
        status=event.status,
    )


def _removals(connection: Connection, cursor: EventCursor) -> _Events:
    query = select(removals.c.id, removals.c.outlet, removals.c.article_id, removals.c.at)
    last = settled_id(connection, removals)
    query = query.where(removals.c.id > cursor.removal, removals.c.id <= last)
    query = query.order_by(removals.c.id)
    for row in connection.execute(query).all():
        cursor = replace(cursor, removal=row.id)
        yield ArchiveEvent(
            kind=EventKind.REMOVED,
            outlet=row.outlet,
            article_id=row.article_id,
            at=row.at.astimezone(KST),
            cursor=cursor,
        )
    return cursor
