"""Two verbs at once, one killed at times: the short version of bench.pairs."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import site_of_today
from tests.support.faults.verb_pairs import Pairs, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    with site_of_today("etoday", 12) as site:
        yield Pairs(tmp_path_factory.mktemp("pairs"), site)


@pytest.mark.parametrize(
    ("first", "second", "seed"),
    [
        ("crawl", "remove", 1),
        ("remove", "replay", 2),
        ("reindex", "crawl", 3),
        ("backup", "remove", 4),
        ("schedule", "restore", 5),
    ],
)
def test_two_verbs_at_once_lose_nothing_and_a_removal_holds(
    pairs: Pairs, first: str, second: str, seed: int
) -> None:
    tally = Tally()
    pairs.run(first, second, Random(seed), tally)
    assert not tally.wrong, "\n".join(tally.wrong)
