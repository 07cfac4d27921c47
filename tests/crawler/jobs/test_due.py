"""What is due, told by the clock and the history of runs alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import KST
from archive.runs.job_runs import Past
from archive.runs.record import Ending, RunRecord
from crawler.jobs.due import How, due, failures, next_run, retry_at
from crawler.jobs.job import Job
from crawler.jobs.schedule import every

JOB = Job(name="etoday", verb="crawl", words=("etoday",), schedule=every("1h"), outlet="etoday")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOON = datetime(2026, 11, 22, 12, tzinfo=KST)


def attempt(due_at: datetime, ending: Ending | None, number: int = 1, **facts: Any) -> RunRecord:
    """A run of one minute, at the moment it fell due."""
    return RunRecord(
        **{
            "run_id": f"{due_at} {number}",
            "verb": "crawl",
            "job": JOB.name,
            "due_at": due_at,
            "attempt": number,
            "arguments": (),
            "holder": "",
            "started_at": due_at,
            "ended_at": due_at + MINUTE if ending else None,
            "ending": ending,
            "exit_code": None if ending is None else int(ending is not Ending.SUCCEEDED),
            "log": "",
            "counts": {},
        }
        | facts
    )


def before(*attempts: RunRecord) -> Past:
    """A history, as the index gives it."""
    latest = tuple(sorted(attempts, key=lambda one: (one.due_at, one.attempt), reverse=True))
    done = next((one for one in latest if one.ending is Ending.SUCCEEDED), None)
    return Past(attempts=latest, succeeded=done, first=latest[-1] if latest else None)


def order(past: Past, now: datetime, job: Job = JOB) -> tuple[datetime, int, str | None] | None:
    found = due(job, past, now)
    return (
        None
        if found is None
        else (found.due_at, found.attempt, str(found.since) if found.since else None)
    )


def test_a_new_job_is_due_at_once() -> None:
    assert order(before(), NOON + 20 * MINUTE) == (NOON, 1, None)


def test_what_was_done_or_goes_on_is_not_due_until_its_next_moment() -> None:
    for ending in (Ending.SUCCEEDED, None):
        assert order(before(attempt(NOON, ending)), NOON + 59 * MINUTE) is None
    assert order(before(attempt(NOON, Ending.SUCCEEDED)), NOON + HOUR) == (NOON + HOUR, 1, None)


def test_what_was_missed_is_one_run_from_the_last_good_ones_day_on() -> None:
    last = attempt(NOON, Ending.SUCCEEDED)
    assert order(before(last), NOON + 2 * HOUR) == (NOON + 2 * HOUR, 1, "2026-11-22")
    assert order(before(last), NOON + timedelta(days=9)) == (
        NOON + timedelta(days=9),
        1,
        "2026-11-22",
    )
    failed = attempt(NOON + HOUR, Ending.FAILED)
    assert order(before(last, failed), NOON + 2 * HOUR) == (NOON + 2 * HOUR, 1, "2026-11-22")
    assert order(before(failed), NOON + 2 * HOUR) == (NOON + 2 * HOUR, 1, "2026-11-22")
    words = due(JOB, before(last), NOON + 2 * HOUR)
    assert words is not None
    assert words.words == ("etoday", "-a", "since=2026-11-22")


def test_a_window_of_the_jobs_own_stays() -> None:
    job = replace(JOB, words=("etoday", "-a", "discover=no"))
    assert order(before(attempt(NOON, Ending.SUCCEEDED)), NOON + 9 * HOUR, job) == (
        NOON + 9 * HOUR,
        1,
        None,
    )
    job = replace(JOB, verb="verify", words=(), outlet="")
    assert order(before(attempt(NOON, Ending.SUCCEEDED)), NOON + 9 * HOUR, job) == (
        NOON + 9 * HOUR,
        1,
        None,
    )


def test_a_day_is_seouls() -> None:
    past = before(attempt(NOON.replace(hour=0), Ending.SUCCEEDED))  # which is the day before in UTC
    assert order(past, NOON) == (NOON, 1, "2026-11-22")


def test_a_failure_is_tried_again_twice_as_long_each_time() -> None:
    first = attempt(NOON, Ending.FAILED)
    assert retry_at(JOB, before(first)) == first.ended_at + 5 * MINUTE if first.ended_at else None
    assert order(before(first), NOON + 5 * MINUTE) is None
    assert order(before(first), NOON + 6 * MINUTE) == (NOON, 2, None)
    second = attempt(NOON, Ending.TIMED_OUT, 2, ended_at=NOON + 10 * MINUTE)
    assert order(before(first, second), NOON + 19 * MINUTE) is None
    assert order(before(first, second), NOON + 20 * MINUTE) == (NOON, 3, None)
    third = attempt(NOON, Ending.FAILED, 3, ended_at=NOON + 21 * MINUTE)
    assert order(before(first, second, third), NOON + 59 * MINUTE) is None
    assert order(before(first, second, third), NOON + HOUR) == (NOON + HOUR, 1, "2026-11-22")
    assert failures(before(first, second, third), NOON) == 3


def test_wrong_usage_is_not_tried_again() -> None:
    assert order(before(attempt(NOON, Ending.FAILED, exit_code=2)), NOON + 50 * MINUTE) is None


@pytest.mark.parametrize("ending", [Ending.CRASHED, Ending.STOPPED])
def test_what_was_interrupted_is_taken_up_at_once_and_is_no_failure(ending: Ending) -> None:
    past = before(*(attempt(NOON, ending, n) for n in range(1, 10)))
    assert order(past, NOON + MINUTE) == (NOON, 10, None)
    assert failures(past, NOON) == 0


def test_a_clock_that_jumps_fires_nothing_twice() -> None:
    done = [attempt(NOON - n * HOUR, Ending.SUCCEEDED) for n in range(48)]
    # Back a day: all of that was done. (The history is given up to the moment that is asked about.)
    for ahead in range(24):
        now = NOON - timedelta(days=1) + ahead * HOUR + MINUTE
        assert order(before(*(one for one in done if one.due_at <= now)), now) is None
    # Forward a day: one run; then back again, and the hours between are due each in its turn.
    jumped = attempt(NOON + timedelta(days=1), Ending.SUCCEEDED)
    assert order(before(*done), NOON + timedelta(days=1)) == (jumped.due_at, 1, "2026-11-22")
    assert order(before(*done), NOON + HOUR) == (NOON + HOUR, 1, None)
    assert order(before(*done, jumped), NOON + timedelta(days=1, minutes=5)) is None


def test_a_clock_set_back_holds_no_retry_up() -> None:
    failed = attempt(NOON, Ending.FAILED, ended_at=NOON + timedelta(days=1))
    assert order(before(failed), NOON + MINUTE) == (NOON, 2, None)


@given(
    st.lists(st.tuples(st.sampled_from([*Ending]), st.integers(0, 400)), max_size=12),
    st.integers(0, 600),
)
def test_however_runs_end_each_moment_is_done_once(
    ends: list[tuple[Ending, int]], minutes: int
) -> None:
    """Play a day: look every minute, end each run as told; nothing is due again that was done."""
    now, attempts, plan = NOON, list[RunRecord](), list(ends)
    seen: set[tuple[datetime, int]] = set()
    for _ in range(minutes):
        found = due(JOB, before(*attempts), now)
        if found is not None:
            key = (found.due_at, found.attempt)
            assert key not in seen
            assert found.due_at <= now < found.due_at + HOUR
            assert not any(
                one.due_at == found.due_at and one.ending is Ending.SUCCEEDED for one in attempts
            )
            seen.add(key)
            ending, took = plan.pop() if plan else (Ending.SUCCEEDED, 1)
            ended = attempt(
                found.due_at, ending, found.attempt, started_at=now, ended_at=now + took * MINUTE
            )
            attempts.append(ended)
            now += took * MINUTE
        now += MINUTE


def test_what_comes_next_is_the_retry_or_what_falls_due_before_it() -> None:
    past = before(attempt(NOON, Ending.FAILED))
    soon, late = replace(JOB, backoff=5 * MINUTE), replace(JOB, backoff=3 * HOUR)
    assert (next_run(soon, past, NOON + MINUTE).how, next_run(soon, past, NOON + MINUTE).at) == (
        How.AGAIN,
        NOON + 6 * MINUTE,
    )
    assert (next_run(late, past, NOON + MINUTE).how, next_run(late, past, NOON + MINUTE).at) == (
        How.SCHEDULED,
        NOON + HOUR,
    )
    assert order(past, NOON + HOUR, late) == (NOON + HOUR, 1, "2026-11-22")
