"""Word-level diff: complete, in order, readable in Korean, bounded in time."""

from __future__ import annotations

import random
from itertools import pairwise
from time import process_time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.differences.word_diff import Piece, Size, diff, size_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: Far longer than any text here takes, far shorter than a step that is quadratic in 100,000 words.
SECONDS = 8.0


def shown(pieces: list[Piece]) -> str:
    marks = {" ": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    return "".join(marks[piece.sign].format(piece.text) for piece in pieces)


def applied(pieces: list[Piece], sign: str) -> str:
    """Return the text of one side: ``-`` the old one, ``+`` the new one."""
    return "".join(piece.text for piece in pieces if piece.sign in (" ", sign))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("가", "가", "가"),
        ("", "가 나", "{+가 나+}"),
        ("가 나", "", "[-가 나-]"),
        ("3200쪽을 처음으로", "3201쪽을 처음으로", "[-3200-]{+3201+}쪽을 처음으로"),
        ("총 1,200.5원", "총 1,300.5원", "총 [-1,200.5-]{+1,300.5+}원"),
        ("도서관이 열렸다", "도서관은 열렸다", "[-도서관이-]{+도서관은+} 열렸다"),
        ("어제 문을 열었다", "어제 다시 문을 열었다", "어제{+ 다시+} 문을 열었다"),
        ("“좋다”고 했다", "‘좋다’고 했다", "[-“-]{+‘+}좋다[-”-]{+’+}고 했다"),
        (
            "첫 문단.\n\n둘째 문단.",
            "첫 문단.\n\n새 문단.\n\n둘째 문단.",
            "첫 문단.\n\n{+새 문단.\n\n+}둘째 문단.",
        ),
        ("한 문단. 두 문장.", "한 문단.\n\n두 문장.", "한 문단.[- -]{+\n\n+}두 문장."),
        ("어제 문을 열었다", "문을 열었다", "[-어제 -]문을 열었다"),
        ("문을 열었다", "어제 문을 열었다", "{+어제 +}문을 열었다"),
        ("한번 더", "한 번 더", "[-한번-]{+한 번+} 더"),
        ("10명 참여", "10 명 참여", "10{+ +}명 참여"),
        ("AI가 쓴 글", "인공지능이 쓴 글", "[-AI가-]{+인공지능이+} 쓴 글"),
        ("北 미사일 2발", "北 미사일 3발", "北 미사일 [-2-]{+3+}발"),
    ],
)
def test_the_words_that_differ_are_marked(old: str, new: str, expected: str) -> None:
    assert shown(diff(old, new)) == expected


TEXTS = st.lists(
    st.sampled_from(["가", "나다", "12", "3쪽", "A", ".", "“", " ", " ", "\n\n", "北", "é", "\x00"])
).map("".join)


@given(TEXTS | st.text(), TEXTS | st.text())
def test_a_difference_applied_gives_either_text(old: str, new: str) -> None:
    pieces = diff(old, new)
    assert applied(pieces, "-") == old
    assert applied(pieces, "+") == new
    assert all(
        piece.text and one.sign != piece.sign for one, piece in pairwise([Piece("", ""), *pieces])
    )
    assert not [pair for pair in pairwise(piece.sign for piece in pieces) if pair == ("+", "-")]
    assert all(piece.sign == " " for piece in pieces) == (old == new)


def words(number: int, vocabulary: int, seed: int = 1) -> list[str]:
    pick = random.Random(seed)
    return [f"낱말{pick.randrange(vocabulary)}" for _ in range(number)]


def edited(text: list[str], edits: int) -> list[str]:
    pick, copy = random.Random(2), list(text)
    for number in range(edits):
        copy[pick.randrange(len(copy))] = f"고친말{number}"
    return copy


@pytest.mark.parametrize("length", [200, 2_000, 20_000])
def test_a_few_edits_of_a_long_text_are_found_as_such(length: int) -> None:
    old = words(length, length // 4)
    size = size_of(diff(" ".join(old), " ".join(edited(old, 10))))
    assert 10 <= size.words_added <= 20
    assert size.words_added == size.words_removed


def test_one_edit_of_a_text_of_any_length_is_found() -> None:
    old = words(150_000, 50_000)
    new = [*old[:70_000], "고친말", *old[70_001:]]
    assert size_of(diff(" ".join(old), " ".join(new))).words_added == 1


#: Texts, made when they are asked for.
LONG: dict[str, Callable[[], tuple[list[str], list[str]]]] = {
    "another text": lambda: (words(20_000, 5_000, 3), words(20_000, 5_000, 4)),
    "two words only": lambda: (words(30_000, 2, 3), words(30_000, 2, 4)),
    "one word": lambda: (["가"] * 60_000, [*["가"] * 59_000, "나"]),
    "a whole library": lambda: (words(120_000, 50_000, 3), words(120_000, 50_000, 4)),
    "backwards": lambda: ([f"{n}" for n in range(30_000)], [f"{n}" for n in range(30_000)][::-1]),
    "blocks": lambda: (
        [w for n in range(80) for w in (f"제{n}", *words(120, 2, n))],
        [w for n in range(80) for w in (f"제{n}", *words(120, 2, n + 500))],
    ),
}


@pytest.mark.parametrize("kind", LONG)
def test_long_texts_of_any_kind_take_seconds(kind: str) -> None:
    old, new = map(" ".join, LONG[kind]())
    start = process_time()
    pieces = diff(old, new)
    assert process_time() - start < SECONDS
    assert (applied(pieces, "-"), applied(pieces, "+")) == (old, new)


def test_a_size_counts_words_and_their_characters() -> None:
    assert size_of(diff("어제 문을 열었다.", "문을 다시 활짝 열었다.")) == Size(2, 1, 4, 2)
    assert size_of(diff("같다", "같다")) == Size()
    assert size_of(diff("한 문단. 두 문장.", "한 문단.\n\n두 문장.")) == Size()
