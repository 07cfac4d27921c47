"""Which absences of articles, and their ends, captures of some time made known to the index.

A later capture can change what earlier ones say: many articles gone at once are an outage, and a
deletion counts when other articles were served meanwhile. So what was known at two moments is
compared: the judge is asked twice, the first time as if what came later were not there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, event, select, union

from archive.captures.deletions import DeletionJudge, Status
from archive.captures.rows import captures_of
from archive.index.dialect import is_postgres, one_of
from archive.index.schema import aliases, articles, captures, is_gone, revisions
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from archive.captures.deletions import Absence, Deletion
    from archive.captures.rows import StoredCapture

#: Articles that are judged at once.
_MANY = 200


class AbsenceEvent(NamedTuple):
    """That an article is missing, is deleted, or is published again."""

    article: int
    status: Status
    at: datetime


class Moment(NamedTuple):
    """What an index knew: captures up to an id, and the articles of revisions up to an id."""

    capture: int
    revision: int


#: The begin of a query that knows no more than a moment. Of an article all is known when one of its
#: revisions is. SQLite takes a table for the query of its name unless it stands with its schema.
_KNOWN = (
    "WITH captures AS NOT MATERIALIZED"
    " (SELECT * FROM {schema}captures WHERE id <= {capture}), "
    "articles AS NOT MATERIALIZED"
    " (SELECT * FROM {schema}articles AS known WHERE EXISTS (SELECT 1"
    " FROM {schema}revisions AS own WHERE own.article = known.id AND own.id <= {revision})), "
    "aliases AS NOT MATERIALIZED"
    " (SELECT * FROM {schema}aliases AS known WHERE EXISTS (SELECT 1"
    " FROM {schema}revisions AS own WHERE own.article = known.article AND own.id <= {revision})) "
)


class AbsenceReader:
    """Reads what became known of absences between two moments.

    The judge is asked in both. Its queries then begin with ones that have the names of tables, and
    come before these.
    """

    def __init__(self, connection: Connection, before: Moment, now: Moment) -> None:
        self._connection = connection
        self._then_known, self._now_known = before, now
        self._after, self._until = before.capture, now.capture
        self._before, self._now = DeletionJudge(connection), DeletionJudge(connection)

    def events(self, first: int) -> Iterator[list[AbsenceEvent]]:
        """Yield the events of an article in the order of time, by article from an id on."""
        while some := self._articles(first):
            yield from self._events_of(some)
            first = some[-1] + 1

    def _articles(self, first: int) -> list[int]:
        """Return the next articles of which an address was found gone."""
        outlets = self._outlets()
        gone = (
            is_gone(captures),
            captures.c.time_known,
            captures.c.id <= self._until,
            captures.c.outlet.in_(outlets),
        )
        own = select(articles.c.id).join(captures, captures.c.url == articles.c.url)
        named = and_(aliases.c.alias == captures.c.url, aliases.c.outlet == captures.c.outlet)
        other = select(aliases.c.article).select_from(captures).join(aliases, named)
        found = union(own.where(*gone), other.where(*gone)).subquery()
        (row_id,) = found.c
        query = select(row_id).where(row_id >= first).order_by(row_id).limit(_MANY)
        return list(self._connection.scalars(query))

    def _outlets(self) -> set[str]:
        """Return the outlets of which anything became known."""
        seen = select(captures.c.outlet).where(
            captures.c.id > self._after, captures.c.id <= self._until
        )
        read = select(articles.c.outlet).join(revisions)
        read = read.where(
            revisions.c.id > self._then_known.revision, revisions.c.id <= self._now_known.revision
        )
        return {
            name for query in (seen, read) for name in self._connection.scalars(query.distinct())
        }

    def _events_of(self, some: list[int]) -> list[list[AbsenceEvent]]:
        with self._as_of(self._then_known):
            before = self._before.deletions(some)
        with self._as_of(self._now_known):
            now = self._now.deletions(some)
            known = select(articles.c.id).where(one_of(articles.c.id, some))
            looked_at = self._looked_at(some) & set(self._connection.scalars(known))
            found = {row_id: self._of_looks(row_id) for row_id in looked_at}
        events = (
            _complete(row_id, found.get(row_id, []), before.get(row_id), now.get(row_id))
            for row_id in some
        )
        return [one for one in events if one]

    @contextmanager
    def _as_of(self, moment: Moment) -> Iterator[None]:
        """Hide what became known later."""
        schema = "" if is_postgres(self._connection) else "main."
        known = _KNOWN.format(schema=schema, **moment._asdict())

        def add_known(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> Any:
            return known + statement, parameters

        event.listen(self._connection, "before_cursor_execute", add_known, retval=True)
        try:
            yield
        finally:
            event.remove(self._connection, "before_cursor_execute", add_known)

    def _looked_at(self, some: list[int]) -> set[int]:
        """Return those of the articles of which there is a capture among those that are read."""
        new = captures.c.id > self._after
        shown = select(revisions.c.article).join(captures, captures.c.revision_id == revisions.c.id)
        own = select(articles.c.id).join(captures, captures.c.url == articles.c.url)
        other = select(aliases.c.article).join(captures, captures.c.url == aliases.c.alias)
        queries = (
            shown.where(one_of(revisions.c.article, some), new),
            own.where(one_of(articles.c.id, some), is_gone(captures), new),
            other.where(one_of(aliases.c.article, some), is_gone(captures), new),
        )
        return {row_id for query in queries for row_id in self._connection.scalars(query)}

    def _of_looks(self, row_id: int) -> list[AbsenceEvent]:
        """Return the events of an article that captures which are read show."""
        shown = captures_of(self._connection, row_id)
        absences = self._now.absences(shown, self._now.gone_captures(row_id))
        looks = [look for absence in absences for look in self._new_looks(absence)]
        return [
            AbsenceEvent(row_id, status, look.captured_at.astimezone(KST))
            for status, look in sorted(looks, key=lambda one: (one[1].captured_at, one[1].id))
        ]

    def _new_looks(self, absence: Absence) -> Iterator[tuple[Status, StoredCapture]]:
        """Yield the looks that are read, and those after them, which close what they open."""
        is_told = False
        for status, look in _looks(absence):
            is_told = is_told or self._after < look.id <= self._until
            if is_told:
                yield status, look


def _looks(absence: Absence) -> Iterator[tuple[Status, StoredCapture]]:
    yield Status.MISSING, absence.first
    if absence.confirmed_by is not None:
        yield Status.DELETED, absence.confirmed_by
    if absence.ended_by is not None:
        yield Status.PUBLISHED, absence.ended_by


def _complete(
    row_id: int, events: list[AbsenceEvent], before: Deletion | None, now: Deletion | None
) -> list[AbsenceEvent]:
    """Return the events, and that an earlier look is judged otherwise now, if they do not say so.

    Such an event has the time of that look.
    """
    told = events[-1].status if events else _status(before)
    if told is _status(now):
        return events
    if now is not None and now.confirmed_at is not None:
        at = now.confirmed_at
    elif now is not None:
        at = now.first_seen_gone_at
    else:
        at = events[-1].at if events or before is None else before.first_seen_gone_at
    return [*events, AbsenceEvent(row_id, _status(now), at)]


def _status(deletion: Deletion | None) -> Status:
    return Status.PUBLISHED if deletion is None else deletion.status
