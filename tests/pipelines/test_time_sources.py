"""Times from several sources: the most precise that agrees with the printed one; no contradiction is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import KST, Precision
from pipelines.time_sources import Stated, settle

BASE = datetime(2026, 1, 6, 9, 30, 20, tzinfo=UTC)
AT = datetime(2018, 3, 2, 9, 10, tzinfo=KST)
ISO = "2018-03-02T09:10:23+09:00"
UTC_BUG = "2018-03-02T09:10:23Z"


@pytest.mark.parametrize(
    ("printed", "machine", "expected"),
    [
        ("2018-03-02 09:10", [ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("2018-03-02 09:10", ["2018-03-02"], (AT, Precision.MINUTE, ())),
        ("2018-03-02 09:10", ["2018-03-02T00:00:00+09:00"], (AT, Precision.MINUTE, ())),
        ("2018-03-02", [ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("2018-03-02 09:10", [UTC_BUG], (AT, Precision.MINUTE, (UTC_BUG,))),
        ("2018-03-02 09:10", [UTC_BUG, ISO], (AT.replace(second=23), Precision.SECOND, (UTC_BUG,))),
        ("2018-03-02 09:12", [ISO], (AT.replace(minute=12), Precision.MINUTE, (ISO,))),
        ("2018-03-02 09:11", [ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("2018-03-02 09:10", ["0001-01-01T00:00:00"], (AT, Precision.MINUTE, ())),
        ("2018-03-02 밤 9:10", [ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("", [ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("", ["2018-03-02", ISO], (AT.replace(second=23), Precision.SECOND, ())),
        ("", ["0001-01-01T00:00:00"], (None, None, ())),
        # What is counted from the capture is right to an hour, and believed last.
        ("2시간 전", ["2026-01-06T16:10:00+09:00"], (
            datetime(2026, 1, 6, 16, 10, tzinfo=KST), Precision.SECOND, ())),
        ("2시간 전", [ISO], (AT.replace(second=23), Precision.SECOND, ("2시간 전",))),
        ("2시간 전", [], (datetime(2026, 1, 6, 16, 30, tzinfo=KST), Precision.MINUTE, ())),
    ],
)  # fmt: skip
def test_the_most_precise_agreeing_source(
    printed: str, machine: list[str], expected: tuple[datetime | None, Precision | None, tuple[str]]
) -> None:
    stated = settle(printed, machine, BASE)
    assert (stated.at, stated.precision, stated.contradicting) == expected
    assert stated.raw == (printed or machine[0])


def test_nothing_stated_is_nothing() -> None:
    assert settle("", ["", ""], BASE) == Stated()


@given(
    st.datetimes(datetime(1991, 1, 1), datetime(2025, 12, 31)),  # noqa: DTZ001  (KST is set below)
    st.integers(-100_000, 100_000),
)
def test_no_contradiction_is_silent(printed: datetime, seconds: int) -> None:
    printed = printed.replace(tzinfo=KST, second=0, microsecond=0)
    other = printed + timedelta(seconds=seconds)
    text = f"{other:%Y-%m-%dT%H:%M:%S}+09:00"
    stated = settle(f"{printed:%Y-%m-%d %H:%M}", [text], BASE)
    assert stated.at is not None
    assert abs(stated.at - printed) <= timedelta(minutes=1)
    midnight = other == other.replace(hour=0, minute=0, second=0)
    same = other.date() == printed.date() if midnight else abs(seconds) <= 60
    assert (text in stated.contradicting) != same
