"""Limits of file size, memory and descriptors: the short version of bench.limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.faults.limits import Limited

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Limited]:
    with site_of_today("newspim", 12, age=SETTLED) as site:
        yield Limited(tmp_path_factory.mktemp("limited"), site)


@pytest.mark.parametrize(
    ("verb", "kind", "limit"),
    [
        ("replay", "file size", 20_000),
        ("reindex", "descriptors", 7),
        ("remove", "file size", 60_000),
        ("backup", "file size", 0),
        ("export.wacz", "descriptors", 9),
        ("crawl", "descriptors", 16),
        ("schedule", "descriptors", 16),
    ],
)
def test_a_verb_says_what_it_lacks_and_completes_without_the_limit(
    limited: Limited, verb: str, kind: str, limit: int
) -> None:
    _, wrong = limited.run(verb, kind, limit)
    assert not wrong, "\n".join(wrong)


def test_a_page_that_does_not_fit_into_memory_is_read_by_the_next_replay(limited: Limited) -> None:
    code, wrong = limited.run("replay", "memory", 25_000_000)
    assert code == 1
    assert not wrong, "\n".join(wrong)
