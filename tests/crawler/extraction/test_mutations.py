"""Pages distorted as real sites do are read right: the kinds of ``bench.mutations``, in one pass."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.mutations import MUTATIONS, Tally, load, run
from tests.support.documents import made_fixtures, name_of


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return run("", show_wrong=True)


def test_every_fixture_is_distorted_in_at_least_sixty_ways() -> None:
    assert {fixture.name for fixture in load()} == {name_of(path) for path in made_fixtures()}
    names = Counter((mutation.group, mutation.name) for mutation in MUTATIONS)
    assert len(MUTATIONS) == len(names) >= 60


def test_no_sentence_of_the_reporter_is_lost(tallies: dict[str, Tally]) -> None:
    assert {group: tally.lost for group, tally in tallies.items() if tally.lost} == {}


def test_nothing_is_stored_as_success_that_is_none(tallies: dict[str, Tally]) -> None:
    assert {group: tally.false for group, tally in tallies.items() if tally.false} == {}


def test_an_article_is_read_whatever_its_markup(tallies: dict[str, Tally]) -> None:
    wrong = {group: dict(tally.wrong) for group, tally in tallies.items() if tally.wrong}
    wrong.pop("text renderings", None)  # renderings have a measure of their own
    assert wrong == {}
