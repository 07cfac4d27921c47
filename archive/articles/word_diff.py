"""What differs between two texts, word by word; Korean as it is written, bounded for texts of any length."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A number, a run of Hangul, a run of other letters, or one other character, each with the space
#: before it; line ends by themselves. So a counter or particle parts from its figure: of `3200쪽을`
#: and `3201쪽을` the number alone differs.
_TOKEN = re.compile(r"\n+| ?(?:\d+(?:[.,]\d+)*|[가-힣ㄱ-ㆎ]+|[^\W\d_가-힣ㄱ-ㆎ]+|[^\n])")
#: difflib is quadratic and worse, so it only sees stretches whose lengths multiply to at most this.
_SMALL = 65_536
#: How often a stretch is parted at words that occur once, and how many tokens of both texts it may
#: hold; deeper or longer, it counts as replaced whole. Two Korean texts of 280,000 characters each
#: come to about so many.
_DEPTH, _LONGEST = 24, 200_000

_Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: ``sign`` is ``" "`` in both, ``"-"`` in the old one only, ``"+"`` in the new one only."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Size:
    """How much was taken out and put in: words (as parted by spaces) and their characters."""

    words_added: int = 0
    words_removed: int = 0
    chars_added: int = 0
    chars_removed: int = 0


def diff(old: str, new: str) -> list[Piece]:
    """The pieces that lead from one text to the other; no two neighbours have one sign, and - comes before +.

    Those signed ``" "`` and ``"-"`` together are the old text, those signed ``" "`` and ``"+"`` the
    new one.
    """
    if old == new:
        return [Piece(" ", old)] if old else []
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    signed: list[tuple[str, str]] = []
    at_a = at_b = 0
    for start_a, start_b, length in [*_matches(_words(a), _words(b)), (len(a), len(b), 0)]:
        signed += [("-", token) for token in a[at_a:start_a]] + [
            ("+", token) for token in b[at_b:start_b]
        ]
        at_a, at_b = start_a + length, start_b + length
        for one, other in zip(a[start_a:at_a], b[start_b:at_b], strict=True):
            if one != other:  # one word, with a space before it on one side only
                signed.append(("-" if len(one) > len(other) else "+", " "))
            signed.append((" ", min(one, other, key=len)))
    return list(_pieces(signed))


def _words(tokens: Iterable[str]) -> list[str]:
    """What the tokens are compared by: a word is the same after a space and at a paragraph's start."""
    return [token[1:] if token[0] == " " and len(token) > 1 else token for token in tokens]


def _pieces(signed: Iterable[tuple[str, str]]) -> Iterator[Piece]:
    """Signed tokens as pieces: what lies between tokens of both texts is first taken out, then put in."""
    same = ""
    for both, group in groupby(signed, key=lambda token: token[0] == " "):
        tokens = list(group)
        gone, come = ("".join(text for sign, text in tokens if sign == wanted) for wanted in "-+")
        if both:
            same += "".join(text for _, text in tokens)
        elif gone == come:
            same += gone
        else:
            if gone[:1] == come[:1] == " ":  # the space before a word that was exchanged stays
                gone, come, same = gone[1:], come[1:], same + " "
            yield from (
                Piece(sign, text) for sign, text in ((" ", same), ("-", gone), ("+", come)) if text
            )
            same = ""
    if same:
        yield Piece(" ", same)


def size_of(pieces: Sequence[Piece]) -> Size:
    """How much the pieces take out and put in."""
    added = [word for piece in pieces if piece.sign == "+" for word in piece.text.split()]
    removed = [word for piece in pieces if piece.sign == "-" for word in piece.text.split()]
    return Size(len(added), len(removed), sum(map(len, added)), sum(map(len, removed)))


def _matches(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Stretches both share, in order: common ends, then words that occur once in both (patience), then difflib."""
    # By hand and not by recursion, in order: what comes first in the texts is taken up first.
    waiting: list[tuple[_Span, int]] = [((0, len(a), 0, len(b)), 0)]
    while waiting:
        (a_from, a_to, b_from, b_to), depth = waiting.pop()
        if depth < 0:  # a match put aside until what stands before it was done
            yield a_from, b_from, a_to - a_from
            continue
        start = 0
        while (
            a_from + start < a_to
            and b_from + start < b_to
            and a[a_from + start] == b[b_from + start]
        ):
            start += 1
        if start:
            yield a_from, b_from, start
        a_from, b_from, end = a_from + start, b_from + start, 0
        while (
            a_from < a_to - end and b_from < b_to - end and a[a_to - end - 1] == b[b_to - end - 1]
        ):
            end += 1
        if end:
            waiting.append(((a_to - end, a_to, b_to - end, b_to), -1))
        a_to, b_to = a_to - end, b_to - end
        if a_from == a_to or b_from == b_to:
            continue
        if (a_to - a_from) * (b_to - b_from) <= _SMALL:
            matcher = SequenceMatcher(None, a[a_from:a_to], b[b_from:b_to], autojunk=False)
            for at_a, at_b, length in matcher.get_matching_blocks():
                if length:
                    yield a_from + at_a, b_from + at_b, length
        elif depth < _DEPTH and a_to - a_from + b_to - b_from <= _LONGEST:
            span = (a_from, a_to, b_from, b_to)
            anchors = _anchors(a, b, span, 1) or _anchors(a, b, span, 4)
            bounds = [(a_from - 1, b_from - 1), *anchors, (a_to, b_to)] if anchors else []
            for (a_left, b_left), (a_right, b_right) in reversed(list(pairwise(bounds))):
                if (a_right, b_right) != (a_to, b_to):
                    waiting.append(((a_right, a_right + 1, b_right, b_right + 1), -1))
                waiting.append(((a_left + 1, a_right, b_left + 1, b_right), depth + 1))


def _anchors(a: Sequence[str], b: Sequence[str], span: _Span, length: int) -> list[tuple[int, int]]:
    """Places of runs of so many tokens that occur once on both sides: as many as stand in one order."""
    a_from, a_to, b_from, b_to = span
    once_a, once_b = _once(a, a_from, a_to, length), _once(b, b_from, b_to, length)
    pairs = [(at, once_b[run]) for run, at in once_a.items() if run in once_b]
    # The longest rising run of the places in b, by piles.
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        before.append(last[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(place)
            last.append(number)
        else:
            tops[pile], last[pile] = place, number
    chain: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]


def _once(tokens: Sequence[str], start: int, end: int, length: int) -> dict[tuple[str, ...], int]:
    """Runs of so many tokens that occur once in the stretch, by their place, in order."""
    runs = [tuple(tokens[at : at + length]) for at in range(start, end - length + 1)]
    count = Counter(runs)
    return {run: start + at for at, run in enumerate(runs) if count[run] == 1}
