"""What happened to an article, in time: its versions, and when its page was seen gone and there again.

A deletion is a capture of the article's address that shows no article: 404, 410, or a page with 200
that says so. It makes no revision and is kept nowhere but in ``captures``; here it is found again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, literal, or_, select, update

from archive.articles.ingest_model import ArticleState, Revision, changed_changes
from archive.index.article_rows import to_article
from archive.index.schema import Instant, aliases, articles, captures, revisions
from archive.model.outcome import Reason

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause


#: Statuses that say that there is no such page, and what a page of status 200 says in their stead.
GONE_STATUSES = (404, 410)
GONE_REASONS = (Reason.DELETED.value, Reason.SOFT_404.value)


def deleted_at() -> ColumnElement[datetime | None]:
    """For a query that selects from ``articles``: when the article was first seen gone since it was last seen.

    Its own address decides; where that was never captured, its other addresses do. A capture of
    unknown time decides nothing, unless the article was never seen otherwise.
    """
    # Two queries and no IN over a union: so each is a look into the index of addresses.
    own, other, any_own = captures.alias("gone"), captures.alias("gone_elsewhere"), captures.alias()
    own_captured = (
        select(any_own.c.id).where(any_own.c.url == articles.c.url).correlate(articles).exists()
    )
    at_own = select(func.min(own.c.captured_at)).where(
        own.c.url == articles.c.url, *_gone_since(own)
    )
    elsewhere = (
        select(func.min(other.c.captured_at))
        .join(aliases, aliases.c.alias == other.c.url)
        .where(aliases.c.article == articles.c.id, *_gone_since(other), ~own_captured)
    )
    return func.coalesce(
        *(query.correlate(articles).scalar_subquery() for query in (at_own, elsewhere))
    )


def gone_captures(connection: Connection, row_id: int) -> list[dict[str, Any]]:
    """Captures of the article's addresses that showed that it is gone, oldest first.

    ``decides`` says whether the address counts, as in `deleted_at`.
    """
    own = connection.scalar(select(articles.c.url).where(articles.c.id == row_id)) or ""
    others = connection.scalars(select(aliases.c.alias).where(aliases.c.article == row_id)).all()
    own_captured = (
        connection.scalar(select(captures.c.id).where(captures.c.url == own).limit(1)) is not None
    )
    query = select(captures).where(captures.c.url.in_([own, *others]), _is_gone(captures))
    found = connection.execute(query.order_by(captures.c.captured_at, captures.c.id)).mappings()
    return [dict(row) | {"decides": row["url"] == own or not own_captured} for row in found]


def answer_of(capture: dict[str, Any]) -> str:
    """How a capture says that the article is gone: its status, or the reason found in a page of status 200."""
    return str(capture["status"]) if capture["status"] in GONE_STATUSES else str(capture["reason"])


def classify_all(connection: Connection) -> None:
    """Write the change of every stored revision anew."""
    several = select(revisions.c.article).group_by(revisions.c.article).having(func.count() > 1)
    query = select(revisions, articles.c.outlet, articles.c.article_id, articles.c.url).join(
        articles
    )
    query = query.order_by(revisions.c.captured_at, revisions.c.number)
    for pk in connection.scalars(several).all():
        rows = [
            dict(row)
            for row in connection.execute(query.where(revisions.c.article == pk)).mappings()
        ]
        story = ArticleState(pk, rows[0]["outlet"], rows[0]["article_id"], rows[0]["url"])
        story.revisions = [
            Revision(
                row["id"],
                row["number"],
                to_article(row),
                list(row["layouts"]),
                row["capture_id"],
                row["captured_at"],
                change=row["change"],
                dirty=True,
            )
            for row in rows
        ]
        if changes := changed_changes([story]):
            connection.execute(update(revisions).where(revisions.c.id == bindparam("pk")), changes)


def _is_gone(table: FromClause) -> ColumnElement[bool]:
    return or_(table.c.status.in_(GONE_STATUSES), table.c.reason.in_(GONE_REASONS))


def _gone_since(gone: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Whether a capture says, later than any that showed it, that the article of the outer query is gone."""
    shown, version = captures.alias(), revisions.alias()
    seen = (
        select(func.max(shown.c.captured_at))
        .join(version, shown.c.revision_id == version.c.id)
        .where(version.c.article == articles.c.id, shown.c.time_known)
        .correlate(articles)
        .scalar_subquery()
    )
    since = func.coalesce(seen, literal(datetime(1, 1, 1, tzinfo=UTC), Instant))
    return _is_gone(gone), gone.c.time_known, gone.c.captured_at > since
