"""Documents in every writing under every label, and what becomes of each (F15).

A document is written in an encoding, labelled in the HTTP header, in itself, in both or not at all,
rightly or wrongly, and may have lost or gained bytes. It must be read as it was written, or not be
accepted, or be accepted with its damage counted: never wrong and counted as sound.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote

from scrapy.robotstxt import ProtegoRobotParser

from archive.model.exchange import Exchange
from crawler.authoring.goldens import values_of
from crawler.discovery.entries import FeedEntry, SourceError
from crawler.discovery.feeds import read_feed
from crawler.discovery.list_pages import read_list_page
from crawler.extraction.reading import read_exchange
from crawler.middlewares.robots_groups import UnreadableError, own_groups
from crawler.model.channels import ListPage
from crawler.outlets import known_outlets, outlet_named
from tests.support.documents import NOON, SEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ("etoday", "newspim", "list", "feed", "sitemap", "robots")
#: What can write Hangul; ``+bom`` begins with a byte order mark.
KOREAN = (
    *("utf-8", "utf-8+bom", "cp949", "euc_kr", "johab", "iso2022_kr", "gb18030"),
    *("utf-16-le", "utf-16-le+bom", "utf-16-be", "utf-16-be+bom", "utf-32-le+bom"),
)
#: Those in which a bad byte is one of a letter.
EIGHT_BIT = ("utf-8", "cp949", "euc_kr", "johab", "gb18030")
#: What can not, each with a text that it can write.
_CHINESE = "市立图书馆今天开放记录馆居民带来手写信件和日记工作人员说明年继续收集"
_JAPANESE = "市立図書館は今日から記録館を公開しました住民は手紙と日記を持ち寄り来年も集めます"
FOREIGN = {
    "gb2312": _CHINESE,
    "hz": _CHINESE,
    "big5": "市立圖書館今天開放記錄館居民帶來手寫信件和日記工作人員說明年繼續收集",
    "shift_jis": _JAPANESE,
    "euc_jp": _JAPANESE,
    "iso2022_jp": _JAPANESE,
}
#: Labels: of Korean, of other languages, of Latin, of codecs of Python that are no charsets, of nothing.
LABELS = (
    *("", "utf-8", "UTF8", "euc-kr", "ks_c_5601-1987", "windows-949", "johab", "iso-2022-kr"),
    *("utf-16", "utf-16le", "utf-16be", "utf-32", "gb2312", "gbk", "gb18030", "hz-gb-2312", "hz"),
    *("big5", "shift_jis", "euc-jp", "iso-2022-jp", "iso-8859-1", "windows-1252", "us-ascii"),
    *("idna", "punycode", "base64", "rot13", "rot-13", "hex", "zlib", "bz2", "uu", "quopri"),
    *("utf-7", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "charmap"),
    *("x-user-defined", "utf8mb4", "none", "nonsense"),
)
DAMAGE = ("bad byte", "lost byte")
#: How a case can end, the good ones first.
ENDINGS = ("exact", "refused", "counted", "slipped", "silent")
#: Letters that a lost byte may change, up to the next blank: pairs slip, and nothing shows it.
_SLIP = 12
_BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
}
#: The label that is right for a writing.
_RIGHT = {
    "cp949": "windows-949",
    "euc_kr": "euc-kr",
    "iso2022_kr": "iso-2022-kr",
    "hz": "hz-gb-2312",
    "euc_jp": "euc-jp",
    "iso2022_jp": "iso-2022-jp",
}
_HANGUL = re.compile("[가-힣]")
_META = '<meta charset="utf-8">'
_XML = '<?xml version="1.0" encoding="utf-8"?>'
_SITE = "https://www.etoday.co.kr"
_FORM = next(
    source
    for channel in known_outlets()["newspim"].channels
    for source in channel.sources
    if isinstance(source, ListPage)
)


@dataclass(frozen=True)
class EncodingCase:
    """A document's writing, its labels in the header and in itself, and its damage."""

    kind: str
    writing: str
    header: str = ""
    meta: str = ""
    damage: str = ""

    @property
    def body(self) -> bytes:
        """The document's bytes."""
        codec, _, bom = self.writing.partition("+")
        data = _encoded(_document(self.kind, codec, self.meta), codec)
        at = _place_of_damage(data)
        if self.damage == "bad byte":
            data = data[:at] + b"\xff" + data[at:]
        elif self.damage == "lost byte":
            data = data[:at] + data[at + 1 :]
        return (_BOMS[codec] if bom else b"") + data


@dataclass(frozen=True)
class EncodingResult:
    """How a case ended, one of `ENDINGS`, and what was read or why it was refused."""

    ending: str
    detail: str = ""


@dataclass(frozen=True)
class _Reading:
    """What was read of a document; ``counted`` is whether damage is on record."""

    text: str
    counted: bool = False
    refused: str = ""


def cases() -> Iterator[EncodingCase]:
    """Yield all cases: labels in the header, in the document, and both, one of them right."""
    for kind in KINDS:
        for writing in (*KOREAN, *FOREIGN):
            codec = writing.partition("+")[0]
            right = _RIGHT.get(codec, codec)
            for label in LABELS:
                labels = {(label, ""), ("", label), (label, right), (right, label)}
                for header, meta in sorted(labels):
                    yield EncodingCase(kind, writing, header, meta)
    for kind, codec, damage in product(("etoday", "newspim"), EIGHT_BIT, DAMAGE):
        for header in ("", "utf-8", "euc-kr", _RIGHT.get(codec, codec)):
            yield EncodingCase(kind, codec, header, damage=damage)


def run_case(case: EncodingCase) -> EncodingResult:
    """Read a document and compare it with what was written."""
    codec = case.writing.partition("+")[0]
    found = _read(case.kind, case.body, case.header, codec)
    if found.refused:
        return EncodingResult("refused", found.refused)
    if found.text == _truth(case.kind, codec):
        return EncodingResult("exact")
    if found.counted:
        return EncodingResult("counted")
    if case.damage == "lost byte" and _differ_in(found.text, _truth(case.kind, codec)) <= _SLIP:
        return EncodingResult("slipped", found.text)
    return EncodingResult("silent", found.text[:300])


def _same(one: str, other: str) -> int:
    """Return how many letters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _differ_in(one: str, other: str) -> int:
    """Return the length of what is between the same beginning and the same end of two texts."""
    begin = _same(one, other)
    end = _same(one[begin:][::-1], other[begin:][::-1])
    return max(len(one), len(other)) - begin - end


@cache
def _truth(kind: str, codec: str) -> str:
    """Return what is read of the document in UTF-8 under its own label."""
    text = _document(kind, codec, "utf-8")
    if codec != "utf-8":
        text = _encoded(text, codec).decode(codec)
    if kind == "robots":  # its paths are asked as they are written
        return _read_robots(text.encode(), "utf-8" if codec in EIGHT_BIT else codec).text
    return _read(kind, text.encode(), "utf-8", codec).text


def _encoded(text: str, codec: str) -> bytes:
    return text.encode(codec, "xmlcharrefreplace")


def _document(kind: str, codec: str, meta: str) -> str:
    """Return a document of a kind in a language that the codec can write."""
    text = _korean(kind)
    if codec in FOREIGN:
        letters = FOREIGN[codec]
        text = _HANGUL.sub(lambda found: letters[ord(found[0]) % len(letters)], text)
        text = text.replace('lang="ko"', 'lang="zh"')
    label = f'<meta charset="{meta}">' if meta else ""
    declared = f' encoding="{meta}"' if meta else ""
    return text.replace(_META, label).replace(_XML, f'<?xml version="1.0"{declared}?>')


def _place_of_damage(data: bytes) -> int:
    """Return a place in the middle of a letter, near the middle of the document."""
    middle = len(data) // 2
    found = re.compile(rb"[\x80-\xff]{3}").search(data, middle)
    return found.start() + 1 if found else middle


@cache
def _korean(kind: str) -> str:
    """Return a document of a kind in Korean, which says that it is in UTF-8."""
    page = {"etoday": "own-desktop-2020.html", "newspim": "own-desktop-2018.html"}.get(kind)
    if page:
        return (SEEDS / kind / page).read_text("utf-8")
    return _MADE[kind]


_ITEM = "<title>{0}</title><link>https://www.etoday.co.kr/news/view/{1}</link>"
_URL = "<loc>https://www.etoday.co.kr/news/view/{1}</loc><news:news><news:title>{0}</news:title></news:news>"
_LISTED = (
    "<article><strong class=subject_h>{0}</strong><p class=summary>"
    "<a href=/news/view/2026030200000{1}>{0}</a></p></article>"
)
_TITLES = (
    "시립도서관 기록관 오늘 공개",
    "주민 손글씨 일기장 삼천 쪽 모였다",
    "내년에도 수집을 이어간다",
)
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def _each(form: str) -> str:
    return "".join(form.format(title, number) for number, title in enumerate(_TITLES, 1))


_MADE = {
    "list": f'<html lang="ko"><head>{_META}</head><body>{_each(_LISTED)}</body></html>',
    "feed": f'{_XML}<rss version="2.0"><channel>{_each(f"<item>{_ITEM}</item>")}</channel></rss>',
    "sitemap": f'{_XML}<urlset xmlns:news="{_NEWS}">{_each(f"<url>{_URL}</url>")}</urlset>',
    "robots": "# 로봇 안내문\nUser-agent: *\nDisallow: /관리/\nDisallow: /admin/\nAllow: /admin/공개\n",
}
#: Paths that robots.txt is asked of; the letters are written as the file writes them.
_ASKED = ("/admin/", "/admin/secret", "/news/view/1", "/관리/1", "/admin/공개")


def _read_page(kind: str, body: bytes, header: str) -> _Reading:
    content_type = f"text/html; charset={header}" if header else "text/html"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n".encode()
    url = {
        "etoday": f"{_SITE}/news/view/9000000002",
        "newspim": "https://www.newspim.com/news/view/20180905000002",
    }[kind]
    exchange = Exchange(url=url, captured_at=NOON, body=body, head=head)
    page = read_exchange(exchange, outlet_named(kind), "made")
    if page.article is None:
        return _Reading("", refused=str(page.verdict))
    text = json.dumps(values_of(page.article), ensure_ascii=False)
    return _Reading(text, counted=page.decoded.damage > 0)


def _read_entries(read: Callable[[], tuple[FeedEntry, ...]]) -> _Reading:
    try:
        entries = read()
    except SourceError as error:
        return _Reading("", refused=str(error.reason))
    if not entries:
        return _Reading("", refused="no entries")
    return _Reading("\n".join(entry.url for entry in entries))


def _read_robots(body: bytes, codec: str) -> _Reading:
    """Ask a robots.txt of paths, in the bytes that the file writes them with."""
    try:
        groups, _ = own_groups(body, "Sacho")
    except UnreadableError as error:
        return _Reading("", refused=str(error))
    parser = ProtegoRobotParser(groups, None)
    asked = [
        _SITE + quote(path.encode(codec)) for path in _ASKED if path.isascii() or codec in EIGHT_BIT
    ]
    return _Reading(" ".join(str(parser.allowed(url, "Sacho")) for url in asked))


def _read(kind: str, body: bytes, header: str, codec: str) -> _Reading:
    if kind == "robots":
        return _read_robots(body, codec)
    if kind in ("etoday", "newspim"):
        return _read_page(kind, body, header)
    content_type = f"text/html; charset={header}" if header else "text/xml"
    if kind == "list":
        return _read_entries(
            lambda: read_list_page(body, content_type, "https://www.newspim.com/", _FORM, NOON)
        )
    return _read_entries(lambda: read_feed(body, content_type, f"{_SITE}/", NOON).entries)
