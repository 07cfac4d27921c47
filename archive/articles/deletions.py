"""Find out from captures whether an article is deleted, and since when.

A deletion is a capture of one of the article's addresses that shows that the article is gone:
status 404 or 410, or a page with status 200 that says so. It makes no revision and is stored only
as a row of ``captures``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, literal, or_, select

from archive.articles.captures import GONE_STATUSES, stored_capture
from archive.index.schema import Instant, aliases, articles, captures, revisions
from archive.model.outcome import Reason

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, FromClause

    from archive.articles.captures import StoredCapture

#: Reasons found in a page of status 200 that say the same as `GONE_STATUSES`.
GONE_REASONS = (Reason.DELETED.value, Reason.SOFT_404.value)


def deleted_at() -> ColumnElement[datetime | None]:
    """Return the column with the time of an article's deletion, for a query over ``articles``.

    It is the time of the first capture that shows that the article is gone, after the last one that
    showed it; null if there is none. Captures of the article's own address decide; if that was
    never captured, those of its other addresses. A capture of unknown time decides nothing, unless
    the article was never seen otherwise.
    """
    # Two queries instead of IN over a union, so that each uses the index on the address.
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


def gone_captures(connection: Connection, row_id: int) -> list[StoredCapture]:
    """Return the captures of the article's addresses that show that it is gone, oldest first."""
    own = connection.scalar(select(articles.c.url).where(articles.c.id == row_id)) or ""
    others = connection.scalars(select(aliases.c.alias).where(aliases.c.article == row_id)).all()
    any_of_own = select(captures.c.id).where(captures.c.url == own).limit(1)
    own_captured = connection.scalar(any_of_own) is not None
    query = select(captures).where(captures.c.url.in_([own, *others]), _is_gone(captures))
    rows = connection.execute(query.order_by(captures.c.captured_at, captures.c.id))
    return [
        stored_capture(row, revision=None, decides=row.url == own or not own_captured)
        for row in rows
    ]


def _is_gone(table: FromClause) -> ColumnElement[bool]:
    return or_(table.c.status.in_(GONE_STATUSES), table.c.reason.in_(GONE_REASONS))


def _gone_since(gone: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a capture shows the outer query's article to be gone.

    It must be later than all captures that showed the article.
    """
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
