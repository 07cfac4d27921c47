"""Classes of changes: cases by hand, and properties of any two versions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.differences.changes import (
    ChangeClass,
    change_between,
    changed_fields,
    classify,
    split_headline,
)
from archive.differences.comparison import CONTENT_FIELDS
from archive.differences.word_diff import Size
from archive.model.article import Author, Image
from tests.archive.differences.test_comparison import ARTICLES, KNOWN, NOTHING, OTHER

PAGE = replace(
    KNOWN, headline="달빛마을도서관, 기록 3200쪽 공개", body=("첫 문단이다.", "둘째 문단이다.")
)


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [str(name) for name in classify(replace(PAGE, **old), replace(PAGE, **new)).classes]


@pytest.mark.parametrize(
    ("old", "new", "classes"),
    [
        ("기록 공개", "기록 첫 공개", ["headline"]),
        ("기록 공개", "[속보] 기록 공개", ["relabel"]),
        ("[속보] 기록 공개", "기록 공개", ["relabel"]),
        ("[속보] 기록 공개", "[1보] 기록 공개", ["relabel"]),
        ("[1보] 기록 공개", "[2보] 기록 공개", ["relabel"]),
        ("[2보] 기록 공개", "[종합] 기록 공개", ["relabel"]),
        ("[종합] 기록 공개", "[종합2보] 기록 공개", ["relabel"]),
        ("[종합2보] 기록 공개", "[종합 3보] 기록 공개", ["relabel"]),
        ("[속보] 기록 공개", "[상보] 기록 공개", ["relabel"]),
        ("[속보] 기록 공개", "기록 공개(종합)", ["relabel"]),
        ("[종합] 기록 공개", "기록 공개 (종합)", ["relabel"]),
        ("(2보) 기록 공개", "<종합> 기록 공개", ["relabel"]),
        ("[속보]기록 공개", "【속보】 기록 공개", ["relabel"]),
        ("[속보] 기록 공개", "[종합] 기록 3200쪽 공개", ["headline", "relabel"]),
        ("[단독] 기록 공개", "기록 공개", ["headline"]),
        ("[단독] 기록 공개", "[단독][속보] 기록 공개", ["relabel"]),
        ("1보 앞으로", "2보 앞으로", ["headline"]),
        ("종합 기록 공개", "기록 공개", ["headline"]),
    ],
)
def test_a_changed_headline_is_distinguished_from_a_changed_label(
    old: str, new: str, classes: list[str]
) -> None:
    assert changed({"headline": old}, {"headline": new}) == classes


NOTICES = (
    "정정보도문",
    "[정정보도] 기록 관련",
    "◇정정 및 반론보도문",
    "<바로잡습니다>",
    "▲바로잡습니다 : 2일자 기사",
    "2일자 기사의 3200쪽은 3201쪽의 잘못이므로 바로잡습니다.",
    "위 내용을 사실과 달라 정정합니다.",
    "해당 부분을 바로 잡았습니다.",
    "[반론보도] 도서관은 다음과 같이 알려왔습니다.",
    "이 보도는 언론중재위원회의 조정에 따른 것입니다.",
)
NO_NOTICES = (
    "도서관은 언론중재위원회에 정정보도를 청구했다.",
    "정정보도 청구 소송에서 이겼다.",
    "도서관은 잘못된 기록을 바로잡았다.",
    "관장은 “어제 한 말을 정정합니다”라고 말했다.",
    '그는 "바로잡습니다."라며 고개를 숙였다.',
    "언론중재위원회의 조정에 따라 반론보도가 실렸다.",
    "정정당당한 승부였다.",
)


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_of_correction_is_found_anywhere(notice: str) -> None:
    body = PAGE.body
    assert changed({}, {"body": (*body, notice)}) == ["correction", "body"]
    assert changed({}, {"body": (notice, *body)}) == ["correction", "body"]
    assert changed({}, {"subheadlines": (notice,)}) == ["correction", "subheadline"]
    assert changed({"body": (*body, notice)}, {}) == ["body"], "a notice taken away is none"
    assert changed({"body": (*body, notice)}, {"body": (*body, notice, "새 문단.")}) == ["body"], (
        "it was there before"
    )
    if not notice.startswith(("2일자", "위", "해당", "이 보도")):
        assert changed({}, {"headline": notice})[:2] == ["correction", "headline"]


@pytest.mark.parametrize("sentence", NO_NOTICES)
def test_news_about_corrections_is_no_correction(sentence: str) -> None:
    assert changed({}, {"body": (*PAGE.body, sentence)}) == ["body"]


def test_a_second_notice_is_a_correction_too() -> None:
    one = (*PAGE.body, "1일자는 2일자의 잘못이므로 바로잡습니다.")
    assert changed({"body": one}, {"body": (*one, "3쪽은 4쪽이므로 바로잡습니다.")}) == [
        "correction",
        "body",
    ]


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        ({"subheadlines": ("다른 부제",)}, ["subheadline"]),
        ({"body": ("첫 문단이다.",)}, ["body"]),
        ({"authors": (Author("김철수", "기자"),)}, ["byline"]),
        ({"dateline": "부산"}, ["byline"]),
        ({"images": (Image("https://img/2.jpg"),)}, ["images"]),
        ({"section": "경제"}, ["metadata"]),
        ({"tags": ()}, ["metadata"]),
        ({"modified_at": None}, ["time_only"]),
        (
            {
                "published_at": PAGE.published_at + timedelta(minutes=1)
                if PAGE.published_at
                else None
            },
            ["time_only"],
        ),
        ({"modified_at": None, "tags": ()}, ["metadata"]),
        (
            {"body": ("가",), "tags": (), "authors": (), "images": ()},
            ["body", "byline", "images", "metadata"],
        ),
        ({"url": "https://x", "language": "en", "flags": ("x",), "removed": ()}, []),
    ],
)
def test_every_field_makes_its_class(fields: dict[str, Any], classes: list[str]) -> None:
    assert changed({}, fields) == classes


def test_the_bodys_change_has_a_size() -> None:
    change = classify(PAGE, replace(PAGE, body=("첫 문단이다.", "셋째 긴 문단이다.")))
    assert change.body == Size(2, 1, 3, 2)
    assert change.as_values() == {
        "classes": ["body"],
        "words_added": 2,
        "words_removed": 1,
        "chars_added": 3,
        "chars_removed": 2,
    }
    assert classify(PAGE, replace(PAGE, headline="다른 제목")).as_values()["words_added"] is None


def test_a_headline_is_parted_into_words_and_labels() -> None:
    assert split_headline("[속보] 가 나 (종합 2보)") == ("가 나", ("속보", "종합2보"))
    assert split_headline("[단독] 가 [사진]") == ("[단독] 가 [사진]", ())


def test_what_a_form_lacks_is_no_change_beside_another_one() -> None:
    text = replace(PAGE, layout="text", tags=(), headline="다른 제목")
    assert changed_fields(PAGE, ["desktop-2020"], text, ["text"]) == ("headline",)
    assert changed_fields(
        PAGE, ["desktop-2020"], replace(text, layout="desktop-2020"), ["desktop-2020"]
    ) == ("headline", "tags")
    other = replace(PAGE, tags=(), headline="다른 제목")
    assert changed_fields(PAGE, ["desktop-2020"], other, ["desktop-2020", "text"]) == ("headline",)
    alone = replace(PAGE, tags=())
    change = change_between(PAGE, ["desktop-2020"], alone, ["desktop-2020", "text"])
    assert change.classes == (ChangeClass.METADATA,), (
        "what made them two versions is told, whoever saw them later"
    )


@given(ARTICLES)
def test_no_version_differs_from_itself(article: Any) -> None:
    change = classify(article, article)
    assert (change.classes, change.body) == ((), None)


@given(ARTICLES, ARTICLES)
def test_any_difference_of_content_has_a_class_in_order_of_weight(old: Any, new: Any) -> None:
    change = classify(old, new)
    differs = [name for name in CONTENT_FIELDS if getattr(old, name) != getattr(new, name)]
    assert bool(change.classes) == bool(differs)
    order = list(ChangeClass)
    assert list(change.classes) == sorted(set(change.classes), key=order.index)
    assert (change.body is not None) == ("body" in differs)
    assert not set(change.classes) & {ChangeClass.DELETION, ChangeClass.REAPPEARANCE}


@given(st.sampled_from(CONTENT_FIELDS))
def test_a_field_of_content_gone_has_a_class(name: str) -> None:
    assert classify(KNOWN, replace(KNOWN, **{name: NOTHING[name]})).classes
    assert classify(KNOWN, replace(KNOWN, **{name: OTHER[name]})).classes
