"""The tools' renderings of a fixture give the article that its page gives, or say what they lack.

``renderings/OUTLET/FIXTURE--TOOL.txt`` are made of the fixtures by common tools: trafilatura,
html2text, inscriptis, resiliparse, BeautifulSoup, lynx, w3m, elinks, markdownify, readability,
justext, goose, html-text, pandoc (see `bench.render`).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.differences.comparison import compare
from archive.model.outcome import Reason
from crawler.extraction.plain_text import read_text
from crawler.extraction.rendering_marks import read_rendering
from crawler.outlets import outlet_named
from tests.support.documents import MADE, SEEDS, read_article, read_bytes, read_fixture
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from archive.model.article import Article
    from crawler.model.layout import TextForm
    from pipelines.page import Page

FOLDER = Path(__file__).with_name("renderings")
RENDERINGS = sorted(FOLDER.glob("*/*.txt"))
#: What a tool leaves out of a page, so that its rendering has no article: (tool, fixture) -> reason.
INCOMPLETE = {
    # The whole page is one line, or its head is left out.
    ("trafilatura-html2txt", ""): Reason.NO_PUBLISHED,
    ("readability", ""): Reason.NO_PUBLISHED,
    ("goose", ""): Reason.NO_PUBLISHED,
    ("trafilatura", "own-desktop-2020"): Reason.NO_PUBLISHED,
    ("trafilatura", "own-mobile"): Reason.NO_HEADLINE,
    ("trafilatura", "own-desktop-2018"): Reason.NO_PUBLISHED,
    ("resiliparse-main", "own-desktop-2018"): Reason.NO_PUBLISHED,
    ("trafilatura-md", "own-desktop-2020"): Reason.NO_PUBLISHED,
    ("trafilatura-md", "own-desktop-2018"): Reason.NO_PUBLISHED,
}
FIELDS = ("headline", "authors", "dateline", "tags", "published_at", "modified_at", "body")


def parts_of(path: Path) -> tuple[str, str, str]:
    """The outlet, the fixture and the tool of a rendering."""
    fixture, _, tool = path.stem.partition("--")
    return path.parent.name, fixture, tool


def page_of(path: Path) -> Path:
    outlet, fixture, _ = parts_of(path)
    return SEEDS / outlet / f"{fixture}.html"


def read_rendered(path: Path) -> Page:
    page = read_fixture(page_of(path))
    assert page.article is not None
    return read_bytes(
        page.outlet,
        path.read_bytes(),
        url=page.article.url,
        media_type="text/plain",
        at=page.exchange.captured_at,
    )


def expected_reason(path: Path) -> Reason | None:
    _, fixture, tool = parts_of(path)
    return INCOMPLETE.get((tool, fixture)) or INCOMPLETE.get((tool, ""))


def words(article: Article) -> list[tuple[str, str]]:
    return [(image.caption, image.credit) for image in article.images]


@pytest.mark.parametrize("path", RENDERINGS, ids=lambda path: path.stem)
def test_a_rendering_gives_the_article_of_its_page_or_says_what_it_lacks(path: Path) -> None:
    page = read_rendered(path)
    reason = expected_reason(path)
    if reason is not None:
        assert page.article is None
        assert page.verdict is not None
        assert page.verdict.reason is reason
        return
    assert page.article is not None, page.verdict
    known = read_article(page_of(path))
    assert page.article.body == known.body
    # The id's day, where a tool leaves out the time of publication, is not as precise.
    assert compare(known, [known.layout], page.article).changed == ()
    for field in FIELDS:
        told = getattr(page.article, field)
        if told and getattr(known, field) and field != "published_at":
            assert told == getattr(known, field)
    assert not words(page.article) or words(page.article) == words(known)


@pytest.mark.parametrize("path", RENDERINGS, ids=lambda path: path.stem)
def test_nothing_of_a_rendering_vanishes(path: Path) -> None:
    """Every sentence of the page's own body is in the rendering's blocks, or in what was removed."""
    outlet, _, _ = parts_of(path)
    known = outlet_named(outlet)
    printed = read_text(path.read_text(encoding="utf-8"), known.text, known.rules)
    read = "".join(
        "".join(part.split())
        for part in (
            printed.headline,
            *printed.subheadlines,
            *printed.blocks,
            *(caption for _, caption in printed.captions),
            *(span.text for span in printed.removed),
        )
    )
    text = "".join(path.read_text(encoding="utf-8").split()).replace("\\", "")
    for block in read_article(page_of(path)).body:
        sentence = "".join(block.split())
        assert sentence not in text or sentence in read


def test_renderings_of_one_capture_make_no_revision_in_whichever_order(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for path in RENDERINGS[::-1]:
        facts = read_fixture(page_of(path))
        assert facts.article is not None
        copy = tmp_path / "in" / path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.with_suffix(".json").write_text(
            f'{{"url": "{facts.article.url}", "captured_at": "{facts.exchange.captured_at}"}}',
            encoding="utf-8",
        )
    workspace.call("replay", tmp_path / "in")
    workspace.call("replay", *MADE)
    ids = {read_article(page_of(path)).article_id for path in RENDERINGS}
    rows = [row for row in workspace.rows("articles") if row["article_id"] in ids]
    counts = {
        row["article_id"]: sum(r["article"] == row["id"] for r in workspace.rows("revisions"))
        for row in rows
    }
    assert counts == dict.fromkeys(ids, 1)


ETODAY, NEWSPIM = outlet_named("etoday"), outlet_named("newspim")
SENTENCE = "달빛마을도서관이 개관 10주년을 맞아 손글씨 기록을 처음으로 공개했다."
MORE = "도서관은 올해 안에 기록 전체의 차례를 만들 계획이라고 이날 밝혔다."


def etoday(text: str) -> Article:
    article = read_bytes("etoday", text, media_type="text/plain").article
    assert article is not None
    return article


def newspim(text: str) -> Article:
    article = read_bytes("newspim", text, media_type="text/plain").article
    assert article is not None
    return article


def removed(article: Article, rule: str) -> str:
    return "\n".join(span.text for span in article.removed if span.rule == rule)


def test_the_mobile_page_of_etoday_has_its_own_order() -> None:
    article = etoday(
        "글로벌경제\n국제시황\n도서관, 기록 3200쪽 공개\n입력 2018-03-02 09:10\n한누리 기자\n"
        "fixture.nuri@etoday.co.kr\n페이스북\n트위터\nURL공유\n더 작게\n작게\n기본\n크게\n더 크게\n"
        f"개관 10주년 맞아 공개\n(사진=달빛마을도서관)\n{SENTENCE}\n{MORE}\n#기록 #도서관\n주요뉴스\n다른 기사\n"
    )
    assert article.section == "글로벌경제 국제시황"
    assert article.headline == "도서관, 기록 3200쪽 공개"
    assert [(a.name, a.email) for a in article.authors] == [("한누리", "fixture.nuri@etoday.co.kr")]
    assert article.subheadlines == ("개관 10주년 맞아 공개",)
    assert article.body == (SENTENCE, MORE)
    assert article.tags == ("기록", "도서관")
    assert words(article) == [("", "달빛마을도서관")]
    assert removed(article, "top_news") == "주요뉴스\n다른 기사"


@pytest.mark.parametrize(
    "caption", ["(사진=뉴시스)", "(에프앤가이드)", "한솔비 관장 (사진=뉴시스)"]
)
def test_captions_without_their_sign_are_no_body(caption: str) -> None:
    article = etoday(f"제목\n입력 2018-03-02 09:10\n{caption}\n{SENTENCE}\n{MORE}")
    assert article.body == (SENTENCE, MORE)
    assert len(article.images) == 1


def test_a_sentence_that_ends_in_a_source_is_no_caption() -> None:
    sentence = f"{SENTENCE} (사진=뉴시스)"
    assert sentence in etoday(f"제목\n입력 2018-03-02 09:10\n{sentence}\n{MORE}").body


def test_the_mobile_page_of_newspim_and_its_machine_summary() -> None:
    lead = f"[별섬=뉴스핌] 한누리 기자 = {SENTENCE}"
    article = newspim(
        "전체기사 최신뉴스 GAM\n별섬 우체국, 엽서 공개\n기사등록 : 2018-03-02 09:10\n"
        "AI 핵심 요약 beta 분석 중...\n- 기계가 줄인 첫째 줄이다.\n- 기계가 줄인 둘째 줄이다.\n"
        f"!AI가 자동 생성한 요약으로 정확하지 않을 수 있습니다.\n40년 동안 모은 엽서\n{lead}\n{MORE}\n"
    )
    assert article.body == (lead, MORE)
    assert article.subheadlines == ("40년 동안 모은 엽서",)
    assert article.published_raw == "2018-03-02 09:10"
    assert "둘째 줄" in removed(article, "ai_summary")


def test_a_summary_without_its_last_line_ends_with_its_list() -> None:
    article = newspim(
        f"제목\n기사입력 : 2018년03월02일 09:10\nAI 핵심 요약\n- 기계가 줄였다.\n\n[별섬=뉴스핌] {SENTENCE}\n{MORE}"
    )
    assert article.body == (f"[별섬=뉴스핌] {SENTENCE}", MORE)


def test_lines_before_the_headline_and_behind_the_tail_are_outside() -> None:
    article = newspim(
        f"다른 기사의 제목\n{MORE}\n제목\n기사입력 : 2018년03월02일 09:10\n[별섬=뉴스핌] {SENTENCE}\n"
        "fixture.nuri@newspim.com\n이 줄은 기사가 아니다.\n"
    )
    assert article.body == (f"[별섬=뉴스핌] {SENTENCE}",)
    assert (
        removed(article, "outside_article") == f"다른 기사의 제목\n{MORE}\n이 줄은 기사가 아니다."
    )


def test_an_address_alone_in_the_middle_cuts_nothing() -> None:
    article = newspim(
        f"제목\n기사입력 : 2018년03월02일 09:10\n[별섬=뉴스핌] {SENTENCE}\nfixture.nuri@newspim.com\n"
        f"{MORE}\nfixture.nuri@newspim.com\n"
    )
    assert article.body == (f"[별섬=뉴스핌] {SENTENCE}", MORE)


def newspim_report(*lines: str) -> Article:
    report = "\n\n".join((f"[별섬=뉴스핌] {SENTENCE}", *lines, "fixture.nuri@newspim.com"))
    return newspim(
        f"제목\n기사입력 : 2018년03월02일 09:10\n{report}\n[관련기사]\n다른 기사의 제목\n{MORE}\n"
    )


@pytest.mark.parametrize("blank", ["", "\n"])
@pytest.mark.parametrize("heading", ["주요 뉴스", "관련 뉴스", "많이 본 뉴스", "마켓 뉴스"])
def test_a_sub_heading_of_the_report_cuts_nothing(heading: str, blank: str) -> None:
    lines = (
        "제목",
        "입력 2018-03-02 09:10",
        SENTENCE,
        heading,
        MORE,
        SENTENCE,
        "주요 뉴스",
        "가 나",
    )
    article = etoday(f"\n{blank}".join(lines))
    assert article.body == (SENTENCE, heading, MORE, SENTENCE)
    assert removed(article, "top_news") == "주요 뉴스\n가 나"


def test_a_list_of_articles_within_the_report_ends_with_its_titles() -> None:
    article = newspim_report("[관련기사]", "도서관 고양이, 보조로 임명", "우물 복원 끝나", MORE)
    assert article.body == (f"[별섬=뉴스핌] {SENTENCE}", MORE)
    assert removed(article, "related_news").startswith(
        "[관련기사]\n도서관 고양이, 보조로 임명\n우물"
    )
    assert newspim_report("[관련기사]", MORE).body[1:] == ("[관련기사]", MORE)


def test_a_heading_that_no_reporter_writes_cuts_what_follows() -> None:
    article = newspim(
        f"제목\n기사입력 : 2018년03월02일 09:10\n[별섬=뉴스핌] {SENTENCE}\n[뉴스핌 베스트 기사]\n{MORE}\n"
    )
    assert article.body == (f"[별섬=뉴스핌] {SENTENCE}",)


def test_doubled_line_ends_and_margins_change_nothing() -> None:
    for path in RENDERINGS:
        text = path.read_text(encoding="utf-8")
        known = read_bytes(parts_of(path)[0], text, media_type="text/plain").article
        for other in (
            text.replace("\n", "\n\n"),
            text.replace("\n\n", "\n \n\n"),
            text.replace("\n", " \n"),
            "\n".join(f"    {line}" for line in text.split("\n")),
        ):
            assert read_bytes(parts_of(path)[0], other, media_type="text/plain").article == known


@pytest.mark.parametrize("ruler", ["=====", "-----", "---", "***", "___"])
def test_a_ruler_is_no_headline(ruler: str) -> None:
    text = f"제목\n{ruler}\n\n입력 2018-03-02 09:10\n\n{SENTENCE}\n\n{MORE}"
    assert etoday(text).headline == "제목"


@pytest.mark.parametrize("bullet", ["• ", "* ", "+ ", "- ", "  • ", "   * "])
def test_bullets_of_tools_are_not_text(bullet: str) -> None:
    text = f"제목\n입력 2018-03-02 09:10\n{SENTENCE}\n{bullet}{MORE}\n{bullet}좋아요0"
    assert etoday(text).body == (SENTENCE, MORE)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("## 제목", "제목"),
        ("#달빛 #기록", "#달빛 #기록"),
        (r"\[별섬=뉴스핌\] 한누리 기자", "[별섬=뉴스핌] 한누리 기자"),
        ("**관련 뉴스**", "관련 뉴스"),
        ("*이미지 크게보기*", "이미지 크게보기"),
        ("[[단독] 제목](/news/view/1)", "[단독] 제목"),
        ("![사진](https://img.example.kr/a.jpg)", ""),
        ("[단독](종합) 제목", "[단독](종합) 제목"),
        ("| 이미지 크게보기 |", "이미지 크게보기"),
        ("| --- | --- |", ""),
        ("fixture_nuri_1@newspim.com", "fixture_nuri_1@newspim.com"),
        ("3*4*5는 60이다.", "3*4*5는 60이다."),
        ("-1.11%", "-1.11%"),
        ("*24시간 변동률 기준", "*24시간 변동률 기준"),
    ],
)
def test_marks_of_one_line(raw: str, line: str) -> None:
    assert read_rendering(raw).lines == (line,)


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_the_title_of_the_front_matter_is_the_headline_if_no_line_is(quote: str) -> None:
    title = '우체국 "엽서 공개"'
    text = f"---\ntitle: {quote}{title}{quote}\ndate: 2018-03-02\n---\n입력 2018-03-02 09:10\n{SENTENCE}\n{MORE}"
    assert etoday(text).headline == title


def test_lines_wrapped_at_the_width_of_a_page_are_joined_and_others_are_not() -> None:
    words_ = f"{SENTENCE} {MORE} {SENTENCE} {MORE} {SENTENCE} {MORE}".split()
    lines, line = [], ""
    for word in words_:
        if len(line) + 1 + len(word) > 66:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    wrapped = "\n".join([*lines, line])
    text = f"# 제목\n\n입력 2018-03-02 09:10\n\n{wrapped}\n\n{wrapped}\n\n끝 문단은 짧다."
    whole = " ".join(words_)
    assert etoday(text).body == (whole, whole, "끝 문단은 짧다.")
    apart = f"제목\n입력 2018-03-02 09:10\n{SENTENCE}\n{MORE}\n{SENTENCE}\n{whole}"
    assert etoday(apart).body == (SENTENCE, MORE, SENTENCE, whole)


@given(st.text(), st.sampled_from([ETODAY.text, NEWSPIM.text]))
def test_any_text_is_read_without_an_error_and_nothing_is_twice(text: str, form: TextForm) -> None:
    printed = read_text(text, form, ETODAY.rules)
    assert len(printed.blocks) <= len(text.splitlines())


def test_marks_are_read_in_time_that_grows_with_the_text() -> None:
    for part in ("[" * 3000, "**a" * 9000, "](" * 9000, "| " * 9000, "---\n" * 20_000, "_a" * 9000):
        assert read_rendering(part)


@pytest.mark.parametrize(
    "stamp", ["입력 2023-09-05 14:41", "수정 : 2023-09-05 14:41", "입력  ", "기사입력 :"]
)
@pytest.mark.parametrize("outlet", ["etoday", "newspim"])
def test_a_row_of_stamps_is_read_soon(outlet: str, stamp: str) -> None:
    """Each stamp can be matched in several ways; a row that ends in other text tried them all."""
    began = time.process_time()
    read_bytes(
        outlet, f"제목이다.\n{stamp * 400}▲본문이 아니다.\n기록은 남는다.", media_type="text/plain"
    )
    assert time.process_time() - began < 2
