"""Widget rules: blocks are kept or removed under a name; clean bodies are unchanged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.outlets import known_outlets
from pipelines.widget_rules import WidgetRule, Widgets, sift

RULES = {name: outlet.rules.widgets for name, outlet in known_outlets().items()}
#: Lines that rules know, and lines that none does.
NOISE = [
    "• 가장작게",
    "주요 뉴스",
    "댓글 3",
    "오늘의 상승종목",
    "05.07 장종료",
    "실시간 암호화폐 시세",
    "속보",
    "더보기",
    "안다쇼핑",
    "[뉴스핌 베스트 기사]",
    "[관련기사]",
    "뒤로가기",
    "koinwon@newspim.com",
    "* 24시간 변동률 기준",
    "좋아요0",
]
LINES = st.lists(st.text(max_size=30) | st.sampled_from(NOISE), max_size=30)


@pytest.mark.parametrize("outlet", sorted(RULES))
@given(blocks=LINES)
def test_every_block_is_kept_or_removed_and_none_twice(outlet: str, blocks: list[str]) -> None:
    blocks = [block.replace("\n", " ") for block in blocks]
    kept, removed = sift(blocks, RULES[outlet])
    spans = [line for span in removed for line in span.text.split("\n")]
    assert sorted([*kept, *spans]) == sorted(blocks)
    assert all(span.rule for span in removed)
    remaining = iter(blocks)
    assert all(block in remaining for block in kept), "kept blocks stay in their order"


@pytest.mark.parametrize("outlet", sorted(RULES))
@given(blocks=LINES)
def test_a_body_without_noise_never_changes(outlet: str, blocks: list[str]) -> None:
    kept, _ = sift(blocks, RULES[outlet])
    assert sift(kept, RULES[outlet]) == (kept, ())


@pytest.mark.parametrize("outlet", sorted(RULES))
@pytest.mark.parametrize("noise", NOISE)
def test_noise_within_a_sentence_is_the_reporters(outlet: str, noise: str) -> None:
    sentence = f"그는 {noise} 라는 말을 화면에서 보았다고 전했다."
    assert sift([sentence], RULES[outlet]) == ((sentence,), ())


def test_a_section_runs_to_the_next_one_and_neighbours_are_one_span() -> None:
    widgets = Widgets(
        (WidgetRule(name="a", section="A"), WidgetRule(name="b", section="B", line="b"))
    )
    kept, removed = sift(["x", "b", "b", "y", "A", "x", "b", "B", "z"], widgets)
    assert kept == ("x", "y")
    assert [(span.rule, span.text) for span in removed] == [
        ("b", "b\nb"),
        ("a", "A\nx\nb"),
        ("b", "B\nz"),
    ]


@given(LINES)
def test_no_rules_remove_nothing(blocks: list[str]) -> None:
    assert sift(blocks, Widgets()) == (tuple(blocks), ())
