"""The short form of ``python -m bench.web_fuzz``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.web_fuzz import trial

if TYPE_CHECKING:
    from pathlib import Path


def test_no_address_is_answered_by_a_bug_or_a_removed_article(tmp_path: Path) -> None:
    statuses, wrong = trial(tmp_path, 400, seed=7)
    assert wrong == []
    assert {200, 400, 404, 410} <= set(statuses)
