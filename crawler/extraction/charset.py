"""From bytes to text: strict UTF-8, else strict cp949, else the label with replacement; never a guess.

Measured order: a wrong label is common on Korean pages, so the bytes decide before the label does.
All EUC-KR labels mean cp949, whose extra syllables (똠, 뷁) pages with those labels do use.
"""

from __future__ import annotations

import codecs
import re

from pipelines.page import Decoded

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
    "x-windows-949",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes, content_type: str = "") -> tuple[str, Decoded]:
    """Decode a document; ``content_type`` is the header's value. Never fails: damage is counted as U+FFFD."""
    declared = declared_charset(data, content_type)
    for bom, charset in _BOMS:
        if data.startswith(bom):
            text = data[len(bom) :].decode(charset, "replace")
            return text, Decoded(declared=declared, used=charset, damage=text.count("\ufffd"))
    for charset in ("utf-8", "cp949"):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        # One byte is looked for ten times as fast as three, and hardly any page of Hangul holds
        # this one in UTF-8.
        damage = text.count("\ufffd") if b"\xef" in data else 0
        return text, Decoded(declared=declared, used=charset, damage=damage)
    charset = python_charset(declared)
    text = data.decode(charset, "replace")
    return text, Decoded(declared=declared, used=charset, damage=text.count("\ufffd"))


def declared_charset(data: bytes, content_type: str = "") -> str:
    """The charset the header names, else the one a <meta> in the first 4 KB names, lower case; ``""`` for none."""
    header = _HEADER.search(content_type)
    if header:
        return header[1].lower()
    meta = _META.search(data, 0, 4096)
    return meta[1].decode("ascii").lower() if meta else ""


def python_charset(label: str) -> str:
    """The codec for a label: cp949 for every EUC-KR name, UTF-8 for none or one nobody knows."""
    if label in _EUC_KR:
        return "cp949"
    try:
        # a codec that is no charset (rot13, hex) raises here as an unknown one does
        "".encode(label)
        return codecs.lookup(label).name
    except (LookupError, ValueError):
        return "utf-8"
