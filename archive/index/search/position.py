"""The positions of documents in full-text search: their rowids, in the order of publication.

SQLite walks the hits of a full-text query by rowid, forwards or backwards. So the newest hits come
first, and no others are read, if rowids rise with the time of publication. A minute has `SLOTS`
positions of its own. A document takes the first free one from those of its minute on: where more
articles share a minute than it has positions, as many with the time of a day do, some come to lie
in later minutes, never in earlier ones. That distance is the document's spill. Documents without a
time lie before all others, in the reverse order of their revisions' ids.

In PostgreSQL several transactions look for positions at once. Each locks slots until its end, the
same ones of every minute, before it looks which positions are taken, and uses no others.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from archive.index.dialect import is_postgres
from archive.model.times import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection

#: Positions of a minute: enough for 92,000 articles a day that are spread evenly. Positions farther
#: apart take more bytes in each list of documents.
SLOTS = 64
#: The position of the first minute; those below are of documents without a time.
FIRST = 2**32
_MINUTE = timedelta(minutes=1)
_EARLIEST = EARLIEST.astimezone(UTC)
#: Minutes that are looked up at once where the positions before are taken.
_MANY = 32
_TAKEN = text(
    "SELECT search_position FROM json_each(:begins) CROSS JOIN revisions"
    " ON search_position >= value AND search_position < value + :number"
)
_TAKEN_IN_POSTGRES = text(
    "SELECT search_position FROM unnest(CAST(:begins AS BIGINT[])) AS value JOIN revisions"
    " ON search_position >= value AND search_position < value + :number"
)
#: Those of the slots that no other transaction has locked, up to a number, are locked.
_LOCK_SLOTS = text(
    "SELECT slot FROM unnest(CAST(:slots AS INT[])) AS slot"
    " WHERE pg_try_advisory_xact_lock(hashtext(current_schema() || ' slots'), slot) LIMIT :number"
)
_WAIT_FOR_SLOT = text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' slots'), :slot)")
#: A transaction locks so many, as its documents of one minute need: with the first of the two, 16
#: transactions find some at a time.
_FEWEST_SLOTS, _MOST_SLOTS = 4, 16
_LARGEST_SPILL = text("SELECT max(search_spill) FROM revisions WHERE search_spill > 0")


class Place(NamedTuple):
    """Where a document lies, and how far from the first position of its minute."""

    position: int
    spill: int


def minute_of(published_at: datetime) -> int:
    """Return the number of the minute; times before the first one count as of it."""
    return max(0, (published_at - _EARLIEST) // _MINUTE)


def first_of(minute: int) -> int:
    """Return the first position of a minute: none of its documents lies before it."""
    return FIRST + minute * SLOTS


def untimed(revision_id: int) -> int:
    """Return the position of a document without a time."""
    return FIRST - revision_id


def last_of(connection: Connection, minute: int) -> int:
    """Return a position behind which no document of that minute, or of an earlier one, lies."""
    return first_of(minute) + max(connection.scalar(_LARGEST_SPILL) or 0, SLOTS - 1)


def minute_at(position: int) -> int:
    """Return the minute that a position is of; -1 for those of documents without a time."""
    return max(-1, (position - FIRST) // SLOTS)


@lru_cache(maxsize=4096)
def _minute_of_text(minute: str) -> int:
    return minute_of(datetime.fromisoformat(minute).replace(tzinfo=UTC))


def minute_of_stored(published_at: str) -> int:
    """Return the minute of a time as SQLite has it, ``2024-05-07 03:00:00.000000``."""
    return _minute_of_text(published_at[:16])


def place_of(position: int, published_at: datetime | None) -> Place:
    """Return a position with its spill."""
    spill = 0 if published_at is None else position - first_of(minute_of(published_at))
    return Place(position, spill if spill >= SLOTS else 0)


def is_place(position: int, spill: int, revision_id: int, published_at: datetime | None) -> bool:
    """Whether the document of a revision may lie there, with that spill."""
    if published_at is None:
        return Place(position, spill) == Place(untimed(revision_id), 0)
    lies_behind = position >= first_of(minute_of(published_at))
    return lies_behind and Place(position, spill) == place_of(position, published_at)


class Positions:
    """Finds free positions for the documents of one batch, within one write transaction.

    Those that the batch frees stay taken until it is written.
    """

    def __init__(self, connection: Connection, times: Iterable[datetime | None]) -> None:
        """Look up which positions are taken in the minutes of the documents to come."""
        self._connection = connection
        self._taken: set[int] = set()
        #: The slots of every minute that are used.
        self._slots: Collection[int] = range(SLOTS)
        #: The first positions of the minutes that are looked up.
        self._known: set[int] = set()
        #: The first position of a minute -> where to go on looking.
        self._next: dict[int, int] = {}
        firsts = Counter(first_of(minute_of(moment)) for moment in times if moment is not None)
        if firsts:
            if is_postgres(connection):
                self._slots = _locked_slots(connection, max(firsts.values()))
            self._look_up(sorted(firsts), 1)

    def take(self, revision_id: int, published_at: datetime | None) -> Place:
        """Return the place of a new document."""
        if published_at is None:
            return Place(untimed(revision_id), 0)
        first = first_of(minute_of(published_at))
        position = self._next.get(first, first)
        while self._is_taken(position):
            position += 1
        self._taken.add(position)
        self._next[first] = position + 1
        return place_of(position, published_at)

    def _is_taken(self, position: int) -> bool:
        slot = (position - FIRST) % SLOTS
        if slot not in self._slots:
            return True
        begin = position - slot
        if begin not in self._known:
            self._look_up([begin], _MANY)
        return position in self._taken

    def _look_up(self, firsts: list[int], minutes: int) -> None:
        number = minutes * SLOTS
        values: dict[str, Any] = {"begins": firsts, "number": number}
        taken = _TAKEN_IN_POSTGRES
        if not is_postgres(self._connection):
            values["begins"], taken = json.dumps(firsts), _TAKEN
        self._taken.update(self._connection.scalars(taken, values))
        for first in firsts:
            self._known.update(range(first, first + number, SLOTS))


def _locked_slots(connection: Connection, number: int) -> frozenset[int]:
    """Lock some slots for this transaction, about as many as documents of one minute need."""
    slots = random.sample(range(SLOTS), SLOTS)
    most = min(max(number, _FEWEST_SLOTS), _MOST_SLOTS)
    found = frozenset(connection.scalars(_LOCK_SLOTS, {"slots": slots, "number": most}))
    if found:
        return found
    connection.execute(_WAIT_FOR_SLOT, {"slot": slots[0]})
    return frozenset(slots[:1])
