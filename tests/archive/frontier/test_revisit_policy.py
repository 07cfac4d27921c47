"""The revisit policy: times of visits, delays after failures, the meaning of each reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from archive.frontier.revisit_policy import (
    BACK_OFF,
    LONGEST_WAIT,
    MAX_FAILURES,
    OURS,
    POSTPONED,
    TRANSIENT,
    UNFINISHED,
    NextVisit,
    State,
    VisitKind,
    next_scheduled,
    next_visit,
    visit_kind,
)
from archive.model.article import KST
from archive.model.outcome import Outcome, Reason, Verdict
from tests.support.frontier_kit import DAY, HOUR, MINUTE, NOON


@pytest.mark.parametrize(
    ("age", "delay"),
    [
        (timedelta(0), HOUR),
        (59 * MINUTE, HOUR),
        (HOUR, 6 * HOUR),
        (6 * HOUR - MINUTE, 6 * HOUR),
        (6 * HOUR, DAY),
        (DAY, 7 * DAY),
        (7 * DAY - MINUTE, 7 * DAY),
        (7 * DAY, None),
        (1000 * DAY, None),
    ],
)
def test_the_next_visit_is_the_first_still_to_come(age: timedelta, delay: timedelta | None) -> None:
    assert next_scheduled(NOON, NOON + age) == (NOON + delay if delay is not None else None)


def test_rungs_are_spans_of_time_in_any_zone() -> None:
    # New York set its clocks back at 06:00 UTC that day; Seoul, where outlets print, knows no such
    # hour.
    published = datetime(2026, 11, 1, 14, 30, tzinfo=KST)
    assert next_scheduled(published, published) == datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    assert next_scheduled(published.astimezone(UTC), published + HOUR) == datetime(
        2026, 11, 1, 20, 30, tzinfo=KST
    )


def step(kind: VisitKind, failures: int = 0, retry_at: datetime | None = None) -> NextVisit:
    return next_visit(
        kind, failures=failures, visits=2, counted_from=NOON - HOUR, now=NOON, retry_at=retry_at
    )


def test_a_look_climbs_and_forgets_failures() -> None:
    assert step(VisitKind.SERVED, failures=3) == NextVisit(State.DUE, NOON + 5 * HOUR, 0, 3)
    top = next_visit(
        VisitKind.SERVED, failures=3, visits=4, counted_from=NOON - 7 * DAY, now=NOON, retry_at=None
    )
    assert top == NextVisit(State.DONE, None, 0, 5)


def test_each_failure_waits_longer_until_the_article_is_given_up() -> None:
    waits = [step(VisitKind.RETRY, failures) for failures in range(MAX_FAILURES)]
    assert waits == [
        *(
            NextVisit(State.DUE, NOON + wait, failures + 1, 2)
            for failures, wait in enumerate(BACK_OFF)
        ),
        NextVisit(State.DEAD, None, MAX_FAILURES, 2),
    ]
    assert all(later >= 3 * earlier for earlier, later in pairwise(BACK_OFF))
    assert sum(BACK_OFF, timedelta(0)) > DAY


def test_what_is_given_up_is_dead_at_once() -> None:
    assert step(VisitKind.GIVE_UP) == NextVisit(State.DEAD, None, 1, 2)


def test_a_host_to_be_left_alone_costs_no_try() -> None:
    for failures in (0, MAX_FAILURES - 1):
        assert step(VisitKind.POSTPONE, failures) == NextVisit(
            State.DUE, NOON + BACK_OFF[0], failures, 2
        )


def test_retry_after_is_kept_to_within_reason() -> None:
    assert step(VisitKind.RETRY, retry_at=NOON + MINUTE).due_at == NOON + BACK_OFF[0]
    assert step(VisitKind.RETRY, retry_at=NOON + 2 * DAY).due_at == NOON + 2 * DAY
    assert step(VisitKind.POSTPONE, retry_at=NOON + 1000 * DAY).due_at == NOON + LONGEST_WAIT


def test_our_own_fault_waits_for_nothing_but_is_a_try() -> None:
    assert step(VisitKind.RETRY_NEXT_RUN) == NextVisit(State.DUE, NOON, 1, 2)
    assert step(VisitKind.RETRY_NEXT_RUN, MAX_FAILURES - 1).state is State.DEAD


def test_every_reason_means_one_thing() -> None:
    sets = (TRANSIENT, POSTPONED, OURS, UNFINISHED)
    assert sum(map(len, sets)) == len(frozenset().union(*sets))
    assert not any(Reason.HTTP_STATUS in reasons for reasons in sets)


@pytest.mark.parametrize("reason", [None, *Reason])
def test_reasons(reason: Reason | None) -> None:
    wanted = {
        None: VisitKind.SERVED,
        Reason.NO_BODY: VisitKind.SERVED,
        Reason.NO_LAYOUT: VisitKind.GIVE_UP,
        Reason.SOFT_404: VisitKind.GIVE_UP,
        Reason.DELETED: VisitKind.GIVE_UP,
        Reason.BOT_CHALLENGE: VisitKind.RETRY,
        Reason.NOT_AN_ARTICLE: VisitKind.GIVE_UP,
        Reason.ROBOTS: VisitKind.GIVE_UP,
        Reason.REDIRECT_TO_FRONT: VisitKind.GIVE_UP,
        Reason.TOO_LARGE: VisitKind.GIVE_UP,
        Reason.TIMEOUT: VisitKind.RETRY,
        Reason.CONNECTION_REFUSED: VisitKind.RETRY,
        Reason.DNS: VisitKind.RETRY,
        Reason.CERTIFICATE: VisitKind.RETRY,
        Reason.DATALOSS: VisitKind.RETRY,
        Reason.ROBOTS_UNREACHABLE: VisitKind.POSTPONE,
        Reason.HOST_BUSY: VisitKind.POSTPONE,
        Reason.INTERNAL_ERROR: VisitKind.RETRY_NEXT_RUN,
    }
    outcome = Outcome.NEW if reason is None else Outcome.FAILED
    found = visit_kind(Verdict(outcome, reason))
    assert found is wanted.get(reason, found)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (None, VisitKind.RETRY),
        (302, VisitKind.GIVE_UP),
        (401, VisitKind.GIVE_UP),
        (403, VisitKind.RETRY),
        (404, VisitKind.GIVE_UP),
        (410, VisitKind.GIVE_UP),
        (429, VisitKind.RETRY),
        (451, VisitKind.GIVE_UP),
        (500, VisitKind.RETRY),
        (503, VisitKind.RETRY),
        (520, VisitKind.RETRY),
    ],
)
def test_statuses(status: int | None, kind: VisitKind) -> None:
    assert visit_kind(Verdict(Outcome.SKIPPED, Reason.HTTP_STATUS), status) is kind
