"""The teaser of a paid article is kept and flagged, and makes no revisions beside the whole text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.differences.comparison import compare
from archive.model.article import PAYWALL_RULE, PAYWALLED, Article, Removed
from crawler.extraction.paywall import take_notice
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.page import Printed
from pipelines.widget_rules import Widgets
from tests.support.documents import SEEDS, read_bytes

CASES = Path(__file__).parent / "cases"
URL = "https://www.newspim.com/news/view/20180302999902"
WHOLE = (SEEDS / "newspim" / "own-desktop-2026.html").read_text("utf-8")
NOTICES = [
    "이 기사는 유료회원 전용입니다.",
    "이 기사는 프리미엄 회원에게만 제공됩니다. 전체 기사를 보시려면 로그인 후 이용해 주세요.",
    "나머지 내용은 구독 후 보실 수 있습니다.",
    "유료 구독자 전용 콘텐츠입니다.",
    "구독하고 계속 읽기",
    "로그인하시면 기사 전문을 읽으실 수 있습니다",
    "Subscribe to continue reading",
    "This article is for subscribers only.",
]
NO_NOTICES = [
    "댓글은 로그인 후 이용해 주세요.",
    "네이버에서 뉴스핌 채널을 구독하시면 더 많은 기사를 보실 수 있습니다.",
    "[편집자] 이 기사는 5월 10일 오후 3시 프리미엄 뉴스서비스에 출고한 기사입니다.",
    "회사는 5일 “이 기사는 유료회원 전용입니다”라는 안내를 없앴다.",
    "정부는 유료 회원에게만 제공하던 자료를 공개한다고 밝혔다.",
    "이 기사는 무료로 공개됩니다.",
    "홍길동 기자",
]


def case(name: str) -> Article | None:
    page = read_bytes("newspim", (CASES / f"{name}.html").read_bytes(), url=URL)
    return page.article


def cut(article_html: str, notice: str, kept: int = 2) -> str:
    """The page with its first paragraphs and a notice behind them."""
    at = article_html.index('<div id="news-contents">')
    end = article_html.index("</div>", at)
    paragraphs = [line for line in article_html[at:end].split("\n") if line.startswith("<p>")][
        :kept
    ]
    body = "\n".join(['<div id="news-contents">', *paragraphs, f"<p>{notice}</p>"])
    return article_html[:at] + body + article_html[end:]


@pytest.mark.parametrize("name", ["paywall_p", "paywall_long_teaser"])
def test_a_teaser_is_an_article_that_says_so(name: str) -> None:
    article = case(f"newspim--own-desktop-2026--{name}")
    assert article is not None
    assert PAYWALLED in article.flags
    assert any(span.rule == PAYWALL_RULE for span in article.removed)
    assert "회원" not in article.text
    assert "로그인" not in article.text


def test_a_notice_that_publication_was_stopped_is_no_article() -> None:
    assert case("newspim--own-desktop-2026--deleted_3") is None


@pytest.mark.parametrize("name", ["jsonld_of_related", "jsonld_utc_bug"])
def test_the_printed_time_wins_against_json_ld(name: str) -> None:
    html = (CASES / f"etoday--own-desktop-2020--{name}.html").read_bytes()
    article = read_bytes(
        "etoday", html, url="https://www.etoday.co.kr/news/view/9000000002"
    ).article
    assert article is not None
    assert article.published_at is not None
    assert article.published_at.isoformat() == "2018-03-02T09:10:00+09:00"


@pytest.mark.parametrize("notice", NOTICES)
def test_words_behind_the_teaser_flag_it(notice: str) -> None:
    article = read_bytes("newspim", cut(WHOLE, notice), url=URL).article
    assert article is not None
    assert PAYWALLED in article.flags
    assert notice not in article.text
    assert len(article.body) == 2


@pytest.mark.parametrize("words", NO_NOTICES)
def test_other_words_are_no_notice(words: str) -> None:
    article = read_bytes("newspim", cut(WHOLE, words), url=URL).article
    assert article is not None
    assert PAYWALLED not in article.flags


@pytest.mark.parametrize("notice", NOTICES)
def test_a_notice_that_the_report_follows_is_none(notice: str) -> None:
    page = WHOLE.replace("<p>전시장에서는", f"<p>{notice}</p>\n<p>전시장에서는")
    article = read_bytes("newspim", page, url=URL).article
    assert article is not None
    assert PAYWALLED not in article.flags
    assert notice in article.text


@pytest.mark.parametrize("notice", NOTICES[:2])
def test_a_notice_without_a_teaser_is_no_article(notice: str) -> None:
    assert read_bytes("newspim", cut(WHOLE, notice, 0), url=URL).article is None


def test_metadata_flag_an_article_whose_text_is_there() -> None:
    thing = {"@type": "NewsArticle", "url": URL, "isAccessibleForFree": "False"}
    script = f'<script type="application/ld+json">{json.dumps(thing)}</script></head>'
    meta = '<meta itemprop="isAccessibleForFree" content="false"></head>'
    whole = read_bytes("newspim", WHOLE, url=URL).article
    assert whole is not None
    assert whole.flags == ()
    for head in (script, meta):
        article = read_bytes("newspim", WHOLE.replace("</head>", head), url=URL).article
        assert article is not None
        assert (article.flags, article.body) == ((PAYWALLED,), whole.body)


def test_the_element_of_an_outlet_flags_it() -> None:
    outlet = outlet_named("newspim")
    outlet = replace(outlet, rules=replace(outlet.rules, paywall=".locked"))
    page = cut(WHOLE, '<span class="locked">여기까지 <b class="locked">무료</b></span>')
    exchange = read_bytes("newspim", page, url=URL).exchange
    article = read_exchange(exchange, outlet).article
    assert article is not None
    assert PAYWALLED in article.flags
    assert article.removed[-1].rule == PAYWALL_RULE
    free = read_exchange(read_bytes("newspim", WHOLE, url=URL).exchange, outlet).article
    assert free is not None
    assert free.flags == ()


def test_teaser_and_whole_text_are_one_version() -> None:
    whole = read_bytes("newspim", WHOLE, url=URL).article
    teaser = read_bytes("newspim", cut(WHOLE, NOTICES[0]), url=URL).article
    assert whole is not None
    assert teaser is not None
    later = compare(whole, (whole.layout,), teaser)
    assert (later.changed, later.merged.body, later.merged.flags) == ((), whole.body, ())
    first = compare(teaser, (teaser.layout,), whole)
    assert (first.changed, first.merged.body, first.merged.flags) == ((), whole.body, ())
    assert not any(span.rule == PAYWALL_RULE for span in first.merged.removed)


def test_a_teaser_of_another_text_is_a_change() -> None:
    whole = read_bytes("newspim", WHOLE, url=URL).article
    other = read_bytes(
        "newspim", cut(WHOLE.replace("417장을", "418장을"), NOTICES[0]), url=URL
    ).article
    assert whole is not None
    assert other is not None
    assert "body" in compare(whole, (whole.layout,), other).changed


def test_a_sentence_that_is_gone_from_a_paid_whole_text_is_a_change() -> None:
    whole = Article(outlet="x", headline="제목", body=("하나다.", "둘이다."), flags=(PAYWALLED,))
    shorter = replace(whole, body=("하나다.",))
    assert compare(replace(whole, layout="a"), ("a",), replace(shorter, layout="a")).changed


@given(st.lists(st.sampled_from([*NOTICES, *NO_NOTICES, "본문의 한 문장이다.", ""]), max_size=8))
def test_no_sentence_of_a_report_is_taken(blocks: list[str]) -> None:
    printed, paid = take_notice(Printed(layout="a", blocks=tuple(blocks)), Widgets())
    reported = [block for block in blocks if block.endswith(("이다.", "없앴다.", "밝혔다."))]
    assert [b for b in printed.blocks if b.endswith(("이다.", "없앴다.", "밝혔다."))] == reported
    assert paid is (printed.removed != ())
    assert all(isinstance(span, Removed) for span in printed.removed)
