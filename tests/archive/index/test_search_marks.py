"""Marks: the characters of a text in which a phrase stands, and of those only."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.articles.snippets import snippet_of
from archive.index.search.hanja import HANJA
from archive.index.search.marks import find_marks, run_text
from archive.index.search.query import exact_term, parse_query
from archive.index.search.text import runs
from archive.model.article import Article, Author, Image

#: Letters, digits, signs and marks of every kind that search has a rule for.
PIECES = st.lists(
    st.sampled_from(
        [
            *"가나한국은행金李12345iPｉＰＡaß, .·(\n\t\u3000\u00a0\u200bㅋ카_%",
            "e\u0301",
            "㈜",
            "½",
            "ﾊﾞ",
        ]
    )
).map("".join)


@settings(max_examples=400)
@given(text=PIECES | st.text(), data=st.data())
@pytest.mark.sqlite_only(reason="FTS5 decides what matches")
def test_what_is_marked_folds_to_the_phrase_and_nothing_is_missed(
    text: str, data: st.DataObject
) -> None:
    begin = data.draw(st.integers(0, len(text)))
    query = text[begin : data.draw(st.integers(begin, len(text)))]
    (phrase,) = exact_term(query) or (None,)
    if phrase is None:
        return
    wanted = run_text(phrase)
    assert wanted == " ".join(runs(query))
    marks = find_marks(text, [phrase])
    if wanted in " ".join(runs(text)):  # else it may be in a reading of it
        assert marks
    for at, end in marks:
        marked = text[at:end]
        assert wanted in " ".join(runs(marked)) or HANJA.search(marked)
    assert all(end < begin for (_, end), (begin, _) in pairwise(marks))


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("푸틴", "러시아 푸틴 대통령, 푸틴", ["푸틴", "푸틴"]),
        ("푸틴", "뿌찐의 로씨야", ["뿌찐"]),
        ("한국은행", "어제 한국\n은행이", ["한국\n은행"]),
        ("iphone15", "새 ｉＰｈｏｎｅ１５pro", ["ｉＰｈｏｎｅ１５"]),
        ("1234", "1,234원", ["1,234"]),
        ("KN-23", "북한의 KN-23 미사일", ["KN-23"]),
        ("김정은", "金正恩 위원장", ["金正恩"]),
        ("북한", "北韓과 북한", ["北韓", "북한"]),
        ('"정은 위원"', "金正恩 위원장", ["正恩 위원"]),
        ("정은 위원", "金正恩 위원장", ["正恩", "위원"]),
        ("은", "한국은행은", ["은", "은"]),
        ("카페", "CAFÉ 카페", ["카페"]),
        ("café", "cafe\u0301의", ["cafe\u0301"]),
        ("주대한", "㈜대한", []),
        ("1호", "①호", ["①호"]),
    ],
)
def test_marks(query: str, text: str, marked: list[str]) -> None:
    phrases = [phrase for choice in parse_query(query).terms for phrase in choice]
    assert [text[begin:end] for begin, end in find_marks(text, phrases)] == marked


def article(*body: str, headline: str = "제목") -> Article:
    return Article(outlet="etoday", headline=headline, body=body)


def shown(article: Article, query: str) -> tuple[str, list[str]]:
    snippet = snippet_of(article, parse_query(query))
    return snippet.text, [snippet.text[begin:end] for begin, end in snippet.marks]


def test_a_snippet_is_the_body_around_the_first_match_on_one_line() -> None:
    words = " ".join(f"낱말{number}" for number in range(100))
    text, marked = shown(article(words, f"여기 한국\n은행 {words} 한국은행"), "한국은행")
    assert marked == ["한국 은행"]
    assert text.startswith("…낱말97 낱말98 낱말99 여기 한국 은행 낱말0 ")
    assert text.endswith("…")
    assert len(text) <= 72


def test_without_a_match_in_the_body_it_is_of_the_headline_caption_or_author() -> None:
    assert shown(article("본문", headline="푸틴 방북"), "푸틴") == ("푸틴 방북", ["푸틴"])
    signed = Article(outlet="etoday", headline="제목", body=("본문",), authors=(Author("홍길동"),))
    assert shown(signed, "길동") == ("본문 홍길동", ["길동"])
    pictured = Article(outlet="etoday", headline="제목", images=(Image("", "평양 거리", ""),))
    assert shown(pictured, "평양")[1] == ["평양"]


def test_without_a_term_it_is_the_begin_and_nothing_is_marked() -> None:
    assert shown(article("본문이다."), "outlet:etoday") == ("본문이다.", [])
    assert shown(article(), "outlet:etoday") == ("제목", [])
