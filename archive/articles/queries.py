"""Reading the index: articles with their revisions and captures, lists, and full-text search."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, text

from archive.articles.deletions import deleted_at
from archive.index.article_rows import to_article
from archive.index.bulk import one_of
from archive.index.fulltext import match_expression
from archive.index.schema import aliases, articles, captures, revisions
from archive.model.article import KST, Article

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection, Select

_ARTICLE = (revisions, articles.c.outlet, articles.c.article_id, articles.c.url)
_CAPTURE = (
    captures.c.status,
    captures.c.warc_file,
    captures.c.warc_offset,
    captures.c.warc_length,
    captures.c.record_id,
    captures.c.payload_digest,
)


class StoredArticle:
    """An article as the index holds it: the reading, its revision's number and the capture it was read from."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.article: Article = to_article(row)
        self.row_id: int = row["article"]
        self.revision: int = row["number"]
        self.layouts: list[str] = row["layouts"]
        self.captured_at: datetime = row["captured_at"].astimezone(KST)
        self.http_status: int | None = row["status"]
        #: What changed from the version before; None for the first.
        self.change: dict[str, Any] | None = row["change"]
        #: When the article was first seen gone since it was last seen; None while it is there.
        self.deleted_at: datetime | None = (
            row["deleted_at"].astimezone(KST) if row["deleted_at"] else None
        )
        self.warc = {
            "file": row["warc_file"],
            "offset": row["warc_offset"],
            "length": row["warc_length"],
            "record_id": row["record_id"],
            "payload_digest": row["payload_digest"],
        }


def each_article(
    connection: Connection,
    outlet: str = "",
    since: date | None = None,
    until: date | None = None,
    *,
    every_revision: bool = False,
) -> Iterator[StoredArticle]:
    """Current revisions by outlet and id, or all, those of an article in the order of time.

    ``since`` and ``until`` are days of publication in KST, inclusive.
    """
    query = published(_revisions() if every_revision else _current(), outlet, since, until)
    query = query.order_by(
        articles.c.outlet, articles.c.article_id, revisions.c.captured_at, revisions.c.number
    )
    for row in connection.execute(query.execution_options(yield_per=500)).mappings():
        yield StoredArticle(dict(row))


def published(
    query: Select[Any], outlet: str = "", since: date | None = None, until: date | None = None
) -> Select[Any]:
    """A query over ``revisions`` and ``articles`` narrowed to an outlet and to days of publication, as above."""
    if outlet:
        query = query.where(articles.c.outlet == outlet)
    if since:
        query = query.where(revisions.c.published_at >= datetime.combine(since, time(), KST))
    if until:
        query = query.where(
            revisions.c.published_at < datetime.combine(until + timedelta(1), time(), KST)
        )
    return query


def search(connection: Connection, query: str, limit: int) -> list[StoredArticle]:
    """Current revisions that hold every term of the query, newest first.

    :raises QueryError: the query holds nothing to search for.
    """
    hits = text("SELECT rowid FROM search WHERE search MATCH :expression").bindparams(
        expression=match_expression(query)
    )
    found = _current().where(revisions.c.id.in_(hits.columns(revisions.c.id).scalar_subquery()))
    found = found.order_by(revisions.c.published_at.desc(), revisions.c.id).limit(limit)
    return [StoredArticle(dict(row)) for row in connection.execute(found).mappings()]


def find_article(connection: Connection, outlet: str, article_id: str) -> list[StoredArticle]:
    """All revisions of the article of that id or alias, oldest first; empty if there is none."""
    alias = select(aliases.c.article).where(
        aliases.c.outlet == outlet, aliases.c.alias == article_id
    )
    own = select(articles.c.id).where(
        articles.c.outlet == outlet, articles.c.article_id == article_id
    )
    pk = connection.scalar(own) or connection.scalar(alias)
    query = (
        _revisions()
        .where(revisions.c.article == pk)
        .order_by(revisions.c.captured_at, revisions.c.number)
    )
    return [StoredArticle(dict(row)) for row in connection.execute(query).mappings()] if pk else []


def captures_of(connection: Connection, row_id: int) -> list[dict[str, Any]]:
    """The captures that showed the article, oldest first, with the number of the revision each showed."""
    query = select(captures, revisions.c.number).join(
        revisions, captures.c.revision_id == revisions.c.id
    )
    query = query.where(revisions.c.article == row_id).order_by(
        captures.c.captured_at, captures.c.id
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def aliases_of(connection: Connection, row_id: int) -> list[str]:
    """Other ids and addresses of the article."""
    return list(
        connection.scalars(
            select(aliases.c.alias).where(aliases.c.article == row_id).order_by(aliases.c.alias)
        )
    )


def count_articles(connection: Connection) -> int:
    """How many articles the index holds."""
    return connection.scalar(select(func.count()).select_from(articles)) or 0


def _revisions() -> Select[Any]:
    columns = (*_ARTICLE, *_CAPTURE, deleted_at().label("deleted_at"))
    return select(*columns).join(articles).join(captures, captures.c.id == revisions.c.capture_id)


def _current() -> Select[Any]:
    return _revisions().where(revisions.c.current)


def published_times(
    connection: Connection, outlet: str, article_ids: Iterable[str]
) -> dict[str, datetime | None]:
    """The time of publication of the articles that the index holds, by id."""
    query = (
        select(articles.c.article_id, revisions.c.published_at)
        .join(revisions)
        .where(revisions.c.current)
    )
    query = query.where(articles.c.outlet == outlet, one_of(articles.c.article_id, article_ids))
    return {row.article_id: row.published_at for row in connection.execute(query)}
