"""From bytes to text: the bytes decide before the label does, and damage is counted."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction.charset import declared_charset, decode, python_charset

KOREAN = "똠방각하 뷁 펲시콜라 – 북한과 러시아"
LABELS = [
    "",
    "utf-8",
    "euc-kr",
    "EUC-KR",
    "ks_c_5601-1987",
    "windows-949",
    "iso-8859-1",
    "nonsense",
    "rot13",
    "hex",
]


@pytest.mark.parametrize("label", LABELS)
def test_sound_bytes_are_read_rightly_under_any_label(label: str) -> None:
    kind = f"text/html; charset={label}" if label else ""
    utf8, used = decode(KOREAN.encode(), kind)
    assert (utf8, used.used, used.damage) == (KOREAN, "utf-8", 0)
    old = KOREAN.replace("–", "-")
    korean, used = decode(old.encode("cp949"), kind)
    assert (korean, used.used, used.damage) == (old, "cp949", 0)
    assert used.declared == label.lower()


@pytest.mark.parametrize(("meta", "page"), [("utf-8", "cp949"), ("euc-kr", "utf-8")])
def test_a_page_labelled_wrongly_either_way_is_read(meta: str, page: str) -> None:
    html = f'<html><head><meta charset="{meta}"></head><body>똠방각하 뷁</body></html>'
    text, used = decode(html.encode(page))
    assert text == html
    assert (used.declared, used.used, used.damage) == (meta, page, 0)


@pytest.mark.parametrize(
    ("bom", "charset"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_a_byte_order_mark_decides_and_is_no_text(bom: bytes, charset: str) -> None:
    text, used = decode(bom + KOREAN.encode(charset), "text/html; charset=euc-kr")
    assert (text, used.used, used.damage) == (KOREAN, charset, 0)


def test_broken_bytes_are_counted_and_the_rest_is_read() -> None:
    data = KOREAN.encode() + b"\xff\xfe\xff" + "끝".encode()
    text, used = decode(data, "text/html; charset=utf-8")
    assert text.startswith(KOREAN)
    assert text.endswith("끝")
    assert used.damage == text.count("\ufffd") == 3
    text, used = decode("똠방 뷁".encode("cp949") + b"\xff", "text/html; charset=euc-kr")
    assert text.startswith("똠방 뷁")
    assert (used.used, used.damage) == ("cp949", 1)


def test_replacement_characters_that_were_served_are_counted_too() -> None:
    assert decode("가\ufffd나".encode())[1].damage == 1


@given(st.binary(), st.text())
def test_any_bytes_under_any_label_are_a_text(data: bytes, label: str) -> None:
    text, used = decode(data, f"text/html; charset={label}")
    assert used.damage == text.count("\ufffd")
    assert codecs.lookup(used.used)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_utf8_comes_back_whatever_it_says(text: str) -> None:
    if not text.startswith("\ufeff"):
        assert decode(text.encode())[0] == text


@pytest.mark.parametrize(
    ("data", "header", "expected"),
    [
        (b'<meta charset="EUC-KR">', "", "euc-kr"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=utf-8">', "", "utf-8"),
        (b'<meta charset="euc-kr">', "text/html; charset=UTF-8", "utf-8"),
        (b"<meta charset=euc-kr>", "text/html", "euc-kr"),
        (b" " * 5000 + b"<meta charset=euc-kr>", "", ""),
        (b"", "", ""),
    ],
)
def test_the_header_is_asked_before_the_page(data: bytes, header: str, expected: str) -> None:
    assert declared_charset(data, header) == expected


@given(st.text())
def test_any_label_names_a_codec_of_text(label: str) -> None:
    "가".encode(python_charset(label), "replace")
