"""Printed times: every form that the outlets print, parsed in KST."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import KST, Precision
from pipelines.times import Stamps, TimeError, labelled_stamps, parse_time

BASE = datetime(2026, 1, 6, 9, 30, 20, tzinfo=UTC)
MINUTES = st.integers(0, 36 * 365 * 24 * 60).map(
    lambda n: datetime(1990, 1, 1, tzinfo=KST) + timedelta(minutes=n)
)
NAMES = dict(enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1))  # noqa: SIM905  (plainer)


def half(moment: datetime) -> str:
    return f"{'오전' if moment.hour < 12 else '오후'} {moment.hour % 12 or 12}:{moment:%M}"


def rfc822(moment: datetime) -> str:
    return f"{moment.day:02} {NAMES[moment.month]} {moment:%Y %H:%M:%S}"


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
    "iso-blank-offset": lambda m: f"{m:%Y-%m-%d %H:%M}:00 +0900",
    "iso-blank-utc": lambda m: f"{m.astimezone(UTC):%Y-%m-%d %H:%M}:00 UTC",
    "iso-minus-zero": lambda m: f"{m.astimezone(UTC):%Y-%m-%dT%H:%M}:00-0000",
    "hour units": lambda m: f"{m:%Y}년 {m.month}월 {m.day}일 {m.hour}시 {m.minute}분",
    "half and units": lambda m: f"{m:%Y.%m.%d} {half(m).replace(':', '시')}분",
    "half behind": lambda m: f"{m:%Y-%m-%d %I:%M} {'AM' if m.hour < 12 else 'PM'}",
    "half behind, small": lambda m: f"{m:%Y-%m-%d %I:%M}{'am' if m.hour < 12 else 'p.m.'}",
    "weekday": lambda m: f"{m:%Y.%m.%d} ({'월화수목금토일'[m.weekday()]}) {m:%H:%M}",
    "weekday without blanks": lambda m: f"{m:%Y.%m.%d}({'월화수목금토일'[m.weekday()]}){m:%H:%M}",
    "long weekday": lambda m: f"{m:%Y-%m-%d} {'월화수목금토일'[m.weekday()]}요일 {half(m)}",
    "two-digit year": lambda m: f"{m:%y.%m.%d %H:%M}",
    "compact, 12 digits": lambda m: f"{m:%Y%m%d%H%M}",
    "compact day": lambda m: f"{m:%Y%m%d %H:%M}",
    "full-width": lambda m: f"{m:%Y－%m－%d}　{m:%H：%M}",
    "nbsp": lambda m: f"{m:%Y-%m-%d}\N{NO-BREAK SPACE}{m:%H:%M}",
    "bar": lambda m: f"{m:%Y-%m-%d} | {m:%H:%M}",
    "named month": lambda m: f"{NAMES[m.month]} {m.day}, {m.year} {m:%I:%M %p}",
}
#: The same with seconds.
SECOND_FORMS = {
    "rfc 822": lambda m: f"Tue, {m:%d} {NAMES[m.month]} {m:%Y %H:%M:%S} +0900",
    "rfc 822, GMT": lambda m: rfc822(m.astimezone(UTC)) + " GMT",
    "rfc 822, -0000": lambda m: rfc822(m.astimezone(UTC)) + " -0000",
    "rfc 822, comment": lambda m: rfc822(m) + " +0900 (KST)",
    "ctime": lambda m: f"Tue {NAMES[m.month]} {m.day:2} {m:%H:%M:%S} KST {m:%Y}",
    "compact, 14 digits": lambda m: f"{m:%Y%m%d%H%M%S}",
    "compact, basic iso": lambda m: f"{m.astimezone(UTC):%Y%m%dT%H%M%S}Z",
    "iso": lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.123+09:00",
    "units": lambda m: f"{m:%Y년 %m월 %d일 %H시 %M분 %S초}",
    "half": lambda m: f"{m:%Y-%m-%d} {half(m)}:{m:%S}",
    "other zone": lambda m: (
        f"{m.astimezone(timezone(-timedelta(hours=5))):%Y-%m-%dT%H:%M:%S}-05:00"
    ),
}


@pytest.mark.parametrize("form", FORMS)
@given(moment=MINUTES)
def test_a_printed_form_comes_back_as_its_moment(form: str, moment: datetime) -> None:
    read, precision = parse_time(FORMS[form](moment), BASE)
    assert read == moment
    assert read.utcoffset() == timedelta(hours=9)
    assert precision is (Precision.SECOND if form.startswith("iso") else Precision.MINUTE)


@pytest.mark.parametrize("form", SECOND_FORMS)
@given(moment=MINUTES, second=st.integers(0, 59))
def test_a_form_with_seconds_comes_back_as_its_moment(
    form: str, moment: datetime, second: int
) -> None:
    moment = moment.replace(second=second)
    assert parse_time(SECOND_FORMS[form](moment), BASE) == (moment, Precision.SECOND)


USUAL = ("%Y-%m-%d %H:%M", "%Y년%m월%d일 %H:%M", "%Y.%m.%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S+09:00")


@given(MINUTES, st.sampled_from(USUAL))
def test_the_usual_forms_are_read_as_by_the_table(moment: datetime, form: str) -> None:
    text = f"{moment:{form}}"
    assert parse_time(text, BASE) == parse_time(f"{text} ", BASE) == parse_time(f"x {text}", BASE)


BEHIND = [
    "시",
    "14",
    "14시",
    "오후",
    "새벽 2:41",
    "밤 11시",
    "(현지시간)",
    "CST",
    ":",
    "T09",
    "14.41",
]


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("form", ["etoday", "newspim", "compact day", "two-digit year"])
@given(moment=MINUTES)
def test_no_moment_is_claimed_that_differs_from_the_printed_one(
    form: str, behind: str, moment: datetime
) -> None:
    printed = FORMS[form](moment)
    day = printed.split(" ")[0]
    for text in (f"{printed} {behind}", f"{day} {behind}", f"{day}{behind}", f"{behind} {day}"):
        try:
            read, precision = parse_time(text, BASE)
        except TimeError:
            continue
        assert read == moment.replace(hour=0, minute=0) if precision is Precision.DAY else moment


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
        ("2025-09-11T10:23:07+09:00", datetime(2025, 9, 11, 10, 23, 7, tzinfo=KST)),
        ("2025-09-11T01:23:07.123Z", datetime(2025, 9, 11, 10, 23, 7, tzinfo=KST)),
        # A zone in brackets, as Java prints it.
        ("2023-09-05T14:41:33+09:00[Asia/Seoul]", datetime(2023, 9, 5, 14, 41, 33, tzinfo=KST)),
        ("2024-02-29 00:00", datetime(2024, 2, 29, tzinfo=KST)),
        ("2026-01-07 18:30", datetime(2026, 1, 7, 18, 30, tzinfo=KST)),
        ("2023年09月05日 14:41", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
        ("99.12.31 10:00", datetime(1999, 12, 31, 10, 0, tzinfo=KST)),
        ("2023-09-05 0:30 PM", datetime(2023, 9, 5, 12, 30, tzinfo=KST)),
        ("2023-09-05 오후 14:41", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
        ("2023-09-05 14:41 (UTC+9)", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
        ("2023-09-05 14:41 (한국시간)", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
        ("2023-09-05T05:41+00", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
        ("입력: 2023-09-05 14:41 | 조회 1,234", datetime(2023, 9, 5, 14, 41, tzinfo=KST)),
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
        ("1시간 30분 전", datetime(2026, 1, 6, 17, 0, tzinfo=KST), Precision.MINUTE),
        ("2주 전", datetime(2025, 12, 23, tzinfo=KST), Precision.DAY),
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
        "2023-09-05 14시",
        "2023-09-05 밤 11시 30분",
        "2023-09-05 새벽 2:41",
        "2023-09-05 1441",
        "2023-09-05 14.41",
        "2023-09-05 14:4",
        "2023-09-05 14:411",
        "2023-09-05 오후",
        "오후 2023-09-05 2:41",
        "14:41 2023-09-05",
        "2023-09-05 10:00-11:30",
        "2023-09-05 10:00 ~ 11:30",
        "2023-09-05 오전 14:41",
        "2023-09-05 오전 2:41 PM",
        "2023-09-05 14:41 (현지시간)",
        "2023-09-05 14:41 CST",
        "2023-09-05T14:41:33+25:00",
        "2023-09-05T14:41:33 KST+1",
        "09/05/23 14:41",
        "05/09/2023 14:41",
        "09-05 14:41",
        "1767000000",
        "20230915999901",
        "1년 2일 전",
        "전",
        "1989-12-31 23:59",
        "0001-01-01T00:00:00",
        "1970-01-01T00:00:00Z",
        "2026-01-07 18:31",
        "2030-01-01",
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
        ("입력일시：2023－09－05 14：41", ("2023－09－05 14：41", "")),
        (
            "기사 등록 2023.09.05 14:41:11 최종 업데이트 2023.09.05 16:00",
            ("2023.09.05 14:41:11", "2023.09.05 16:00"),
        ),
        ("입력 Tue, 05 Sep 2023 14:41 +0900", ("Tue, 05 Sep 2023 14:41 +0900", "")),
        ("등록 2023-01-05 오후 3:04 수정 5분 전", ("2023-01-05 오후 3:04", "5분 전")),
        # What can't be read stays in the stamp, so that it is refused as a whole.
        ("입력 2023-09-05 밤 11:30 수정 2023-09-06", ("2023-09-05 밤 11:30", "2023-09-06")),
        ("입력 14:41, 2023-09-05", ("14:41, 2023-09-05", "")),
        ("입력 2018-03-02 09:10 수정 09:30", ("2018-03-02 09:10", "09:30")),
        ("입력 3월 2일 09:10", ("3월 2일 09:10", "")),
        # Labels behind their stamps, and a first stamp without one.
        (
            "2018-03-02 09:10 입력 2018-03-02 11:25 수정",
            ("2018-03-02 09:10", "2018-03-02 11:25"),
        ),
        ("2018-03-02 오전 9:10 등록", ("2018-03-02 오전 9:10", "")),
        ("2018-03-02 09:10 수정 2018-03-02 11:25", ("2018-03-02 09:10", "2018-03-02 11:25")),
        ("26.1.5 협약 체결 2026.01.06 16:46", ("2026.01.06 16:46", "")),
    ],
)
def test_times_are_recognised_by_their_labels(text: str, expected: tuple[str, str]) -> None:
    stamps = labelled_stamps(text)
    assert (stamps.published, stamps.modified, stamps.published_empty) == (*expected, False)


def test_a_label_without_a_time_is_reported() -> None:
    assert labelled_stamps("기사입력 :") == Stamps(published_empty=True)
    assert labelled_stamps("기사입력 : 최종수정 : 2023년9월5일 23:48") == Stamps(
        modified="2023년9월5일 23:48", published_empty=True
    )
    assert labelled_stamps("2023-09-05 14:41", labels_only=True) == Stamps()


@given(st.text() | STAMPISH)
def test_labelled_stamps_are_parts_of_the_text(text: str) -> None:
    stamps = labelled_stamps(text)
    assert stamps.published in text
    assert stamps.modified in text


@pytest.mark.parametrize(
    "hostile",
    [
        "2023-09-05 14:41 " * 6_000,
        "입력 2023-09-05 14:41\n" * 4_000,
        "입력 " * 40_000,
        "1" * 90_000,
        "2023-09-05" + " " * 90_000,
        "2023-09-05 (" * 9_000,
        "오전 " * 40_000,
        "1일" * 40_000,
        "Sep " * 30_000,
    ],
    ids=range(9),
)
def test_a_hostile_text_is_read_in_seconds(hostile: str) -> None:
    start = process_time()
    labelled_stamps(hostile)
    with suppress(TimeError):
        parse_time(hostile, BASE)
    assert process_time() - start < 5
