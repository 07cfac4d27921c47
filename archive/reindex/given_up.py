"""Articles that earlier versions gave up for one odd answer, due again by the rules of today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select, update

from archive.captures.deletions import DeletionJudge, Status
from archive.frontier.revisit_policy import State
from archive.index.schema import articles, frontier
from archive.model.visit_policy import KINDS, VisitKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from archive.index.database import Index

_FINAL = frozenset(reason for reason, kind in KINDS.items() if kind is VisitKind.FINAL)
_SELECT = (
    select(
        frontier.c.id,
        frontier.c.outlet,
        frontier.c.channels,
        articles.c.id.label("article"),
    )
    .outerjoin(
        articles,
        and_(
            articles.c.outlet == frontier.c.outlet,
            articles.c.article_id == frontier.c.article_id,
        ),
    )
    # versions that confirm a deletion by a second look state when an article was visited
    .where(frontier.c.state == State.DEAD, frontier.c.visited_at.is_(None))
    .where(frontier.c.reason.not_in(_FINAL))
)


def revive_given_up(index: Index, is_walk: Callable[[str, str], bool], now: datetime) -> int:
    """Make articles due that an earlier version gave up; return their number.

    Those whose deletion the captures confirm stay as they are, and so do ids that only an id walk
    guessed: ``is_walk`` returns whether a channel of an outlet is one.
    """
    with index.reading() as connection:
        rows = connection.execute(_SELECT).all()
        judge = DeletionJudge(connection)
        deletions = judge.deletions({row.article for row in rows if row.article is not None})
    due: list[dict[str, Any]] = []
    for row in rows:
        deletion = deletions.get(row.article)
        is_deleted = deletion is not None and deletion.status is Status.DELETED
        if is_deleted or all(is_walk(row.outlet, channel) for channel in row.channels):
            continue
        gone_at = deletion.first_seen_gone_at if deletion is not None else None
        due.append({"pk": row.id, "gone_at": gone_at})
    if due:
        values = {"state": State.DUE, "due_at": now, "failures": 0}
        chosen = update(frontier).where(frontier.c.id == bindparam("pk"))
        revived = chosen.values(values | {"gone_at": bindparam("gone_at")})
        with index.writing() as connection:
            connection.execute(revived, due)
    return len(due)
