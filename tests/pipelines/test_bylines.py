"""Bylines: every form seen; any text gives authors or none."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.model.article import Author
from pipelines.bylines import (
    EMAIL,
    Byline,
    assign_emails,
    find_byline,
    printed_emails,
    read_dateline,
    read_line,
    read_people,
)

KO = Author("고인원", "특파원")
HONG = Author("홍길동", "기자")


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
        ("[뉴스핌=홍길동 중국전문기자] 삼성", Byline((Author("홍길동", "중국전문기자"),))),
        ("[서울=뉴스핌] 홍길동 정치부장 = 정부", Byline((Author("홍길동", "정치부장"),), "서울")),
        (
            "[서울=뉴스핌] 홍길동 산업부 차장 = 정부",
            Byline((Author("홍길동", "산업부 차장"),), "서울"),
        ),
        ("[서울=뉴스핌] 홍길동 인턴 기자 = 정부", Byline((Author("홍길동", "인턴 기자"),), "서울")),
        ("홍길동 정치부장 = 정부", Byline((Author("홍길동", "정치부장"),))),
        (
            "[서울·세종=뉴스핌] 홍길동 고인원 특파원 = 정부",
            Byline((Author("홍길동", "특파원"), KO), "서울·세종"),
        ),
        ("세종=홍길동 인턴기자 = 정부", Byline((Author("홍길동", "인턴기자"),), "세종")),
        ("[세종=홍길동 기자] 정부", Byline((HONG,), "세종")),
        ("[아무르 로이터=뉴스핌] 홍길동 기자= 정부", Byline((HONG,), "아무르")),
        ("[뉴스핌=베이징] 홍길동 기자 = 정부", Byline((HONG,), "베이징")),
        ("[종합] [서울=뉴스핌] 홍길동 기자 = 정부", Byline((HONG,), "서울")),
        ("[뉴스핌 Newspim] 홍길동 기자 (a@b.kr)", Byline((replace(HONG, email="a@b.kr"),))),
        # Hanja.
        ("[北京=뉴스핌] 홍길동 특파원 = 정부", Byline((Author("홍길동", "특파원"),), "北京")),
        ("[東京·서울=뉴스핌] 홍길동 기자 = 정부", Byline((HONG,), "東京·서울")),
        ("[李川=뉴스핌] 洪吉童 기자 = 정부", Byline((Author("洪吉童", "기자"),), "李川")),
        ("[寫眞=뉴스핌] 홍길동 기자 = 정부", None),
        # An agency is no place, a role is no name.
        ("[로이터=뉴스핌] 홍길동 기자 = 정부", Byline((HONG,))),
        ("[이투데이=홍길동 기자] 정부", Byline((HONG,))),
        ("[서울=뉴스핌] 정치부장 = 정부", Byline((), "서울")),
        ("[서울=뉴스핌] 특별취재팀 = 정부", Byline((), "서울")),
        ("[사진=뉴스핌] 홍길동 기자 = 정부", None),
        ("사진=홍길동 기자", None),
        ("글·사진=홍길동 기자", None),
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
        (
            unicodedata.normalize("NFD", "한누리 기자 구독하기 자세히보기"),
            (Author("한누리", "기자"),),
        ),
        ("홍길동, 김철수 기자", (Author("홍길동", "기자"), Author("김철수", "기자"))),
        ("홍길동 기자 김철수 특파원", (Author("홍길동", "기자"), Author("김철수", "특파원"))),
        ("홍길동", (Author("홍길동"),)),
        ("홍길동 기자 홍길동 기자", (Author("홍길동", "기자"),)),
        ("Jane Doe", (Author("Jane Doe"),)),
        ("홍길동 논설위원", (Author("홍길동", "논설위원"),)),
        ("홍길동 베이징 특파원", (Author("홍길동", "베이징 특파원"),)),
        ("홍길동기자", (Author("홍길동", "기자"),)),
        ("홍길동대기자", (Author("홍길동", "대기자"),)),
        ("홍길동 기자 (a@b.kr)", (Author("홍길동", "기자", "a@b.kr"),)),
        ("글·사진 홍길동 기자", (Author("홍길동", "기자"),)),
        ("사진 홍길동 기자", ()),
        ("정치부장", ()),
        ("경제부 기자", ()),
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
    assert byline is None or byline.authors or byline.place
    found = find_byline(text.split("a"))
    assert all(person.name and (person.role or person.email or byline) for person in found.authors)


MAIL = "hong@newspim.com"
SIGNED = replace(HONG, email=MAIL)
PROSE = ("정부가 대책을 발표했다.", "시장은 반겼다.") * 4


@pytest.mark.parametrize(
    "line",
    [
        f"홍길동 기자 ({MAIL})",
        f"홍길동 기자 {MAIL}",
        f"홍길동 기자({MAIL})",
        f"[뉴스핌 Newspim] 홍길동 기자 ({MAIL})",
        f"/홍길동 기자 {MAIL}",
        f"글·사진 홍길동 기자 {MAIL}",
        f"시장은 더 지켜보자고 했다. 홍길동 기자 {MAIL}",
        f"“지켜보자”고 했다./홍길동 기자 {MAIL}",
    ],
)
@pytest.mark.parametrize("at", [0, 1, 3, -1, -3, 99])
def test_a_byline_is_found_near_either_end(line: str, at: int) -> None:
    blocks = list(PROSE)
    blocks.insert(at, line)
    assert find_byline(blocks) == Byline((SIGNED,))


def test_a_byline_in_the_middle_is_none() -> None:
    blocks = [*PROSE, *PROSE]
    blocks.insert(8, f"홍길동 기자 ({MAIL})")
    assert find_byline(blocks) == Byline(())


def test_the_dateline_may_follow_a_deck_and_the_signature_adds_the_address() -> None:
    blocks = ["부제", "[서울=뉴스핌] 홍길동 기자 = 정부", *PROSE, f"홍길동 기자 ({MAIL})"]
    assert find_byline(blocks) == Byline((SIGNED,), "서울")
    both = [*blocks[:-1], "홍길동·고인원 특파원"]
    assert [author.name for author in find_byline(both).authors] == ["홍길동", "고인원"]


def test_a_list_of_people_is_no_byline() -> None:
    assert find_byline(
        [f"{name} 논설위원" for name in ("홍길동", "고인원", "박공식", "이수호")]
    ) == Byline(())


@pytest.mark.parametrize(
    "line",
    [
        "윤가람 우체국장",
        "홍길동",
        "제보 a@b.kr",
        "담당자 a@b.kr",
        "홍길동 기자는 말했다",
        "이번 주 = 3일",
    ],
)
def test_what_is_no_byline_line(line: str) -> None:
    assert read_line(line) is None


@given(st.text() | BYLINISH)
def test_who_signs_a_line_has_a_role_or_an_address(text: str) -> None:
    byline = read_line(text)
    assert byline is None or all(person.role or person.email for person in byline.authors)


def test_addresses_on_lines_of_their_own() -> None:
    assert printed_emails(["a@b.kr", "(c@d.kr)", "이메일: e@f.kr", "a@b.kr · c@d.kr", "제보 g@h.kr"]) == [
        "a@b.kr", "c@d.kr", "e@f.kr", "a@b.kr", "c@d.kr",
    ]  # fmt: skip


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
    start = process_time()
    assert read_dateline(hostile) is None
    assert len(read_people(hostile)) <= 1
    find_byline([hostile] * 10)
    read_line(hostile)
    assert process_time() - start < 5
