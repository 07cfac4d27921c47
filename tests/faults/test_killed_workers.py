"""Workers on PostgreSQL that are killed; the long form is ``python -m bench.workers kill``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faults.killed_workers import kill_workers

if TYPE_CHECKING:
    from pathlib import Path


def test_killed_workers_lose_nothing_and_ask_no_host_twice_at_a_time(tmp_path: Path) -> None:
    tally = kill_workers(
        tmp_path, outlets=4, hosts=2, articles=8, workers=2, kills=2, apart=2, every="1d", delay=1
    )
    assert tally.clean, (tally.line(), tally.together, tally.twice, tally.lost, tally.unsound)
    assert tally.takeovers, tally.line()
    assert tally.kills == 2
