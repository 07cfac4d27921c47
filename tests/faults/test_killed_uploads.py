"""Replays into a bucket that are killed in the middle of their upload: the short version of bench.s3_kills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.faults.killed_uploads import kill_uploads

if TYPE_CHECKING:
    from pathlib import Path


def test_a_replay_killed_in_its_upload_loses_nothing(tmp_path: Path) -> None:
    tally = kill_uploads(tmp_path, kills=4, seed=2)
    assert tally.kills == 4, tally.line()
    assert tally.clean, tally.line()
    assert len(tally.at) > 1, tally.line()
