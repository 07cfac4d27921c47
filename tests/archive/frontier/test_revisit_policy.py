"""The revisit policy: times of visits, delays after failures, the meaning of each reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from archive.frontier.revisit_policy import (
    BACK_OFF,
    LONGEST_WAIT,
    NextVisit,
    State,
    is_second_look,
    next_scheduled,
    next_visit,
)
from archive.model.article import KST
from archive.model.visit_policy import CONFIRM_AFTER, VisitKind
from tests.support.archives.frontier import DAY, HOUR, MINUTE, NOON


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


def test_revisit_delays_are_the_same_in_any_zone() -> None:
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


def test_a_successful_visit_advances_the_schedule_and_resets_failures() -> None:
    assert step(VisitKind.SERVED, failures=3) == NextVisit(State.DUE, NOON + 5 * HOUR, 0, 3)
    top = next_visit(
        VisitKind.SERVED, failures=3, visits=4, counted_from=NOON - 7 * DAY, now=NOON, retry_at=None
    )
    assert top == NextVisit(State.DONE, None, 0, 5)


def test_each_failure_waits_longer_and_none_gives_an_article_up() -> None:
    steps = [step(VisitKind.TRANSIENT, failures) for failures in range(len(BACK_OFF) + 5)]
    waits = [*BACK_OFF, *[BACK_OFF[-1]] * 5]
    assert steps == [
        NextVisit(State.DUE, NOON + wait, failures + 1, 2) for failures, wait in enumerate(waits)
    ]
    assert all(later >= 2 * earlier for earlier, later in pairwise(BACK_OFF))
    assert sum(BACK_OFF[:5], timedelta(0)) > 3 * DAY


def test_what_is_not_ours_is_dead_at_once() -> None:
    assert step(VisitKind.FINAL) == NextVisit(State.DEAD, None, 1, 2)


def test_what_seems_gone_is_visited_again_and_dead_if_that_is_confirmed() -> None:
    assert step(VisitKind.DOUBTFUL) == NextVisit(State.DUE, NOON + CONFIRM_AFTER, 1, 2)
    assert step(VisitKind.DOUBTFUL, 3) == NextVisit(State.DUE, NOON + BACK_OFF[3], 4, 2)
    confirmed = next_visit(
        VisitKind.DOUBTFUL,
        failures=1,
        visits=2,
        counted_from=NOON - HOUR,
        now=NOON,
        retry_at=None,
        confirmed=True,
    )
    assert confirmed == NextVisit(State.DEAD, None, 2, 2)


@pytest.mark.parametrize(
    ("gone", "served", "second"),
    [
        (None, NOON, False),
        (NOON - 6 * HOUR, NOON - HOUR, True),
        (NOON - 6 * HOUR, NOON, True),
        (NOON - 6 * HOUR + MINUTE, NOON - HOUR, False),
        (NOON - 6 * HOUR, None, False),
        (NOON - 6 * HOUR, NOON - 6 * HOUR, False),
        (NOON - 3 * DAY, NOON - 4 * DAY, False),
    ],
)
def test_a_second_visit_is_hours_later_and_others_were_served(
    gone: datetime | None, served: datetime | None, second: bool
) -> None:
    assert is_second_look(gone, served, NOON) is second


def test_a_host_to_be_left_alone_costs_no_try() -> None:
    for failures in (0, 9):
        assert step(VisitKind.POSTPONED, failures) == NextVisit(
            State.DUE, NOON + BACK_OFF[0], failures, 2
        )


def test_retry_after_is_kept_to_within_reason() -> None:
    assert step(VisitKind.TRANSIENT, retry_at=NOON + MINUTE).due_at == NOON + BACK_OFF[0]
    assert step(VisitKind.TRANSIENT, retry_at=NOON + 2 * DAY).due_at == NOON + 2 * DAY
    assert step(VisitKind.DOUBTFUL, retry_at=NOON + 2 * DAY).due_at == NOON + 2 * DAY
    assert step(VisitKind.POSTPONED, retry_at=NOON + 1000 * DAY).due_at == NOON + LONGEST_WAIT


def test_our_own_fault_waits_for_nothing_but_is_a_try() -> None:
    assert step(VisitKind.OURS) == NextVisit(State.DUE, NOON, 1, 2)
    assert step(VisitKind.OURS, 4) == NextVisit(State.DUE, NOON + BACK_OFF[4], 5, 2)
