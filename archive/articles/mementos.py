"""Captures of an address, for those who show them as they were served (Memento, RFC 7089).

An address is asked for by all its forms, see `archive.captures.address_forms`.
What was removed is never among the captures: not by the mark that a take-down leaves at a row, nor
under a payload that is refused since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, or_, select

from archive.articles.blocklist import Removal
from archive.captures.rows import location_of
from archive.index.dialect import one_of
from archive.index.schema import articles, captures, refused, removals, revisions
from archive.model.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from archive.model.exchange import Location

_OK, _NOT_MODIFIED = 200, 304
_SECOND = timedelta(seconds=1)
_COLUMNS = (
    captures.c.id,
    captures.c.outlet,
    captures.c.url,
    captures.c.record_type,
    captures.c.status,
    captures.c.media_type,
    captures.c.captured_at,
    captures.c.time_known,
    captures.c.charset_used,
    captures.c.revision_id,
    captures.c.warc_file,
    captures.c.warc_offset,
    captures.c.warc_length,
    captures.c.record_id,
    captures.c.payload_digest,
)
_REFUSED_PAYLOAD = exists().where(
    refused.c.outlet == captures.c.outlet, refused.c.name == captures.c.payload_digest
)
#: What is shown: nothing that was removed, and no 304 that stands alone: it has nothing to show.
SHOWN = and_(
    captures.c.reason != Reason.REMOVED,
    ~_REFUSED_PAYLOAD,
    or_(
        captures.c.status.is_(None),
        captures.c.status != _NOT_MODIFIED,
        captures.c.record_type == "revisit",
    ),
)
#: What stood in a page: pictures and style sheets that were served.
_SERVED = or_(captures.c.status == _OK, captures.c.status.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memento:
    """A capture that can be shown; ``charset`` is what its text was read with, if it was.

    If ``time_known`` is False, ``captured_at`` is when it was imported.
    """

    id: int
    outlet: str
    url: str
    record_type: str
    status: int | None
    media_type: str
    captured_at: datetime
    time_known: bool
    charset: str
    revision_id: int | None
    location: Location


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The captures of an address around one: the first, the last, the one before and after."""

    first: Memento | None
    last: Memento | None
    before: Memento | None
    after: Memento | None


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """The article that a capture shows, its row, and the revision's number and headline."""

    row_id: int
    outlet: str
    article_id: str
    number: int
    headline: str


def nearest(
    connection: Connection,
    urls: Collection[str],
    moment: datetime,
    *,
    served: bool = False,
    dated: bool = False,
) -> Memento | None:
    """Return the capture nearest to a moment, of equals the earlier; None if there is none.

    ``served`` are those of status 200 only, ``dated`` those whose time is known. Of one
    second that of the first of ``urls`` is taken: a redirect from http to https takes less.
    """
    query = _of(urls, served=served, dated=dated)
    backwards = captures.c.captured_at.desc(), captures.c.id.desc()
    onwards = captures.c.captured_at, captures.c.id
    before = _first(
        connection, query.where(captures.c.captured_at < moment).order_by(*backwards).limit(1)
    )
    after = _first(
        connection, query.where(captures.c.captured_at >= moment).order_by(*onwards).limit(1)
    )
    if before is None or after is None:
        found = before or after
    else:
        is_earlier = moment - before.captured_at <= after.captured_at - moment
        found = before if is_earlier else after
    if found is None:
        return None
    second = found.captured_at.replace(microsecond=0)
    same = query.where(captures.c.captured_at >= second, captures.c.captured_at < second + _SECOND)
    order = {url: place for place, url in enumerate(urls)}
    among = map(_memento, connection.execute(same))
    return min(among, key=lambda one: (order[one.url], one.status != _OK, one.id))


def neighbours(connection: Connection, urls: Collection[str], at: Memento) -> Neighbours:
    """Return the first and last capture of known time, and those before and after ``at``."""
    place = (captures.c.captured_at, captures.c.id)
    query = _of(urls, dated=True).limit(1)
    onwards = query.order_by(*place)
    backwards = query.order_by(*(column.desc() for column in place))
    later = or_(
        captures.c.captured_at > at.captured_at,
        and_(captures.c.captured_at == at.captured_at, captures.c.id > at.id),
    )
    earlier = or_(
        captures.c.captured_at < at.captured_at,
        and_(captures.c.captured_at == at.captured_at, captures.c.id < at.id),
    )
    return Neighbours(
        _first(connection, onwards),
        _first(connection, backwards),
        _first(connection, backwards.where(earlier)),
        _first(connection, onwards.where(later)),
    )


def mementos(
    connection: Connection, urls: Collection[str], start: int, limit: int, *, dated: bool = True
) -> list[Memento]:
    """Return the captures of an address, oldest first, from the ``start``-th on."""
    query = _of(urls, dated=dated).order_by(captures.c.captured_at, captures.c.id)
    return [_memento(row) for row in connection.execute(query.offset(start).limit(limit))]


def number_of_mementos(connection: Connection, urls: Collection[str], *, dated: bool = True) -> int:
    """Return how many captures of an address there are."""
    query = select(func.count()).select_from(_of(urls, dated=dated).subquery())
    return connection.scalar(query) or 0


def memento_numbered(connection: Connection, number: int) -> Memento | None:
    """Return the capture of that row; None if there is none, or it was removed."""
    return _first(connection, select(*_COLUMNS).where(captures.c.id == number, SHOWN))


def memento_of_record(connection: Connection, record_id: str) -> Memento | None:
    """Return the capture whose record has that id; None if there is none, or it was removed."""
    return _first(connection, select(*_COLUMNS).where(captures.c.record_id == record_id, SHOWN))


def served_addresses(connection: Connection, urls: Iterable[str]) -> set[str]:
    """Return those of the addresses that have a capture of status 200."""
    query = select(captures.c.url).where(one_of(captures.c.url, urls), _SERVED, SHOWN)
    return set(connection.scalars(query.distinct()))


def outlets_of(connection: Connection, urls: Collection[str]) -> set[str]:
    """Return the outlets that have captures of an address, whether these are shown or not."""
    query = select(captures.c.outlet).where(one_of(captures.c.url, urls)).distinct()
    return set(connection.scalars(query))


def removal_by_payload(connection: Connection, urls: Collection[str]) -> Removal | None:
    """Return the removal of which a capture of an address shows the payload; None if none does."""
    query = (
        select(removals.c.outlet, removals.c.article_id, removals.c.at, removals.c.reason)
        .join(refused, refused.c.removal == removals.c.id)
        .join(
            captures,
            and_(
                captures.c.outlet == refused.c.outlet,
                captures.c.payload_digest == refused.c.name,
            ),
        )
    )
    row = connection.execute(query.where(one_of(captures.c.url, urls)).limit(1)).first()
    return Removal(**row._mapping) if row is not None else None


def article_of(connection: Connection, memento: Memento) -> ShownArticle | None:
    """Return the article that a capture shows; None if it shows none.

    A repetition shows what the capture with the same payload showed.
    """
    columns = (
        articles.c.id,
        articles.c.outlet,
        articles.c.article_id,
        revisions.c.number,
        revisions.c.headline,
    )
    query = select(*columns).select_from(revisions).join(articles)
    own = query.where(revisions.c.id == memento.revision_id)
    row = connection.execute(own).first()
    if row is None:
        repeated = query.join(captures, captures.c.revision_id == revisions.c.id).where(
            captures.c.url == memento.url,
            captures.c.payload_digest == memento.location.payload_digest,
        )
        row = connection.execute(repeated.limit(1)).first()
    return ShownArticle(*row) if row is not None else None


def _of(urls: Collection[str], *, served: bool = False, dated: bool = False) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [one_of(captures.c.url, urls), SHOWN]
    if served:
        conditions.append(_SERVED)
    if dated:
        conditions.append(captures.c.time_known)
    return select(*_COLUMNS).where(*conditions)


def _first(connection: Connection, query: Select[Any]) -> Memento | None:
    row = connection.execute(query).first()
    return _memento(row) if row is not None else None


def _memento(row: Any) -> Memento:
    return Memento(
        id=row.id,
        outlet=row.outlet,
        url=row.url,
        record_type=row.record_type,
        status=row.status,
        media_type=row.media_type,
        captured_at=row.captured_at,
        time_known=row.time_known,
        charset=row.charset_used,
        revision_id=row.revision_id,
        location=location_of(row),
    )
