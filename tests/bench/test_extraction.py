"""The benchmark of extraction: our scores hold, and its measures count what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from archive.model.article import KST
from bench.extraction import ours
from bench.extraction.cases import Corpus, Expected, fixture_corpus, mutant_corpus, real_corpus
from bench.extraction.measures import NOTHING, Reading, Score
from bench.extraction.page import page
from bench.extraction.pins import PinError, pin, pinned, worse
from bench.extraction.tables import OURS, Result, printed, rows_of
from bench.extraction.tools import TOOLS, Tool, ToolError, ToolProcess

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = datetime(2026, 3, 2, 9, 10, tzinfo=KST)
EXPECTED = Expected(
    body=("도서관이 다시 문을 열었다.", "손수레로 나른 책", "책은 8만 권이다."),
    headline="도서관, 다시 문 열었다",
    deck=("책 8만 권", "밤 10시까지"),
    headings=("손수레로 나른 책",),
    published=PUBLISHED,
    published_day=PUBLISHED.date(),
    modified=PUBLISHED,
    authors=("윤가람",),
    captions=("새 열람실에서 책을 고르고 있다.",),
    removed=("많이 본 뉴스 열 가지", "광고"),
)
RIGHT = Reading(
    body=EXPECTED.body,
    headline="도서관,  다시 문 열었다",
    deck=("책 8만 권밤 10시까지",),
    published="2026-03-02T00:10:59+00:00",
    modified="2026-03-02T09:10:00+09:00",
    authors=("윤가람 기자 a@b.kr",),
    captions=("새 열람실에서 책을 고르고 있다.",),
)


def score_of(reading: Reading, expected: Expected = EXPECTED) -> Score:
    score = Score()
    score.add(reading, expected)
    return score


@pytest.mark.parametrize("corpus", [fixture_corpus(), mutant_corpus()], ids=lambda each: each.name)
def test_our_scores_are_not_below_the_pinned(corpus: Corpus) -> None:
    """A lower score is pinned by ``python -m bench.extraction --pin REASON``."""
    reason, pins = pinned()
    assert reason
    score = Score()
    for case in corpus.cases:
        score.add(ours.by_layout(case), case.expected)
    assert worse({corpus.name: score.values()}, {corpus.name: pins[corpus.name]}) == []


def test_without_layouts_pages_are_read_generically() -> None:
    pytest.importorskip("trafilatura", reason="the extra `generic` is not installed")
    corpus = fixture_corpus()
    score = Score()
    for case in corpus.cases:
        score.add(ours.by_fallback(case), case.expected)
    values = score.values()
    assert 0.5 < values["body_f1"] < 1
    assert values["published_day"] > 0.5
    foreign = replace(corpus.cases[0].exchange, url="https://news.example.org/read?id=7")
    assert ours.by_layout(replace(corpus.cases[0], exchange=foreign)) == NOTHING


def test_a_right_reading_has_full_scores() -> None:
    values = score_of(RIGHT).values()
    assert {name for name, value in values.items() if value == 0} == {
        "foreign_lines",
        "widget_lines",
    }
    assert {value for value in values.values() if value} == {1.0}


@pytest.mark.parametrize(
    ("reading", "figure", "value"),
    [
        (replace(RIGHT, headline="도서관, 다시 문 열었다 - 신문"), "headline", 0),
        (replace(RIGHT, deck=("책 8만 권",)), "deck", 0),
        (replace(RIGHT, published="2026-03-02"), "published", 0),
        (replace(RIGHT, published="2026-03-02"), "published_day", 1),
        (replace(RIGHT, published="2026-03-02T09:10:00"), "published", 0),
        (replace(RIGHT, published="2026-03-02T09:11:00+09:00"), "published", 0),
        (replace(RIGHT, published="어제"), "published_day", 0),
        (replace(RIGHT, modified=""), "modified", 0),
        (replace(RIGHT, authors=("윤가람", "한누리")), "authors", 0),
        (replace(RIGHT, captions=("새 열람실",)), "captions", 0),
        (replace(RIGHT, body=EXPECTED.body[::2]), "headings", 0),
        (replace(RIGHT, body=(*EXPECTED.body, "광고")), "widget_lines", 0.5),
        (replace(RIGHT, body=(*EXPECTED.body, "많이 본 뉴스 열 가지 더")), "widget_lines", 0.5),
        (replace(RIGHT, body=(*EXPECTED.body, "오늘의 날씨는 맑음")), "foreign_lines", 1),
        (replace(RIGHT, body=()), "body_f1", 0),
        (replace(RIGHT, body=EXPECTED.body[:1]), "body_precision", 1),
        (replace(RIGHT, body=EXPECTED.body[:1]), "body_recall", 4 / 10),
        (NOTHING, "authors", 0),
    ],
)
def test_what_is_wrong_is_counted(reading: Reading, figure: str, value: float) -> None:
    assert score_of(reading).values()[figure] == pytest.approx(value)


def test_what_a_reader_never_gives_is_not_counted() -> None:
    assert {"headline", "deck", "authors", "captions", "published"} - set(
        score_of(Reading(body=EXPECTED.body)).values()
    ) == {"headline", "deck", "authors", "captions", "published"}


def test_of_several_authors_a_gold_may_name_the_first() -> None:
    expected = replace(EXPECTED, authors=("윤가람 기자 외 1명",))
    assert score_of(replace(RIGHT, authors=("윤가람", "한누리")), expected).values()["authors"] == 1
    assert score_of(replace(RIGHT, authors=("한누리", "별하늘")), expected).values()["authors"] == 0


def test_a_lower_score_is_pinned_with_a_new_reason_only(tmp_path: Path) -> None:
    file = tmp_path / "pins.toml"
    pin(
        {"fixtures": {"body_f1": 0.98765, "widget_lines": 0, "foreign_lines": 3}}, 'a "first"', file
    )
    assert pinned(file) == (
        'a "first"',
        {"fixtures": {"body_f1": 0.9876, "widget_lines": 0, "foreign_lines": 3}},
    )
    lower = {"fixtures": {"body_f1": 0.9, "widget_lines": 0, "foreign_lines": 4}}
    assert len(worse(lower, pinned(file)[1])) == 2
    with pytest.raises(PinError, match=r"body_f1 is 0\.9"):
        pin(lower, 'a "first"', file)
    pin(lower, "a fixture that is hard to read", file)
    assert worse(lower, pinned(file)[1]) == []


def test_every_tool_has_pinned_versions_and_no_address() -> None:
    for tool in TOOLS:
        lines = tool.requirements.read_text("utf-8").splitlines()
        assert all(line.count("==") == 1 and "/" not in line for line in lines), tool.name
        assert tool.version


def test_a_tool_that_does_not_start_is_named_with_the_reason(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(ToolError, match="goose3 does not start: no module"):
        ToolProcess(Tool("goose3", ""), python)


def test_a_tool_reads_page_after_page_and_survives_its_own_death(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\necho '{\"ready\": true}'\nread page\n"
        'echo \'{"body": ["본문"], "headline": "제목"}\'\nread page\nexit 1\n'
    )
    python.chmod(0o755)
    process = ToolProcess(Tool("made", ""), python)
    case = fixture_corpus().cases[0]
    read = Reading(body=("본문",), headline="제목")
    assert [process.read(case) for _ in range(3)] == [read, Reading(headline=""), read]
    process.close()


def test_the_page_names_who_was_not_run_and_is_the_same_each_time() -> None:
    result = Result(fixture_corpus(), {OURS: score_of(RIGHT), "goose3": score_of(Reading())})
    made = page([result], {"fundus": "fundus cannot be installed: no room"}, "3.11")
    assert made == page([result], {"fundus": "fundus cannot be installed: no room"}, "3.11")
    assert "not run: fundus cannot be installed: no room" in made
    assert result.corpus.digest in made
    assert "Real pages were not at hand." in made
    assert "goose3, 0.000: +1.000" in result.lead()
    assert printed(rows_of(result)).count("\n") == 2


def test_without_real_pages_there_are_none(tmp_path: Path) -> None:
    assert real_corpus(tmp_path).cases == ()
