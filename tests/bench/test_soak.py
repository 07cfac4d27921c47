"""What is never closed is told from what is open for a moment."""

from __future__ import annotations

import pytest

from bench.soak import Count, kept_of_a_page, more_files


@pytest.mark.parametrize(
    ("files", "more"),
    [
        ([], 0),
        ([12], 0),
        ([12, 14, 14, 14, 14, 14, 14, 15], 0),
        ([14, 17, 14, 14, 14, 14, 14, 17], 0),
        ([12, 12, 13, 13, 14, 14, 15, 15], 2),
    ],
    ids=["none", "one", "last-high", "moments", "one-in-two-samples"],
)
def test_files_that_stay_open_are_counted(files: list[int], more: float) -> None:
    assert more_files(files) == more


@pytest.mark.parametrize(("of_each", "least", "most"), [(0, -900, 900), (5_000, 4_100, 5_900)])
def test_what_stays_of_each_page_is_told_from_what_a_batch_holds(
    of_each: int, least: float, most: float
) -> None:
    """A batch of some 350 pages holds 2 MB until it is written."""
    counts = [
        Count(page, 80_000_000 + of_each * page + 6_000 * (page % 350), 14)
        for page in range(50, 2_001, 50)
    ]
    assert least < kept_of_a_page(counts) < most
