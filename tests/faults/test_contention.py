"""Many processes on one index, one of which holds its lock: the short version of bench.contention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faults.crowd import saved_pages, throng

if TYPE_CHECKING:
    from pathlib import Path


def test_nobody_is_turned_away_and_nothing_is_missing(tmp_path: Path) -> None:
    crowd = throng(tmp_path, saved_pages(tmp_path, 5, 3), readers=4, hold=2.0)
    assert crowd.clean, crowd
    assert crowd.articles == 15
    assert crowd.replays == 4
    assert crowd.reads >= 4
    assert crowd.longest_write > 1.0, "the lock was not met"
