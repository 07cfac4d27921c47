"""When jobs fall due: cron lines as cron reads them, intervals counted from midnight in Seoul."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import KST
from crawler.jobs.schedule import (
    Schedule,
    ScheduleError,
    cron,
    duration,
    every,
    once,
    parse_schedule,
)

MOMENTS = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001  (made aware by timezones)
    datetime(2040, 1, 1),  # noqa: DTZ001  (as above)
    timezones=st.just(UTC),
)
NUMBERS = st.integers


def field(low: int, high: int) -> st.SearchStrategy[str]:
    """A field of a cron line: a star, a step, a number, a span, a list."""
    number = NUMBERS(low, high)
    span = st.tuples(number, number).map(lambda pair: "-".join(map(str, sorted(pair))))
    step = NUMBERS(1, high - low).map(lambda n: f"*/{n}")
    return st.one_of(
        st.just("*"),
        step,
        number.map(str),
        span,
        st.lists(number, min_size=2, max_size=3).map(lambda numbers: ",".join(map(str, numbers))),
    )


RHYTHMS = st.one_of(
    st.tuples(field(0, 59), field(0, 23), st.just("*"), field(1, 12), field(0, 6))
    .map(" ".join)
    .map(cron),
    st.tuples(field(0, 59), field(0, 23), field(1, 28), st.just("*"), st.just("*"))
    .map(" ".join)
    .map(cron),
    NUMBERS(1, 10_000).map(lambda n: every(f"{n}m")),
)


@given(RHYTHMS, MOMENTS)
def test_the_last_moment_is_the_one_before_the_next(schedule: Schedule, now: datetime) -> None:
    last, coming = schedule.last(now), schedule.next(now)
    assert last is not None
    assert coming is not None
    assert last <= now < coming
    assert schedule.next(last) == coming
    assert schedule.last(last) == last
    assert schedule.last(coming - timedelta(microseconds=1)) == last


@given(MOMENTS, st.timedeltas(timedelta(days=-2500), timedelta(days=2500)))
def test_what_is_once_is_at_no_other_moment(moment: datetime, passed: timedelta) -> None:
    schedule, now = once(moment), moment + passed
    assert schedule.last(now) == (moment if moment <= now else None)
    assert schedule.next(now) == (moment if moment > now else None)
    assert parse_schedule(schedule.text).last(now) == schedule.last(now)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


@pytest.mark.parametrize(
    ("schedule", "now", "last", "coming"),
    [
        (every("1h"), "2026-11-22T14:30", "2026-11-22T14:00", "2026-11-22T15:00"),
        (every("1d"), "2026-11-22T14:30", "2026-11-22T00:00", "2026-11-23T00:00"),
        (every("1h30m"), "2026-11-22T01:00", "2026-11-22T00:00", "2026-11-22T01:30"),
        (cron("7 * * * *"), "2026-12-31T23:59", "2026-12-31T23:07", "2027-01-01T00:07"),
        (cron("0 0 29 2 *"), "2026-11-22T00:00", "2024-02-29T00:00", "2028-02-29T00:00"),
        # Sunday is 0 and 7, whatever the library beneath counts from.
        (cron("30 3 * * 0"), "2026-11-23T00:00", "2026-11-22T03:30", "2026-11-29T03:30"),
        (cron("30 3 * * 7"), "2026-11-23T00:00", "2026-11-22T03:30", "2026-11-29T03:30"),
        (cron("0 9 * * 1-5"), "2026-11-22T00:00", "2026-11-20T09:00", "2026-11-23T09:00"),
        (cron("0 9 * * fri-sun"), "2026-11-23T00:00", "2026-11-22T09:00", "2026-11-27T09:00"),
        (cron("0 9 * * */2"), "2026-11-23T00:00", "2026-11-22T09:00", "2026-11-24T09:00"),
        (cron("0 9 * * 1/2"), "2026-11-25T09:30", "2026-11-25T09:00", "2026-11-27T09:00"),
        (cron("0 9 * * 5-7"), "2026-11-23T00:00", "2026-11-22T09:00", "2026-11-27T09:00"),
    ],
)
def test_moments(schedule: Schedule, now: str, last: str, coming: str) -> None:
    assert (schedule.last(at(now)), schedule.next(at(now))) == (at(last), at(coming))
    # The same whatever zone the question is asked in.
    assert schedule.last(at(now).astimezone(UTC)) == at(last)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "five fields, not 0"),
        ("0 3 * *", "five fields, not 4"),
        ("60 * * * *", "is not a valid cron line"),
        ("* 24 * * *", "is not a valid cron line"),
        ("a * * * *", "is not a valid cron line"),
        ("0 0 31 2 *", "has no moment"),
        ("0 0 1 * 1", "write two jobs"),
        ("0 0 * * 8", "is not a weekday"),
        ("0 0 * * 0-9", "is not a weekday"),
        ("0 0 * * 5-2", "names no weekday"),
        ("0 0 * * */0", "names no weekday"),
        ("*/0 * * * *", "is not a valid cron line"),
    ],
)
def test_what_is_no_cron_line(line: str, why: str) -> None:
    with pytest.raises(ScheduleError, match=why):
        cron(line)


def test_lengths_of_time() -> None:
    assert duration("90s") == timedelta(seconds=90)
    assert duration("1h30m") == timedelta(minutes=90)
    assert duration("2d") == timedelta(days=2)


@pytest.mark.parametrize("text", ["", "1", "-5m", "5 m", "m", "0m", "1y", "٣m"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ScheduleError):
        duration(text)


@pytest.mark.parametrize("text", ["once", "once now", "once 2026-12-01T09:00", "twice 1d", ""])
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)


@pytest.mark.parametrize("text", ["59s", "0h", "367d"])
def test_what_is_no_interval(text: str) -> None:
    with pytest.raises(ScheduleError):
        every(text)
