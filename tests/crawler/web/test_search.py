"""Searching in the reading room, as a browser asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.web.pages.search import narrowed, query_text
from tests.support.readers.reading_room import opened_room

if TYPE_CHECKING:
    from httpx import Client

    from tests.support.processes.cli import Workspace


def headlines(html: str) -> list[str]:
    return [node.text(strip=True) for node in LexborHTMLParser(html).css(".entry .headline")]


def test_a_search_shows_marked_snippets_and_counts(room: Client) -> None:
    answer = room.get("/search", params={"q": "푸틴"})
    assert answer.status_code == 200
    page = LexborHTMLParser(answer.text)
    assert "기사 2건" in page.css_first("#matches").text()
    assert len(headlines(answer.text)) == 2
    assert {node.text() for node in page.css(".snippet mark")} == {"푸틴"}
    outlets = {
        node.css_first(".label").text(): node.css_first(".amount").text()
        for node in page.css(".bars a")
    }
    assert outlets == {"이투데이": "1", "뉴스핌": "1"}
    assert len(page.css(".plot a")) == 2


def test_each_bar_leads_to_what_it_counts(room: Client) -> None:
    page = LexborHTMLParser(room.get("/search", params={"q": "푸틴 outlet:newspim"}).text)
    for link in page.css(".plot a, .bars a"):
        answer = room.get(link.attributes["href"] or "")
        assert answer.status_code == 200
        assert len(headlines(answer.text)) == 1


def test_the_form_is_part_of_the_query(room: Client) -> None:
    asked = {"q": "푸틴", "outlet": "etoday", "since": "2023-09-01", "until": "2023-09-30"}
    found = room.get("/search.json", params=asked).json()
    assert [one["outlet"] for one in found["articles"]] == ["etoday"]
    page = LexborHTMLParser(room.get("/search", params=asked).text)
    assert page.css_first("#since").attributes["value"] == "2023-09-01"
    assert page.css_first("#outlet option[selected]").attributes["value"] == "etoday"


def test_pages_follow_each_other(room: Client) -> None:
    asked = {"q": "since:2000-01-01", "limit": "1"}
    seen: list[str] = []
    path = "/search.json"
    while True:
        found = room.get(path, params=asked).json()
        seen += [one["article_id"] for one in found["articles"]]
        if found["next"] is None:
            break
        asked = {**asked, "before": found["next"]}
    assert len(seen) == len(set(seen)) == found["number"]
    first = room.get("/search", params={"q": "since:2000-01-01", "limit": "1"})
    link = LexborHTMLParser(first.text).css_first("a[rel=next]")
    assert headlines(room.get(link.attributes["href"] or "").text) != headlines(first.text)


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "OR"},
        {"q": "푸틴", "limit": "0"},
        {"q": "푸틴", "limit": "²"},
        {"q": "푸틴", "before": "x"},
        {"q": "푸틴", "since": "2023-02-30"},
        {"q": "outlet:etoday", "outlet": "newspim"},
        {"q": "가", "order": "best"},
        {"q": '"'},
    ],
)
def test_what_means_nothing_is_answered_by_a_sentence(room: Client, asked: dict[str, str]) -> None:
    page = room.get("/search", params=asked)
    assert page.status_code == 400
    assert LexborHTMLParser(page.text).css_first("[role=alert]").text().endswith(".")
    assert page.text.count('value="{}"'.format(asked["q"].replace('"', "&#34;"))) == 1
    values = room.get("/search.json", params=asked)
    assert values.status_code == 400
    assert list(values.json()) == ["error"]


def test_a_query_of_signs_that_mean_something_to_html_runs_nothing(room: Client) -> None:
    query = "<img src=x onerror=alert(1)>\u202e\x00\x1b[31m"
    page = room.get("/search", params={"q": query})
    assert "<img src=x" not in page.text
    assert "\u202e" not in LexborHTMLParser(page.text).css_first("title").text()


def test_a_client_that_asks_too_often_has_to_wait(seeds: Workspace) -> None:
    with opened_room(seeds, searches=0.001) as client:
        codes = [client.get("/search").status_code for _ in range(21)]
        assert codes == [200] * 20 + [429]
        assert int(client.get("/search").headers["Retry-After"]) > 900
        assert client.get("/").status_code == 200


def test_a_search_without_a_query_is_the_form_alone(room: Client) -> None:
    page = room.get("/search", params={"q": "  "})
    assert page.status_code == 200
    assert LexborHTMLParser(page.text).css_first("#matches") is None


def test_fields_become_words_of_the_query() -> None:
    given = {"q": "푸틴", "author": "고 인원", "outlet": " newspim ", "since": ""}
    assert query_text(given) == '푸틴 outlet:newspim author:"고 인원"'
    assert narrowed({"q": 'outlet:etoday 푸틴 Outlet:"x y"'}, outlet="newspim") == {
        "q": "푸틴",
        "outlet": "newspim",
    }
