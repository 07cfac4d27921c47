"""Silence and drift judged over simulated outlets: no alarm while they publish, one when they stop."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.alarms.drift import BODY, UNPARSED, drifts, is_over
from crawler.alarms.holidays import day_kind
from crawler.alarms.silence import Observation, PublicationRate, silence
from tests.support.sites.outlet_models import (
    DAY,
    DRIFTS,
    HOUR,
    OUTLET_MODELS,
    START,
    Change,
    OutletModel,
    Watched,
    drift_year,
    pages,
    silence_year,
)

DRAWN = settings(max_examples=6, deadline=None, derandomize=True)
BY_NAME = {room.name: room for room in OUTLET_MODELS}


@pytest.mark.parametrize(
    ("name", "articles"),
    [
        ("(a) each hour, by chance", 20),
        ("(a) each hour, like a clock", 7),
        ("(b) office hours, 20 a day", 20),
        ("(c) 300 a day, quiet nights", 60),
    ],
)
def test_a_short_year_has_no_false_alarm_and_every_silence_is_found(
    name: str, articles: int
) -> None:
    told = silence_year(BY_NAME[name], 6, 2, seed=2)
    assert told.false == []
    assert told.never == 0
    assert max(told.articles) <= articles


@DRAWN
@given(
    rate=st.floats(0.2, 12),
    night=st.floats(0, 1),
    weekend=st.floats(0, 1),
    seed=st.integers(0, 999),
)
def test_an_outlet_that_goes_on_is_never_silent_and_a_dead_one_is(
    rate: float, night: float, weekend: float, seed: int
) -> None:
    room = OutletModel(
        "drawn",
        lambda m: (
            rate * (1 if 7 <= m.hour < 20 else night) * (1 if day_kind(m.date()) < 5 else weekend)
        ),
    )
    watched = Watched(room, 45, seed)
    begin = 30 * 24
    assert [
        n for n in range(begin, begin + 72) if not watched.crawls[n].found_new and watched.judge(n)
    ] == []
    death = watched.moments[begin + 96]
    assert any(watched.judge(n, death) for n in range(begin + 98, len(watched.moments), 6))


@DRAWN
@given(
    seed=st.integers(0, 999),
    holes=st.lists(st.tuples(st.integers(0, 700), st.integers(1, 60)), max_size=6),
)
def test_crawls_that_were_not_made_are_no_silence(seed: int, holes: list[tuple[int, int]]) -> None:
    """However often and long a scheduler stood still; and whatever its clock made of it."""
    watched = Watched(OutletModel("steady", lambda _: 3.0), 2, seed)
    dropped = {n + i for n, k in holes for i in range(k)}
    looks = [look for n, look in enumerate(watched.crawls) if n not in dropped]
    rate = PublicationRate(watched.hours, START, watched.moments[-1], day_kind)
    last = looks[-1].at
    later = [
        Observation(last + timedelta(days=9), True, False),
        Observation(last + timedelta(days=9, minutes=5), True, False),
    ]
    assert silence([*looks, *later], rate) is None


def test_too_little_history_is_none() -> None:
    room = OutletModel("young", lambda _: 1.0, regular=True, warm=0)
    watched = Watched(room, 12, 1)
    assert not any(watched.judge(n, START + 5 * DAY) for n in range(7 * 24))
    few = OutletModel("few", lambda m: 1.0 if m.hour == 9 else 0.0, regular=True, warm=0)
    watched = Watched(few, 60, 1)
    assert not any(watched.judge(n, START + 18 * DAY) for n in range(20 * 24, 30 * 24))
    assert any(watched.judge(n, START + 28 * DAY) for n in range(30 * 24, 45 * 24))


def test_what_was_missing_in_an_earlier_silence_is_no_measure() -> None:
    watched = Watched(OutletModel("regular", lambda _: 1.0, regular=True), 20, 1)
    gap = range(20 * 24, 24 * 24)
    looks = [
        Observation(look.at, look.complete, look.found_new and n not in gap)
        for n, look in enumerate(watched.crawls)
    ]
    silent = [Observation(looks[-1].at + n * HOUR, True, False) for n in range(1, 13)]
    rate = PublicationRate(watched.hours, START, looks[-1].at, day_kind)
    assert silence([*looks, *silent], rate) is None
    assert silence([*looks, *silent], rate, [(looks[gap[0] - 1].at, looks[gap[-1]].at)]) is not None


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-02-17", 6),
        ("2026-09-25", 6),
        ("2026-11-17", 1),
        ("2026-11-22", 6),
        ("2026-11-21", 5),
        ("2027-02-09", 6),
    ],
)
def test_a_holiday_is_a_sunday(day: str, kind: int) -> None:
    assert day_kind(date.fromisoformat(day)) == kind


def moments(number: int) -> list[timedelta]:
    """So many articles, as the office writes them, a few each hour of a working day."""
    return [START + timedelta(days=n // 40, minutes=9 * 60 + 13 * (n % 40)) for n in range(number)]


@DRAWN
@given(seed=st.integers(0, 9999))
def test_pages_that_stay_as_they_are_do_not_drift(seed: int) -> None:
    read = pages(moments(680), seed)
    for end in range(620, 680, 3):
        assert drifts(read[: end - 80], read[end - 80 : end]) == []


#: Those that nearly all pages show. What a third of them have is by chance less than the quarter
#: that counts.
PLAIN = [change for change in DRIFTS if change.field != "subheadlines"]


@settings(DRAWN, max_examples=12)
@given(seed=st.integers(0, 9999), change=st.sampled_from(PLAIN))
def test_a_change_of_the_pages_is_found_with_its_first_bad_page_and_its_end(
    seed: int, change: Change
) -> None:
    when = moments(760)
    read = pages(when, seed, change, when[600])
    told = drifts(read[:600], read[600:680])
    assert change.field in [drift.field for drift in told]
    first = next(drift.first for drift in told if drift.field == change.field)
    assert int(first.source.rpartition("/")[2]) >= 600
    assert not is_over([change.field], read[:600], read[600:680])
    mended = pages(when, seed)
    # By chance the newest pages of a moment may be unusual; the alarm ends at the first that is not.
    ends = range(720, 761, 5)
    assert any(is_over([change.field], read[:600], mended[680:end]) for end in ends)


def test_twelve_bad_pages_are_enough_and_nine_are_not() -> None:
    when = moments(640)
    lost, unread = Change("", "authors"), Change("", UNPARSED)
    for change in (lost, unread):
        read = pages(when, 7, change, when[600])
        usual = read[:600]
        assert drifts(usual, read[608 - 80 : 608]) == [] or change is unread
        assert [drift.field for drift in drifts(usual, read[612 - 80 : 612])] in (
            [change.field],
            [],
        )
        assert [drift.field for drift in drifts(usual, read[620 - 80 : 620])] == [change.field]


def test_too_few_articles_are_not_judged() -> None:
    when = moments(600)
    read = pages(when, 1, Change("", "authors"), when[39])
    assert drifts(read[:39], read[39:119]) == []
    read = pages(when, 1, Change("", "authors"), when[60])
    assert [drift.field for drift in drifts(read[:60], read[60:140])] == ["authors"]


def test_more_than_usual_is_no_drift_but_of_a_body() -> None:
    when = moments(700)
    before = pages(when, 3, Change("", "tags"), when[0])
    after = pages(when, 3)
    assert drifts(before[:600], after[600:680]) == []
    short = pages(when, 3, Change("", BODY), when[0])
    assert [drift.field for drift in drifts(short[:600], after[600:680])] == [BODY]


def test_what_an_outlet_does_each_week_is_usual() -> None:
    """Every Sunday forty pages without authors: the next such Sunday is none of our business."""
    dice = random.Random(1)
    week = [dice.random() < 0.9 for _ in range(140)] + [False] * 40
    read = [
        one
        if has
        else type(one)(
            **{n: getattr(one, n) for n in one.__slots__} | {"filled": one.filled - {"authors"}}
        )
        for one, has in zip(pages(moments(720), 5), week * 4, strict=True)
    ]
    assert drifts(read[: 3 * 180], read[720 - 80 :]) == []
    assert [d.field for d in drifts(read[:140], read[140:180])] == ["authors"]


def test_short_years_of_pages() -> None:
    room = BY_NAME["(c) 300 a day, quiet nights"]
    assert drift_year(room, 2, 0, 1).false == []
    told = drift_year(room, 0, 1, 1, Change("", UNPARSED))
    assert told.never == 0
    assert told.hours[0] < 12
