"""Cleaning of text, detection of its language and of wrong decoding."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text import (
    _FINALS,
    _INITIALS,
    _VOWELS,
    clean,
    clean_lines,
    is_damaged,
    is_mojibake,
    language_of,
)

ANY = st.text() | st.text(st.characters(categories=("Cs", "Cf", "Cc", "Zs", "Lo", "Mn")))
HANGUL = st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=1)


@given(ANY)
def test_cleaning_any_text_gives_one_line_of_nfc_and_again_the_same(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert cleaned == cleaned.strip()
    assert len(cleaned.splitlines()) <= 1
    assert "  " not in cleaned
    cleaned.encode("utf-8")


@given(HANGUL)
def test_hangul_comes_back_as_it_is_from_either_form(text: str) -> None:
    assert clean(text) == text
    assert clean(unicodedata.normalize("NFD", text)) == text


@pytest.mark.parametrize(
    "text", ["㈜한국", "① 첫째", "ﬁ", "㎞", "½", "北", "가\u200d나", "“따옴표”", "·…―", "똠뷁"]
)
def test_the_outlets_own_characters_stay(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("가\N{NO-BREAK SPACE}나", "가 나"),
        ("가\u3000나", "가 나"),
        (" 가\r\n\t나 ", "가 나"),
        ("가\u200b나\ufeff", "가나"),
        ("가\u00ad나", "가나"),
        ("가\u202e나", "가나"),
        ("가\x1b[2J나", "가[2J나"),
        ("가\ud800나", "가\ufffd나"),
        ("가\0나", "가나"),
    ],
)
def test_spaces_are_one_kind_and_invisible_characters_go(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.lists(ANY))
def test_lines_are_cleaned_and_none_is_empty(texts: list[str]) -> None:
    lines = clean_lines("\n".join(texts))
    assert all(lines)
    assert lines == [clean(line) for line in lines]


@given(ANY, ANY)
def test_language_is_a_code_or_nothing(text: str, declared: str) -> None:
    code = language_of(text, declared)
    assert code == "" or len(code) == 2 or code == declared[:2].lower()


@pytest.mark.parametrize(
    ("text", "declared", "expected"),
    [
        ("북한과 러시아", "", "ko"),
        ("NYT에 따르면 SK하이닉스", "en", "ko"),
        ("金正恩", "", "zh"),
        ("これは記事です", "", "ja"),
        ("The article", "en-US", "en"),
        ("The article", "ko", ""),
        ("123", "en", ""),
        ("", "", ""),
    ],
)
def test_language_by_script(text: str, declared: str, expected: str) -> None:
    assert language_of(text, declared) == expected


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("\u3164ㄸㅗㅁ얌꿍", "똠얌꿍"),
        ("\u3164ㅂㅞㄹㄱ", "뷀ㄱ"),
        ("\u3164ㅂㅞㄺ", "뷁"),
        ("\u3164ㄱㅏ\u3164", "가"),
        ("[\u3164ㄸㅗㅁ얌꿍]", "[똠얌꿍]"),
        ("\u3164ㅋ\u3164\u3164", "ㅋ"),
        ("\u3164\u3164ㅠ\u3164", "ㅠ"),
        ("\u3164\u3164\u3164ㄳ", "ㄳ"),
        ("제목\u3164부제", "제목\u3164부제"),
        ("\u3164", "\u3164"),
        ("\u3164ㅋㅋㅋ", "\u3164ㅋㅋㅋ"),
        ("ㄸㅗㅁ", "ㄸㅗㅁ"),
    ],
)
def test_syllables_made_up_of_letters_behind_a_filler_are_composed(
    printed: str, expected: str
) -> None:
    assert clean(printed) == expected


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
def test_every_syllable_that_the_annex_writes_is_composed(syllable: str) -> None:
    at = ord(syllable) - 0xAC00
    parts = (_INITIALS[at // 588], _VOWELS[at // 28 % 21], _FINALS[at % 28])
    assert clean("\u3164" + "".join(parts)) == syllable


def test_hanja_with_several_codes_in_ks_x_1001_are_one_character() -> None:
    codes = (b"\xe4\xc5", b"\xd1\xe2", b"\xd5\xa5", b"\xe8\xf9")  # read as ak, nak, rak, yo
    assert {clean(code.decode("cp949")) for code in codes} == {"\u6a02"}


def test_every_hanja_that_ks_x_1001_has_twice_becomes_one() -> None:
    cells = (bytes([row, cell]) for row in range(0xCA, 0xFE) for cell in range(0xA1, 0xFF))
    hanja = "".join(cell.decode("cp949", "ignore") for cell in cells)
    doubled = [character for character in hanja if "\uf900" <= character <= "\ufaff"]
    assert len(doubled) == 268
    assert all(clean(f"[{character}]")[1] < "\uf900" for character in doubled)


@pytest.mark.parametrize(
    ("length", "damage", "damaged", "mojibake"),
    [(40, 0, False, False), (40, 4, True, False), (40, 5, True, True), (4000, 4, False, False)],
)
def test_four_replaced_characters_are_one_bad_byte_and_not_a_wrong_charset(
    length: int, damage: int, *, damaged: bool, mojibake: bool
) -> None:
    text = "가" * length + "\ufffd" * damage
    assert (is_damaged(text), is_mojibake(text)) == (damaged, mojibake)


@given(ANY)
def test_damage_of_any_text_is_measured(text: str) -> None:
    assert is_mojibake(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        ("据新华社报道国家统计局今天公布了最新经济数据前三季度国内生产总值同比增长" * 3, "gb2312", "cp949"),
        ("国土交通省は今日全国の住宅地の価格を公表しました東京や大阪では" * 3, "euc_jp", "cp949"),
        ("国土交通省は今日全国の住宅地の価格を公表しました東京や大阪では" * 3, "shift_jis", "cp949"),
        ("국토교통부는 오늘 전국의 주택 가격을 공개했다. 서울에서는 오르고 있다. " * 3, "johab", "cp949"),
        ("국토교통부는 오늘 전국의 주택 가격을 공개했다. 서울에서는 오르고 있다. " * 3, "cp949", "johab"),
    ],
)  # fmt: skip
def test_text_of_another_charset_is_no_korean(text: str, written: str, read: str) -> None:
    assert not is_mojibake(text)
    assert is_mojibake(text.encode(written).decode(read, "ignore"))


@pytest.mark.parametrize(
    "text",
    [
        "△부사장 김용준 박명환 △전무 최병석 정광호 강철민 △상무 윤종현 송영준 장현석 임창균 황보영 권혁준",
        "▲김영순 씨 별세, 박준형(현대건설 부장) 씨 모친상, 최윤정 씨 빙모상 = 삼성서울병원 장례식장 12호실",
        "블랙핑크 뉴진스 르세라핌 에스파 트와이스 스트레이키즈 빅뱅 컴백 쇼케이스 팬미팅 굿즈 플리마켓 핫플 릴스",
        "관련 뉴스 " * 20,
    ],
)  # fmt: skip
def test_lists_of_names_are_korean(text: str) -> None:
    assert not is_mojibake(text)


@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=20, max_size=29))
def test_hangul_is_never_damage_and_its_bytes_read_as_latin1_always_are(text: str) -> None:
    assert not is_mojibake(text.replace("占쏙옙", ""))
    assert is_mojibake(text.encode().decode("latin-1"))
