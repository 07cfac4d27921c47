"""The revisit policy: when to fetch an article again. Pure functions of the last visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING

from archive.model.outcome import Outcome, Reason
from archive.warc.http_message import TRANSIENT_STATUSES

if TYPE_CHECKING:
    from datetime import datetime

    from archive.model.outcome import Verdict

#: When an article is visited again, counted from its publication: outlets edit most in the first
#: hours, and seldom after a week.
REVISITS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7))
#: The delays after the first, second, … failure in a row; after one more the article is given up.
#: Together they are longer than a day, so that an outage overnight loses no article.
BACK_OFF = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
MAX_FAILURES = len(BACK_OFF) + 1
#: The longest delay that a server may ask for (Retry-After).
LONGEST_WAIT = timedelta(days=7)

#: Failures that may be over at the next visit. They include failures of the host (DNS,
#: certificate), for which otherwise all articles of an outlet would be given up at once.
TRANSIENT = frozenset(
    {
        Reason.DNS,
        Reason.CONNECTION_REFUSED,
        Reason.CONNECTION_LOST,
        Reason.TIMEOUT,
        Reason.CERTIFICATE,
        Reason.TUNNEL,
        Reason.DATALOSS,
        Reason.ADDRESS_REFUSED,
        Reason.BAD_CONTENT,
        Reason.UNKNOWN_CODING,
        Reason.EMPTY_BODY,
        Reason.BOT_CHALLENGE,
    }
)
#: The page itself was not requested, so that no failure is counted: postponed, never given up.
POSTPONED = frozenset({Reason.ROBOTS_UNREACHABLE, Reason.HOST_BUSY})
#: Errors of our own: due at once for the next run (they may be fixed by then), not for this one.
OURS = frozenset({Reason.INTERNAL_ERROR})
#: The page is stored and seems unfinished: breaking news starts as a headline. It is visited again
#: like a stored article.
UNFINISHED = frozenset(
    {Reason.NO_HEADLINE, Reason.NO_PUBLISHED, Reason.NO_BODY, Reason.BODY_TOO_SHORT}
)
#: The outcomes of a page that could be read.
_READ = frozenset({Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED})


class State(StrEnum):
    """The state of an article; ``done`` and ``dead`` (given up) are not fetched again."""

    DUE = "due"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class VisitKind(Enum):
    """What a verdict means for the next visit."""

    SERVED = auto()
    RETRY = auto()
    RETRY_NEXT_RUN = auto()
    POSTPONE = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class NextVisit:
    """The state of an article after a visit; ``due_at`` is None if it is not fetched again."""

    state: State
    due_at: datetime | None
    failures: int
    visits: int


def visit_kind(verdict: Verdict, status: int | None = None) -> VisitKind:
    """Return what a verdict means for the next visit.

    ``status`` is the HTTP status, None if there was no response or it is not known.
    """
    reason = verdict.reason
    if verdict.outcome in _READ or reason in UNFINISHED:
        return VisitKind.SERVED
    if reason in POSTPONED:
        return VisitKind.POSTPONE
    if reason in OURS:
        return VisitKind.RETRY_NEXT_RUN
    if reason in TRANSIENT:
        return VisitKind.RETRY
    # An unknown status is no reason to give up an article for good.
    if reason is Reason.HTTP_STATUS and (status is None or status in TRANSIENT_STATUSES):
        return VisitKind.RETRY
    return VisitKind.GIVE_UP


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
) -> NextVisit:
    """Return the state of an article after a visit that ended ``now``.

    ``failures`` and ``visits`` are those before it, ``counted_from`` is the time from which
    `REVISITS` are counted, ``retry_at`` the earliest time at which the server wants a request.
    """
    if kind is VisitKind.SERVED:
        due_at = next_scheduled(counted_from, now)
        if due_at is None:
            return NextVisit(State.DONE, None, 0, visits + 1)
        return NextVisit(State.DUE, due_at, 0, visits + 1)
    if kind is VisitKind.POSTPONE:
        return NextVisit(State.DUE, _not_before(retry_at, now, BACK_OFF[0]), failures, visits)
    failures += 1
    if kind is VisitKind.GIVE_UP or failures >= MAX_FAILURES:
        return NextVisit(State.DEAD, None, failures, visits)
    wait = BACK_OFF[failures - 1]
    if kind is VisitKind.RETRY_NEXT_RUN:
        wait = timedelta(0)
    return NextVisit(State.DUE, _not_before(retry_at, now, wait), failures, visits)


def _not_before(retry_at: datetime | None, now: datetime, wait: timedelta) -> datetime:
    earliest = now + wait
    if retry_at is None:
        return earliest
    return max(earliest, min(retry_at, now + LONGEST_WAIT))
