"""Walls: a notice in the body's place is no article, an article that quotes one is."""

from __future__ import annotations

import re

import pytest

from archive.model.exchange import Exchange
from archive.model.outcome import Outcome, Reason
from crawler.extraction.reading import read_exchange
from crawler.extraction.walls import recognise_wall, wall_in
from crawler.outlets import outlet_named
from tests.crawler.extraction.test_false_success import (
    BODY,
    OUTLETS,
    URL,
    read_page,
    whole,
    with_body,
)
from tests.support.documents import NOON, SEEDS, read_bytes

#: How the last paragraph of each outlet's own fixture ends.
OWN_ENDS = {
    "etoday": "기록 전체의 차례를 만들어 누구나 찾아볼 수 있게 할 계획이다. 문의는 도서관 기록방에서 받는다.",
    "newspim": "한편 우체국은 남은 엽서의 사본을 올해 말까지 누구나 찾아볼 수 있게 정리할 예정이다.",
}
ARTICLES = [
    '네이버는 5일 "기사가 삭제되었습니다"라는 안내 문구를 없앤다고 밝혔다.',
    "구글은 5일 로그인 화면에서 캡차(CAPTCHA)를 없애고 패스키를 기본으로 쓴다고 발표했다.",
    "개인정보보호위원회는 5일 쿠키 수집 때 이용자 동의를 받도록 하는 지침을 냈다고 밝혔다.",
    "SK텔레콤은 5일 유심 서버에서 비정상적인 접근을 확인했다고 밝혔다.",
    "법원은 삭제된 기사를 되살리라고 판결했다.",
    "은하은행은 회원만 쓰던 앱을 누구나 쓰게 했다(사진).",
    "[서울=뉴스핌] 한누리 기자 = 로그인이 필요한 서비스가 늘고 있습니다.",
    "카카오는 ‘요청하신 페이지를 찾을 수 없습니다’ 화면을 바꿨다고 말했다.",
    "네이버가 삭제된 기사를 되살리는 기능을 낸다고 밝혔습니다.",
    '尹 "의대 증원 철회 없다"',
    "◇과장급 전보 ▲예산총괄과장 홍길동",
]
NOTICES = {
    "이 기사는 본사의 편집 방침에 따라 게재가 중단됐습니다. 불편을 드려 죄송합니다.": Reason.DELETED,
    "해당 기사는 언론사의 요청으로 삭제되었습니다.": Reason.DELETED,
    "삭제된 기사입니다.": Reason.DELETED,
    "비공개 처리된 기사입니다.": Reason.DELETED,
    "서비스되지 않는 기사입니다.": Reason.DELETED,
    "이 기사는 법원의 결정에 따라 게재를 중단합니다.": Reason.DELETED,
    "삭제되었거나 존재하지 않는 기사입니다.": Reason.SOFT_404,
    "유료회원만 볼 수 있습니다.": Reason.LOGIN_WALL,
    "구독 후 이용하실 수 있습니다.": Reason.LOGIN_WALL,
    "Verify you are human": Reason.BOT_CHALLENGE,
    "본 기사는 더 이상 제공되지 않습니다.": Reason.DELETED,
    "기사가 삭제되었거나 존재하지 않습니다.": Reason.SOFT_404,
    "구독자 전용": Reason.LOGIN_WALL,
    "로그인 후 이용해 주세요": Reason.LOGIN_WALL,
    "쿠키 사용에 동의해 주세요.": Reason.CONSENT_WALL,
    "비정상적인 접근이 감지되었습니다.": Reason.BOT_CHALLENGE,
}


@pytest.mark.parametrize("text", ARTICLES)
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_short_article_about_a_wall_is_an_article(outlet: str, text: str) -> None:
    page = read_page(outlet, with_body(outlet, f"<p>{text}</p>"))
    assert page.article is not None, page.verdict
    assert page.article.body == (text,)


@pytest.mark.parametrize("notice", NOTICES)
@pytest.mark.parametrize("wrapped", ["<p>{}</p>", "<div class=x><div>{}</div></div>", "{}<br>"])
@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_notice_in_the_bodys_place_is_no_article(outlet: str, wrapped: str, notice: str) -> None:
    more = "<p>이용에 불편을 드려 죄송합니다.</p><a href=/login>로그인</a>" * 3
    page = read_page(outlet, with_body(outlet, wrapped.format(notice) + more))
    assert page.article is None
    assert page.verdict is not None
    reason = NOTICES[notice]
    deleted = reason is Reason.DELETED
    assert page.verdict.outcome is (Outcome.SKIPPED if deleted else Outcome.UNPARSED)
    # A link "로그인" is a notice too; of several the first in the list of signs counts.
    assert page.verdict.reason is reason


def test_a_flash_that_repeats_its_headline_is_the_reporters() -> None:
    assert wall_in(["네이버, 로그인 필요 없앤다 선언"], "[속보] 네이버, 로그인 필요 없앤다") is None
    assert wall_in(["로그인이 필요합니다"], "[속보] 네이버, 새 서비스") is Reason.LOGIN_WALL


def test_a_script_does_not_speak_but_its_alert_does() -> None:
    assert recognise_wall("<p>가</p><script>var m = '삭제된 기사입니다.'</script>") is None
    alert = "<script>alert('삭제된 기사입니다.'); history.back();</script>"
    assert recognise_wall(alert) is Reason.DELETED


@pytest.mark.parametrize("outlet", OUTLETS)
def test_half_a_page_is_truncated(outlet: str) -> None:
    page = whole(outlet)
    body = page.index("</p>", page.index("<p>", page.index(BODY[outlet])))
    for cut in (body + 300, body + 301, page.index("</body>")):
        found = read_page(outlet, page[:cut])
        assert found.verdict is not None
        assert found.verdict.reason is Reason.TRUNCATED
    assert read_page(outlet, page.replace("</html>", "")).article is not None


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_page_without_hangul_is_no_success(outlet: str) -> None:
    page = whole(outlet)
    for lost in ("?", ""):
        found = read_page(outlet, re.sub("[가-힣]", lost, page).replace("2018030209:10", "x"))
        assert found.article is None
    at = page.index("<body>")
    hollow = page[:at] + re.sub("(?<=[가-힣 ])[가-힣](?=[가-힣 .])", "?", page[at:])
    assert read_page(outlet, hollow).article is None
    shifted = page[:at] + page[at:].encode("iso2022_kr", "ignore").decode("ascii")
    title = re.compile('<title>.*?</title>|<meta property="og:[^>]*>')
    shifted = title.sub("", shifted)
    known, found = read_page(outlet, page).article, read_page(outlet, shifted).article
    assert known is not None
    assert found is not None
    # KS X 1001 lacks some characters, which were left out above.
    assert (found.headline, len(found.body)) == (known.headline, len(known.body))
    undeclared = shifted.replace("\x1b$)C", "")
    assert read_page(outlet, undeclared).article is None


def test_a_body_shorter_than_its_head_states_is_truncated() -> None:
    body = whole("etoday").encode()
    for length, is_whole in ((len(body), True), (len(body) + 1, False), (len(body) - 1, True)):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n"
        exchange = Exchange(url=URL["etoday"], captured_at=NOON, head=head.encode(), body=body)
        page = read_exchange(exchange, outlet_named("etoday"))
        assert (page.article is not None) is is_whole
        assert is_whole or (page.verdict and page.verdict.reason is Reason.TRUNCATED)


@pytest.mark.parametrize("outlet", OUTLETS)
def test_a_text_that_breaks_off_within_a_word_is_truncated(outlet: str) -> None:
    text = (SEEDS / outlet / "own-text.txt").read_text("utf-8")
    assert read_bytes(outlet, text, media_type="text/plain").article is not None
    last = OWN_ENDS[outlet]
    at = text.index(last)
    cut = read_bytes(outlet, text[: at + len(last) // 2], media_type="text/plain")
    assert cut.verdict is not None
    assert cut.verdict.reason is Reason.TRUNCATED
    whole_text = read_bytes(outlet, text[: at + len(last)], media_type="text/plain")
    assert whole_text.article is not None
    assert whole_text.article.body[-1].endswith(last)
