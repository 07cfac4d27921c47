"""Cleaning of text, detection of its language and of wrong decoding."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text import clean, clean_lines, is_mojibake, language_of

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


@given(ANY)
def test_damage_is_told_of_any_text(text: str) -> None:
    assert is_mojibake(text) in (True, False)


@given(st.text(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), min_size=20))
def test_hangul_is_never_damage_and_its_bytes_read_as_latin1_always_are(text: str) -> None:
    assert not is_mojibake(text.replace("占쏙옙", ""))
    assert is_mojibake(text.encode().decode("latin-1"))
