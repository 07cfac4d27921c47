"""Progress where there is no terminal: lines of a log."""

from __future__ import annotations

import logging

import pytest

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
