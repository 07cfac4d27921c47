"""Selectors are proposed that read what a person named the source of; without a page's word, none are invented."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.authoring.candidates import SamplePage
from crawler.authoring.fixtures import fixture_files, fixture_folder
from crawler.authoring.proposals import Proposal, propose
from crawler.extraction.extract import open_page
from crawler.extraction.html.jsonld import OwnPage
from crawler.extraction.html.reader import PageReader
from crawler.extraction.html.script_data import text_paths
from crawler.model.data_path import parse_path
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


DECK = "책 팔만 권이 제자리로 돌아왔다"
HEADLINE = "<h1 class='t'>마을 도서관이 다시 문을 열었다</h1>"


@pytest.mark.parametrize(
    ("head", "body", "source", "confidence"),
    [
        ("", f"<div class='sub_title'>{DECK}</div>", "div.sub_title", "C"),
        (DECK, f"<div class='lines'>{DECK}</div>", "div.lines", "B"),
        (DECK, f"<p class='lines'>{DECK}</p>", "", ""),  # it may be the first paragraph
        ("", f"<div class='lines'>{DECK}</div>", "", ""),
        ("", f"{TEXT}<h3 class='sub_title'>{DECK}</h3>", "", ""),  # a heading within the text
    ],
)
def test_a_deck_is_named_as_one_or_stated(
    head: str, body: str, source: str, confidence: str
) -> None:
    stated = f'{STATED}<meta property="og:description" content="{head}">'
    found = propose([made(stated, f"{HEADLINE}<div id='b'>{body}{TEXT}{TEXT}</div>")])
    if source:
        assert found["subheadlines"].source == source
        assert found["subheadlines"].confidence == confidence
    else:
        assert "subheadlines" not in found


def test_what_stands_behind_the_text_is_no_deck() -> None:
    body = f"{HEADLINE}<div id='b'>{TEXT}{TEXT}</div><div class='sub_title'>{DECK}</div>"
    assert "subheadlines" not in propose([made(STATED, body)])


@pytest.mark.parametrize(
    ("head", "links", "confidence"),
    [
        ("도서관,마을,책", "<a>도서관</a><a>마을</a>", "B"),
        ("", "<a>#도서관</a><a>#마을</a>", "C"),
        ("도서관", "<a>도서관</a><a>마을</a>", ""),
        ("", "<a>도서관</a><a>마을</a>", ""),
    ],
)
def test_tags_are_stated_as_keywords_or_marked(head: str, links: str, confidence: str) -> None:
    keywords = f'{STATED}<meta name="keywords" content="{head}">'
    around = f"<nav class='n'>{links}</nav>{HEADLINE}<div id='b'>{TEXT}</div>"
    found = propose([made(keywords, f"{around}<div class='words'>{links}</div>")])
    assert ("tags" in found) == bool(confidence)
    if confidence:
        assert (found["tags"].source, found["tags"].confidence) == ("div.words a", confidence)


def script(article_id: str, text: str) -> str:
    parts = [{"type": "text", "content": text}, {"type": "image", "caption": text}]
    value = {"id": article_id, "elements": parts, "display_date": "2026-03-02T09:10:00+09:00"}
    return f"<script>window.data = {json.dumps(value)};</script>"


def test_a_text_that_only_a_script_holds_is_proposed_with_its_time() -> None:
    text = "마을 도서관이 오늘 아침 여섯 달 만에 다시 문을 열었다. " * 6
    page = made(STATED, f"{HEADLINE}{script('7', text)}{script('8', text)}")
    page.reader.own = OwnPage("7")
    found = propose([page])
    assert found["body"].source == "json:elements[type=text].content"
    assert (found["published"].source, found["published"].confidence) == ("json:display_date", "C")
    # An element with as much comes first, and a time that is printed.
    printed = f"<p class='d'>입력 2026-03-02 09:10</p><div id='b'>{TEXT}{TEXT}</div>"
    found = propose([made(STATED, f"{HEADLINE}{printed}{script('7', text)}")])
    assert found["body"].source == "div#b"
    assert "published" not in found


#: Keys as data has them, and some that are no keys of a path.
KEYS = st.sampled_from(["type", "content", "a b", "contentHtml", "", "한글", "elements"])
TEXTS = st.sampled_from(["text", "본문", "a]b", "", "type=text"])
DATA = st.recursive(
    TEXTS | st.none() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None)
@given(DATA)
def test_any_data_of_a_script_is_searched(value: object) -> None:
    paths = text_paths([f"x = {json.dumps({'data': value})}"], 1)
    assert all(parse_path(path) for path in paths)


def test_a_time_in_an_attribute_is_proposed_where_there_is_no_other() -> None:
    attribute = "<div id='facts' data-deploy-date='2026-03-02 09:10:00' data-redeploy-date='2026-03-02 10:00:00'></div>"
    found = propose([made(STATED, f"{HEADLINE}{attribute}<div id='b'>{TEXT}</div>")])
    assert found["published"].source == "div#facts@data-deploy-date"
