"""When to visit an article again: pure functions over what the last visit gave."""

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

#: Looks at an article, counted from its publication: outlets edit most in the first hours, and
#: hardly after a week.
REVISITS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7))
#: Waits after the first, second, … failed try in a row; one more failure and the article is given
#: up. Together they outlast a day, so that an outage or a bad certificate overnight costs no
#: article.
BACK_OFF = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
MAX_TRIES = len(BACK_OFF) + 1
#: However long a server asks us to stay away (Retry-After), we come back after this.
LONGEST_WAIT = timedelta(days=7)

#: Failures that may be over the next time. Those of the host (a name, a certificate) are among
#: them: they would otherwise give up every article of an outlet at once.
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
#: The page itself was not asked for, so the failure is no try of it: put off, never given up.
PUT_OFF = frozenset({Reason.ROBOTS_UNREACHABLE, Reason.HOST_BUSY})
#: Our own faults: again at once for the next run (the fault may be mended by then), never for the
#: same one.
OURS = frozenset({Reason.INTERNAL_ERROR})
#: The page is kept and looks unfinished: a flash is a headline first. It is looked at again as a
#: stored article is.
UNFINISHED = frozenset(
    {Reason.NO_HEADLINE, Reason.NO_PUBLISHED, Reason.NO_BODY, Reason.BODY_TOO_SHORT}
)


class State(StrEnum):
    """Where an article stands: ``done`` and ``dead`` are not fetched again, ``dead`` for a reason."""

    DUE = "due"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"


class VisitKind(Enum):
    """What a verdict means for the next visit."""

    SERVED = auto()
    RETRY = auto()
    RETRY_NEXT_RUN = auto()
    PUT_OFF = auto()
    GIVE_UP = auto()


@dataclass(frozen=True, slots=True)
class NextVisit:
    """What follows from a visit; ``due_at`` is None where nothing does."""

    state: State
    due_at: datetime | None
    failures: int
    visits: int


def visit_kind(verdict: Verdict, status: int | None = None) -> VisitKind:
    """What a verdict means for the next visit; ``status`` is the HTTP status, if there was an answer."""
    reason = verdict.reason
    if verdict.outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED) or reason in UNFINISHED:
        return VisitKind.SERVED
    if reason in PUT_OFF:
        return VisitKind.PUT_OFF
    if reason in OURS:
        return VisitKind.RETRY_NEXT_RUN
    if reason is Reason.HTTP_STATUS:
        # An unknown status is one nobody told us: not a ground to give up an article for good.
        return (
            VisitKind.RETRY if status is None or status in TRANSIENT_STATUSES else VisitKind.GIVE_UP
        )
    return VisitKind.RETRY if reason in TRANSIENT else VisitKind.GIVE_UP


def next_scheduled(counted_from: datetime, now: datetime) -> datetime | None:
    """The first look of the ladder that is still to come; None after the last."""
    return next((counted_from + rung for rung in REVISITS if counted_from + rung > now), None)


def next_visit(
    kind: VisitKind,
    *,
    failures: int,
    visits: int,
    counted_from: datetime,
    now: datetime,
    retry_at: datetime | None,
) -> NextVisit:
    """What follows from a visit that ended ``now``.

    ``failures`` and ``visits`` are those before it, ``counted_from`` is what the ladder counts from,
    ``retry_at`` the earliest moment at which the server wants to be asked again.
    """
    if kind is VisitKind.SERVED:
        due_at = next_scheduled(counted_from, now)
        return NextVisit(State.DUE if due_at else State.DONE, due_at, 0, visits + 1)
    if kind is VisitKind.PUT_OFF:
        return NextVisit(State.DUE, _not_before(retry_at, now, BACK_OFF[0]), failures, visits)
    failures += 1
    if kind is VisitKind.GIVE_UP or failures >= MAX_TRIES:
        return NextVisit(State.DEAD, None, failures, visits)
    wait = timedelta(0) if kind is VisitKind.RETRY_NEXT_RUN else BACK_OFF[failures - 1]
    return NextVisit(State.DUE, _not_before(retry_at, now, wait), failures, visits)


def _not_before(retry_at: datetime | None, now: datetime, wait: timedelta) -> datetime:
    earliest = now + wait
    return max(earliest, min(retry_at, now + LONGEST_WAIT)) if retry_at is not None else earliest
