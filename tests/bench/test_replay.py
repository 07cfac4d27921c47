"""The comparison of bulk replay with a bare loop runs."""

from __future__ import annotations

import subprocess
import sys

from tests.support.processes.cli import ROOT


def test_both_sides_read_the_pages() -> None:
    command = [sys.executable, "-m", "bench.replay", "--count", "20", "--rounds", "1"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert "ratio of pages per CPU second, median: 0." in done.stdout, done
