"""The tokens of full-text search: the same for texts and queries, and for every database.

A text is folded: NFKC (but for lone letters of Hangul) and letter case; blanks, invisible
characters and the comma within a number (1,234) are left out. The rest falls into runs of letters,
digits and marks, of any script; other characters only end a run. Each character of a run and the
next one are a token, and its last character alone. So whatever stands in a text without its blanks
is found by a phrase of tokens: 한국은행 in 한국 은행, iPhone in iPhone15pro. Stored text is never
changed.

A sentence with Hanja is added once more for each of its readings.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from operator import add

from archive.index.hanja import HANJA, readings

#: A token between the text and its readings, which no query has: no phrase crosses it.
_SEAM = "\ue000"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=。)|\n")
_COMMA_IN_NUMBER = re.compile(r"(?<=\d),(?=\d)")
#: A word whose comma may be one within a number.
_COMMA_AT_END = re.compile(r"\d,$|^,\d|^,$")
#: Fillers, joiners, marks of direction and variation: invisible, and found within words. All other
#: invisible characters are of the category Cf.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)


class _Characters(dict[int, str]):
    """What becomes of a character: itself, nothing, or a blank that ends a run."""

    def __missing__(self, code: int) -> str:
        self[code] = kept = _kept(chr(code))
        return kept


#: Letters of Hangul that a person types alone, ㅋㅋㅠㅠ. NFKC would compose them: ᄏ큐ᅲ.
_LONE_JAMO = re.compile("([\u3131-\u318e]+)")
#: What NFKC makes of one such letter -> the letter.
_TYPED = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0x3131, 0x318F)}


def _kept(character: str) -> str:
    if character.isspace() or _INVISIBLE.match(character):
        return ""
    if character in _TYPED:
        return _TYPED[character]
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    is_kept = character.isalnum() or character == "," or category.startswith("M")
    return character if is_kept else " "


_CHARACTERS = _Characters()


def runs(text: str) -> list[str]:
    """Return the runs of letters, digits and marks of a text, folded, blanks left out."""
    joined = _COMMA_IN_NUMBER.sub("", "".join(map(_folded, text.split())))
    return joined.replace(",", " ").split()


def pairs(run: str) -> list[str]:
    """Return each character of a run with the next one."""
    return list(map(add, run, run[1:]))


def tokens(content: str) -> str:
    """Return the search tokens of a text, separated by spaces."""
    found = [_tokens(content)]
    if HANJA.search(content):
        for sentence in _SENTENCE_END.split(content):
            for reading in readings(unicodedata.normalize("NFKC", sentence)):
                if made := _tokens(reading):
                    found += [_SEAM, made]
    return " ".join(filter(None, found))


def tokens_of_runs(text: str) -> list[str]:
    """Return the tokens of a text without its readings."""
    return [token for run in runs(text) for token in (*pairs(run), run[-1])]


def _tokens(text: str) -> str:
    """Return the same as `tokens_of_runs`, in a third of the time, from the tokens of its words."""
    found: list[str] = []
    tail = ""
    for word in text.split():
        part = _word_tokens(word)
        if part is None:
            return " ".join(tokens_of_runs(text))
        head, inner, end = part
        if tail:
            found.append(tail + head)  # a last character alone where nothing continues its run
        if inner:
            found.append(inner)
        tail = end
    if tail:
        found.append(tail)
    return " ".join(found)


# Folding word by word equals folding the text: neither composition nor case crosses white space.
def _folded(word: str) -> str:
    """Return the word with a blank for what ends a run, and with its commas."""
    if _LONE_JAMO.search(word):
        return "".join(
            part if at % 2 else _nfkc(part) for at, part in enumerate(_LONE_JAMO.split(word))
        ).translate(_CHARACTERS)
    return _nfkc(word).translate(_CHARACTERS)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


# Most words of a text repeat. It takes some 5 MB.
@lru_cache(maxsize=2**14)
def _word_tokens(word: str) -> tuple[str, str, str] | None:
    """Return a word's first character, the tokens within the word, and its last character.

    The characters are ``""`` where a run ends before or behind the word. None if the word's place
    among others decides how it is folded.
    """
    folded = _COMMA_IN_NUMBER.sub("", _folded(word))
    if not folded or _COMMA_AT_END.search(folded):
        return None
    spread = f" {folded.replace(',', ' ')} ".split(" ")
    tokens = [token for run in spread if run for token in (*pairs(run), run[-1])]
    head, tail = spread[1][:1], spread[-2][-1:]
    if tail:
        tokens.pop()
    return head, " ".join(tokens), tail
