"""Pages damaged at random: none crashes the reading, none takes long, few keep a widget's line."""

from __future__ import annotations

from bench.random_mutants import read_mutants


def test_damaged_pages_are_read_or_refused() -> None:
    tally = read_mutants(1_000, seed=2)
    assert tally.wrong == []
    assert sum(tally.read.values()) == 1_000
    articles = tally.read["article"]
    assert articles > 400
    # Where the bytes of a widget stand in the text now, no reader knows them from it.
    assert len(tally.kept) < 0.04 * articles, tally.kept
