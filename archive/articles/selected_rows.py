"""Rows of the articles that a selection names, for exports of any size: they come one by one.

Only the ids of the rows are put in order, by the database, which keeps what it sorts in a file
where it is much.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.articles.queries import (
    PAGE,
    each_row,
    export_query,
    judged_rows,
    of_quality,
    published,
)
from archive.captures.deletions import DeletionJudge
from archive.index.dialect import month_of, one_of
from archive.index.fulltext import articles_found
from archive.index.schema import articles, revisions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from sqlalchemy import Connection, Select

    from archive.articles.queries import ExportRow
    from archive.index.search.query import Query
    from archive.model.article import Quality


@dataclass(frozen=True, slots=True)
class ArticleSelection:
    """Which articles; all conditions must hold.

    ``outlet`` is ``""`` for all; ``since`` and ``until`` are days of publication in KST, inclusive;
    ``quality`` is None for either. ``query`` is a search for articles, by their current revisions.
    With ``every_revision`` all revisions are selected, else the current one of each article.
    """

    outlet: str = ""
    since: date | None = None
    until: date | None = None
    quality: Quality | None = None
    query: Query | None = None
    every_revision: bool = False


def rows_of(
    connection: Connection, selection: ArticleSelection, *, by_month: bool = False
) -> Iterator[ExportRow]:
    """Yield the selected rows by outlet, article id and time, as `each_row` does.

    With ``by_month`` they come by outlet, then by the month of publication in KST, those without a
    time first, then by article id and time.
    """
    if selection.query is None and not by_month:
        yield from each_row(
            connection,
            selection.outlet,
            selection.since,
            selection.until,
            every_revision=selection.every_revision,
            quality=selection.quality,
        )
        return
    judge = DeletionJudge(connection)
    # Some at a time: the ids of a million rows are not in memory, either.
    chosen = _ids(connection, selection, by_month).execution_options(yield_per=PAGE)
    with connection.execute(chosen) as result:
        ids = result.scalars()
        while some := list(islice(ids, PAGE)):
            query = export_query().add_columns(revisions.c.id).where(one_of(revisions.c.id, some))
            found = {row["id"]: (row, gone) for row, gone in judged_rows(connection, query, judge)}
            for revision_id in some:
                yield found[revision_id]


def _ids(connection: Connection, selection: ArticleSelection, by_month: bool) -> Select[Any]:
    """Return the query for the ids of the selected revisions, in order."""
    query = select(revisions.c.id).select_from(revisions).join(articles)
    if selection.query is not None:
        found = articles_found(connection, selection.query)
        query = select(revisions.c.id).select_from(found)
        query = query.join(articles, articles.c.id == found.c.article)
        query = query.join(revisions, revisions.c.article == articles.c.id)
    if not selection.every_revision:
        query = query.where(revisions.c.current)
    query = published(query, selection.outlet, selection.since, selection.until)
    query = of_quality(query, selection.quality)
    months = [month_of(revisions.c.published_at).nulls_first()] if by_month else []
    return query.order_by(
        articles.c.outlet,
        *months,
        articles.c.article_id,
        revisions.c.captured_at,
        revisions.c.number,
    )
