"""Printed times: every form that the outlets print, parsed in KST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import KST, Precision
from pipelines.times import TimeError, labelled_stamps, parse_time

BASE = datetime(2026, 1, 6, 9, 30, 20, tzinfo=UTC)
MINUTES = st.integers(0, 110 * 365 * 24 * 60).map(
    lambda n: datetime(1990, 1, 1, tzinfo=KST) + timedelta(minutes=n)
)


def half(moment: datetime) -> str:
    return f"{'오전' if moment.hour < 12 else '오후'} {moment.hour % 12 or 12}:{moment:%M}"


#: The forms seen in print, as functions of the moment.
FORMS = {
    "newspim": lambda m: f"{m:%Y년%m월%d일 %H:%M}",
    "etoday": lambda m: f"{m:%Y-%m-%d %H:%M}",
    "ytn": lambda m: f"{m:%Y.%m.%d}. {half(m)}.",
    "yonhap": lambda m: f"송고{m:%Y-%m-%d %H:%M}",
    "iso": lambda m: f"{m:%Y-%m-%dT%H:%M}:00+09:00",
    "iso-utc": lambda m: f"{m.astimezone(UTC):%Y-%m-%dT%H:%M}:00Z",
    "iso-naive": lambda m: f"{m:%Y-%m-%dT%H:%M}:00",
    "kbs": lambda m: f"{m:%Y.%m.%d} ({m:%H:%M})",
    "chosun": lambda m: f"입력 {m:%Y.%m.%d}. {m:%H:%M}",
    "edaily": lambda m: f"등록 {m:%Y-%m-%d} {half(m)}",
    "spaced": lambda m: f"기사입력 : {m.year}년 {m.month}월 {m.day}일 {m:%H:%M}",
    "slashes": lambda m: f"{m:%Y/%m/%d %H:%M}",
}


@pytest.mark.parametrize("form", FORMS)
@given(moment=MINUTES)
def test_a_printed_form_comes_back_as_its_moment(form: str, moment: datetime) -> None:
    read, precision = parse_time(FORMS[form](moment), BASE)
    assert read == moment
    assert read.utcoffset() == timedelta(hours=9)
    assert precision is (Precision.SECOND if form.startswith("iso") else Precision.MINUTE)


@given(MINUTES, st.integers(0, 59))
def test_seconds_are_read_where_they_are_printed(moment: datetime, second: int) -> None:
    moment = moment.replace(second=second)
    assert parse_time(f"{moment:%Y-%m-%d %H:%M:%S}", BASE) == (moment, Precision.SECOND)


@given(MINUTES)
def test_a_day_alone_is_its_midnight(moment: datetime) -> None:
    midnight = moment.replace(hour=0, minute=0)
    for form in ("%Y-%m-%d", "%Y.%m.%d.", "%Y년%m월%d일"):
        assert parse_time(f"{moment:{form}}", BASE) == (midnight, Precision.DAY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026.01.06. 오후 6:23.", datetime(2026, 1, 6, 18, 23, tzinfo=KST)),
        ("2026.01.06. 오전 12:05", datetime(2026, 1, 6, 0, 5, tzinfo=KST)),
        ("2026.01.06. 오후 12:05", datetime(2026, 1, 6, 12, 5, tzinfo=KST)),
        ("2026-09-11T10:23:07+09:00", datetime(2026, 9, 11, 10, 23, 7, tzinfo=KST)),
        ("2026-09-11T01:23:07.123Z", datetime(2026, 9, 11, 10, 23, 7, tzinfo=KST)),
        ("2024-02-29 00:00", datetime(2024, 2, 29, tzinfo=KST)),
    ],
)
def test_seen_forms(text: str, expected: datetime) -> None:
    assert parse_time(text, BASE)[0] == expected


@pytest.mark.parametrize(
    ("text", "expected", "precision"),
    [
        ("5분 전", datetime(2026, 1, 6, 18, 25, tzinfo=KST), Precision.MINUTE),
        ("2시간 전", datetime(2026, 1, 6, 16, 30, tzinfo=KST), Precision.MINUTE),
        ("3일 전", datetime(2026, 1, 3, tzinfo=KST), Precision.DAY),
        ("30초 전", datetime(2026, 1, 6, 18, 29, tzinfo=KST), Precision.MINUTE),
    ],
)
def test_relative_times_are_counted_from_the_capture(
    text: str, expected: datetime, precision: Precision
) -> None:
    assert parse_time(text, BASE) == (expected, precision)
    elsewhere = BASE.astimezone(timezone(timedelta(hours=-5)))
    assert parse_time(text, elsewhere) == (expected, precision)


@given(st.integers(0, 9999), st.sampled_from(["초", "분", "시간", "일"]))
def test_a_relative_time_is_never_after_the_capture(count: int, unit: str) -> None:
    assert parse_time(f"{count}{unit} 전", BASE)[0] <= BASE


STAMPISH = st.text(st.sampled_from("0123456789-.:/년월일시분초전오후입력수정TZ+ ()"), max_size=40)


@given(
    st.text() | STAMPISH | st.builds("{}T{}".format, STAMPISH, STAMPISH),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_text_is_a_time_in_kst_or_a_time_error(text: str, base: datetime) -> None:
    try:
        moment, precision = parse_time(text, base)
    except TimeError:
        return
    assert moment.utcoffset() == timedelta(hours=9)
    assert precision in Precision
    assert moment.microsecond == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "어제",
        "2026-02-30 10:00",
        "2026-13-01",
        "2026-01-01 25:00",
        "2026-01-01 10:61",
        "12026-01-01",
        "0000-01-01",
        "2026-09-11T99:23",
        "12:30",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(TimeError):
        parse_time(text, BASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("입력 2023-09-05 14:41 수정 2023-09-11 17:57", ("2023-09-05 14:41", "2023-09-11 17:57")),
        ("입력 2023-09-05 14:41 [수정 2023-09-11 17:57]", ("2023-09-05 14:41", "2023-09-11 17:57")),
        (
            "최종수정 : 2023년9월5일 23:48 기사입력 : 2023년9월5일 23:47",
            ("2023년9월5일 23:47", "2023년9월5일 23:48"),
        ),
        ("송고2026-01-06 16:46", ("2026-01-06 16:46", "")),
        ("2023-09-05 14:41", ("2023-09-05 14:41", "")),
        ("수정 2023-09-11 17:57", ("", "2023-09-11 17:57")),
        ("5분 전", ("5분 전", "")),
        ("아무것도", ("", "")),
    ],
)
def test_stamps_are_told_by_their_labels(text: str, expected: tuple[str, str]) -> None:
    assert labelled_stamps(text) == expected


@given(st.text() | STAMPISH)
def test_labelled_stamps_are_parts_of_the_text(text: str) -> None:
    assert all(stamp in text for stamp in labelled_stamps(text))
