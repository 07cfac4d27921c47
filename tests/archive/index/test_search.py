"""Full-text search finds what a search for the substring finds, and no query is syntax."""

from __future__ import annotations

import sqlite3
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.index.fulltext import SYNONYMS, QueryError, match_expression, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Few syllables, so that queries hit and nearly hit.
SYLLABLES = "가나다라마김정은푸틴북한"
WORD = st.text(st.sampled_from(SYLLABLES), min_size=1, max_size=6)


class Shelf:
    """Documents in a real FTS5 table of the index's form."""

    def __init__(self, documents: list[str]) -> None:
        self.documents = documents
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute(
            "CREATE VIRTUAL TABLE search "
            "USING fts5(headline, body, content='', tokenize='unicode61 remove_diacritics 0')"
        )
        rows = [(number, "", tokens(text)) for number, text in enumerate(documents)]
        self.connection.executemany(
            "INSERT INTO search(rowid, headline, body) VALUES (?, ?, ?)", rows
        )

    def find(self, query: str) -> set[int]:
        expression = match_expression(query)
        return {
            row
            for (row,) in self.connection.execute(
                "SELECT rowid FROM search WHERE search MATCH ?", (expression,)
            )
        }


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    """Five hundred documents of ten words each."""
    dice = Random(20260106)
    word = lambda: "".join(dice.choices(SYLLABLES, k=dice.randint(1, 6)))  # noqa: E731
    shelf = Shelf([" ".join(word() for _ in range(10)) for _ in range(500)])
    yield shelf
    shelf.connection.close()


def spellings(term: str) -> set[str]:
    return {term} | {
        term.replace(w, o) for group in SYNONYMS for w in group if w in term for o in group
    }


@settings(max_examples=300)
@given(query=st.text(st.sampled_from(SYLLABLES), min_size=1, max_size=4))
def test_a_term_is_found_where_its_letters_stand(shelf: Shelf, query: str) -> None:
    expected = {
        n for n, text in enumerate(shelf.documents) if any(s in text for s in spellings(query))
    }
    assert shelf.find(query) == expected


@given(terms=st.lists(WORD, min_size=2, max_size=3))
def test_every_term_must_occur(shelf: Shelf, terms: list[str]) -> None:
    expected = {
        n
        for n, text in enumerate(shelf.documents)
        if all(any(s in text for s in spellings(t)) for t in terms)
    }
    assert shelf.find(" ".join(terms)) == expected


MIXED = [
    "북한의 KN-23 미사일",
    "NYT에 따르면",
    "koinwon@newspim.com 특파원",
    "SK하이닉스 HBM3E",
    "金正恩 위원장",
    "1.27% 하락",
    "한·미·일",
    "“거래”라고",
    "4일(현지시간)",
    "첫 줄\n둘째 줄",
    "뿌찐의 로씨야",
    "café 카페",
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("KN-23", {0}),
        ("kn", {0}),
        ("미싸일", {0}),
        ("nyt", {1}),
        ("newspim", {2}),
        ("하이닉스", {3}),
        ("HBM3E", {3}),
        ("SK하이", {3}),
        ("하이닉스HBM3E", {3}),
        ("이닉스 HBM3E", {3}),
        ("com koinwon", {2}),
        ("com@koinwon", set()),
        ("正恩", {4}),
        ("27", {5}),
        ("한미일", set()),
        ("한·미", {6}),
        ("한·", {0, 6}),
        ("한의", {0}),
        ("거래", {7}),
        ("현지시간", {8}),
        ("일(현지", {8}),
        ("줄둘째", set()),
        ("의 KN", {0}),
        ("newspim.com", {2}),
        ("푸틴", {10}),
        ("러시아", {10}),
        ("CAFÉ", {11}),
        ("cafe", set()),
        ("틴", set()),
    ],
)
def test_mixed_scripts(query: str, expected: set[int]) -> None:
    shelf = Shelf(MIXED)
    assert shelf.find(query) == expected
    shelf.connection.close()


@given(st.text() | st.text(st.sampled_from("\"'*()^-+:{}[]AND OR NOT NEAR가나 \0"), max_size=40))
def test_no_query_is_syntax(query: str) -> None:
    shelf = Shelf(["가나"])
    try:
        shelf.find(query)
    except QueryError:
        assert not any(
            (letter.isalnum() and letter.isascii()) or "가" <= letter <= "힣" for letter in query
        )
    finally:
        shelf.connection.close()


@given(st.text())
def test_a_text_finds_itself(text: str) -> None:
    shelf = Shelf([text])
    try:
        assert shelf.find(text) == {0}
    except QueryError:
        assert tokens(text).split() == []
    finally:
        shelf.connection.close()
