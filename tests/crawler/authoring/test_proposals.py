"""Selectors are proposed that read what a person named the source of; without a page's word, none are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from crawler.authoring.fixtures import fixture_files, fixture_folder
from crawler.authoring.proposals import Proposal, SamplePage, propose
from crawler.extraction.extract import open_page
from crawler.extraction.html.reader import PageReader
from crawler.offline.files import read_file
from crawler.outlets import outlet_named
from pipelines.text import clean

if TYPE_CHECKING:
    from pathlib import Path

    from crawler.model.outlet import Outlet

PAGES = [
    (name, path)
    for name in ("etoday", "mk", "newspim")
    for path in fixture_files(fixture_folder(name))
    if path.suffix == ".html"
]
NOON = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)


def sample(path: Path, outlet: Outlet) -> SamplePage:
    (given,) = read_file(path)
    assert given.exchange is not None
    reader = open_page(given.exchange, outlet)
    assert reader is not None
    return SamplePage(reader, given.exchange.captured_at)


@pytest.mark.parametrize(("name", "path"), PAGES, ids=lambda each: getattr(each, "stem", each))
def test_what_is_proposed_is_the_element_that_the_layouts_name(name: str, path: Path) -> None:
    outlet = outlet_named(name)
    page = sample(path, outlet)
    found = propose([page])
    known = [
        node.mem_id
        for layout in outlet.layouts
        for source in layout.body
        for node in page.reader.tree.css(source)
    ]
    (body,) = page.reader.tree.css(found["body"].source)
    assert body.mem_id in known
    headlines = [clean(page.reader.first((s,))) for each in outlet.layouts for s in each.headline]
    assert page.first(found["headline"].source) in headlines
    assert found["headline"].confidence == "B"


def made(head: str, body: str) -> SamplePage:
    html = f"<html><head>{head}</head><body>{body}</body></html>"
    return SamplePage(PageReader(html), NOON)


TEXT = "<p>" + "마을 도서관이 오늘 아침 여섯 달 만에 다시 문을 열었다. " * 4 + "</p>"
STATED = '<meta property="og:title" content="마을 도서관이 다시 문을 열었다">'


def test_a_heading_that_the_head_does_not_state_is_no_headline() -> None:
    page = made(STATED, f"<h1>마을신문 첫 화면</h1><h2 class='t'>작은 제목입니다</h2>{TEXT}")
    assert "headline" not in propose([page])


def test_a_deck_that_the_head_quotes_is_no_body() -> None:
    deck = "책 팔만 권이 사흘에 걸쳐 제자리로 돌아왔고, 새 열람실은 이제 밤 열 시까지 문을 열고 주민을 맞이한다"
    head = f'<meta property="og:description" content="{deck}">'
    page = made(head, f"<div class='deck'>{deck}</div><div class='text'>{TEXT}{TEXT}</div>")
    assert propose([page])["body"].source == "div.text"


def test_a_page_without_any_of_it_gets_no_proposal() -> None:
    assert propose([made("", "<ul><li><a href='/1'>기사 목록</a></li></ul>")]) == {}
    assert propose([]) == {}


def test_two_pages_that_agree_make_a_fact_surer_and_one_that_lacks_it_unproposed() -> None:
    body = f"<h1 class='t'>마을 도서관이 다시 문을 열었다</h1><div id='b'>{TEXT}</div>"
    pages = [made(STATED, body), made(STATED, body)]
    why = "its text is the headline that the page's head states"
    assert propose(pages)["headline"] == Proposal("headline", "h1.t", why, "A")
    pages.append(made(STATED, body.replace("class='t'", "class='u'")))
    assert propose(pages)["body"].source == "div#b"
    assert "headline" not in propose(pages)
