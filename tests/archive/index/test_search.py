"""Full-text search: what it finds is what a search for the substring finds, blanks left out."""

from __future__ import annotations

import json
import re
import unicodedata
from random import Random
from time import process_time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from archive.index.schema import SEARCH_TABLES
from archive.index.search import text as search_text
from archive.index.search.documents import Document, add_documents
from archive.index.search.hanja import MAX_READINGS, readings
from archive.index.search.match import match_of
from archive.index.search.newest_hits import add_filters, conditions_of, untimed_hits
from archive.index.search.query import SYNONYMS, Query, QueryError, exact_term, parse_query
from archive.index.search.text import tokens, tokens_of_runs
from tests.support.documents import SEEDS

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Few syllables, so that queries hit and nearly hit.
SYLLABLES = "가나다라마김정은푸틴북한"
WORD = st.text(st.sampled_from(SYLLABLES), min_size=1, max_size=6)


class Shelf:
    """Documents in real FTS5 tables of the index's form."""

    def __init__(self, documents: list[str]) -> None:
        self.documents = documents
        self._engine = create_engine("sqlite://", poolclass=StaticPool)
        self._connection = self._engine.connect()
        for statement in SEARCH_TABLES:
            self._connection.exec_driver_sql(statement)
        rows = [Document(number, "", body, "") for number, body in enumerate(documents)]
        add_documents(self._connection, rows)

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def find(self, query: str | Query) -> set[int]:
        match = match_of(parse_query(query) if isinstance(query, str) else query)
        asked = conditions_of(match)
        add_filters(asked)
        statement = text(f"SELECT hit.rowid FROM {untimed_hits(asked)}")
        return set(self._connection.scalars(statement, asked.values))


@pytest.fixture(scope="module")
def shelf() -> Iterator[Shelf]:
    """Five hundred documents of ten words each."""
    dice = Random(20260106)
    word = lambda: "".join(dice.choices(SYLLABLES, k=dice.randint(1, 6)))  # noqa: E731
    shelf = Shelf([" ".join(word() for _ in range(10)) for _ in range(500)])
    yield shelf
    shelf.close()


def spellings(term: str) -> set[str]:
    return {term} | {
        term.replace(w, o) for group in SYNONYMS for w in group if w in term for o in group
    }


@settings(max_examples=300)
@given(query=st.text(st.sampled_from(SYLLABLES), min_size=1, max_size=4))
def test_a_term_is_found_where_its_letters_stand(shelf: Shelf, query: str) -> None:
    blank_free = [text.replace(" ", "") for text in shelf.documents]
    expected = {n for n, text in enumerate(blank_free) if any(s in text for s in spellings(query))}
    assert shelf.find(query) == expected


@given(terms=st.lists(WORD, min_size=2, max_size=3))
def test_every_term_must_occur(shelf: Shelf, terms: list[str]) -> None:
    expected = {
        n
        for n, text in enumerate(text.replace(" ", "") for text in shelf.documents)
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
    "iPhone15pro의 ＡＩ 칩",
    "삼성전자(005930) 1,234원, 5 678원",
    "그럼 ㅋㅋㅋ ㅠㅠ",
    "한국은행이 올린 금리",
    "한국 은행이 내린 금리",
    "李대통령 美·中",
    "李明博 前대통령의 金融 실명제",
    "习近平 国家主席",
    "भारत की",
    "㈜대한 ①호 ½",
    "soft\u00adhyphen zero\u200bwidth",
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("KN-23", {0}),
        ("kn", {0}),
        ("N-2", {0}),
        ("phone15", {12}),
        ("iphone", {12}),
        ("AI", {12}),
        ("ＡＩ칩", {12}),
        ("0059", {13}),
        ("5930", {13}),
        ("1234", {13}),
        ("1,234", {13}),
        ("2,3", {0, 13}),
        ("34원5678", set()),
        ("5678원", {13}),
        ("ㅋㅋ", {14}),
        ("ㅋㅋㅋㅠ", {14}),
        ("ㅠㅠ", {14}),
        ("\u110f\u110f", {14}),
        ("ㅠㅠㅠ", set()),
        ("한국은행", {15, 16}),
        ("한국 은행", {15, 16}),
        ('"한국 은행"', {15, 16}),
        ("은행이 내린", {16}),
        ("김정은", {4}),
        ("金正恩", {4}),
        ("금정은", {4}),
        ("정은", {4}),
        ("이대통령", {17}),
        ("리대통령", {17}),
        ("李대통령", {17}),
        ("미·중", {17}),
        ("美·中", {17}),
        ("미중", set()),
        ("이명박", {18}),
        ("전대통령", {18}),
        ("금융실명제", {18}),
        ("金融", {18}),
        ("시진핑", set()),
        ("습근평", {19}),
        ("習近平", {19}),
        ("국가주석", {19}),
        ("रत", {20}),
        ("भारत की", {20}),
        ("(주)대한", {21}),
        ("1호", {21}),
        ("softhyphen", {22}),
        ("zerowidth", {22}),
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
        ("한·", {0, 6, 15, 16, 21}),
        ("한의", {0}),
        ("거래", {7}),
        ("현지시간", {8}),
        ("일(현지", {8}),
        ("줄둘째", {9}),
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
    shelf.close()


@given(st.text() | st.text(st.sampled_from("\"'*()^-+:{}[]AND OR NOT NEAR가나 \0"), max_size=40))
def test_no_query_reaches_sqlite_as_syntax(query: str) -> None:
    shelf = Shelf(["가나"])
    try:
        shelf.find(query)
    except QueryError:
        pass  # refused, and no error of SQLite's
    finally:
        shelf.close()


@given(st.text())
def test_a_text_finds_itself(text: str) -> None:
    shelf = Shelf([text])
    term = exact_term(text)
    if term:
        assert shelf.find(Query((term,))) == {0}
    else:
        assert tokens(text).split() == []
    shelf.close()


#: Letters, digits and marks of every kind that search has a rule for.
#: (A jamo or mark that a blank parts from what it would compose with is none of them.)
PIECES = st.lists(
    st.sampled_from(
        [*"가나한국은행金李美12345iPｉＰＡaß, .·(\n\t\u3000\u00a0\u200bㅋ카_%", "e\u0301"]
    )
).map("".join)


@given(PIECES)
def test_the_words_tokens_are_the_texts_tokens(text: str) -> None:
    """Made word by word, for speed, they are those of the text as a whole."""
    made = tokens(text).split("\ue000")[0].split()
    assert made == tokens_of_runs(text)


@given(PIECES)
def test_a_usual_text_has_the_runs_of_its_words(text: str) -> None:
    usual = "".join(sign for sign in text if search_text.USUAL.fullmatch(sign))
    assert search_text._runs(usual) == search_text._runs_of_words(usual)


def test_each_character_of_a_usual_text_is_taken_as_in_a_word() -> None:
    every = [sign for sign in map(chr, range(0x10000)) if search_text.USUAL.fullmatch(sign)]
    assert len(every) > 11_172
    for sign in every:
        text = f"가 1{sign}2 {sign}나"
        assert search_text._runs(text) == search_text._runs_of_words(text)


def blank_free(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return re.sub(r"\s+", "", folded)


@settings(max_examples=300)
@given(text=PIECES, data=st.data())
def test_any_part_of_a_text_without_its_blanks_is_found(text: str, data: st.DataObject) -> None:
    content = blank_free(text)
    start = data.draw(st.integers(0, len(content)))
    part = content[start : data.draw(st.integers(start, len(content)))]
    term = exact_term(part)
    if not term:
        return
    shelf = Shelf([text])
    assert shelf.find(Query((term,))) == {0}
    shelf.close()


def fixture_texts() -> list[str]:
    """Return what search covers of each article of the fixtures."""
    found: list[str] = []
    for path in sorted(SEEDS.glob("*/*.json")):
        article = json.loads(path.read_text(encoding="utf-8")).get("article") or {}
        found.append("\n".join([article.get("headline", ""), *article.get("body", [])]))
    return [text for text in found if text.strip()]


def test_five_hundred_generated_queries_miss_nothing() -> None:
    """Parts of the fixtures' texts, of two to eight characters, against a search for the substring."""
    texts = fixture_texts()
    shelf = Shelf(texts)
    plain = [blank_free(text) for text in texts]
    dice = Random(20261129)
    missed: list[tuple[str, set[int]]] = []
    asked = 0
    while asked < 500:
        text = dice.choice(plain)
        start = dice.randrange(len(text))
        query = text[start : start + dice.randint(2, 8)]
        if not query.isalnum() or query in {"or", "and", "not"}:
            continue
        asked += 1
        expected = {number for number, one in enumerate(plain) if query in one}
        if lost := expected - shelf.find(query):
            missed.append((query, lost))
    shelf.close()
    assert missed == []


def test_readings() -> None:
    assert readings("한글만") == []
    assert readings("美北 대화") == ["미배 대화", "미북 대화"]
    assert set(readings("金李")) == {"금리", "금이", "김리", "김이"}
    assert len(readings("金李" * 40)) <= MAX_READINGS
    assert readings("㐂") == ["㐂"]  # no reading is known


def test_a_text_of_many_hanja_stays_small() -> None:
    text = "李金年樂" * 500
    assert len(tokens(text).split()) < 8 * len(text)


def test_a_text_of_one_word_is_neither_told_without_end_nor_remembered() -> None:
    began = process_time()
    word = "金李" * 600_000
    assert tokens(word).startswith("金李 李金")
    assert process_time() - began < 10
    assert word not in search_text._WORDS
    assert tokens("한국은행①") == "한국 국은 은행 행1 1"
    assert "한국은행①" in search_text._WORDS
