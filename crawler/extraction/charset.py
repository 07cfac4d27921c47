"""Decode documents with the charset, of the declared one, UTF-8 and cp949, that damages them least.

The bytes decide before the label does: a wrong declaration is common on Korean pages, and so is one
bad byte, which must not make the whole page look like one of another charset. All EUC-KR labels
mean cp949, because pages with those labels use its additional syllables (똠, 뷁).
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pipelines.page import Decoded

if TYPE_CHECKING:
    from collections.abc import Iterable

_META = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:-]{1,40})""", re.IGNORECASE
)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_:-]{1,40})""", re.IGNORECASE)
_EUC_KR = {
    "euc-kr",
    "euckr",
    "ks_c_5601-1987",
    "ksc5601",
    "ks_c_5601",
    "ksc_5601",
    "windows-949",
    "ms949",
    "csksc56011987",
    "cseuckr",
    "x-windows-949",
}
#: The codecs that a label is believed with, by Python's names: those that can write Hangul, and the
#: 7-bit family of ISO 2022. Any other label is as none: Python has codecs that are no charsets
#: (``idna``, ``punycode``, ``unicode_escape``), and some of them refuse to replace what they cannot
#: decode.
_CODECS = frozenset(
    {
        "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
        "cp949", "johab", "gb18030", "iso2022_kr",
        "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_2004",
        "iso2022_jp_ext",
    }
)  # fmt: skip
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: The names that browsers know codecs by, where another than Python's own.
_LABELS = {
    "cp949": "euc-kr",
    "utf-16-le": "utf-16le",
    "utf-16-be": "utf-16be",
    "iso2022_kr": "iso-2022-kr",
    "iso2022_jp_2": "iso-2022-jp",
}
#: What no Korean page prints: a character that could not be decoded, a C1 control character, one
#: of private use. Text in a wrong charset is full of them.
_ODD = re.compile("[\ufffd\x80-\x84\x86-\x9f\ue000-\uf8ff]")
_HANGUL = re.compile("[가-힣]")
#: Bytes that switch the charset of ISO-2022 text, which otherwise consists of ASCII bytes.
_SHIFTS = (b"\x0e", b"\x1b")
#: What text of ASCII bytes holds that is not ASCII, and the codec that reads it.
_SEVEN_BIT = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp_2"), (b"~{", "hz"))


def decode(data: bytes, content_type: str = "") -> tuple[str, Decoded]:
    """Return the document's text and how it was decoded; ``content_type`` is the header's value.

    Never fails: bytes that cannot be decoded become U+FFFD and are counted as damage.
    """
    declared = declared_charset(data, content_type)
    for bom, charset in _BOMS:
        if data.startswith(bom):
            text = data[len(bom) :].decode(charset, "replace")
            return text, Decoded(declared=declared, used=charset, damage=text.count("\ufffd"))
    charset = python_charset(declared)
    if charset.startswith("iso2022") and any(shift in data for shift in _SHIFTS):
        return _least_damaged(data, declared, (charset,))
    for sound in (*_seven_bit(data), "utf-8", "cp949"):
        try:
            text = data.decode(sound)
        except UnicodeDecodeError:
            continue
        # Searching one byte is ten times as fast as three, and hardly any page of Hangul has this
        # one in UTF-8.
        damage = text.count("\ufffd") if b"\xef" in data else 0
        return text, Decoded(declared=declared, used=sound, damage=damage)
    # GB 18030 reads nearly any bytes without damage; what is no Hangul then was not written in it.
    stated = (charset,) if _HANGUL.search(data.decode(charset, "replace")) else ()
    return _least_damaged(data, declared, dict.fromkeys((*stated, "utf-8", "cp949")))


def _seven_bit(data: bytes) -> tuple[str, ...]:
    """Return the codec of text that shifts charsets by ASCII bytes, whatever its label is."""
    if not data.isascii():
        return ()
    return tuple(codec for mark, codec in _SEVEN_BIT if mark in data)


def _least_damaged(data: bytes, declared: str, charsets: Iterable[str]) -> tuple[str, Decoded]:
    """Return the text in the charset that leaves the fewest odd characters, of equals the first."""
    texts = {charset: data.decode(charset, "replace") for charset in charsets}
    used = min(texts, key=lambda charset: len(_ODD.findall(texts[charset])))
    text = texts[used]
    return text, Decoded(declared=declared, used=used, damage=text.count("\ufffd"))


def declared_charset(data: bytes, content_type: str = "") -> str:
    """Return the declared charset in lower case, ``""`` if there is none.

    It is the one of the header, else that of a <meta> in the first 4 KB.
    """
    header = _HEADER.search(content_type)
    if header:
        return header[1].lower()
    meta = _META.search(data, 0, 4096)
    return meta[1].decode("ascii").lower() if meta else ""


def charset_label(data: bytes) -> str:
    """Return the charset that a document is read with, by the name that browsers know it by."""
    used = decode(data)[1].used
    return _LABELS.get(used, used.replace("_", "-"))


def python_charset(label: str) -> str:
    """Return the codec for a label: cp949 for every EUC-KR name, UTF-8 for none or another."""
    if label in _EUC_KR:
        return "cp949"
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return "utf-8"
    if name == "euc_kr":
        return "cp949"
    return name if name in _CODECS else "utf-8"
