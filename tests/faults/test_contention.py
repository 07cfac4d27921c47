"""Many processes on one index, one of which holds its lock: the short version of bench.contention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faults.contention import run_concurrently, saved_pages

if TYPE_CHECKING:
    from pathlib import Path


def test_concurrent_commands_all_succeed_and_nothing_is_missing(tmp_path: Path) -> None:
    contention = run_concurrently(tmp_path, saved_pages(tmp_path, 5, 3), readers=4, hold=2.0)
    assert contention.clean, contention
    assert contention.articles == 15
    assert contention.replays == 4
    assert contention.reads >= 4
    assert contention.longest_write > 1.0, "the lock was not met"
