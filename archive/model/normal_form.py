"""Unicode normal forms in linear time.

Python sorts the marks behind a letter by a method whose time is the square of their number, and
100,000 marks take it 10 s, which no signal ends. So long runs of marks are broken as Unicode
Standard Annex #15 breaks them for its Stream-Safe Text Format. No writing has that many.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

Form = Literal["NFC", "NFKC"]
#: The most marks of a run.
_MARKS = 30
#: Put behind so many: invisible, and the marks before and behind it are sorted apart.
_JOINER = "\u034f"


class _Kinds(dict[int, str]):
    """What is counted of a character: ``m`` if it is a mark or becomes one, else a blank."""

    def __missing__(self, code: int) -> str:
        first = unicodedata.normalize("NFKD", chr(code))[0]
        self[code] = kind = "m" if unicodedata.combining(first) else " "
        return kind


_KINDS = _Kinds()


def normalized(form: Form, text: str) -> str:
    """Return the text in a normal form, with U+034F behind each 30 marks in a row."""
    if len(text) > _MARKS:
        if unicodedata.is_normalized(form, text):
            return text
        text = _broken(text)
    return unicodedata.normalize(form, text)


def _broken(text: str) -> str:
    """Return the text with its long runs of marks broken."""
    kinds = text.translate(_KINDS)
    long = "m" * (_MARKS + 1)
    at = kinds.find(long)
    if at < 0:
        return text
    parts: list[str] = []
    done = 0
    while at >= 0:
        parts += [text[done : at + _MARKS], _JOINER]
        done = at + _MARKS
        at = kinds.find(long, done)
    return "".join([*parts, text[done:]])
