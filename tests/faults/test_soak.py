"""A crawl of 4,000 light pages loses none and keeps none in memory (F14).

`python -m bench.soak --pages 10000` crawls more, and larger ones. The bound is above what the crawl remembers of each page,
under 1 KB; a page has 5 KB.
"""

from __future__ import annotations

from bench.soak import slope, soak


def test_a_long_crawl_loses_no_page_and_keeps_none_in_memory() -> None:
    found = soak(4_000, light=True)
    if slope(found.looks) >= 20:
        # Memory rises by steps in the first 7,000 pages or so; of what is kept more pages keep more.
        found = soak(14_000, light=True)
    assert (found.code, found.lost) == (0, 0)
    assert len(found.looks) >= 8
    assert slope(found.looks) < 20, found.looks
    assert found.most < 200, found.looks
    assert found.more_files <= 1, found.looks
