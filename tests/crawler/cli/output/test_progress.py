"""Progress: a line on a terminal however narrow, and lines of a log where there is none."""

from __future__ import annotations

import logging
import os
import re
import sys

import pytest
from rich.cells import cell_len

from crawler.cli.output import progress
from crawler.cli.output.progress import ProgressBar, Unit


@pytest.mark.parametrize(
    ("unit", "total", "line"),
    [
        (Unit.BYTES, 40_000_000, "reading: 10.0 of 40.0 MB"),
        (Unit.BYTES, None, "reading: 10.0 MB"),
        (Unit.ITEMS, 20_000_000, "reading: 10,000,000 of 20,000,000"),
    ],
)
def test_progress_is_a_line_at_a_time_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    unit: Unit,
    total: int | None,
    line: str,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(progress, "monotonic", iter([0.0, 30.0, 60.0, 60.0, 90.0]).__next__)
    with ProgressBar("reading", unit, total) as bar:
        for _ in range(3):
            bar.advance(5_000_000)
    assert [record.getMessage() for record in caplog.records] == [line]


@pytest.mark.parametrize("columns", [40, 80])
def test_progress_is_one_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    terminal, slave = os.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen, os.fdopen(slave, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with ProgressBar("verifying", total=123_456_789_012) as bar:
            bar.advance(122_222_222_222)
        stderr.flush()
        printed = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", screen.read(65536).decode())
    shown = [line for line in printed.replace("\r", "\n").split("\n") if line.strip()]
    assert "122.2/123.5 GB" in shown[-1]
    assert max(map(cell_len, shown)) <= columns
