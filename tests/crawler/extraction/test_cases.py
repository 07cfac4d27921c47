"""Pages distorted as real sites distort them: made of the project's own fixtures, each read whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.model.outcome import Outcome, Reason
from tests.crawler.extraction.test_false_success import URL, read_page
from tests.support.documents import SEEDS, read_article

CASES = Path(__file__).parent / "cases"
OWN = {
    "etoday": read_article(SEEDS / "etoday" / "own-desktop-2020.html"),
    "newspim": read_article(SEEDS / "newspim" / "own-desktop-2026.html"),
}
#: What stands behind the first paragraph of a page, besides the text of its fixture.
INSERTED = {
    "etoday--own-desktop-2020--half_wrapped": (),
    "etoday--own-desktop-2020--stock_table": (
        "종목 | 종가 | 등락률",
        "삼성전자 | 70,200 | -1.27%",
        "SK하이닉스 | 131,000 | +2.10%",
    ),
    "etoday--own-desktop-2020--strong_subheads_bare_text": (
        "◆ 소제목입니다",
        "문단 밖에 적힌 한 문장이다. 이 문장은 기자가 썼다.",
    ),
    "etoday--own-desktop-2020--roundup_subhead": ("주요 뉴스",),
    "newspim--own-desktop-2026--roundup_subhead": ("[관련기사]",),
}
FLASHES = {
    "about_captcha": "구글은 5일 로그인 화면에서 캡차(CAPTCHA)를 없애고 패스키를 기본으로 쓴다고 발표했다.",
    "about_cookie": "개인정보보호위원회는 5일 쿠키 수집 때 이용자 동의를 받도록 하는 지침을 냈다고 밝혔다.",
    "about_deletion": '네이버는 5일 "기사가 삭제되었습니다"라는 안내 문구를 없애고 '
    "언론사 이름을 함께 보여 준다고 밝혔다.",
    "skt": "SK텔레콤은 5일 유심 서버에서 비정상적인 접근을 확인했다고 한국인터넷진흥원에 신고했다고 밝혔다.",
    "sokbo_bare": '尹 "의대 증원 철회 없다"',
}


@pytest.mark.parametrize("name", INSERTED)
def test_the_body_is_the_fixtures_with_what_was_put_in_it(name: str) -> None:
    outlet = name.partition("--")[0]
    page = read_page(outlet, (CASES / f"{name}.html").read_bytes())
    assert page.article is not None, page.verdict
    first, *rest = OWN[outlet].body
    assert page.article.body == (first, *INSERTED[name], *rest)
    assert page.article.headline == OWN[outlet].headline
    assert page.article.images == OWN[outlet].images


@pytest.mark.parametrize("flash", FLASHES)
def test_a_flash_that_quotes_a_walls_words_is_an_article(flash: str) -> None:
    data = (CASES / f"newspim--own-desktop-2026--flash_{flash}.html").read_bytes()
    page = read_page("newspim", data)
    assert page.article is not None, page.verdict
    assert page.article.body == (FLASHES[flash],)


def test_a_notice_that_publication_was_stopped_is_no_article() -> None:
    page = read_page("newspim", (CASES / "newspim--own-desktop-2026--deleted_3.html").read_bytes())
    assert page.verdict is not None
    assert (page.verdict.outcome, page.verdict.reason) == (Outcome.SKIPPED, Reason.DELETED)


def test_cases_and_fixtures_are_of_the_same_outlets() -> None:
    assert set(URL) == set(OWN)
