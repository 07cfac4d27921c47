"""The revisit policy: when to fetch an article again. Pure functions of the last visit.

What the outcome of a visit means is the table of `archive.model.visit_policy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from archive.model.visit_policy import CONFIRM_AFTER, VisitKind

if TYPE_CHECKING:
    from datetime import datetime

#: When an article is visited again, counted from its publication: outlets edit most in the first
#: hours, and seldom after a week.
REVISITS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7))
#: The delays after the first, second, … failure in a row; the last one is repeated. An outage of
#: days loses no article, and an article behind a wall costs its outlet a request a month.
BACK_OFF = (
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=14),
    timedelta(days=30),
)
#: After so many errors of our own in a row an article waits as after other failures.
_OWN_ERRORS = 4
#: The longest delay that a server may ask for (Retry-After).
LONGEST_WAIT = timedelta(days=7)


class State(StrEnum):
    """The state of an article; ``done`` and ``dead`` (gone or not ours) are not fetched again."""

    DUE = "due"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class NextVisit:
    """The state of an article after a visit; ``due_at`` is None if it is not fetched again."""

    state: State
    due_at: datetime | None
    failures: int
    visits: int


def next_scheduled(counted_from: datetime, now: datetime) -> datetime | None:
    """Return the first time of `REVISITS` that is still to come; None after the last."""
    times = (counted_from + revisit for revisit in REVISITS)
    return next((time for time in times if time > now), None)


def next_visit(
    kind: VisitKind,
    *,
    failures: int,
    visits: int,
    counted_from: datetime,
    now: datetime,
    retry_at: datetime | None,
    confirmed: bool = False,
) -> NextVisit:
    """Return the state of an article after a visit that ended ``now``.

    ``failures`` and ``visits`` are those before it, ``counted_from`` is the time from which
    `REVISITS` are counted, ``retry_at`` the earliest time at which the server wants a request.
    ``confirmed`` is whether a doubtful visit is a second look (see `is_second_look`).
    """
    if kind is VisitKind.SERVED:
        due_at = next_scheduled(counted_from, now)
        state = State.DONE if due_at is None else State.DUE
        return NextVisit(state, due_at, 0, visits + 1)
    if kind is VisitKind.POSTPONED:
        return NextVisit(State.DUE, _not_before(retry_at, now, BACK_OFF[0]), failures, visits)
    failures += 1
    if kind is VisitKind.FINAL or (kind is VisitKind.DOUBTFUL and confirmed):
        return NextVisit(State.DEAD, None, failures, visits)
    return NextVisit(State.DUE, _not_before(retry_at, now, _wait(kind, failures)), failures, visits)


def is_second_look(gone_at: datetime | None, served_at: datetime | None, now: datetime) -> bool:
    """Return whether a visit that ended ``now`` and found its article gone confirms that.

    ``gone_at`` is when it was first found gone, ``served_at`` when any article of its outlet was
    last served. Where none was since ``gone_at``, the whole outlet may answer wrongly.
    """
    if gone_at is None or served_at is None:
        return False
    return now - gone_at >= CONFIRM_AFTER and served_at > gone_at


def _wait(kind: VisitKind, failures: int) -> timedelta:
    """Return the delay after a failed visit, the ``failures``-th in a row."""
    if kind is VisitKind.OURS and failures <= _OWN_ERRORS:
        return timedelta(0)
    wait = BACK_OFF[min(failures, len(BACK_OFF)) - 1]
    return max(wait, CONFIRM_AFTER) if kind is VisitKind.DOUBTFUL else wait


def _not_before(retry_at: datetime | None, now: datetime, wait: timedelta) -> datetime:
    earliest = now + wait
    if retry_at is None:
        return earliest
    return max(earliest, min(retry_at, now + LONGEST_WAIT))
