"""The start page, articles, and what is said where there is nothing to show."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from archive.index.database import Index
from crawler.web.messages import LANGUAGES, catalogue, language_of
from crawler.web.plots import Bar, bars
from crawler.web.rendering import path_text
from tests.support.archives.exports import crawled_twice
from tests.support.processes.cli import ROOT, Workspace
from tests.support.readers.reading_room import opened_room, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from httpx import Client

#: What XML 1.0 has no place for; HTML takes it.
_LEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ARTICLE = "/articles/newspim/20230915999901"


def test_the_first_page_says_what_is_kept(room: Client) -> None:
    page = LexborHTMLParser(room.get("/").text)
    values = room.get("/index.json").json()
    assert str(values["articles"]) in page.css_first(".lead").text()
    assert {one["outlet"] for one in values["outlets"]} == {"etoday", "newspim"}
    assert len(page.css(".outlet-row .plot")) == 2
    assert len(page.css(".entry")) == min(8, values["articles"])
    assert values["runs"][0]["verb"] == "replay"


def test_an_article_has_its_fields_and_provenance(room: Client) -> None:
    page = LexborHTMLParser(room.get(ARTICLE).text)
    values = room.get(f"{ARTICLE}.json").json()
    article = values["article"]
    assert page.css_first("h1").text(strip=True) == article["headline"]
    paragraphs = [node.text() for node in page.css(".body p")]
    assert "\n\n".join(paragraphs) == article["body"]
    shown = page.css_first("main").text()
    for value in ("record_id", "file", "payload_digest"):
        assert article["warc"][value] in shown
    assert [node.text() for node in page.css("dl.removed dt")] == [
        one["rule"] for one in article["removed"]
    ]


def test_an_article_is_cited_by_an_address_that_stays(room: Client) -> None:
    page = LexborHTMLParser(room.get(ARTICLE).text)
    stable = page.css_first("#cite ~ p a.address").attributes["href"] or ""
    assert "?at=" in stable
    then = LexborHTMLParser(room.get(stable).text)
    assert then.css_first("h1").text() == page.css_first("h1").text()
    bib = room.get(f"{ARTICLE}.bib")
    assert bib.text.startswith("@article{newspim-20230915999901,\n")
    assert bib.text.count("{") == bib.text.count("}")
    assert stable in bib.text
    ris = room.get(f"{ARTICLE}.ris").text.split("\r\n")
    assert ris[0] == "TY  - NEWS"
    assert f"L2  - {stable}" in ris


def test_an_article_at_a_time_before_its_first_capture_is_not_there(room: Client) -> None:
    answer = room.get(ARTICLE, params={"at": "2001-01-01"})
    assert answer.status_code == 404
    assert "2001-01-01" in answer.text
    assert room.get(ARTICLE, params={"at": "yesterday"}).status_code == 400


def test_a_removed_article_answers_410_with_the_record_of_its_removal(tmp_path: Path) -> None:
    workspace = replayed(tmp_path)
    removed = workspace.run("remove", "newspim/20230915999901", "--reason", "법원 결정", "--yes")
    assert removed.code == 0, removed.err
    with opened_room(workspace) as client:
        page = client.get(ARTICLE)
        assert page.status_code == 410
        assert "법원 결정" in page.text
        values = client.get(f"{ARTICLE}.json")
        assert values.status_code == 410
        assert values.json()["removal"]["reason"] == "법원 결정"
        found = client.get("/search.json", params={"q": "푸틴"}).json()
        assert [one["outlet"] for one in found["articles"]] == ["etoday"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/articles/newspim/1",
        "/articles/nobody/1",
        "/articles/newspim/%00",
        "/static/../app.py",
    ],
)
def test_what_is_not_there_is_404(room: Client, path: str) -> None:
    assert room.get(path).status_code == 404


def test_nothing_can_be_written(room: Client) -> None:
    assert room.post("/search", data={"q": "푸틴"}).status_code == 405
    assert room.head("/").status_code == 200
    assert room.head("/").text == ""


def test_an_empty_archive_has_pages_too(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    Index(workspace.index_url).close()
    with opened_room(workspace) as client:
        assert "아직" in client.get("/").text
        assert client.get("/search", params={"q": "푸틴"}).status_code == 200


@pytest.mark.sqlite_only(reason="it is of the files that a reindex replaces")
def test_the_index_may_be_replaced_and_lost_meanwhile(tmp_path: Path) -> None:
    workspace = replayed(tmp_path)
    with opened_room(workspace) as client:
        before = client.get("/index.json").json()["articles"]
        done = workspace.run("reindex")
        assert done.code == 0, done.err
        assert client.get("/index.json").json()["articles"] == before
        workspace.index.rename(tmp_path / "elsewhere")
        answer = client.get("/")
        assert answer.status_code == 503
        assert str(tmp_path) not in answer.text


def test_the_language_is_the_browsers_until_one_is_chosen(room: Client) -> None:
    assert 'lang="en"' in room.get("/", headers={"Accept-Language": "en-US,en;q=0.9"}).text
    assert 'lang="ko"' in room.get("/", headers={"Accept-Language": "fr"}).text
    chosen = room.get("/language", params={"to": "en", "back": "/search?q=a"})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/search?q=a")
    assert 'lang="en"' in room.get("/").text
    room.cookies.clear()
    for elsewhere in ("//evil.example", "/\\evil.example", "https://evil.example", "x"):
        assert room.get("/language", params={"back": elsewhere}).headers["Location"] == "/"


def test_every_word_has_both_languages_and_is_used() -> None:
    sources = [*ROOT.glob("crawler/web/**/*.html"), *ROOT.glob("crawler/web/**/*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    for key, words in catalogue().items():
        assert set(words) == set(LANGUAGES), key
        stems = [key[:at] for at in range(len(key), 0, -1) if key[at - 1] in "_."]
        assert (
            f'"{key}"' in text or f"'{key}'" in text or any(f'"{stem}"' in text for stem in stems)
        ), key


def test_a_language_is_accepted_by_weight() -> None:
    assert language_of("", "fr, en;q=0.8, ko;q=0.9") == "ko"
    assert language_of("", "en;q=x") == "en"
    assert language_of("xx", "") == "ko"


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**9)), max_size=70))
def test_a_plot_is_well_formed(values: list[tuple[str, int]]) -> None:
    drawn = bars([Bar(label, label, number, "/search") for label, number in values], "title")
    root = ET.fromstring(f"<div>{_LEGAL.sub('', drawn)}</div>")
    assert len(root.findall("svg/a")) == sum(1 for _, number in values if number)


def test_an_id_of_any_characters_is_a_path() -> None:
    assert path_text("a#b?c/%é") == "a%23b%3Fc/%25%C3%A9"


def test_json_is_utf_8_whatever_is_in_it(room: Client) -> None:
    answer = room.get("/search.json", params={"q": "김정은"})
    assert answer.headers["Content-Type"] == "application/json"
    json.loads(answer.content.decode("utf-8"))


def test_an_article_names_the_robots_txt_that_held(tmp_path: Path) -> None:
    crawls = crawled_twice(tmp_path)
    robots = [
        row for row in crawls.workspace.rows("captures") if row["url"].endswith("/robots.txt")
    ]
    article = crawls.workspace.export()[0]
    with opened_room(crawls.workspace) as client:
        page = client.get(f"/articles/{article['outlet']}/{article['article_id']}")
    shown = LexborHTMLParser(page.text).css_first("dl.table").text()
    assert robots
    assert f"(HTTP {robots[0]['status']})" in shown


def test_an_article_says_what_its_layouts_rest_on(room: Client) -> None:
    page = LexborHTMLParser(room.get(ARTICLE).text)
    ratings = [node.text() for node in page.css("dl.table details li")]
    assert any(rating.startswith("desktop-2026: ") and "A: " in rating for rating in ratings)
