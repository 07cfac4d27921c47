"""A deck in no known element: headings between the stamps and the dateline, nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.authoring.goldens import sidecar
from pipelines.deck import find_deck
from pipelines.widget_rules import WidgetRule, Widgets
from tests.crawler.extraction.html.test_header_block import NEWSPIMS, read, source_of
from tests.support.documents import SEEDS, name_of, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archive.model.article import Article

WIDGETS = Widgets((WidgetRule(name="size", line="※ 본문 글자 크기 조정"),))
DECK = ("40년 만에 주인 찾은 엽서 417장", "첫날에만 6명이 찾아가")
STAMPS = "기사입력 : 2018년03월02일 09:10\n최종수정 : 2018년03월02일 11:25\n"
LEAD = "[별섬=뉴스핌] 한누리 기자 = 별섬 우체국이 엽서를 공개했다."
BODY = (LEAD, "엽서는 417장이다.")


@pytest.mark.parametrize(
    ("header", "blocks", "deck"),
    [
        (STAMPS + "\n".join(DECK), BODY, DECK),
        (STAMPS + "한누리 기자 a@b.kr\n※ 본문 글자 크기 조정\n" + DECK[0], BODY, DECK[:1]),
        ("기사입력 :\n" + DECK[0], BODY, DECK[:1]),
        (STAMPS, (*DECK, *BODY), DECK),
        (STAMPS, BODY, ()),
        ("", BODY, ()),
        # Something else stands there: a sentence, buttons, more than three lines.
        (STAMPS + "엽서가 공개됐다.", BODY, ()),
        (STAMPS + "카카오톡 공유하기\n" + DECK[0], BODY, ()),
        (STAMPS + "\n".join(f"부제 {n}번째 줄입니까" for n in range(4)), BODY, ()),
        ("\n".join(DECK) + "\n" + STAMPS, BODY, ()),
    ],
)
def test_decks(header: str, blocks: tuple[str, ...], deck: tuple[str, ...]) -> None:
    assert find_deck(header, blocks, WIDGETS) == (deck, BODY)


def test_a_sentence_before_the_dateline_stays_in_the_body() -> None:
    blocks = ("엽서가 공개됐다.", *BODY)
    assert find_deck(STAMPS, blocks, WIDGETS) == ((), blocks)


@given(st.text(), st.lists(st.sampled_from((*DECK, *BODY, "짧다.", "※ 본문 글자 크기 조정"))))
def test_no_line_is_lost(header: str, blocks: list[str]) -> None:
    deck, rest = find_deck(header, blocks, WIDGETS)
    assert sorted((*deck, *rest)) == sorted(blocks) or (set(deck) & set(header.splitlines()))


def body_at(html: str) -> int:
    found = re.search(r'<div id="news[-_]contents"[^>]*>', html)
    assert found is not None
    return found.start()


PLACES: dict[str, Callable[[str, tuple[str, ...]], str]] = {
    "before the body": lambda html, deck: (
        html[: body_at(html)] + "".join(f"<h3>{line}</h3>" for line in deck) + html[body_at(html) :]
    ),
    "lines of one element": lambda html, deck: (
        html[: body_at(html)] + f"<div>{'<br>'.join(deck)}</div>" + html[body_at(html) :]
    ),
    "in the body": lambda html, deck: html.replace(
        "<p>[별섬=", "".join(f"<p><b>{line}</b></p>" for line in deck) + "<p>[별섬=", 1
    ),
}


def values(article: Article) -> tuple[object, ...]:
    return (article.text, article.published_at, article.authors, article.dateline, article.headline)


@pytest.mark.parametrize("lines", [1, 2])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", NEWSPIMS, ids=name_of)
def test_every_newspim_layout_gives_its_deck(path: Path, place: str, lines: int) -> None:
    html = source_of(path)
    article = read(path, PLACES[place](html, DECK[:lines]))
    assert article.subheadlines == DECK[:lines]
    assert values(article) == values(read(path, html))
    assert read(path, html).subheadlines == tuple(sidecar(path)["article"].get("subheadlines", ()))


def test_a_text_rendering_gives_its_deck() -> None:
    text = (SEEDS / "newspim" / "own-text.txt").read_text("utf-8")
    stamp = "최종수정 : 2018년03월02일 11:25\n"
    assert stamp in text
    plain = read_bytes("newspim", text, media_type="text/plain").article
    article = read_bytes(
        "newspim",
        text.replace(stamp, stamp + "\n" + "\n\n".join(DECK) + "\n"),
        media_type="text/plain",
    ).article
    assert article is not None
    assert plain is not None
    assert (article.subheadlines, plain.subheadlines) == (DECK, ())
    assert values(article) == values(plain)
