"""Real pages, which are the publishers' and never committed: each is read as its gold says."""

from __future__ import annotations

import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from bench.extraction.cases import real_corpus
from bench.extraction.measures import body_scores, foreign_lines
from bench.extraction.ours import reading_of
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named, outlet_of
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from archive.model.article import Article

REAL = Path(os.environ.get("REAL_PAGES", ROOT.parent / "shared" / "pages"))
LEAST = 0.995
CASES = {case.name: case for case in real_corpus(REAL).cases if case.is_of_an_outlet}
PAGES = sorted(CASES)
pytestmark = pytest.mark.skipif(not PAGES, reason=f"the real pages are not here: {REAL}")


@cache
def article(name: str) -> Article:
    """Return what a page is read as."""
    case = CASES[name]
    outlet = outlet_of(case.url)
    assert outlet is not None
    read = read_exchange(case.exchange, outlet, name)
    assert read.article is not None, read.verdict
    assert read.verdict is None, "it is a layout that reads it"
    return read.article


@pytest.mark.parametrize("name", PAGES)
def test_the_headline_is_the_golds(name: str) -> None:
    stated = CASES[name].expected.headline
    if stated:
        assert article(name).headline == stated


@pytest.mark.parametrize("name", PAGES)
def test_the_time_is_the_golds_to_the_minute(name: str) -> None:
    stated = CASES[name].expected
    found = article(name).published_at
    assert found is not None
    if stated.published_day:
        assert found.astimezone(KST).date() == stated.published_day
    if stated.published:
        assert found.replace(second=0) == stated.published.replace(second=0)


@pytest.mark.parametrize("name", PAGES)
def test_the_body_is_the_golds(name: str) -> None:
    stated, found = CASES[name].expected, article(name)
    if stated.body:
        assert body_scores(found.body, stated.body)[2] >= LEAST
        assert set(stated.headings) <= set(found.body), "sub-headings are kept"
        assert foreign_lines(reading_of(found), stated) == []


@pytest.mark.parametrize("outlet", sorted({article(name).outlet for name in PAGES}))
def test_a_layout_says_which_pages_it_was_seen_on(outlet: str) -> None:
    """`seen` may name more pages than are here, but none of these may be missing from it."""
    read = [found for found in map(article, PAGES) if found.outlet == outlet]
    for layout in outlet_named(outlet).layouts:
        days = Counter(
            each.published_at.astimezone(KST).date()
            for each in read
            if each.layout == layout.name and each.published_at
        )
        assert days <= Counter(layout.seen), layout.name
