"""Bylines: every form seen; any text gives authors or none."""

from __future__ import annotations

from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import Author
from pipelines.bylines import EMAIL, Byline, assign_emails, read_dateline, read_people

KO = Author("고인원", "특파원")


@pytest.mark.parametrize(
    ("paragraph", "expected"),
    [
        ("[휴스턴=뉴스핌] 고인원 특파원= 이번 주", Byline((KO,), "휴스턴")),
        ("[서울=뉴스핌]박공식 기자 = 중국", Byline((Author("박공식", "기자"),), "서울")),
        ("[뉴스핌=이수호 기자] 삼성", Byline((Author("이수호", "기자"),))),
        ("[뉴욕 = 뉴스핌 황숙혜 특파원] 미국", Byline((Author("황숙혜", "특파원"),), "뉴욕")),
        ("(서울=연합뉴스) 홍길동 기자 = 정부", Byline((Author("홍길동", "기자"),), "서울")),
        (
            "(서울=연합뉴스) 홍길동·고인원 특파원 = 정부",
            Byline((Author("홍길동", "특파원"), KO), "서울"),
        ),
        ("북한과 러시아가 = 라고", None),
        ("[속보] 북한이 발사", None),
        ("그는 [서울=뉴스핌] 홍길동 기자 = 라고", None),
        ("", None),
    ],
)
def test_datelines(paragraph: str, expected: Byline | None) -> None:
    assert read_dateline(paragraph) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("한누리 기자 구독하기 자세히보기", (Author("한누리", "기자"),)),
        (
            "한누리 기자 fixture.nuri@etoday.co.kr",
            (Author("한누리", "기자", "fixture.nuri@etoday.co.kr"),),
        ),
        ("홍길동, 김철수 기자", (Author("홍길동", "기자"), Author("김철수", "기자"))),
        ("홍길동 기자 김철수 특파원", (Author("홍길동", "기자"), Author("김철수", "특파원"))),
        ("홍길동", (Author("홍길동"),)),
        ("홍길동 기자 홍길동 기자", (Author("홍길동", "기자"),)),
        ("Jane Doe", (Author("Jane Doe"),)),
        ("구독하기", ()),
        ("기자", ()),
        ("", ()),
    ],
)
def test_people(text: str, expected: tuple[Author, ...]) -> None:
    assert read_people(text) == expected


BYLINISH = st.text(st.sampled_from("[]()= ·,가나다홍길동기자특파원서울뉴스핌a@.-%"), max_size=200)


@given(st.text() | BYLINISH)
def test_any_text_names_people_or_none(text: str) -> None:
    people = read_people(text)
    assert len(set(people)) == len(people)
    assert all(person.name and person.name == person.name.strip() for person in people)
    byline = read_dateline(text)
    assert byline is None or byline.authors


@given(st.text(), st.text())
def test_an_address_is_found_whole_or_not_at_all(before: str, after: str) -> None:
    found = EMAIL.findall(f"{before} koinwon@newspim.com {after}")
    assert any("koinwon@newspim.com" in address for address in found)


@given(st.lists(st.sampled_from(["a@b.kr", "c@d.kr", "e@f.kr"])))
def test_addresses_are_given_only_where_the_counts_agree(emails: list[str]) -> None:
    authors = (KO, Author("홍길동", "기자"))
    given_out = assign_emails(authors, emails)
    distinct = list(dict.fromkeys(emails))
    assert [author.email for author in given_out] == (distinct if len(distinct) == 2 else ["", ""])


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 50_000,
        "[가=" * 20_000,
        "[가=나] " + "다 " * 50_000,
        "a" * 50_000 + "@",
        "가나 기자 " * 9_000,
        "·" * 50_000,
    ],
    ids=["brackets", "datelines", "names", "address", "people", "dots"],
)
def test_a_hostile_paragraph_is_read_in_seconds(hostile: str) -> None:
    start = monotonic()
    assert read_dateline(hostile) is None
    assert len(read_people(hostile)) <= 1
    assert monotonic() - start < 5
