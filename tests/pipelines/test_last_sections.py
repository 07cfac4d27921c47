"""What a page prints below the article, where the end of the body's container is lost."""

from __future__ import annotations

import pytest

from pipelines.widget_rules import WidgetRule, Widgets, sift_lines

_WIDGETS = Widgets(
    (
        WidgetRule(name="related", section=r"\[관련기사\]"),
        WidgetRule(name="market", section=r"오늘의 증시"),
        WidgetRule(name="share", line="공유하기"),
    )
)
_TEXT = ("도서관이 다시 문을 열었다.", "주민 300명이 줄을 섰다.")


def test_sections_behind_the_last_sentence_are_removed() -> None:
    body, removed = sift_lines(
        (*_TEXT, "공유하기", "[관련기사]", "다른 기사의 제목", "오늘의 증시", "별빛전자 10원"),
        _WIDGETS,
    )
    assert body == _TEXT
    assert [(each.rule, each.text) for each in removed] == [
        ("share", "공유하기"),
        ("related", "[관련기사]\n다른 기사의 제목"),
        ("market", "오늘의 증시\n별빛전자 10원"),
    ]


@pytest.mark.parametrize(
    "blocks",
    [
        ("오늘의 증시", *_TEXT),
        (_TEXT[0], "오늘의 증시", _TEXT[1]),
        (_TEXT[0], "오늘의 증시", "별빛전자 10원", _TEXT[1], "<한누리 기자>"),
    ],
)
def test_a_heading_above_a_sentence_is_the_reporters(blocks: tuple[str, ...]) -> None:
    assert sift_lines(blocks, _WIDGETS) == (blocks, ())
