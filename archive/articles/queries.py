"""Queries for articles with their revisions: by outlet and day, by id, by full-text search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, func, select

from archive.captures.deletions import Deletion, DeletionJudge, Status
from archive.captures.rows import location_of
from archive.index.dialect import one_of, stored_json, stored_time
from archive.index.fulltext import best_ids, newest_ids, number_of_hits
from archive.index.rows.article_rows import to_article
from archive.index.schema import Instant, aliases, articles, captures, revisions
from archive.index.search.hit import Hit
from archive.index.search.query import Query
from archive.model.article import KST, Article, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

    from archive.model.exchange import Location

    #: A row for an export, and the claim that its article is gone.
    ExportRow = tuple[dict[str, Any], Deletion | None]

_ARTICLE = (*revisions.c, articles.c.outlet, articles.c.article_id, articles.c.url)
_CAPTURE = (
    captures.c.status,
    captures.c.warc_file,
    captures.c.warc_offset,
    captures.c.warc_length,
    captures.c.record_id,
    captures.c.payload_digest,
)
#: Columns of a revision that no export has.
_NOT_EXPORTED = ("id", "current", "capture_id", "content_key", "search_position", "search_spill")
#: Rows judged at once, and the most articles of a list that are in memory.
PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredArticle:
    """A revision of an article as the index has it.

    ``row_id`` is the id of the article's row, ``revision_id`` that of the revision's, ``revision``
    is its number. ``layouts`` are all that it was read by. ``location`` is where the record of the
    capture lies that it was read from, and ``http_status`` that capture's. ``change`` is the change
    from the revision before, None for the first. ``deletion`` is the claim that the article is
    missing or deleted, None if it is published. Times are in KST.
    """

    article: Article
    row_id: int
    revision_id: int
    revision: int
    layouts: tuple[str, ...]
    captured_at: datetime
    http_status: int | None
    change: dict[str, Any] | None
    deletion: Deletion | None
    location: Location

    @property
    def place(self) -> Hit:
        """Its place in the order of lists and searches."""
        return Hit(self.article.published_at, self.revision_id)

    @property
    def status(self) -> Status:
        """Whether the outlet still serves the article."""
        return Status.PUBLISHED if self.deletion is None else self.deletion.status


def _stored_articles(rows: Iterable[RowMapping], judge: DeletionJudge) -> Iterator[StoredArticle]:
    values = [dict(row) for row in rows]
    deletions = judge.deletions({row["article"] for row in values})
    for row in values:
        yield _stored_article(row, deletions.get(row["article"]))


def _stored_article(row: dict[str, Any], deletion: Deletion | None) -> StoredArticle:
    return StoredArticle(
        article=to_article(row),
        row_id=row["article"],
        revision_id=row["id"],
        revision=row["number"],
        layouts=tuple(row["layouts"]),
        captured_at=row["captured_at"].astimezone(KST),
        http_status=row["status"],
        change=row["change"],
        deletion=deletion,
        location=location_of(row),
    )


def each_row(
    connection: Connection,
    outlet: str = "",
    since: date | None = None,
    until: date | None = None,
    *,
    every_revision: bool = False,
    quality: Quality | None = None,
) -> Iterator[ExportRow]:
    """Yield the current revisions, or all of them, by outlet, article id and time.

    Each is the row of a revision with its article's and its capture's, JSON and times as text
    (see `archive.index.dialect`), and the claim that the article is gone. ``since`` and ``until``
    are days of publication in KST, inclusive; ``quality`` is how they were read, None for either.
    """
    query = export_query()
    query = query if every_revision else query.where(revisions.c.current)
    query = of_quality(published(query, outlet, since, until), quality)
    query = query.order_by(
        articles.c.outlet, articles.c.article_id, revisions.c.captured_at, revisions.c.number
    )
    yield from judged_rows(connection, query, DeletionJudge(connection))


def export_query() -> Select[Any]:
    """Return the query for rows as `each_row` yields them."""
    columns = [
        _as_stored(column) for column in (*_ARTICLE, *_CAPTURE) if column.key not in _NOT_EXPORTED
    ]
    return _joined(select(*columns))


def judged_rows(
    connection: Connection, query: Select[Any], judge: DeletionJudge
) -> Iterator[ExportRow]:
    """Yield the rows of an `export_query`, each with the claim that its article is gone."""
    with connection.execute(query.execution_options(yield_per=PAGE)) as result:
        names = tuple(result.keys())
        for rows in result.partitions():
            values = [dict(zip(names, row, strict=True)) for row in rows]
            deletions = judge.deletions({row["article"] for row in values})
            for row in values:
                yield row, deletions.get(row["article"])


def _as_stored(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column with JSON and times as the text that is stored of them."""
    if isinstance(column.type, JSON):
        return stored_json(column).label(column.key)
    if isinstance(column.type, Instant):
        return stored_time(column).label(column.key)
    return column


def published(
    query: Select[Any], outlet: str = "", since: date | None = None, until: date | None = None
) -> Select[Any]:
    """Return a query over ``revisions`` and ``articles`` with conditions added.

    ``outlet`` is the outlet; ``since`` and ``until`` are as in `each_row`.
    """
    if outlet:
        query = query.where(articles.c.outlet == outlet)
    if since:
        query = query.where(revisions.c.published_at >= datetime.combine(since, time(), KST))
    if until:
        query = query.where(
            revisions.c.published_at < datetime.combine(until + timedelta(1), time(), KST)
        )
    return query


def newest_articles(
    connection: Connection,
    outlet: str,
    limit: int,
    before: Hit | None = None,
    *,
    judged: bool = True,
) -> list[StoredArticle]:
    """Return the current revisions that were published last, newest first, at most `PAGE`.

    With ``before``, only those that come after that one in the order. Without ``judged`` nobody
    asks whether they are gone, which takes as long as thousands of them: no ``deletion`` is set.
    """
    ids = newest_ids(connection, _all_of(outlet), min(limit, PAGE), before)
    return _of_ids(connection, ids, _judge(connection, judged))


def matching_articles(
    connection: Connection, query: Query, limit: int, before: Hit | None, judge: DeletionJudge
) -> list[StoredArticle]:
    """Return the current revisions that match the query, newest first, at most `PAGE`.

    With ``before``, those that come after that one in the order. The judge says which are gone; one
    may serve many such calls.
    """
    return _of_ids(connection, newest_ids(connection, query, min(limit, PAGE), before), judge)


def end_of_list(
    connection: Connection, outlet: str, limit: int, before: Hit | None = None
) -> Hit | None:
    """Return the place of the last of so many newest articles if there are more, else None."""
    ids = newest_ids(connection, _all_of(outlet), limit + 1, before)
    if len(ids) <= limit:
        return None
    last = ids[limit - 1]
    query = select(revisions.c.published_at).where(revisions.c.id == last)
    return Hit(connection.scalar(query), last)


def _all_of(outlet: str) -> Query:
    """Return the query for all articles, of the outlet if one is named."""
    return Query((), outlet=outlet, quality=None)


def number_of_articles(connection: Connection, outlet: str = "") -> int:
    """Return how many articles there are, of the outlet if one is named."""
    query = select(func.count()).select_from(articles)
    if outlet:
        query = query.where(articles.c.outlet == outlet)
    return connection.scalar(query) or 0


def articles_by_outlet(connection: Connection) -> dict[str, int]:
    """Return how many articles each outlet has."""
    query = select(articles.c.outlet, func.count().label("number")).group_by(articles.c.outlet)
    return {row.outlet: row.number for row in connection.execute(query)}


def search(
    connection: Connection,
    query: Query,
    limit: int,
    before: Hit | None = None,
    *,
    judged: bool = True,
) -> tuple[list[StoredArticle], Hit | None]:
    """Return the current revisions that match the query, newest first, at most ``limit``.

    With ``before``, those that come after that hit. The second value is the last one's place in the
    order if there are more, else None. ``judged`` is as in `newest_articles`.
    """
    ids = newest_ids(connection, query, limit + 1, before)
    found = _of_ids(connection, ids[:limit], _judge(connection, judged))
    return found, found[-1].place if len(ids) > limit else None


def best_matches(
    connection: Connection, query: Query, limit: int, *, judged: bool = True
) -> list[StoredArticle]:
    """Return the current revisions that match the query best, at most ``limit``.

    ``judged`` is as in `newest_articles`.
    """
    return _of_ids(connection, best_ids(connection, query, limit), _judge(connection, judged))


def _judge(connection: Connection, judged: bool) -> DeletionJudge | None:
    return DeletionJudge(connection) if judged else None


def _of_ids(
    connection: Connection, ids: Sequence[int], judge: DeletionJudge | None
) -> list[StoredArticle]:
    """Return revisions in the order of these ids of theirs; without a judge none is gone."""
    rows = connection.execute(_revisions().where(one_of(revisions.c.id, ids))).mappings()
    places = {revision_id: place for place, revision_id in enumerate(ids)}
    found = sorted(rows, key=lambda row: places[row["id"]])
    if judge is None:
        return [_stored_article(dict(row), None) for row in found]
    return list(_stored_articles(found, judge))


def number_of_matches(connection: Connection, query: Query, most: int | None = None) -> int:
    """Return how many articles match the query; ``most`` if there are more."""
    return number_of_hits(connection, query, most)


def number_left_out(connection: Connection, query: Query, most: int | None = None) -> int:
    """Return how many generic articles match a query that does not ask for them.

    It is ``most`` if there are more.
    """
    if query.quality is not Quality.LAYOUT:
        return 0
    return number_of_hits(connection, replace(query, quality=Quality.GENERIC), most)


def of_quality(query: Select[Any], quality: Quality | None) -> Select[Any]:
    """Return a query over ``revisions`` with the condition added; None adds nothing."""
    return query if quality is None else query.where(revisions.c.quality == quality.value)


def find_article(connection: Connection, outlet: str, article_id: str) -> list[StoredArticle]:
    """Return all revisions of the article with that id or alias, oldest first."""
    row_id = find_row(connection, outlet, article_id)
    if row_id is None:
        return []
    return revisions_of(connection, [row_id], DeletionJudge(connection))


def find_row(connection: Connection, outlet: str, article_id: str) -> int | None:
    """Return the id of the row of the article with that id or alias, None without one."""
    alias = select(aliases.c.article).where(
        aliases.c.outlet == outlet, aliases.c.alias == article_id
    )
    own = select(articles.c.id).where(
        articles.c.outlet == outlet, articles.c.article_id == article_id
    )
    return connection.scalar(own) or connection.scalar(alias)


def find_row_at(connection: Connection, outlet: str, url: str) -> int | None:
    """Return the id of the row of the article at an address, None without one.

    It is the article's own address, or one at which a capture showed it.
    """
    own = select(articles.c.id).where(articles.c.url == url, articles.c.outlet == outlet)
    shown = select(revisions.c.article).join(captures, captures.c.revision_id == revisions.c.id)
    shown = shown.where(captures.c.url == url, captures.c.outlet == outlet)
    newest = shown.order_by(captures.c.captured_at.desc()).limit(1)
    return connection.scalar(own) or connection.scalar(newest)


def revisions_of(
    connection: Connection, row_ids: Iterable[int], judge: DeletionJudge
) -> list[StoredArticle]:
    """Return all revisions of the articles in these rows, oldest first."""
    query = _revisions().where(one_of(revisions.c.article, row_ids))
    query = query.order_by(revisions.c.captured_at, revisions.c.number)
    return list(_stored_articles(connection.execute(query).mappings().all(), judge))


def aliases_of(connection: Connection, row_id: int) -> list[str]:
    """Return the other ids and addresses of the article."""
    query = select(aliases.c.alias).where(aliases.c.article == row_id).order_by(aliases.c.alias)
    return list(connection.scalars(query))


def all_aliases(connection: Connection, row_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the other ids and addresses of those of the articles that have any."""
    query = select(aliases.c.article, aliases.c.alias).where(one_of(aliases.c.article, row_ids))
    found: dict[int, list[str]] = {}
    for row in connection.execute(query.order_by(aliases.c.alias)):
        found.setdefault(row.article, []).append(row.alias)
    return found


def published_times(
    connection: Connection, outlet: str, article_ids: Iterable[str]
) -> dict[str, datetime | None]:
    """Return the times of publication of those of the articles that the index has, by id."""
    query = select(articles.c.article_id, revisions.c.published_at).join(revisions)
    query = query.where(revisions.c.current)
    query = query.where(articles.c.outlet == outlet, one_of(articles.c.article_id, article_ids))
    return {row.article_id: row.published_at for row in connection.execute(query)}


def _revisions() -> Select[Any]:
    return _joined(select(*_ARTICLE, *_CAPTURE))


def _joined(query: Select[Any]) -> Select[Any]:
    return (
        query.select_from(revisions)
        .join(articles)
        .join(captures, captures.c.id == revisions.c.capture_id)
    )
