"""From bytes to text: the bytes decide before the label does, and damage is counted."""

from __future__ import annotations

import codecs
import re
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.extraction.charset import declared_charset, decode, python_charset
from tests.support.documents import SEEDS, read_bytes

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
    "idna",
    "utf-7",
    "unicode-escape",
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


PAGE = "<p>" + KOREAN.replace("–", "-") * 20 + "</p>"


@given(
    st.sampled_from(["utf-8", "cp949"]),
    st.sampled_from(LABELS),
    st.integers(0, len(PAGE.encode("cp949"))),
    st.sampled_from([b"\x80", b"\x81", b"\xb0", b"\xed", b"\xff"]),
)
def test_one_bad_byte_anywhere_costs_few_characters_whatever_the_label(
    charset: str, label: str, at: int, byte: bytes
) -> None:
    sound = PAGE.encode(charset)
    text, used = decode(sound[:at] + byte + sound[at:], f"text/html; charset={label}")
    assert used.used == charset
    # In cp949 a byte more shifts the pairs that follow, up to the next ASCII character.
    lost = sum(1 for word in PAGE.split() if word not in text.split())
    assert lost <= 2
    assert text.count("\ufffd") == used.damage <= 16


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1252", "euc-kr", ""])
def test_a_charset_without_hangul_does_not_win_by_reading_any_bytes(label: str) -> None:
    data = PAGE.encode() + b"\xff"
    assert decode(data, f"text/html; charset={label}")[1].used == "utf-8"


def test_text_that_shifts_charsets_is_read_as_declared_not_as_ascii() -> None:
    data = "북한과 러시아".encode("iso2022_kr")
    text, used = decode(data, "text/html; charset=iso-2022-kr")
    assert (text, used.used, used.damage) == ("북한과 러시아", "iso2022_kr", 0)
    text, used = decode(b"plain", "text/html; charset=iso-2022-kr")
    assert (text, used.used) == ("plain", "utf-8")


@pytest.mark.parametrize(
    ("text", "codec", "used"),
    [
        ("북한과 러시아", "iso2022_kr", "iso2022_kr"),
        ("東京と大阪", "iso2022_jp", "iso2022_jp_2"),
        ("新华社报道", "hz", "hz"),
    ],
)
@pytest.mark.parametrize("label", ["", "utf-8", "euc-kr"])
def test_seven_bit_text_is_known_by_its_bytes(text: str, codec: str, used: str, label: str) -> None:
    kind = f"text/html; charset={label}" if label else ""
    read, decoded = decode(f"<p>{text}</p>".encode(codec), kind)
    assert (read, decoded.used, decoded.damage) == (f"<p>{text}</p>", used, 0)
    for other in ("a ~{ b", "\x1b$B\xff", "\x1b[31m red"):
        assert decode(other.encode())[0] == other, "it is no such text"


def test_a_byte_order_mark_costs_the_page_nothing_of_its_head() -> None:
    page = (SEEDS / "etoday/own-desktop-2020.html").read_bytes()
    plain, marked = (read_bytes("etoday", data).article for data in (page, codecs.BOM_UTF8 + page))
    assert plain is not None
    assert marked == plain


@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
@pytest.mark.parametrize("charset", ["utf-8", "cp949"])
def test_one_bad_byte_never_costs_an_article(outlet: str, charset: str) -> None:
    name = {"etoday": "own-desktop-2020.html", "newspim": "own-desktop-2018.html"}[outlet]
    page = (SEEDS / outlet / name).read_text(encoding="utf-8")
    for text in re.finditer(r"(?<=>)[^<]+다\.(?=</p>)", page):  # in a tag it may cost a field
        at = len(page[: text.start() + 5].encode(charset, "xmlcharrefreplace"))
        data = page.encode(charset, "xmlcharrefreplace")
        article = read_bytes(outlet, data[:at] + b"\xff" + data[at:]).article
        assert article is not None, text[0]


@pytest.mark.parametrize(("damage", "flagged"), [(0, False), (1, True), (3, True)])
def test_a_damaged_short_article_is_kept_and_flagged(damage: int, *, flagged: bool) -> None:
    page = (SEEDS / "etoday/own-desktop-2020.html").read_text(encoding="utf-8")
    headline = re.search(r"<h1[^>]*>([^<]+)", page)
    assert headline
    data = page.replace(headline[1], "짧은 기사" + "\ufffd" * damage)
    body = re.compile(r"<p>(?!▲).{80,}?</p>")
    data = body.sub("", data, count=len(body.findall(data)) - 1)
    article = read_bytes("etoday", data).article
    assert article is not None
    assert ("damaged_text" in article.flags) is flagged


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


CODECS = sorted(
    {*aliases.values(), *aliases, "idna", "punycode", "undefined", "raw_unicode_escape"}
)


@pytest.mark.parametrize("label", CODECS)
def test_no_codec_of_python_raises_or_decodes_what_is_no_charset(label: str) -> None:
    written = label.replace("_", "-")
    for data in (b"\xff" * 10 + b".", b"xn--\xff", b"\\u0041\\x41 +AGE- =41", KOREAN.encode()):
        text, _ = decode(data, f"text/html; charset={written}")
        if not written.startswith(("utf", "u16", "u32", "unicode", "iso-", "iso2022")):
            assert text == decode(data)[0], "as if nothing were declared"


@pytest.mark.parametrize(
    "label", ["euc_kr", "korean", "ksc5601", "KS_C_5601-1987", "csKSC56011987", "cseuckr"]
)
def test_every_name_of_euc_kr_means_cp949(label: str) -> None:
    assert python_charset(label.lower()) == "cp949"
