"""Which readings make a new version of an article, and which are the same in another form."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.differences.comparison import CONTENT_FIELDS, compare
from archive.model.article import KST, Article, Author, Image, Precision

WHEN = datetime(2023, 9, 5, 14, 41, tzinfo=KST)
KNOWN = Article(
    outlet="etoday",
    headline="제목",
    article_id="1",
    url="https://www.etoday.co.kr/news/view/1",
    subheadlines=("부제",),
    authors=(Author("홍길동", "기자", "h@etoday.co.kr"),),
    dateline="서울",
    section="국제",
    tags=("러시아",),
    published_at=WHEN,
    published_raw="2023-09-05 14:41",
    published_precision=Precision.MINUTE,
    modified_at=WHEN + timedelta(days=1),
    modified_raw="2023-09-06 14:41",
    modified_precision=Precision.MINUTE,
    body=("첫 문단.", "둘째 문단."),
    images=(Image("https://img/1.jpg", "설명.", "로이터"),),
    language="ko",
    layout="desktop-2020",
)
OTHER: dict[str, Any] = {
    "headline": "다른 제목",
    "subheadlines": ("다른 부제",),
    "authors": (Author("김철수", "기자"),),
    "dateline": "부산",
    "section": "경제",
    "tags": ("미국",),
    "published_at": WHEN + timedelta(minutes=1),
    "modified_at": WHEN + timedelta(days=2),
    "body": ("첫 문단.", "고친 문단."),
    "images": (Image("https://img/2.jpg", "다른 설명."),),
}
NOTHING: dict[str, Any] = {
    name: None if name.endswith("_at") else type(getattr(KNOWN, name))() for name in OTHER
}


def test_all_fields_of_content_are_tried() -> None:
    assert set(OTHER) == set(CONTENT_FIELDS)


@pytest.mark.parametrize("form", ["same", "other"])
@pytest.mark.parametrize("field", CONTENT_FIELDS)
def test_another_value_is_a_change_in_any_form(field: str, form: str) -> None:
    seen = replace(
        KNOWN, layout="desktop-2020" if form == "same" else "text", **{field: OTHER[field]}
    )
    comparison = compare(KNOWN, ["desktop-2020"], seen)
    assert comparison.changed == (field,)
    assert comparison.merged is KNOWN


TABLE = ("첫 문단.", "종목 | 종가", "달빛마을 | 70,200", "둘째 문단.")


@pytest.mark.parametrize(
    ("field", "value", "rendered"),
    [
        ("headline", "우체국, 엽서 공개", "우체국, 엽 서공개"),
        ("body", TABLE, ("첫 문단.", "종목", "종가", "달빛마을", "70,200", "둘째 문단.")),
        ("body", TABLE, ("첫 문단.", "종목 종가", "달빛마을 70,200", "둘째 문단.")),
        ("body", TABLE, ("첫 문단.종목종가달빛마을70,200둘째 문단.",)),
        ("images", (Image("", "엽서의 사본.", ""),), (Image("", "엽서 의 사본.", ""),)),
    ],
)
def test_blanks_line_ends_and_cells_of_another_form_are_no_change(
    field: str, value: Any, rendered: Any
) -> None:
    page = replace(KNOWN, **{field: value})
    text = replace(KNOWN, layout="text", **{field: rendered})
    seen = compare(page, [page.layout], text)
    assert (seen.changed, getattr(seen.merged, field)) == ((), value)
    back = compare(text, [text.layout], page)
    assert back.changed == ()
    assert field != "body" or back.merged.body == value
    # In one form of page each of them is one.
    assert compare(page, [page.layout], replace(text, layout=page.layout)).changed == (field,)


@pytest.mark.parametrize("field", CONTENT_FIELDS)
def test_a_field_gone_is_a_change_in_the_same_form_only(field: str) -> None:
    seen = replace(KNOWN, **{field: NOTHING[field]})
    assert compare(KNOWN, ["desktop-2020"], seen).changed == (field,)
    poorer = compare(KNOWN, ["desktop-2020"], replace(seen, layout="text"))
    assert (poorer.changed, poorer.merged) == ((), KNOWN)
    assert compare(KNOWN, ["desktop-2020", "text"], seen).changed == ()


@pytest.mark.parametrize("field", CONTENT_FIELDS)
def test_a_field_learnt_from_another_form_is_merged(field: str) -> None:
    known = replace(KNOWN, layout="text", **{field: NOTHING[field]})
    comparison = compare(known, ["text"], KNOWN)
    assert comparison.changed == ()
    assert getattr(comparison.merged, field) == getattr(KNOWN, field)


@pytest.mark.parametrize(
    ("a", "b", "changed"),
    [
        (Precision.SECOND, Precision.MINUTE, False),
        (Precision.MINUTE, Precision.SECOND, False),
        (Precision.SECOND, Precision.SECOND, True),
    ],
)
def test_times_are_compared_at_the_coarser_precision(
    a: Precision, b: Precision, changed: bool
) -> None:
    known = replace(KNOWN, published_precision=a)
    seen = replace(KNOWN, published_at=WHEN.replace(second=7), published_precision=b)
    assert bool(compare(known, ["desktop-2020"], seen).changed) is changed
    day = replace(
        KNOWN, published_at=WHEN.replace(hour=0, minute=0), published_precision=Precision.DAY
    )
    assert compare(known, ["desktop-2020"], day).changed == ()


ARTICLES = st.builds(
    lambda values, layout: replace(KNOWN, layout=layout, **values),
    st.fixed_dictionaries(
        {}, optional={n: st.sampled_from([OTHER[n], NOTHING[n]]) for n in CONTENT_FIELDS}
    ),
    st.sampled_from(["desktop-2020", "mobile", "text"]),
)


@given(ARTICLES)
def test_an_article_is_no_change_of_itself(article: Article) -> None:
    assert compare(article, [article.layout], article) == compare(article, ["x", "y"], article)
    assert compare(article, [article.layout], article).merged == article


@given(ARTICLES, ARTICLES)
def test_what_was_merged_is_no_change_of_either(known: Article, seen: Article) -> None:
    comparison = compare(known, [known.layout], seen)
    if comparison.changed:
        assert set(comparison.changed) <= set(CONTENT_FIELDS)
        return
    layouts = sorted({known.layout, seen.layout})
    for one in (known, seen):
        if len(layouts) > 1:
            again = compare(comparison.merged, layouts, one)
            assert (again.changed, again.merged) == ((), comparison.merged)
