"""Hanja by reading: the Hangul words that a text with Hanja may be read as."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A run of Hanja, in a text before NFKC too.
HANJA = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
#: Most readings of a text that are all told. With more, each character has its first reading in
#: the first, its second in the second, and so on: a text in Chinese must not be told 2^n times.
MAX_READINGS = 16


def readings(text: str) -> list[str]:
    """Return the text in Hangul, once for each way to read its Hanja; nothing without any.

    The text must be in NFKC, which replaces compatibility ideographs. Characters without a known
    reading stay. An initial ㄹ or ㄴ that is not spoken at the beginning of a word is a reading
    of its own: 李 is 리 and 이.
    """
    table = _table()
    pieces: list[Sequence[str]] = []
    end = 0
    for run in HANJA.finditer(text):
        pieces.append((text[end : run.start()],))
        pieces += [table.get(character, character) for character in run[0]]
        end = run.end()
    if not pieces:
        return []
    pieces.append((text[end:],))
    if _are_few(pieces):
        return ["".join(choice) for choice in product(*pieces)]
    ways = max(map(len, pieces))
    return ["".join(piece[min(way, len(piece) - 1)] for piece in pieces) for way in range(ways)]


def _are_few(pieces: Sequence[Sequence[str]]) -> bool:
    """Whether there are at most `MAX_READINGS` ways to choose one of each piece."""
    ways = 1
    for piece in pieces:  # their product has as many digits as the text has characters
        ways *= len(piece)
        if ways > MAX_READINGS:
            return False
    return True


@cache
def _table() -> Mapping[str, str]:
    """Return the readings of each character, as a text of one syllable each."""
    found: dict[str, str] = {}
    lines = files(__package__).joinpath("hanja_readings.txt").read_text(encoding="utf-8")
    for line in lines.splitlines():
        if not line.startswith("#"):
            syllable, _, characters = line.partition(" ")
            for character in characters:
                found[character] = found.get(character, "") + syllable
    return found
