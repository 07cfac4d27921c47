"""What is never closed is told from what is open for a moment."""

from __future__ import annotations

import pytest

from bench.soak import Look, Soak


def looks(files: list[int]) -> list[Look]:
    return [Look(500 * number, 140.0, opened, 12) for number, opened in enumerate(files, 1)]


@pytest.mark.parametrize(
    ("files", "more"),
    [
        ([], 0),
        ([12], 0),
        ([12, 14, 14, 14, 14, 14, 14, 15], 0),
        ([14, 17, 14, 14, 14, 14, 14, 17], 0),
        ([12, 12, 13, 13, 14, 14, 15, 15], 2),
    ],
    ids=["none", "one", "last-high", "moments", "one-in-1000-pages"],
)
def test_files_that_stay_open_are_counted(files: list[int], more: float) -> None:
    assert Soak(looks(files), code=0, lost=0).more_files == more
