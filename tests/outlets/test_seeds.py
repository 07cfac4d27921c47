"""The two documents the project began with, read by hand: what a person sees in them is what is read out of them."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST, Author, Image, Precision
from tests.support.documents import SEEDS, name_of, read_article, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from archive.model.article import Article

ETODAY = SEEDS / "000_3e66ff564048943b.txt"
NEWSPIM = SEEDS / "004_e87c195a7c7407d1.txt"


def lines(path: Path, first: int, last: int) -> tuple[str, ...]:
    """Lines of the document, counted from 1, without the empty ones; no-break spaces as spaces, ends stripped."""
    printed = path.read_text("utf-8").split("\n")[first - 1 : last]
    return tuple(line for line in (" ".join(text.split()) for text in printed) if line)


def removed(found: Article) -> dict[str, str]:
    assert len({span.rule for span in found.removed}) == len(found.removed), (
        "each rule has one span here"
    )
    return {span.rule: span.text for span in found.removed}


def test_etoday_headline_deck_and_times() -> None:
    found = read_article(ETODAY)
    assert found.outlet == "etoday"
    assert (
        found.headline
        == "[종합] 북·러 군사 밀착 강화...“김정은·푸틴, 다음 주 러시아서 무기 거래 논의”"
    )
    assert found.subheadlines == (
        "10~13일 포럼 참석 계기로 회동 전망",
        "北, 무기 제공 대가로 첨단기술·식량 지원 원해",
        "서한 교환·합동 군사 훈련 논의도",
    )
    assert found.published_at == datetime(2023, 9, 5, 14, 41, tzinfo=KST)
    assert found.modified_at == datetime(2023, 9, 11, 17, 57, tzinfo=KST)
    assert (found.published_raw, found.modified_raw) == ("2023-09-05 14:41", "2023-09-11 17:57")
    assert found.published_precision is found.modified_precision is Precision.MINUTE
    assert found.published_at.isoformat() == "2023-09-05T14:41:00+09:00"


def test_etoday_body_is_its_seven_paragraphs_as_printed() -> None:
    found = read_article(ETODAY)
    assert found.body == lines(ETODAY, 20, 32)
    assert len(found.body) == 7
    assert found.body[0].startswith("북한과 러시아가 군사적 밀착을 강화하고 있다.")
    assert found.body[-1].endswith("북한은 우리의 이웃나라”라고 말했다.")
    assert found.language == "ko"


def test_etoday_picture_once_with_its_agency_and_no_author() -> None:
    found = read_article(ETODAY)
    assert found.images == (
        Image(
            caption="2019년 4월 25일 러시아 블라디보스토크에서 김정은(왼쪽) 북한 국무위원장과 블라디미르 푸틴 러시아 "
            "대통령이 사진을 찍고 있다.",
            credit="블라디보스토크(러시아)/로이터연합뉴스",
        ),
    )
    assert (found.authors, found.dateline, found.section, found.tags) == ((), "", "", ())


def test_etoday_noise_is_kept_under_its_rules() -> None:
    spans = removed(read_article(ETODAY))
    assert list(spans) == [
        "repeated_caption",
        "font_size",
        "reactions",
        "top_news",
        "rising_stocks",
        "crypto_table",
    ]
    assert spans["repeated_caption"].startswith("▲2019년")
    assert spans["font_size"].split("\n") == [
        "• 가장작게",
        "• 작게",
        "• 기본",
        "• 크게",
        "• 가장크게",
    ]
    assert spans["reactions"].split("\n") == [
        "• 좋아요0",
        "• 화나요0",
        "• 슬퍼요0",
        "• 추가취재 원해요0",
    ]
    assert tuple(spans["top_news"].split("\n")) == lines(ETODAY, 39, 48)
    assert spans["rising_stocks"] == "• 오늘의 상승종목\n• 05.07 장종료"
    assert tuple(spans["crypto_table"].split("\n")) == lines(ETODAY, 53, 200)


def test_newspim_headline_times_and_section() -> None:
    found = read_article(NEWSPIM)
    assert found.outlet == "newspim"
    assert (
        found.headline == '푸틴 "한반도 관련 어떤 합의도 위반 안 해...북한과 좋은 관계 구축할 것"'
    )
    assert found.section == "글로벌 러시아"
    assert found.subheadlines == ()
    assert found.published_at == found.modified_at == datetime(2023, 9, 15, 23, 47, tzinfo=KST)
    assert found.published_raw == found.modified_raw == "2023년09월15일 23:47"
    assert found.published_precision is found.modified_precision is Precision.MINUTE


def test_newspim_author_is_the_correspondent_and_never_the_photographer() -> None:
    found = read_article(NEWSPIM)
    assert found.authors == (Author("고인원", "특파원", "koinwon@newspim.com"),)
    assert found.dateline == "휴스턴"
    assert found.images == (
        Image(
            caption="러시아 극동 아무르주 보스토치니 우주기지를 방문한 김정은 북한 국무위원장(좌)이 13일 오후 "
            "블라디미르 푸틴 러시아 대통령과 마주 앉아 미소짓고 있다. 2023.09.14",
            credit="[아무르 로이터=뉴스핌] 최원진 기자 wonjc6@newspim.com",
        ),
    )


def test_newspim_body_is_its_ten_paragraphs_with_the_dateline_and_without_the_caption() -> None:
    found = read_article(NEWSPIM)
    printed = lines(NEWSPIM, 15, 37)
    assert found.body == tuple(line for line in printed if not line.startswith("[아무르"))
    assert len(found.body) == 10
    assert found.body[0].startswith("[휴스턴=뉴스핌] 고인원 특파원= 이번 주 김정은")
    assert (
        found.body[-1]
        == "오는 16일 블라디보스토크를 방문해 러시아 태평양함대를 시찰할 예정으로 알려졌다."
    )
    assert "최원진" not in found.text


def test_newspim_noise_is_kept_under_its_rules() -> None:
    spans = removed(read_article(NEWSPIM))
    assert list(spans) == ["site_menu", "breaking_news", "email_tail", "best_articles", "shopping"]
    assert spans["site_menu"] == "전체기사 최신뉴스 GAM 라씨로\nKYD 디데이"
    assert spans["breaking_news"] == "속보\n더보기"
    assert spans["email_tail"] == "koinwon@newspim.com"
    assert tuple(spans["best_articles"].split("\n")) == lines(NEWSPIM, 41, 46)
    assert spans["shopping"] == "안다쇼핑\nTop으로 이동"


@pytest.mark.parametrize("path", [ETODAY, NEWSPIM], ids=name_of)
def test_every_printed_line_is_in_exactly_one_place(path: Path) -> None:
    """Nothing vanishes: the document's lines are the fields' and the removed spans' lines."""
    found = read_article(path)
    kept = [found.headline, *found.subheadlines, found.section, *found.body]
    for span in found.removed:
        kept += span.text.split("\n")
    printed = [
        line
        for line in lines(path, 1, 1000)
        if not line.startswith(("입력 ", "기사입력", "최종수정"))
    ]
    captions = [line for line in printed if line.startswith(("▲", "[아무르"))]
    for line in captions[:1]:
        printed.remove(line)
    assert sorted(printed) == sorted(line for line in kept if line)


@pytest.mark.parametrize("path", [ETODAY, NEWSPIM], ids=name_of)
@pytest.mark.parametrize("change", ["crlf", "bom", "nbsp", "nfd", "cp949"])
def test_another_spelling_of_the_same_text_is_the_same_article(path: Path, change: str) -> None:
    text = path.read_text("utf-8")
    data = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "bom": text.encode("utf-8-sig"),
        "nbsp": text.replace(" 러시아", "\N{NO-BREAK SPACE}러시아").encode(),
        "nfd": unicodedata.normalize("NFD", text).encode(),
        "cp949": text.replace("\N{NO-BREAK SPACE}", " ").encode("cp949", "ignore"),
    }[change]
    page = read_bytes(read_article(path).outlet, data, media_type="text/plain")
    assert page.article is not None, page.verdict
    expected, found = read_article(path), page.article
    for field in (
        "article_id",
        "headline",
        "subheadlines",
        "authors",
        "published_at",
        "modified_at",
        "body",
        "images",
    ):
        assert getattr(found, field) == getattr(expected, field), field
