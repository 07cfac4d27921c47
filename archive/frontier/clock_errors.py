"""Undo what a crawl under a clock that was ahead left in the frontier, once the clock is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, update

from archive.frontier.revisit_policy import BACK_OFF, State
from archive.index.schema import frontier
from archive.model.outcome import Reason
from archive.model.times import AHEAD

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

#: No article waits longer than this: what is due later was planned by another clock.
_LONGEST = BACK_OFF[-1] + AHEAD
#: Columns that state when an article was looked at; a time to come is none.
_LOOKS = ("visited_at", "served_at", "gone_at", "first_visit_at")


def undo_future(connection: Connection, outlet: str, now: datetime) -> int:
    """Make due what was visited or discovered more than a day from ``now``; return how many.

    Articles that were done or ended then are due as well: the hours between two looks did not pass.
    """
    latest = now + AHEAD
    own = frontier.c.outlet == outlet
    # In a form that the indexes on (outlet, state, due_at) and (outlet, served_at) answer.
    waiting = and_(
        frontier.c.state == State.DUE,
        frontier.c.due_at > latest,
        or_(
            frontier.c.visited_at > latest,
            frontier.c.discovered_at > latest,
            frontier.c.due_at > now + _LONGEST,
        ),
    )
    done = and_(frontier.c.state == State.DONE, frontier.c.served_at > latest)
    ended = and_(
        frontier.c.state == State.DEAD,
        frontier.c.visited_at > latest,
        frontier.c.reason != Reason.REMOVED,
    )
    values = {"state": State.DUE, "due_at": now, "failures": 0}
    number = 0
    for which in (waiting, done, ended):
        number += connection.execute(update(frontier).where(own, which).values(values)).rowcount
    if number:
        for name in _LOOKS:
            column = frontier.c[name]
            connection.execute(update(frontier).where(own, column > latest).values({name: None}))
        discovered = frontier.c.discovered_at
        connection.execute(
            update(frontier).where(own, discovered > latest).values(discovered_at=now)
        )
    return number
