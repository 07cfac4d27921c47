"""Walks ask for every id that may be an article of the days, and for few others."""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.discovery.id_walks import CLOSE, GAP, SLACK, DailyWalk, RisingWalk
from crawler.model.channels import Anchor, DailyIds, RisingIds
from crawler.outlets import outlet_named

FIRST = date(2026, 1, 1)
DAILY = DailyIds(digits=6, most=1500)


@cache
def numbering(days: int, seed: int, missing: float) -> dict[int, date]:
    """Ids of an outlet: fewer at weekends, some missing, from 1,000,000 up."""
    pick = random.Random(seed)
    ids: dict[int, date] = {}
    number = 1_000_000
    for n in range(days):
        day = FIRST + timedelta(days=n)
        for _ in range(pick.randint(60, 120) if day.weekday() > 4 else pick.randint(300, 450)):
            number += 1
            if pick.random() >= missing:
                ids[number] = day
    return ids


def walked(walk: RisingWalk | DailyWalk, ids: dict[str, date]) -> list[str]:
    asked: list[str] = []
    while not walk.finished:
        given = walk.next_ids(50)
        asked += given
        for article_id in given:
            walk.learn(article_id, ids.get(article_id))
        assert len(asked) < 100_000
    assert len(set(asked)) == len(asked)
    return asked


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 9),
    st.sampled_from([0.0, 0.1, 0.4]),
    st.integers(25, 38),
    st.integers(1, 9),
    st.lists(st.integers(0, 39), min_size=1, max_size=4),
)
def test_rising_ids_are_found_between_any_anchors(
    seed: int, missing: float, start: int, length: int, anchored: list[int]
) -> None:
    ids = numbering(40, seed, missing)
    since = FIRST + timedelta(days=start)
    until = min(since + timedelta(days=length - 1), FIRST + timedelta(days=39))
    middles = {day: number for number, day in ids.items()}
    anchors = sorted(
        (middles[FIRST + timedelta(days=n)], FIRST + timedelta(days=n)) for n in set(anchored)
    )
    form = RisingIds(anchors=tuple(Anchor(*a) for a in anchors), daily=500)
    walk = RisingWalk(form, since, until, {})
    asked = walked(walk, {str(number): day for number, day in ids.items()})
    wanted = {str(number) for number, day in ids.items() if since <= day <= until}
    assert walk.problem == ""
    assert wanted - {str(number) for number, _ in anchors} <= set(asked)
    span = max(map(int, wanted)) - min(map(int, wanted)) + 1
    # Where no later article is known, a dozen missing ids have to tell the end, several times over.
    probes = 100 if any(day > until for _, day in anchors) else 400
    assert len(asked) <= span + 2 * (CLOSE + SLACK) + probes


def test_a_walk_that_ends_now_ends_at_the_newest_that_is_known() -> None:
    ids = numbering(30, 1, 0.2)
    form = RisingIds(anchors=(Anchor(min(ids), FIRST),), daily=500)
    today = FIRST + timedelta(days=29)
    known = {str(number): day for number, day in list(ids.items())[-5:]}
    walk = RisingWalk(form, today, today, {**known, "7": today}, ends_now=True)
    asked = walked(walk, {str(number): day for number, day in ids.items()})
    assert {str(n) for n, day in ids.items() if day == today} <= {*asked, *known}
    assert not known.keys() & set(asked)
    assert max(map(int, asked)) <= max(ids) + SLACK


def test_a_walk_that_meets_no_article_says_so_and_ends() -> None:
    form = RisingIds(
        anchors=(Anchor(1000, FIRST), Anchor(900_000, FIRST + timedelta(days=900))),
        daily=1000,
    )
    walk = RisingWalk(form, FIRST + timedelta(days=300), FIRST + timedelta(days=300), {})
    assert len(walked(walk, {})) < 500
    assert "1000" in walk.problem


@given(st.sets(st.integers(1, 300), max_size=100), st.integers(0, 3), st.integers(0, 1499))
def test_a_days_numbers_are_asked_until_a_long_run_is_missing(
    numbers: set[int], more_days: int, step: int
) -> None:
    last = FIRST + timedelta(days=more_days)
    ids = {f"20260101{n:06d}": FIRST for n in numbers}
    asked = walked(DailyWalk(DAILY, FIRST, last, {}), ids)
    reached = 0
    for number in sorted(numbers):
        if number - reached > GAP:
            break
        reached = number
    assert asked[-(reached + GAP) :] == [f"20260101{n:06d}" for n in range(1, reached + GAP + 1)]
    assert len(asked) == reached + GAP * (1 + more_days)
    known = dict.fromkeys(list(ids)[: step % 5])
    assert not known.keys() & set(walked(DailyWalk(DAILY, FIRST, FIRST, known), ids))


@pytest.mark.parametrize("name", ["etoday", "newspim"])
def test_the_outlets_walks_hold_to_what_is_known_of_them(name: str) -> None:
    (form,) = (channel.walk for channel in outlet_named(name).channels if channel.walk is not None)
    if isinstance(form, DailyIds):
        assert form.day_of("20260912000123") == date(2026, 9, 12)
        assert form.day_of("20261399000123") is None
        assert form.day_of("123") is None
        return
    for before, after in zip(form.anchors, form.anchors[1:], strict=False):
        rate = (after.number - before.number) / (after.day - before.day).days
        assert 250 < rate < form.daily
