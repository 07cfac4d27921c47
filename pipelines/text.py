"""Plain text: NFC, one kind of space, nothing invisible. Never NFKC: ㈜ and ① are the outlet's words."""

from __future__ import annotations

import re
import unicodedata

#: Invisible characters that carry no meaning in Korean or Latin prose (ZWJ and ZWNJ do, and stay).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LETTERS = {
    "ko": re.compile("[가-힣]+"),
    "ja": re.compile("[ぁ-ゟァ-ヺ]+"),
    "zh": re.compile("[㐀-䶿一-鿿]+"),
    "en": re.compile("[A-Za-z]+"),
}
_LATIN1_HANGUL = re.compile(
    "[ãêëìí][\x80-\xbf\u0152-\u0153\u0160-\u0161\u017d-\u017e\u02c6\u2013-\u203a\u20ac]"
)


def clean(text: str) -> str:
    """One line of NFC text: spaces of every kind (U+00A0, U+3000, line ends) become one space, ends stripped.

    Invisible characters are dropped; a lone surrogate becomes U+FFFD, since it can't be written
    anywhere.
    """
    if text.isprintable():  # then U+0020 is the only white space in it, and mostly stands alone
        text = unicodedata.normalize("NFC", text)
        return " ".join(text.split()) if "  " in text else text.strip()
    text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return " ".join(unicodedata.normalize("NFC", text).split())


def clean_lines(text: str) -> list[str]:
    """The non-empty lines of a text, each cleaned."""
    return [line for line in (clean(part) for part in text.splitlines()) if line]


def language_of(text: str, declared: str = "") -> str:
    """ISO 639-1 code by script: Hangul, kana or Han decide; Latin letters only together with ``declared``."""
    letters = _count("en", text)
    for code, weight in (("ko", 4), ("ja", 4), ("zh", 2)):
        if (found := _count(code, text)) and found * weight >= letters:
            return code
    declared = declared[:2].lower()
    return declared if letters and declared not in ("", "ko", "ja", "zh") else ""


def _count(code: str, text: str) -> int:
    return sum(map(len, _LETTERS[code].findall(text)))


def is_mojibake(text: str) -> bool:
    """Whether the text shows the traces of a wrong decoding.

    More than one U+FFFD in 200 characters, cp949's 占쏙옙, or UTF-8 Hangul read as Latin-1 (ì, ë, ê
    pairs).
    """
    if not text:
        return False
    if text.count("\ufffd") * 200 > len(text) or "占쏙옙" in text:
        return True
    # Hardly any page holds one of the letters, and looking for them one by one is faster than the
    # pattern.
    return any(letter in text for letter in "ãêëìí") and len(
        _LATIN1_HANGUL.findall(text)
    ) * 10 > len(text)
