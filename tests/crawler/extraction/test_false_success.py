"""Pages that are no whole article end with a reason, never as an article; none of them stops or slows the reader."""

from __future__ import annotations

import os
from dataclasses import replace
from html import escape
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import pytest

from archive.model.article import Article, Quality
from archive.model.exchange import Exchange
from archive.model.outcome import Outcome, Reason
from bench.extraction.cases import real_corpus
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for
from crawler.offline.files import read_file
from crawler.outlets import outlet_named
from tests.support.documents import NOON, SEEDS, read_bytes
from tests.support.processes.cli import ROOT, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.page import Page

URL = {
    "etoday": "https://www.etoday.co.kr/news/view/9000000002",
    "newspim": "https://www.newspim.com/news/view/20180302999902",
}
OUTLETS = sorted(URL)
#: From the body's container to the end: each outlet's newest desktop layout.
BODY = {"etoday": '<div class="articleView"', "newspim": '<div id="news-contents"'}


def whole(outlet: str) -> str:
    name = {"etoday": "own-desktop-2020.html", "newspim": "own-desktop-2021.html"}[outlet]
    return (SEEDS / outlet / name).read_text("utf-8")


def with_body(outlet: str, body: str) -> str:
    """The outlet's page with another content of its body container."""
    page = whole(outlet)
    at = page.index(">", page.index(BODY[outlet])) + 1
    end = page.index('<div class="recommend_btn"' if outlet == "etoday" else "<div>GAM - ", at)
    return page[:at] + body + "</div>" + page[end:]


def read_page(outlet: str, html: str | bytes) -> Page:
    return read_bytes(outlet, html, url=URL[outlet])


def unparsed(page: Page) -> Reason | None:
    assert page.verdict is not None, f"taken for an article: {page.article}"
    assert page.article is None
    # A deletion is the outlet's word, as a 404 is: nothing that somebody would have to look at.
    deleted = page.verdict.reason is Reason.DELETED
    assert page.verdict.outcome is (Outcome.SKIPPED if deleted else Outcome.UNPARSED)
    return page.verdict.reason


LOGIN = (
    "<html><head><title>로그인</title></head><body><form action=/login><input name=id><input type=password name=pw>"
    "<p>로그인이 필요한 서비스입니다.</p></form></body></html>"
)
CHALLENGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><script>window._cf_chl_opt={};</script>"
    "<noscript>Enable JavaScript and cookies to continue</noscript></body></html>"
)
CONSENT = (
    "<html><head><title>쿠키 설정</title></head><body><h1>쿠키 사용에 동의해 주세요</h1>"
    "<p>맞춤형 광고를 위해 쿠키 사용에 동의합니다.</p><button>동의</button></body></html>"
)
NOT_FOUND = (
    "<html><head><title>안내</title></head><body>"
    "<h1>알림</h1><p>요청하신 페이지를 찾을 수 없습니다.</p></body></html>"
)
DELETED = "<html><head><title>안내</title></head><body><p>삭제된 기사입니다.</p><a href=/login>로그인</a></body></html>"
ROBOT = "<html><body><p>비정상적인 접근이 감지되었습니다.</p><form><input type=password></form></body></html>"
WALLS = {
    "login": (LOGIN, Reason.LOGIN_WALL),
    "challenge": (CHALLENGE, Reason.BOT_CHALLENGE),
    "robot": (ROBOT, Reason.BOT_CHALLENGE),
    "consent": (CONSENT, Reason.CONSENT_WALL),
    "not-found": (NOT_FOUND, Reason.SOFT_404),
    "deleted": (DELETED, Reason.DELETED),
    "front": (
        "<html><body><h1>오늘의 뉴스</h1><ul><li>하나</li></ul></body></html>",
        Reason.NO_LAYOUT,
    ),
    "blank": ("<html><head></head><body></body></html>", Reason.NO_LAYOUT),
}


@pytest.mark.parametrize("wall", WALLS)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_wall_served_as_200_is_named(outlet: str, wall: str) -> None:
    html, reason = WALLS[wall]
    assert unparsed(read_page(outlet, html)) is reason


WALL_WORDS = {
    "login": ("<p>이 기사는 구독자 전용입니다. 로그인이 필요합니다.</p>", Reason.LOGIN_WALL),
    "deleted": ("<p>삭제된 기사입니다.</p>", Reason.DELETED),
    "deleted-by-request": ("<p>이 기사는 취재원의 요청으로 삭제되었습니다.</p>", Reason.DELETED),
    "deleted-or-never-there": ("<p>기사가 삭제되었거나 존재하지 않습니다.</p>", Reason.SOFT_404),
    "wrong-access": ("<p>잘못된 접근입니다.</p>", Reason.BOT_CHALLENGE),
    "not-found": (
        "<p>요청하신 기사를 찾을 수 없습니다. 주소를 다시 확인해 주세요.</p>",
        Reason.SOFT_404,
    ),
    "consent": ("<p>계속하려면 쿠키 사용에 동의해 주세요.</p>", Reason.CONSENT_WALL),
    "robot": ("<p>자동등록방지 문자를 입력해 주세요. 로봇이 아닙니다.</p>", Reason.BOT_CHALLENGE),
}


@pytest.mark.parametrize("noise", [0, 30], ids=["alone", "with-widgets"])
@pytest.mark.parametrize("wall", WALL_WORDS)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_wall_within_an_articles_frame_is_no_article(outlet: str, wall: str, noise: int) -> None:
    body, reason = WALL_WORDS[wall]
    assert unparsed(read_page(outlet, with_body(outlet, body + WIDGETS[outlet] * noise))) is reason


@pytest.mark.parametrize("outlet", OUTLETS)
def test_an_article_about_walls_is_an_article(outlet: str) -> None:
    paragraph = "<p>요청하신 페이지를 찾을 수 없습니다라는 문구와 로그인이 필요합니다라는 안내가 다르다. </p>"
    page = read_page(outlet, with_body(outlet, paragraph * 5))
    assert page.article is not None, page.verdict
    assert len(page.article.body) == 5


NO_BODY = {
    "empty": "",
    "blank": "<p>&nbsp;</p><p>\N{ZERO WIDTH SPACE}</p><p>　</p>",
    "script": "<script>document.write('기사 본문이 여기에 있다. 아주 길다.')</script>",
    "hidden": "<template><p>보이지 않는 문단이 여기에 있다. 아주 길다.</p></template><noscript>켜 주세요</noscript>",
    "comment": "<!-- <p>기사 본문이 여기에 있다. 아주 길고 길다.</p> -->",
    "iframe": "<iframe src='about:blank'>기사 본문이 여기에 있다. 아주 길고 길다.</iframe>",
}
WIDGETS = {
    "etoday": "<p>주요 뉴스</p><p>다른 기사의 긴 제목이 있다</p><p>실시간 암호화폐 시세</p><p>비트코인</p>",
    "newspim": "<p>[뉴스핌 베스트 기사]</p><p>사진</p><p>[구름시=뉴스핌] 나단비 기자 = 다른 기사의 본문.</p>",
}


@pytest.mark.parametrize("kind", [*NO_BODY, "widgets"])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_page_without_a_body_is_no_article(outlet: str, kind: str) -> None:
    page = read_page(outlet, with_body(outlet, NO_BODY.get(kind, WIDGETS[outlet])))
    assert unparsed(page) in (Reason.NO_BODY, Reason.BODY_TOO_SHORT)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_the_unchanged_page_is_an_article(outlet: str) -> None:
    """Else the tests here could not fail."""
    assert read_page(outlet, whole(outlet)).article is not None


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_page_without_headline_or_time_is_no_article(outlet: str) -> None:
    page = whole(outlet)
    headline = (
        "달빛마을도서관 '기록의 날'…주민" if outlet == "etoday" else "별섬 우체국, 주인 못 찾은"
    )
    title = page[page.index(headline) : page.index("<", page.index(headline))].removesuffix(
        " - 이투데이"
    )
    og = escape(title, quote=True)
    newspims = title.replace('"', "&quot;")
    nameless = page.replace(title, "").replace(og, "").replace(newspims, "")
    assert unparsed(read_page(outlet, nameless)) is Reason.NO_HEADLINE
    timeless = (
        page.replace("2018-03-02", "")
        .replace("2018년03월02일", "")
        .replace("09:10", "")
        .replace("11:25", "")
        .replace("기사입력", "")  # for a stamp printed empty, Newspim's id has the day
    )
    page_of_timeless = read_page(outlet, timeless)
    if page_of_timeless.article is not None:  # its pictures have a day
        assert page_of_timeless.article.quality is Quality.GENERIC
        assert "published_guessed" in page_of_timeless.article.flags
        page_of_timeless = replace(page_of_timeless, article=None)
    assert unparsed(page_of_timeless) is Reason.NO_PUBLISHED


def latin1(text: str) -> bytes:
    return text.encode().decode("latin-1").encode()


def cp1252(text: str) -> bytes:
    return text.encode().decode("cp1252", "replace").encode()


def utf8_read_as_cp949(text: str) -> bytes:
    return text.encode().decode("cp949", "replace").encode()


def cp949_read_as_utf8(text: str) -> bytes:
    return text.encode("cp949", "replace").decode("utf-8", "replace").encode()


def twice(text: str) -> bytes:
    """What is left when replacement characters were saved in cp949 and read again: 占쏙옙."""
    return (
        text.encode("cp949", "replace")
        .decode("utf-8", "replace")
        .encode()
        .decode("cp949", "replace")
        .encode()
    )


@pytest.mark.parametrize("damage", [latin1, cp1252, utf8_read_as_cp949, cp949_read_as_utf8, twice])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_text_damaged_by_a_wrong_encoding_is_no_article(
    outlet: str, damage: Callable[[str], bytes]
) -> None:
    assert read_page(outlet, damage(whole(outlet))).article is None


@pytest.mark.parametrize("damage", [latin1, cp1252, cp949_read_as_utf8])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_damaged_paragraphs_in_a_sound_page_are_mojibake(
    outlet: str, damage: Callable[[str], bytes]
) -> None:
    page = whole(outlet)
    at = page.index(">", page.index(BODY[outlet])) + 1
    data = page[:at].encode() + damage(page[at:])
    assert unparsed(read_page(outlet, data)) is Reason.MOJIBAKE


#: Longer than any of these pages takes, and far shorter than a step that is quadratic in 100,000
#: elements.
SECONDS = 8.0


def timely(outlet: str, html: str | bytes) -> Page:
    start = process_time()
    page = read_page(outlet, html)
    assert process_time() - start < SECONDS
    return page


@pytest.mark.parametrize("tag", ["div", "p", "span", "b", "table", "ul", "section", "blockquote"])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_100_000_nested_elements_are_read_in_seconds_and_no_empty_success(
    outlet: str, tag: str
) -> None:
    nested = f"<{tag}>" * 100_000
    page = timely(outlet, with_body(outlet, nested))
    assert page.article is None or page.article.body
    assert unparsed(timely(outlet, f"<html><body>{nested}")) in Reason
    filled = timely(
        outlet, with_body(outlet, f"<p>앞 문단이 여기에 있다. 충분히 길다고 하자.</p>{nested}끝")
    )
    assert filled.article is None or any("앞 문단이" in block for block in filled.article.body)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_fifty_thousand_of_anything_are_read_in_seconds(outlet: str) -> None:
    for part in (
        "<p>",
        "<br>",
        "<table>",
        "<img src=x>",
        "<div class=adrs>x",
        "<a href=x>나",
        "<li>",
        "</p>",
        "<!--",
        "&",
    ):
        page = timely(outlet, with_body(outlet, part * 50_000))
        assert page.article is None or page.article.body
    for part in ("· ", "[", "입력 ", "2018-", "기자 ", "▲", "=", "( ", "@", "가"):
        page = timely(outlet, with_body(outlet, f"<p>{part * 50_000}</p>"))
        assert page.article is None or page.article.body


@pytest.mark.parametrize(
    "part", ["가", "· ", "[가=나] ", "홍길동 기자 ", "입력 2018-03-02 09:10 ", "a@", "▲가. ", "1"]
)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_huge_text_is_read_in_seconds(outlet: str, part: str) -> None:
    text = (SEEDS / outlet / "own-text.txt").read_text("utf-8")
    start = process_time()
    for hostile in (
        text + part * 100_000,
        part * 100_000 + "\n" + text,
        text.replace(". ", f". {part * 100_000}", 1),
    ):
        page = read_bytes(outlet, hostile, media_type="text/plain")
        assert page.article is None or page.article.body
    assert process_time() - start < 3 * SECONDS


@pytest.mark.parametrize("outlet", OUTLETS)
def test_huge_attributes_do_no_harm(outlet: str) -> None:
    html = (
        whole(outlet)
        .replace("<p>", f'<p data-x="{"가" * 1_000_000}">', 1)
        .replace("<img ", f"<img {'a' * 500_000} ", 1)
    )
    page = timely(outlet, html)
    clean = read_page(outlet, whole(outlet))
    assert isinstance(page.article, Article)
    assert clean.article is not None
    assert page.article.body == clean.article.body


@pytest.mark.parametrize("outlet", OUTLETS)
def test_null_bytes_within_a_page_do_no_harm(outlet: str) -> None:
    page = read_page(outlet, whole(outlet).replace("기록의", "기\0록의"))
    assert page.article is None or "\0" not in page.article.text + page.article.headline


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_page_cut_anywhere_never_crashes_and_is_never_an_empty_success(outlet: str) -> None:
    data = whole(outlet).encode()
    for cut in range(0, len(data), 97):
        page = read_page(outlet, data[:cut])
        if page.article is None:
            assert page.verdict is not None
            assert page.verdict.reason is not None
        else:
            assert page.article.headline
            assert page.article.body
            assert page.article.published_at


@pytest.mark.parametrize("outlet", OUTLETS)
@pytest.mark.parametrize(
    "status", ["301 Moved", "403 Forbidden", "404 Not Found", "503 Busy", "204 No Content"]
)
def test_another_status_than_200_is_passed_over(outlet: str, status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n".encode()
    page = read_exchange(
        Exchange(url=URL[outlet], captured_at=NOON, head=head, body=whole(outlet).encode()),
        outlet_named(outlet),
    )
    assert page.verdict is not None
    assert page.verdict.reason is Reason.HTTP_STATUS
    assert page.article is None


REAL = Path(os.environ.get("REAL_PAGES", ROOT.parent / "shared" / "pages")) / "html"
needs_pages = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real pages are not here: {REAL}")


#: Pages of outlets that there is no file of.
_OURS = {case.name for case in real_corpus(REAL.parent).cases if case.is_of_an_outlet}
OTHERS = [path for path in sorted(REAL.glob("*.html")) if path.stem not in _OURS]


@needs_pages
@pytest.mark.parametrize("outlet", [None, *OUTLETS])
def test_real_pages_of_other_outlets_are_never_articles_of_ours(outlet: str | None) -> None:
    # With --outlet every page is another outlet's.
    pages = sorted(REAL.glob("*.html")) if outlet else OTHERS
    assert pages
    for path in pages:
        (given,) = read_file(path)
        assert given.exchange is not None
        chosen = outlet_named(outlet) if outlet else outlet_for(given.exchange)
        assert outlet is not None or chosen is None, (
            f"{path.name} is taken for {chosen and chosen.name}"
        )
        if chosen is not None:
            page = read_exchange(given.exchange, chosen, path.name)
            assert page.verdict is not None, f"{path.name} is taken for an article of {chosen.name}"
            assert page.verdict.outcome in (Outcome.UNPARSED, Outcome.SKIPPED)
            assert page.verdict.reason is not None


@needs_pages
@pytest.mark.parametrize(
    "options", [[], ["--outlet", "etoday"], ["--outlet", "newspim"]], ids=" ".join
)
def test_replaying_real_pages_stores_no_article_and_says_why(
    tmp_path: Path, options: list[str]
) -> None:
    workspace = Workspace(tmp_path)
    pages = sorted(REAL.glob("*.html")) if options else OTHERS
    said = workspace.call("replay", *options, *pages)
    count = len(pages)
    assert said.code == 1
    assert len(said.sentences) == count
    assert all("skipped/" in line or "unparsed/" in line for line in said.sentences)
    assert workspace.rows("articles") == []
