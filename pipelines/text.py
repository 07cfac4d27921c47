"""Clean text: NFC, one kind of space, no invisible characters. Not NFKC: that replaces ㈜ and ①."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from archive.model.normal_form import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Invisible characters that carry no meaning in Korean or Latin prose (ZWJ and ZWNJ do, and stay).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_FILLER = "\u3164"
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = _FILLER + "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
#: A syllable that KS X 1001 has no code for, as its annex 3 writes it: filler, initial, vowel and
#: final, where a filler is no final.
_MADE_UP = re.compile(f"{_FILLER}([{_INITIALS}])([{_VOWELS}])([{_FINALS}])")
#: One letter in such a code of four, the other places filled.
_LETTER_ALONE = re.compile(
    f"{_FILLER}(?:([{_INITIALS}]){_FILLER}{{2}}|{_FILLER}([{_VOWELS}]){_FILLER}"
    f"|{_FILLER}{{2}}([{_FINALS[1:]}]))"
)
#: The number of U+FFFD that one bad byte within a syllable makes of it in UTF-8.
_OF_ONE_BYTE = 4
#: Syllables of which two thirds of Korean text consist, names and titles too, and a third of a list
#: of foreign names. Of text in another charset that was read as Korean they are a twentieth.
_COMMON = frozenset(
    "이다의을에는고서한지가은기대사도로시하를인정일부자전국장상제해보성주과원어구수나스리그조세라들용비공중있관"
    "경으년요위아유여만치업동신미안선현교거행생금당산재무방회통화물학실계모입력개문민내연발되며와간오소호영진석"
    "김박최강윤임남북월분명순철병준우환형길홍황권송류백허심노곽차배손양씨"
)
#: The least share of them, and the number of syllables that it can be told of.
_COMMON_SHARE, _TELLING = 0.15, 30
#: How many characters of the begin show that a text is Korean.
_SAMPLE = 200
#: Of Korean text so few hold enough common syllables for the whole sample.
_FIRST = 64
_LETTERS = {
    "ko": re.compile("[가-힣]+"),
    "ja": re.compile("[ぁ-ゟァ-ヺ]+"),
    "zh": re.compile("[㐀-䶿一-鿿]+"),
    "en": re.compile("[A-Za-z]+"),
}
_LATIN1_HANGUL = re.compile(
    "[ãêëìí][\x80-\xbf\u0152-\u0153\u0160-\u0161\u017d-\u017e\u02c6\u2013-\u203a\u20ac]"
)


#: Only a lost text has more question marks than this, and one in so few characters.
_ASKED = 8
_LOST = 5


def clean(text: str) -> str:
    """Return the text as one line of NFC.

    White space of any kind (U+00A0, U+3000, line ends) becomes one space; it is stripped from both
    ends. Invisible characters are dropped. A lone surrogate becomes U+FFFD, because it can't be
    encoded. A syllable that KS X 1001 makes up of letters behind a filler becomes that syllable,
    and Hanja that it has twice, by two readings, become one character.
    """
    if text.isprintable():  # then U+0020 is the only white space in it, mostly single
        if _FILLER in text:
            text = _composed(text)
        text = normalized("NFC", text)
        if "  " not in text:
            return text.strip()
        return " ".join(text.split())
    text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return " ".join(normalized("NFC", _composed(text)).split())


def _composed(text: str) -> str:
    text = _MADE_UP.sub(_syllable, text)
    return _LETTER_ALONE.sub(lambda code: code[code.lastindex or 0], text)


def _syllable(match: re.Match[str]) -> str:
    """Return the syllable of an initial, a vowel and a final, by Unicode's arithmetic."""
    initial, vowel, final = map(str.index, (_INITIALS, _VOWELS, _FINALS), match.groups())
    return chr(0xAC00 + (initial * len(_VOWELS) + vowel) * len(_FINALS) + final)


def clean_each(texts: Iterable[str]) -> list[str]:
    """Return those of the texts that are not empty, each cleaned.

    What they hold is looked at once for all: mostly there is nothing but blanks to be stripped.
    """
    found = list(filter(None, map(str.strip, texts)))
    if not found:
        return found
    # None begins or ends with a blank. Where the end of one and the begin of the next make what is
    # not usual, each is cleaned, and that changes nothing either.
    if _is_usual("".join(found)):
        return found
    return list(filter(None, map(clean, found)))


def is_clean(text: str) -> bool:
    """Whether cleaning each line of a text would change nothing, and none is empty."""
    if any(sign in text for sign in (" \n", "\n ", "\n\n")) or text != text.strip():
        return False
    return _is_usual(text.replace("\n", ""))


def _is_usual(text: str) -> bool:
    """Whether a text without blanks at its ends, in which no line ends, is clean."""
    return (
        "  " not in text
        and _FILLER not in text
        and text.isprintable()
        and unicodedata.is_normalized("NFC", text)
    )


def clean_lines(text: str) -> list[str]:
    """Return the non-empty lines of a text, each cleaned."""
    return clean_each(text.splitlines())


def language_of(text: str, declared: str = "") -> str:
    """Return the ISO 639-1 code of the text's language, ``""`` if it is unknown.

    The script decides: Hangul, kana or Han; for Latin letters the declared language.
    """
    hangul = _count("ko", text)
    if hangul and hangul * 5 >= len(text):  # nearly every article, whatever the rest is
        return "ko"
    letters = _count("en", text)
    for code, weight in (("ko", 4), ("ja", 4), ("zh", 2)):
        if (found := _count(code, text)) and found * weight >= letters:
            return code
    declared = declared[:2].lower()
    if not letters or declared in ("ko", "ja", "zh"):
        return ""
    return declared


def _count(code: str, text: str) -> int:
    return sum(map(len, _LETTERS[code].findall(text)))


def _is_no_korean(text: str) -> bool:
    """Return whether the text has Hangul, but hardly a syllable that all Korean text has."""
    begin = text[:_SAMPLE]
    enough = len(begin) * _COMMON_SHARE
    if _common(begin[:_FIRST]) >= enough or _common(begin) >= enough:  # nearly every article
        return False
    hangul = _count("ko", text)
    return hangul >= _TELLING and _common(text) < hangul * _COMMON_SHARE


def _common(text: str) -> int:
    return sum(map(_COMMON.__contains__, text))


def is_damaged(text: str) -> bool:
    """Return whether more than one character in 1,000 could not be decoded."""
    if "\ufffd" not in text:  # nearly every article; counting takes ten times as long
        return False
    return text.count("\ufffd") * 1000 > len(text)


def is_mojibake(text: str) -> bool:
    """Return whether the text seems to be decoded with a wrong charset.

    Signs are more than one U+FFFD in 200 characters, 占쏙옙 (U+FFFD decoded as cp949), question
    marks for letters, Hangul without the syllables that Korean consists of (Chinese or Japanese
    decoded as Korean), and pairs of ì, ë, ê with other characters (UTF-8 Hangul decoded as
    Latin-1). Up to four U+FFFD are what one bad byte makes of a syllable, and never a sign.
    """
    if not text:
        return False
    # Few texts hold either sign, and a search for one takes a tenth of the time of counting it.
    damage = text.count("\ufffd") if "\ufffd" in text else 0
    if (damage > _OF_ONE_BYTE and damage * 200 > len(text)) or "占쏙옙" in text:
        return True
    if "?" in text and text.count("?") > max(_ASKED, len(text) // _LOST):
        return True
    if _is_no_korean(text):
        return True
    # Few pages contain one of the letters, and searching for each is faster than the pattern.
    if not any(letter in text for letter in "ãêëìí"):
        return False
    return len(_LATIN1_HANGUL.findall(text)) * 10 > len(text)
