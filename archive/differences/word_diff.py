"""Word-level difference of two texts: Korean tokens, bounded time for texts of any length."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A number, a run of Hangul, a run of other letters, or one other character, each with the space
#: before it; line ends by themselves. This separates a counter or particle from its number: in
#: `3200쪽을` and `3201쪽을` only the number differs.
_TOKEN = re.compile(r"\n+| ?(?:\d+(?:[.,]\d+)*|[가-힣ㄱ-ㆎ]+|[^\W\d_가-힣ㄱ-ㆎ]+|[^\n])")
#: difflib takes quadratic time or worse, so it compares only spans whose token counts multiply to
#: at most this.
_SMALL = 65_536
#: How often a span is split at unique tokens, and the most tokens of both texts that a span may
#: hold to be split. A span that is deeper or longer counts as replaced. Two Korean texts of
#: 280,000 characters each have about so many tokens.
_DEPTH, _LONGEST = 24, 200_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a difference; ``sign`` is ``" "`` (both texts), ``"-"`` (old) or ``"+"`` (new)."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Size:
    """The number of words (separated by white space) added and removed, and their characters."""

    words_added: int = 0
    words_removed: int = 0
    chars_added: int = 0
    chars_removed: int = 0


class _Match(NamedTuple):
    """A run of ``length`` tokens that are equal in both texts, by their first positions."""

    a: int
    b: int
    length: int


class _Span(NamedTuple):
    """The tokens from ``a_from`` to ``a_to`` of one text, and those of the other text."""

    a_from: int
    a_to: int
    b_from: int
    b_to: int


def diff(old: str, new: str) -> list[Piece]:
    """Return the pieces that lead from one text to the other.

    The pieces signed ``" "`` and ``"-"`` together are the old text, those signed ``" "`` and
    ``"+"`` the new one. No two neighbours have the same sign, and ``"-"`` comes before ``"+"``.
    """
    if old == new:
        return list(_non_empty(Piece(" ", old)))
    a, b = _TOKEN.findall(old), _TOKEN.findall(new)
    return list(_pieces(_signed_tokens(a, b)))


def size_of(pieces: Sequence[Piece]) -> Size:
    """Return how many words and characters the pieces add and remove."""
    added = [word for piece in pieces if piece.sign == "+" for word in piece.text.split()]
    removed = [word for piece in pieces if piece.sign == "-" for word in piece.text.split()]
    return Size(len(added), len(removed), sum(map(len, added)), sum(map(len, removed)))


def _signed_tokens(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the tokens of both texts, each with its sign."""
    words_a, words_b = _words(a), _words(b)
    everything = _Span(0, len(a), 0, len(b))
    matches = [*_matches(words_a, words_b, everything), _Match(len(a), len(b), 0)]
    at_a = at_b = 0
    for match in matches:
        yield from (("-", token) for token in a[at_a : match.a])
        yield from (("+", token) for token in b[at_b : match.b])
        at_a, at_b = match.a + match.length, match.b + match.length
        for one, other in zip(a[match.a : at_a], b[match.b : at_b], strict=True):
            if len(one) > len(other):  # the same word, preceded by a space in one text only
                yield "-", " "
            elif len(one) < len(other):
                yield "+", " "
            yield " ", min(one, other, key=len)


def _words(tokens: Iterable[str]) -> list[str]:
    """Return the tokens without the space before them: a paragraph's first word has none."""
    return [token[1:] if token[0] == " " and len(token) > 1 else token for token in tokens]


def _pieces(signed: Iterable[tuple[str, str]]) -> Iterator[Piece]:
    """Join signed tokens to pieces; between tokens of both texts, removed ones come first."""
    same = ""
    for in_both, group in groupby(signed, key=lambda token: token[0] == " "):
        tokens = list(group)
        if in_both:
            same += _joined(tokens, " ")
            continue
        removed, added = _joined(tokens, "-"), _joined(tokens, "+")
        if removed == added:
            same += removed
            continue
        if removed[:1] == added[:1] == " ":  # keep the space before a replaced word
            removed, added, same = removed[1:], added[1:], same + " "
        yield from _non_empty(Piece(" ", same), Piece("-", removed), Piece("+", added))
        same = ""
    yield from _non_empty(Piece(" ", same))


def _joined(tokens: Iterable[tuple[str, str]], sign: str) -> str:
    return "".join(text for own_sign, text in tokens if own_sign == sign)


def _non_empty(*pieces: Piece) -> Iterator[Piece]:
    return (piece for piece in pieces if piece.text)


def _matches(a: Sequence[str], b: Sequence[str], span: _Span, depth: int = 0) -> Iterator[_Match]:
    """Yield the runs of equal tokens within the span, in order.

    First the common start and end are taken. What lies between them is compared by difflib if it
    is small; otherwise it is split at tokens that occur once in both texts (patience diff).
    """
    start = _common_start(a, b, span)
    if start:
        yield _Match(span.a_from, span.b_from, start)
    span = span._replace(a_from=span.a_from + start, b_from=span.b_from + start)
    end = _common_end(a, b, span)
    inner = span._replace(a_to=span.a_to - end, b_to=span.b_to - end)
    length_a, length_b = inner.a_to - inner.a_from, inner.b_to - inner.b_from
    if length_a * length_b <= _SMALL:
        yield from _difflib_matches(a, b, inner)
    elif depth < _DEPTH and length_a + length_b <= _LONGEST:
        yield from _split_matches(a, b, inner, depth)
    if end:
        yield _Match(inner.a_to, inner.b_to, end)


def _common_start(a: Sequence[str], b: Sequence[str], span: _Span) -> int:
    longest = min(span.a_to - span.a_from, span.b_to - span.b_from)
    length = 0
    while length < longest and a[span.a_from + length] == b[span.b_from + length]:
        length += 1
    return length


def _common_end(a: Sequence[str], b: Sequence[str], span: _Span) -> int:
    longest = min(span.a_to - span.a_from, span.b_to - span.b_from)
    length = 0
    while length < longest and a[span.a_to - length - 1] == b[span.b_to - length - 1]:
        length += 1
    return length


def _difflib_matches(a: Sequence[str], b: Sequence[str], span: _Span) -> Iterator[_Match]:
    one, other = a[span.a_from : span.a_to], b[span.b_from : span.b_to]
    if not one or not other:
        return
    for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        if block.size:
            yield _Match(span.a_from + block.a, span.b_from + block.b, block.size)


def _split_matches(a: Sequence[str], b: Sequence[str], span: _Span, depth: int) -> Iterator[_Match]:
    """Yield the anchors of the span and, between them, the matches of each part; none without."""
    anchors = _anchors(a, b, span, 1) or _anchors(a, b, span, 4)
    if not anchors:
        return
    a_from, b_from = span.a_from, span.b_from
    for anchor_a, anchor_b in anchors:
        part = _Span(a_from, anchor_a, b_from, anchor_b)
        yield from _matches(a, b, part, depth + 1)
        yield _Match(anchor_a, anchor_b, 1)
        a_from, b_from = anchor_a + 1, anchor_b + 1
    yield from _matches(a, b, _Span(a_from, span.a_to, b_from, span.b_to), depth + 1)


def _anchors(a: Sequence[str], b: Sequence[str], span: _Span, length: int) -> list[tuple[int, int]]:
    """Return where runs of ``length`` tokens lie that occur once in each text, in rising order."""
    once_a = _unique_runs(a, span.a_from, span.a_to, length)
    once_b = _unique_runs(b, span.b_from, span.b_to, length)
    return _longest_rising([(at, once_b[run]) for run, at in once_a.items() if run in once_b])


def _unique_runs(
    tokens: Sequence[str], start: int, end: int, length: int
) -> dict[tuple[str, ...], int]:
    """Return the runs of ``length`` tokens that occur once, with their positions, in order."""
    runs = [tuple(tokens[at : at + length]) for at in range(start, end - length + 1)]
    count = Counter(runs)
    return {run: start + at for at, run in enumerate(runs) if count[run] == 1}


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return a longest subsequence whose second values rise (patience sorting)."""
    tops: list[int] = []  # the last value of each pile
    top_pairs: list[int] = []  # the index in ``pairs`` of each of them
    previous: list[int] = []  # for each pair the index of the one before it, -1 for none
    for index, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        previous.append(top_pairs[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [value]
        top_pairs[pile : pile + 1] = [index]
    rising: list[tuple[int, int]] = []
    if not top_pairs:
        return []
    index = top_pairs[-1]
    while index >= 0:
        rising.append(pairs[index])
        index = previous[index]
    return rising[::-1]
