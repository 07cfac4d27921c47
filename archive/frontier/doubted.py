"""Articles of the frontier that were found gone, or given up, on certain days."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from archive.frontier.revisit_policy import State
from archive.index.schema import captures, frontier, is_gone, runs
from archive.model.article import KST
from archive.model.outcome import Reason

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import ColumnElement, Connection, Select


def doubted(connection: Connection, outlet: str, first: date, last: date) -> set[str]:
    """Return the ids of articles that were found gone or given up on these days (KST, inclusive).

    Those that were seen since, are being fetched or were taken down are left out.
    """
    start, end = datetime.combine(first, time(), KST), datetime.combine(last, time(), KST)
    end += timedelta(days=1)
    looks = captures.alias("looks")
    # What was given up by an earlier version may have been answered in any way, or not at all.
    looked = select(looks.c.id).where(
        looks.c.url == frontier.c.url,
        looks.c.captured_at >= start,
        looks.c.captured_at < end,
        looks.c.revision_id.is_(None),
        or_(is_gone(looks), _IS_DEAD),
    )
    given_up = and_(_IS_DEAD, frontier.c.last_run.in_(_runs_between(start, end)))
    query = select(frontier.c.article_id).where(
        frontier.c.outlet == outlet,
        frontier.c.state != State.LEASED,
        frontier.c.reason != Reason.REMOVED,
        or_(looked.exists(), given_up),
        ~_seen_since(),
    )
    return set(connection.scalars(query))


def _runs_between(start: datetime, end: datetime) -> Select[tuple[str]]:
    """Return the query for the runs that were under way between two moments."""
    ended_at = func.coalesce(runs.c.ended_at, runs.c.started_at)
    return select(runs.c.id).where(runs.c.started_at < end, ended_at >= start)


def _seen_since() -> ColumnElement[bool]:
    """Return the condition that a capture showed the article after the last one that did not."""
    shown, other = captures.alias("shown"), captures.alias("other")
    last_other = (
        select(func.max(other.c.captured_at))
        .where(other.c.url == frontier.c.url, other.c.revision_id.is_(None))
        .correlate(frontier)
        .scalar_subquery()
    )
    return (
        select(shown.c.id)
        .where(shown.c.url == frontier.c.url, shown.c.revision_id.is_not(None))
        .where(shown.c.captured_at > last_other)
        .correlate(frontier)
        .exists()
    )


_IS_DEAD = frontier.c.state == State.DEAD
