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
from array import array
from operator import add

from archive.index.search.hanja import HANJA, readings
from archive.model.normal_form import normalized

#: A token between the text and its readings, which no query has: no phrase crosses it.
SEAM = "\ue000"
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=。)|\n")
#: The comma first: a search for a fixed character is ten times as fast as one for a digit.
COMMA_IN_NUMBER = re.compile(r",(?<=\d,)(?=\d)")
#: In front of a folded word with Hanja; it is in no run.
_HAS_HANJA = "\ue001"
#: Most words of an article: folding changes none of their syllables.
_HANGUL_WORD = re.compile("([가-힣]+)([.]?)")
#: A text of which folding changes nothing but the case of its letters, and in which each sign but
#: the comma ends a run: that of most articles.
USUAL = re.compile(r"[ \n!-~가-힣·‘’“”…–—▲△▼▽■□●○◆◇▶※→「」『』〈〉《》【】]*")
_RUN = re.compile("[0-9a-z가-힣]+")
#: Between two runs while the characters of all are spread; neither it nor a blank is in a run.
_BETWEEN = "\n"
#: What the end of one run and the begin of the next make of themselves.
_SPREAD_BETWEEN = re.compile(f"{_BETWEEN} {_BETWEEN}.")
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


#: The most words that are remembered, in some 3 MB, and the longest: a page may be one word.
_REMEMBERED, _LONGEST = 2**14, 50
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
    found, _ = _runs(text)
    return found


def pairs(run: str) -> list[str]:
    """Return each character of a run with the next one."""
    return list(map(add, run, run[1:]))


def tokens(content: str) -> str:
    """Return the search tokens of a text, separated by spaces."""
    return tokens_and_letters(content)[0]


def tokens_and_letters(content: str) -> tuple[str, str]:
    """Return the search tokens of a text, and all that its runs are made of, one behind the other.

    Both are of the text and of its readings.
    """
    made, letters, has_hanja = _tokens(content)
    found = [made]
    if has_hanja:
        for sentence in SENTENCE_END.split(content):
            for reading in readings(normalized("NFKC", sentence)):
                made, others, _ = _tokens(reading)
                if made:
                    found += [SEAM, made]
                    letters += others
    return " ".join(filter(None, found)), letters


def folded(content: str) -> str:
    """Return the runs of a text and of its readings, one blank between two.

    A phrase of tokens follows each other where its own runs stand in it, see `marks.run_text`.
    """
    found, has_hanja = _runs(content)
    if has_hanja:
        for sentence in SENTENCE_END.split(content):
            for reading in readings(normalized("NFKC", sentence)):
                found = [*found, SEAM, *_runs(reading)[0]]
    return " ".join(found)


def tokens_of_runs(text: str) -> list[str]:
    """Return the tokens of a text without its readings."""
    return [token for run in runs(text) for token in (*pairs(run), run[-1])]


def _tokens(text: str) -> tuple[str, str, bool]:
    """Return the tokens of a text without its readings, its letters, and whether it holds Hanja.

    They are the same as those of `tokens_of_runs`, in half the time, by spreading all runs at once.
    """
    found, has_hanja = _runs(text)
    if not found:
        return "", "", has_hanja
    spread = _spread(f"{_BETWEEN.join(found)}{_BETWEEN}")
    made = _SPREAD_BETWEEN.sub("", spread).removesuffix(f"{_BETWEEN} ")
    return made, "".join(found), has_hanja


def _runs(text: str) -> tuple[list[str], bool]:
    """Return the runs of a text, and whether it holds Hanja."""
    if USUAL.fullmatch(text):
        joined = text.replace(" ", "").replace("\n", "").lower()
        return _RUN.findall(COMMA_IN_NUMBER.sub("", joined)), False
    return _runs_of_words(text)


def _runs_of_words(text: str) -> tuple[list[str], bool]:
    """Return the runs of any text as `_runs` does, folded word by word."""
    joined = "".join(map(_WORDS.__getitem__, text.split()))
    has_hanja = _HAS_HANJA in joined
    if has_hanja:
        joined = joined.replace(_HAS_HANJA, "")
    if "," in joined:
        joined = COMMA_IN_NUMBER.sub("", joined).replace(",", " ")
    return joined.split(), has_hanja


def _spread(text: str) -> str:
    """Return each character but the last with the one that follows it and a blank.

    Whole columns of an array are copied: 25 us a page, where joining pairs takes 120.
    """
    codes = array("I", text.encode("utf-32-le", "surrogatepass"))
    spread = array("I", " ".encode("utf-32-le")) * (3 * (len(codes) - 1))
    spread[0::3], spread[1::3] = codes[:-1], codes[1:]
    return spread.tobytes().decode("utf-32-le", "surrogatepass")


# Folding word by word equals folding the text: neither composition nor case crosses white space.
def _folded(word: str) -> str:
    """Return the word with a blank for what ends a run, and with its commas.

    One with Hanja has a mark in front: asked for a word, it is not looked for in each text again.
    """
    usual = _HANGUL_WORD.fullmatch(word)
    if usual:
        return f"{usual[1]} " if usual[2] else word
    mark = _HAS_HANJA if HANJA.search(word) else ""
    return mark + _spelled(word)


def fold_word(word: str) -> str:
    """Return a word, or part of one, with a blank for what ends a run, and with its commas."""
    return _WORDS[word].removeprefix(_HAS_HANJA)


def _spelled(word: str) -> str:
    if _LONE_JAMO.search(word):
        return "".join(
            part if at % 2 else _nfkc(part) for at, part in enumerate(_LONE_JAMO.split(word))
        ).translate(_CHARACTERS)
    return _nfkc(word).translate(_CHARACTERS)


def _nfkc(text: str) -> str:
    if text.isascii():
        return text.casefold()
    return normalized("NFKC", normalized("NFKC", text).casefold())


class _Words(dict[str, str]):
    """Words as they are written -> folded, because most repeat; forgets all when they are many."""

    def __missing__(self, word: str) -> str:
        folded = _folded(word)
        if len(word) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[word] = folded
        return folded


_WORDS = _Words()
