"""Cursors of events: how far somebody has read what an index learned, as a text.

An index gives rows rising ids, none twice. So a cursor is ids, not times: captures come in no order
of time, from imports and from several processes. It is of one index. An index that was rebuilt has
other rows; one that was restored from a backup may have given the ids after it again.

Rows are read up to the id that is settled: in PostgreSQL a transaction that still writes may have
lower ids than one that is done.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.rows.row_ids import build_of, highest_id, settled_id
from archive.index.schema import captures, removals, revisions
from archive.index.search.query import QueryError
from archive.model.program import PROGRAM

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FORM = re.compile(r"\d{1,18}(?:-\d{1,18}){9}", re.A)


class StaleCursorError(Exception):
    """The cursor is not of this index as it is; the message says so and how to go on."""


@dataclass(frozen=True, slots=True)
class EventCursor:
    """What was read: revisions and removals up to these ids.

    Of absences it was read what captures up to ``capture`` show of articles that revisions up to
    ``known`` are of. While what captures up to ``until`` show is read, that is read up to the
    article with the id ``article``, and ``told`` events of that one; else the three are 0.
    ``build`` is the number of the index, ``check`` one made of the last capture's record.
    """

    build: int = 0
    revision: int = 0
    capture: int = 0
    known: int = 0
    until: int = 0
    article: int = 0
    told: int = 0
    removal: int = 0
    check: int = 0

    def __str__(self) -> str:
        return "-".join(map(str, (1, *astuple(self))))

    def at_capture(self, connection: Connection, capture_id: int) -> EventCursor:
        """Return the cursor of somebody who has read all that captures up to this one show."""
        return replace(
            self,
            capture=capture_id,
            known=self.revision,
            until=0,
            article=0,
            told=0,
            check=_check_of(connection, capture_id),
        )


def first_cursor(connection: Connection) -> EventCursor:
    """Return the cursor of somebody who has read nothing."""
    return EventCursor(build_of(connection))


def cursor_now(connection: Connection) -> EventCursor:
    """Return the cursor of somebody who has read everything."""
    begin = replace(
        first_cursor(connection),
        revision=settled_id(connection, revisions),
        removal=settled_id(connection, removals),
    )
    return begin.at_capture(connection, settled_id(connection, captures))


def recent_cursor(connection: Connection, most: int) -> EventCursor:
    """Return the cursor of somebody who has read all but the last revisions, removals and captures.

    So many of each are left: as many events, or more, with a few of articles that are gone.
    """
    last = cursor_now(connection)
    begin = replace(
        last,
        revision=max(0, last.revision - most),
        removal=max(0, last.removal - most),
    )
    return begin.at_capture(connection, max(0, last.capture - most))


def parse_event_cursor(text: str) -> EventCursor:
    """Return the cursor that a text stands for.

    :raises QueryError: it is none.
    """
    text = text.strip()
    numbers = [*map(int, text.split("-"))] if _FORM.fullmatch(text) else []
    if numbers[:1] != [1]:
        raise QueryError(f"{text!r} is no cursor: write one that an event has")
    return EventCursor(*numbers[1:])


def check_cursor(connection: Connection, cursor: EventCursor) -> None:
    """Check that the events after the cursor are all that its reader has not read.

    :raises StaleCursorError: the index was rebuilt since, or is an earlier one.
    """
    is_ahead = (
        cursor.revision > highest_id(connection, revisions)
        or max(cursor.capture, cursor.until) > highest_id(connection, captures)
        or cursor.removal > highest_id(connection, removals)
    )
    found = _check_of(connection, cursor.capture)
    is_other = 0 not in (found, cursor.check) and found != cursor.check
    if cursor.build != build_of(connection) or is_ahead or is_other:
        raise StaleCursorError(
            f"the cursor {cursor} is not of this index: it was rebuilt since (by a reindex), or "
            f"restored from a backup. Export the articles anew ({PROGRAM} export articles.jsonl), "
            f"then go on from {cursor_now(connection)}, which is where the index is now."
        )


def _check_of(connection: Connection, capture_id: int) -> int:
    """Return a number made of the capture's record; 0 if there is none, or no such capture."""
    found = connection.scalar(select(captures.c.record_id).where(captures.c.id == capture_id))
    return 0 if found is None else zlib.crc32(found.encode())
