"""Where in a text the phrases of a query stand: its own characters, not those of the tokens.

A phrase is found in the folded text, without its blanks, as full-text search finds it. So each
folded character is traced back to those that it was made of. In a sentence with Hanja a phrase is
looked for in each reading, too, which has a syllable for each character.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from archive.index.search.hanja import HANJA, readings
from archive.index.search.text import COMMA_IN_NUMBER, SENTENCE_END, USUAL, fold_word
from archive.model.normal_form import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.index.search.query import Phrase

#: Begin and end of a part of a text.
Mark = tuple[int, int]
#: Between two runs, and between two folded words of different runs.
_SEAM = " "
_RUN = re.compile("[0-9a-z가-힣]+")
_ANY_RUN = re.compile("[^ ]+")
_WORD = re.compile(r"\S+")


class _Folded(NamedTuple):
    """The runs of a text, one blank between two; for each character the part it was made of."""

    text: str
    marks: list[Mark]


def find_marks(text: str, phrases: Iterable[Phrase]) -> list[Mark]:
    """Return the parts of a text that the phrases match, in order, none touching the next one."""
    wanted = [*dict.fromkeys(map(run_text, phrases))]
    found: list[Mark] = []
    for folded in _foldings(text):
        for one in wanted:
            found += _occurrences(folded, one)
    return _joined(sorted(found))


def run_text(phrase: Phrase) -> str:
    """Return the runs that a phrase is made of, one blank between two."""
    runs: list[str] = []
    open_run = ""
    for token in phrase.tokens:
        if len(token) == 1:  # the last character of a run, again
            runs.append(open_run or token)
            open_run = ""
        else:
            open_run += token[1] if open_run else token
    return _SEAM.join([*runs, open_run] if open_run else runs)


def _occurrences(folded: _Folded, wanted: str) -> Iterator[Mark]:
    at = folded.text.find(wanted)
    while at >= 0:
        yield folded.marks[at][0], folded.marks[at + len(wanted) - 1][1]
        at = folded.text.find(wanted, at + len(wanted))


def _joined(marks: list[Mark]) -> list[Mark]:
    """Return the parts with those that overlap or touch made one."""
    joined: list[Mark] = []
    for begin, end in marks:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((begin, end))
    return joined


def _foldings(text: str) -> Iterator[_Folded]:
    """Yield the folded text, and each reading of its sentences with Hanja."""
    if USUAL.fullmatch(text):
        yield _folded_usual(text)
        return
    yield _folded(_units(text))
    begin = 0
    ends = [(end.start(), end.end()) for end in SENTENCE_END.finditer(text)]
    for stop, following in [*ends, (len(text), len(text))]:
        if HANJA.search(text, begin, stop):
            yield from map(_folded, _read(text[begin:stop], begin))
        begin = following


def _folded_usual(text: str) -> _Folded:
    """Return a folded text whose characters are folded each to itself or its small letter."""
    places = [at for at, sign in enumerate(text) if sign not in " \n"]
    marks = [(at, at + 1) for at in places]
    return _runs(text.replace(" ", "").replace("\n", "").lower(), marks, _RUN)


def _folded(units: Iterable[tuple[str, Mark]]) -> _Folded:
    """Return the runs of folded units, each with the part of the text that it stands for."""
    pieces: list[str] = []
    marks: list[Mark] = []
    for piece, mark in units:
        pieces.append(piece)
        marks += [mark] * len(piece)
    return _runs("".join(pieces), marks, _ANY_RUN)


def _runs(joined: str, marks: list[Mark], run: re.Pattern[str]) -> _Folded:
    if "," in joined:
        inner = {comma.start() for comma in COMMA_IN_NUMBER.finditer(joined)}
        marks = [mark for at, mark in enumerate(marks) if at not in inner]
        joined = COMMA_IN_NUMBER.sub("", joined).replace(",", " ")
    found: list[str] = []
    kept: list[Mark] = []
    for part in run.finditer(joined):
        if found:
            kept.append(marks[part.start()])
        found.append(part[0])
        kept += marks[part.start() : part.end()]
    return _Folded(_SEAM.join(found), kept)


def _units(text: str) -> Iterator[tuple[str, Mark]]:
    """Yield the smallest parts of a text that are folded alone, folded."""
    for word in _WORD.finditer(text):
        bounds = _bounds(word[0])
        pieces = [fold_word(word[0][begin:end]) for begin, end in bounds]
        if "".join(pieces) != fold_word(word[0]):
            pieces, bounds = [fold_word(word[0])], [(0, len(word[0]))]
        for piece, (begin, end) in zip(pieces, bounds, strict=True):
            yield piece, (word.start() + begin, word.start() + end)


def _read(sentence: str, start: int) -> Iterator[list[tuple[str, Mark]]]:
    """Yield the units of each reading of a sentence that begins at ``start`` in its text."""
    bounds = _bounds(sentence)
    composed = [normalized("NFKC", sentence[begin:end]) for begin, end in bounds]
    if "".join(composed) != normalized("NFKC", sentence):
        return
    ends = [0, *accumulate(map(len, composed))]
    for reading in readings("".join(composed)):
        yield [
            (fold_word(reading[at:to]), (start + begin, start + end))
            for (at, to), (begin, end) in zip(pairwise(ends), bounds, strict=True)
        ]


def _bounds(text: str) -> list[Mark]:
    """Return begin and end of each character with the marks that compose with it."""
    begins = [at for at, sign in enumerate(text) if not at or not _composes(sign)]
    return [*pairwise([*begins, len(text)])]


@lru_cache(maxsize=2**14)
def _composes(sign: str) -> bool:
    return (
        unicodedata.category(sign).startswith("M")
        or "\u1160" <= sign <= "\u11ff"  # vowels and final consonants of Hangul
        or sign in "\uff9e\uff9f"  # sound marks of half-width kana
    )
