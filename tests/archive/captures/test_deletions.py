"""Missing and deleted articles: what confirms a deletion, and what an outage looks like."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.captures.deletions import DeletionJudge
from archive.captures.outages import GoneLook, GoodHour, GoodTimes, outage_captures
from archive.captures.rows import captures_of
from tests.support.archives.captures import every_article
from tests.support.archives.history import GONE, OWN_ID, another, answer, other_url, page

if TYPE_CHECKING:
    from archive.model.exchange import Exchange
    from tests.support.archives.captures import Keeper

HOUR = 1 / 24
MINUTE = HOUR / 60


def statuses(keeper: Keeper) -> dict[str, str]:
    """Return the status of each article by id."""
    return {one.article.article_id: str(one.status) for one in keeper.articles()}


def status(keeper: Keeper) -> str:
    return statuses(keeper)[OWN_ID]


def others(day: float, numbers: range = range(1, 8)) -> list[Exchange]:
    """Return captures that show other articles, a minute apart."""
    return [another(number, day + number * MINUTE) for number in numbers]


def gone_others(day: float, numbers: range, body: str = "", code: int = 404) -> list[Exchange]:
    """Return captures that show those articles gone; without ``body`` each says it differently."""
    return [
        answer(code, day + n * MINUTE, body or f"<p>{n} 없음</p>", url=other_url(n))
        for n in numbers
    ]


def test_a_deletion_is_confirmed_at_a_second_visit_six_hours_later(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0))
    keeper.read("etoday", *others(1), answer(404, 1 + HOUR))
    assert status(keeper) == "missing"
    keeper.read("etoday", another(1, 1 + 2 * HOUR), answer(404, 1 + 6.9 * HOUR))
    assert status(keeper) == "missing", "that was too soon"
    keeper.read("etoday", answer(410, 1 + 7 * HOUR))
    assert status(keeper) == "deleted"
    keeper.read("etoday", page(2))
    assert status(keeper) == "published"


def test_nothing_is_confirmed_while_no_other_article_is_served(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0))
    keeper.read("etoday", answer(404, 1))
    keeper.read("etoday", answer(404, 2), answer(200, 3, GONE))
    assert status(keeper) == "missing"
    keeper.read("etoday", another(1, 3.5))
    assert status(keeper) == "missing", "no look after that"
    keeper.read("etoday", answer(404, 4))
    assert status(keeper) == "deleted"


@pytest.mark.parametrize("code", [404, 410, 200])
def test_one_answer_to_most_of_a_runs_visits_is_an_outage(keeper: Keeper, code: int) -> None:
    body = GONE if code == 200 else ""
    keeper.read("etoday", page(0), *others(0))
    outage = [answer(code, 1, body), *gone_others(1, range(1, 8), body, code)]
    keeper.read("etoday", *outage)
    assert set(statuses(keeper).values()) == {"published"}
    # the second look falls into an outage as well, with new articles served in between
    keeper.read("etoday", another(9, 1.2))
    again = [answer(code, 1.5, body), *gone_others(1.5, range(1, 8), body, code)]
    keeper.read("etoday", *again)
    assert set(statuses(keeper).values()) == {"published"}


def test_a_visit_in_an_outage_confirms_nothing(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0))
    keeper.read("etoday", answer(404, 1), *others(1))
    keeper.read("etoday", answer(404, 2), *gone_others(2, range(1, 8)))
    assert status(keeper) == "missing"
    keeper.read("etoday", answer(404, 3), *others(3))
    assert status(keeper) == "deleted"
    assert set(statuses(keeper).values()) == {"deleted", "published"}


def test_one_page_for_many_articles_is_an_outage_of_a_template(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0, range(1, 12)))
    for day in (1.0, 2.0):
        keeper.read(
            "etoday", *others(day, range(5, 12)), *gone_others(day, range(1, 5), "<p>없음</p>")
        )
    assert set(statuses(keeper).values()) == {"published"}


def test_a_few_articles_deleted_at_once_are_no_outage(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0))
    for day in (1.0, 2.0):
        keeper.read(
            "etoday",
            *others(day, range(3, 8)),
            answer(404, day, "<p>없음</p>"),
            *gone_others(day, range(1, 3), "<p>없음</p>"),
        )
    assert sorted(statuses(keeper).values()) == ["deleted"] * 3 + ["published"] * 5


def test_to_look_again_at_what_is_missing_is_no_outage(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0))
    keeper.read("etoday", *others(1, range(4, 8)), *gone_others(1, range(1, 4)))
    keeper.read("etoday", *gone_others(1.5, range(1, 4)))
    assert sorted(statuses(keeper).values()) == ["deleted"] * 3 + ["published"] * 5


def test_an_outage_in_a_long_run_is_found_by_its_hour(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), *others(0, range(1, 30)))
    run = [*others(1, range(1, 6)), *others(1 + HOUR, range(5, 30))]
    keeper.read("etoday", *run, *gone_others(1 + 2 * HOUR, range(1, 5)), answer(404, 1 + 2 * HOUR))
    assert set(statuses(keeper).values()) == {"published"}


def test_one_import_of_several_runs_is_judged_run_by_run(keeper: Keeper) -> None:
    """An imported WARC file of many days becomes one segment."""
    keeper.read(
        "etoday",
        page(0),
        *others(0),
        answer(404, 0.02),
        *gone_others(0.02, range(1, 8)),
        *others(0.5),
        answer(404, 2),
        *others(2, range(1, 5)),
        answer(404, 3),
    )
    assert status(keeper) == "deleted"
    (own,) = (one for one in keeper.articles() if one.article.article_id == OWN_ID)
    assert own.deletion is not None
    assert len(own.deletion.captures) == 2, "the look in the outage is no evidence"


def test_answers_to_unknown_addresses_are_no_outage(keeper: Keeper) -> None:
    """An id walk asks for many ids that no article has."""
    keeper.read("etoday", page(0), *others(0))
    guessed = range(20, 40)
    for day in (1.0, 2.0):
        keeper.read(
            "etoday",
            answer(404, day),
            *gone_others(day, guessed, "<p>x</p>"),
            another(1, day + HOUR),
        )
    assert status(keeper) == "deleted"


def test_export_and_history_agree_on_any_order_of_captures(keeper: Keeper) -> None:
    dice = random.Random(5)
    for day in range(24):
        run = []
        for number in range(1, 6):
            at = day / 4 + number * MINUTE
            is_gone = dice.random() < (0.9 if day % 6 == 5 else 0.3)
            one = answer(404, at, url=other_url(number)) if is_gone else another(number, at)
            run.append(one)
        keeper.read("etoday", *run)
        with keeper.index() as index, index.reading() as connection:
            judge = DeletionJudge(connection)
            for stored in every_article(connection):
                absences = judge.absences(
                    captures_of(connection, stored.row_id), judge.gone_captures(stored.row_id)
                )
                last = absences[-1] if absences else None
                claim = last.deletion() if last is not None and last.ended_by is None else None
                assert stored.deletion == claim


MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
LOOKS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 6), st.booleans()), min_size=1, max_size=60
)


@given(LOOKS)
def test_a_run_of_few_articles_and_a_run_that_serves_most_is_no_outage(
    looks: list[tuple[int, int, bool]],
) -> None:
    ids = count(1)
    gone = [
        GoneLook(next(ids), article, MONDAY + timedelta(hours=hour), "f", str(article), MONDAY)
        for hour, article, is_gone in looks
        if is_gone
    ]
    hours = [
        GoodHour("f", f"{moment:%Y-%m-%d %H}", 100, moment, moment)
        for moment in {look.at for look in gone}
    ]
    assert outage_captures(gone, hours) == frozenset()
    few = [look for look in gone if look.article <= 2]
    assert outage_captures(few, []) == frozenset()


@given(st.lists(st.integers(0, 500), max_size=20), st.integers(0, 500), st.integers(60, 500))
def test_good_times_are_found_between_two_moments(
    minutes: list[int], start: int, length: int
) -> None:
    moments = [MONDAY + timedelta(minutes=minute) for minute in minutes]
    hours = [GoodHour("f", f"{one:%Y-%m-%d %H}", 1, one, one) for one in moments]
    end = start + length
    wanted = any(start <= minute <= end for minute in minutes)
    after, before = (MONDAY + timedelta(minutes=minute) for minute in (start, end))
    assert GoodTimes(hours).between(after, before) is wanted
