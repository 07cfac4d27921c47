"""Articles whose captures the archive holds no more, as where a segment was lost: due again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, update

from archive.frontier.revisit_policy import State
from archive.index.schema import aliases, articles, captures, frontier
from archive.model.visit_policy import READ

if TYPE_CHECKING:
    from datetime import datetime

    from archive.index.database import Index

_OF_OUTLET = frontier.c.outlet
_IS_KEPT = (
    exists().where(articles.c.outlet == _OF_OUTLET, articles.c.article_id == frontier.c.article_id),
    exists().where(aliases.c.outlet == _OF_OUTLET, aliases.c.alias == frontier.c.article_id),
    exists().where(captures.c.outlet == _OF_OUTLET, captures.c.url == frontier.c.url),
)
_IS_LOST = and_(
    frontier.c.outcome.in_(READ),
    frontier.c.state.in_((State.DUE, State.DONE)),
    *(~kept for kept in _IS_KEPT),
)


def fetch_lost_again(index: Index, now: datetime) -> int:
    """Make articles due that were stored and are in no capture any more; return their number.

    They are fetched as new ones: a server that was told what was kept could answer 304, without
    the page.
    """
    values = {
        "state": State.DUE,
        "due_at": now,
        "failures": 0,
        "visits": 0,
        "etag": "",
        "last_modified": "",
    }
    with index.writing() as connection:
        return connection.execute(update(frontier).where(_IS_LOST).values(values)).rowcount
