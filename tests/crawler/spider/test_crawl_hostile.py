"""An outlet that answers as no server should: one outcome each, little memory, no long wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faults.hostile_answers import ANSWERS, crawl_hostile_outlet

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 8


def test_every_hostile_answer_has_its_outcome_and_harms_no_other_page(tmp_path: Path) -> None:
    ended = crawl_hostile_outlet(tmp_path, DOWNLOAD_TIMEOUT=str(TIMEOUT), RETRY_TIMES="0")
    print(f"{len(ANSWERS)} answers, {ended.memory:.0f} MiB, longest {ended.longest:.1f} s")
    assert ended.wrong == {}
    assert ended.stored == ended.plain
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert ended.memory < 300
    assert ended.longest < TIMEOUT + 5
