"""Which captures of an index are read again, in chunks of whole articles, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from archive.captures.rows import location_of
from archive.index.dialect import one_of
from archive.index.schema import captures, revisions
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import ColumnElement, Connection, Row

    from archive.index.database import Index
    from archive.model.exchange import Location

    #: The captures of an article, or one capture without an article; in the order of their rows.
    _Group = list[Row[Any]]

#: Captures that are looked up at once.
_WINDOW = 500
#: Captures of a chunk; more if a single article has more.
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Captures of an outlet (``""``: of all), made on these days (KST, inclusive).

    At ``limit`` captures no other article is begun. With ``part`` ``(k, n)`` only those of the k-th
    of n parts of the articles, which are dealt out by their row ids.
    """

    outlet: str = ""
    since: date | None = None
    until: date | None = None
    limit: int | None = None
    part: tuple[int, int] | None = None

    def has(self, row_id: int) -> bool:
        """Return whether the article, or the capture without one, is of the part."""
        return self.part is None or row_id % self.part[1] == self.part[0] - 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """The captures of whole articles: where their records are, and the ids of those selected.

    The others are read only because a revision may be read from several captures.
    """

    places: tuple[Location, ...]
    selected: frozenset[str]


def choose(index: Index, selection: Selection) -> Iterator[Chunk]:
    """Yield the captures that are selected, newest first, with the others of their articles.

    The index is not kept open between chunks.
    """
    left = selection.limit
    chunk: list[Row[Any]] = []
    selected: set[str] = set()
    for group in _groups(index, selection):
        if left is not None and left <= len(selected):
            break
        chunk += group
        selected |= {row.record_id for row in group if _is_selected(row, selection)}
        if len(chunk) >= _CHUNK:
            yield _chunk(chunk, selected)
            if left is not None:
                left -= len(selected)
            chunk, selected = [], set()
    if chunk:
        yield _chunk(chunk, selected)


def _chunk(rows: Iterable[Row[Any]], selected: Iterable[str]) -> Chunk:
    # In the order in which they were entered: a text without an address belongs to the first
    # article with its content.
    ordered = sorted(rows, key=attrgetter("id"))
    return Chunk(tuple(map(location_of, ordered)), frozenset(selected))


def _groups(index: Index, selection: Selection) -> Iterator[_Group]:
    """Yield the captures of each article of which one is selected, newest first.

    An article comes where its newest such capture does.
    """
    conditions = _conditions(selection)
    query = select(captures.c.id, captures.c.revision_id).where(*conditions)
    query = query.order_by(captures.c.id.desc()).limit(_WINDOW)
    below: int | None = None
    while True:
        with index.reading() as connection:
            window = query if below is None else query.where(captures.c.id < below)
            newest = {row.id: row.revision_id for row in connection.execute(window)}
            if not newest:
                return
            articles = _articles_of(connection, newest.values())
            came = _that_came_before(connection, articles.values(), conditions, below)
            wanted = {one for one in articles.values() if selection.has(one)} - came
            alone = [one for one, shown in newest.items() if shown is None and selection.has(one)]
            groups = _captures_of(connection, wanted, alone)
        met: set[int] = set()
        for capture_id, revision_id in newest.items():
            key = articles.get(revision_id, -capture_id)
            if key in groups and key not in met:
                met.add(key)
                yield groups[key]
        below = min(newest)


def _articles_of(connection: Connection, ids: Iterable[int | None]) -> dict[int | None, int]:
    """Return the articles of revisions."""
    known = {one for one in ids if one is not None}
    query = select(revisions.c.id, revisions.c.article).where(one_of(revisions.c.id, known))
    return {row.id: row.article for row in connection.execute(query)}


def _that_came_before(
    connection: Connection,
    articles: Iterable[int],
    conditions: list[ColumnElement[bool]],
    below: int | None,
) -> set[int]:
    """Return those of the articles that a newer capture has, from ``below`` on."""
    if below is None:
        return set()
    query = select(revisions.c.article).join(captures, captures.c.revision_id == revisions.c.id)
    query = query.where(one_of(revisions.c.article, set(articles)), captures.c.id >= below)
    return set(connection.scalars(query.where(*conditions)))


def _captures_of(connection: Connection, articles: set[int], alone: list[int]) -> dict[int, _Group]:
    """Return the captures of articles by article; those ``alone`` under their ids, negative."""
    groups: dict[int, _Group] = {}
    query = select(captures, revisions.c.article)
    query = query.join(revisions, captures.c.revision_id == revisions.c.id)
    query = query.where(one_of(revisions.c.article, articles)).order_by(captures.c.id)
    for row in connection.execute(query):
        groups.setdefault(row.article, []).append(row)
    for row in connection.execute(select(captures).where(one_of(captures.c.id, alone))):
        groups[-row.id] = [row]
    return groups


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    # A revisit without a revision has no document of its own, and its original none to show.
    conditions = [or_(captures.c.revision_id.is_not(None), captures.c.record_type != "revisit")]
    if selection.outlet:
        conditions.append(captures.c.outlet == selection.outlet)
    if selection.since is not None:
        conditions.append(captures.c.captured_at >= _midnight(selection.since))
    if selection.until is not None:
        conditions.append(captures.c.captured_at < _midnight(selection.until + timedelta(days=1)))
    return conditions


def _is_selected(row: Row[Any], selection: Selection) -> bool:
    day = row.captured_at.astimezone(KST).date()
    return (selection.since is None or selection.since <= day) and (
        selection.until is None or day <= selection.until
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), KST)
