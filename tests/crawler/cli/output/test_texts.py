"""Times and numbers as the commands print them, and times as they read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.cli.output.plural import counted
from crawler.cli.output.times import kst_iso, kst_minute, kst_second, parse_moment

MOMENT = datetime(2026, 11, 22, 15, 30, 5, 999, tzinfo=UTC)


def test_times_are_printed_in_kst() -> None:
    assert kst_minute(MOMENT) == "2026-11-23 00:30"
    assert kst_second(MOMENT) == "2026-11-23 00:30:05"
    assert kst_iso(MOMENT) == "2026-11-23T00:30:05+09:00"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026-11-22", "2026-11-22T23:59:59.999999+09:00"),
        ("2026-11-22 09:30", "2026-11-22T09:30:59.999999+09:00"),
        ("2026-11-22T09:30:15Z", "2026-11-22T09:30:15.999999+00:00"),
        ("2026-11-22T09:30:15.25 +0900", "2026-11-22T09:30:15.250000+09:00"),
    ],
)
def test_a_time_is_read_to_its_end(text: str, last: str) -> None:
    assert parse_moment(text).isoformat() == last


@pytest.mark.parametrize(
    "text", ["", "tuesday", "2026-11-22T9", "2026-11-22Z", "2026-11-22T09:30.5", "2026-13-01"]
)
def test_an_invalid_time_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid time"):
        parse_moment(text)


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert counted(2, "process", "processes") == "2 processes"
