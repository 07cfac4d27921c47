"""The history of an article in the reading room, and what differs between two revisions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser

from archive.articles.revision_diff import ChangedLine
from archive.differences.word_diff import Piece
from archive.model.article import KST
from crawler.web.messages import Words
from crawler.web.pages.articles.difference import _CHARACTERS, _LINES, shown
from tests.archive.articles.test_identity import DAY, edited
from tests.support.archives.captures import Keeper
from tests.support.archives.history import OWN_ID, another, answer, other_url, page
from tests.support.documents import NOON
from tests.support.processes.cli import Workspace
from tests.support.readers.reading_room import opened_room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Client

PATH = f"/articles/etoday/{OWN_ID}/history"
PLAYBACK = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def client(eventful: Workspace) -> Iterator[Client]:
    with opened_room(eventful, playback=PLAYBACK) as client:
        yield client


def seen(client: Client, **asked: str) -> LexborHTMLParser:
    answered = client.get(PATH, params=asked)
    assert answered.status_code == 200, answered.text
    return LexborHTMLParser(answered.text)


def visible(page: LexborHTMLParser, selector: str) -> list[str]:
    """The texts of elements without what only screen readers say."""
    for node in page.css(".hidden"):
        node.decompose()
    return [node.text() for node in page.css(selector)]


def test_each_headline_is_listed_with_its_time(client: Client) -> None:
    page = seen(client)
    assert page.css_first("#headlines").text() == "제목이 2번 바뀌었습니다"
    lines = page.css(".versions li")
    assert [node.css_first("time").text() for node in lines] == [
        "2024-05-07 12:00:00",
        "2024-05-08 12:00:00",
        "2024-05-12 12:00:00",
    ]
    assert lines[0].css_first("bdi").text().startswith("[속보] 달빛마을도서관")


def test_the_json_says_what_show_says(client: Client, eventful: Workspace) -> None:
    said = json.loads(eventful.call("show", "--json", f"etoday/{OWN_ID}").out)
    values = client.get(f"{PATH}.json").json()
    assert values["history"] == said["history"]
    levels = {"differs_in": None}
    assert values["captures"] == [one | levels for one in said["captures"]]
    deleted, missing = values["absences"]
    assert deleted["confirmed_at"] == "2024-05-10T12:00:00+09:00"
    assert deleted["ended_at"] == "2024-05-11T12:00:00+09:00"
    assert (missing["confirmed_at"], missing["ended_at"]) == (None, None)
    records = [one["warc"]["record_id"] for one in said["captures"]]
    assert [*deleted["looks"], *missing["looks"]] == [records[3], records[4], records[7]]
    difference = values["difference"]
    assert (difference["from"], difference["to"]) == (3, 4)
    assert difference["change"] == said["revisions"][3]["change"]


def test_the_pieces_of_a_difference_are_both_texts(client: Client, eventful: Workspace) -> None:
    said = json.loads(eventful.call("show", "--json", f"etoday/{OWN_ID}").out)
    for old, new in ((1, 2), (1, 4), (4, 1), (2, 2)):
        asked = {"from": f"{old}", "to": f"{new}"}
        difference = client.get(f"{PATH}.json", params=asked).json()["difference"]
        for sign, number in (("+", old), ("-", new)):
            (line,) = difference["fields"].get("headline", [{"pieces": []}])
            text = "".join(piece for its, piece in line["pieces"] if its != sign)
            expected = said["revisions"][number - 1]["headline"] if old != new else ""
            assert text == expected
    assert (
        client.get(f"{PATH}.json", params={"from": "2", "to": "2"}).json()["difference"]["fields"]
        == {}
    )


def test_both_views_mark_the_same_words(client: Client) -> None:
    asked = {"from": "2", "to": "3"}
    side, inline = seen(client, **asked), seen(client, **asked, view="inline")
    assert side.css_first("#difference ~ .changed .pair del") is not None
    assert inline.css_first("#difference ~ .changed .pair") is None
    for sign, words in (("del", ["3200"]), ("ins", ["1"])):
        assert visible(side, f".changed {sign}") == words
        assert visible(inline, f".changed {sign}") == words
    assert "1쪽을 처음으로" in inline.css_first(".inline").text()
    assert "그대로인 문단 4개" in side.css_first(".unchanged").text()
    left, right = side.css(".changed .pair > p")
    assert "3200쪽" in left.text()
    assert "3200" not in right.text()


def test_a_change_is_said_to_readers_who_see_no_colours(client: Client) -> None:
    page = seen(client, **{"from": "2", "to": "3"}, view="inline")
    assert page.css_first(".changed del").text() == "[삭제: 3200]"
    assert page.css_first(".changed ins").text() == "[추가: 1]"


def test_each_step_is_a_link_to_its_difference(client: Client) -> None:
    page = seen(client)
    links = page.css("nav[aria-label='판마다 바뀐 점'] a")
    assert [link.text() for link in links] == ["1 → 2", "2 → 3", "3 → 4"]
    assert [link.attributes.get("aria-current") for link in links] == [None, None, "true"]
    first = LexborHTMLParser(client.get(f"{PATH}{links[0].attributes['href']}").text)
    assert visible(first, ".changed del") == ["[속보] "]


def test_the_timeline_has_every_capture_with_what_happened(client: Client) -> None:
    page = seen(client)
    lines = [" ".join(node.text().split()) for node in page.css(".line li")]
    assert [line[:10] for line in lines] == [
        *("2024-05-07", "2024-05-08", "2024-05-08", "2024-05-09"),
        *("2024-05-10", "2024-05-11", "2024-05-12", "2024-05-13"),
    ]
    for line, words in zip(
        lines,
        ["첫 수집", "말머리", "2판 그대로", "사라짐", "삭제 확인", "다시 나타남", "제목", "사라짐"],
        strict=True,
    ):
        assert words in line
    assert "HTTP 404" in lines[3]
    assert "deleted" in lines[4]
    assert "본문 낱말 +1 −1" in lines[5]
    shown_at = [node.attributes["href"] or "" for node in page.css(".line a[href^=http]")]
    assert len(shown_at) == 8
    assert (
        shown_at[3]
        == f"{PLAYBACK}/web/20240509030000/{'https://www.etoday.co.kr/news/view/'}{OWN_ID}"
    )


def test_a_deletion_is_shown_with_its_looks(client: Client) -> None:
    page = seen(client)
    deleted, missing = page.css(".absence")
    assert "삭제됨" in deleted.text()
    assert "재확인 2024-05-10 12:00:00" in " ".join(deleted.text().split())
    assert "사라짐 (미확인)" in missing.text()
    assert [len(node.css("li")) for node in (deleted, missing)] == [2, 1]
    assert len(deleted.css("a[href^='http://127.0.0.1:9/web/']")) == 2


def test_at_a_time_the_later_history_is_not_known(client: Client) -> None:
    page = seen(client, at="2024-05-09T13:00")
    assert page.css_first("#headlines").text() == "제목이 1번 바뀌었습니다"
    assert len(page.css(".line li")) == 4
    (absence,) = page.css(".absence")
    assert "사라짐 (미확인)" in absence.text()
    assert "다시 나타남" not in absence.text()
    for link in page.css("nav a[href^='?'], .line a[href^='?']"):
        assert "at=2024-05-09" in (link.attributes["href"] or "")
    assert client.get(PATH, params={"at": "2024-05-09", "to": "3"}).status_code == 400
    assert client.get(PATH, params={"at": "2024-01-01"}).status_code == 404


def test_a_hostile_headline_hides_and_runs_nothing(client: Client) -> None:
    for view in ("side", "inline"):
        text = client.get(PATH, params={"view": view}).text
        page = LexborHTMLParser(text)
        assert not page.css("img[onerror], img[src=x]")
        assert "\u202e" not in text
        assert "\x07" not in text
        assert any("<img src=x onerror=alert(1)>" in node.text() for node in page.css("ins"))


@pytest.mark.parametrize(
    "asked",
    [{"from": "0"}, {"to": "5"}, {"from": "x"}, {"to": "²"}, {"view": "x"}, {"page": "x"}],
)
def test_what_there_is_not_is_a_sentence(client: Client, asked: dict[str, str]) -> None:
    answered = client.get(PATH, params=asked)
    assert answered.status_code == 400
    assert "<h1>" in answered.text


def test_no_article_no_history_and_no_page_beyond_the_last(client: Client) -> None:
    assert client.get("/articles/etoday/1/history").status_code == 404
    assert client.get(PATH, params={"page": "2"}).status_code == 404


def test_one_revision_is_compared_with_nothing(room: Client) -> None:
    path = "/articles/newspim/20230915999901/history"
    page = LexborHTMLParser(room.get(path).text)
    assert "판이 하나뿐" in page.css_first("#difference ~ .empty").text()
    assert room.get(f"{path}.json").json()["difference"] is None


def test_a_removed_article_has_no_history(tmp_path: Path) -> None:
    Keeper(tmp_path).read("etoday", page(0), page(1, edited(1)))
    workspace = Workspace(tmp_path)
    assert workspace.run("remove", f"etoday/{OWN_ID}", "--reason", "요청", "--yes").code == 0
    with opened_room(workspace) as client:
        assert client.get(PATH).status_code == 410
        assert client.get(f"{PATH}.json").json()["removal"]["reason"] == "요청"


def test_many_captures_come_in_pages(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", *(page(number / 100) for number in range(120)))
    with opened_room(Workspace(tmp_path)) as client:
        numbers = []
        for number in range(1, 4):
            shown_page = seen(client, page=f"{number}")
            numbers.append(len(shown_page.css(".line li")))
        assert numbers == [50, 50, 20]
        assert shown_page.css_first(".line").attributes["start"] == "101"
        assert shown_page.css_first("a[rel=next]") is None
        first = (NOON + DAY).astimezone(KST)
        assert f"{first:%Y-%m-%d %H:%M:%S}" in shown_page.css_first(".line li").text()


def test_a_page_shows_a_part_of_a_long_difference() -> None:
    many = [ChangedLine("body", (Piece("+", "가"),))] * (_LINES + 5)
    fields, left_out = shown(many, Words("en"))
    assert (len(fields[0].lines), left_out) == (_LINES, 5)
    long = [ChangedLine("body", (Piece("-", "가" * 10**6),)), *many]
    fields, left_out = shown(long, Words("en"))
    assert left_out == len(many)
    assert len(str(fields[0].lines[0].both)) < _CHARACTERS + 200


def test_a_look_in_an_outage_is_marked_and_is_no_deletion(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.read("etoday", page(0), *(another(number, 0) for number in range(1, 5)))
    gone = [answer(404, 1, url=other_url(number)) for number in range(1, 5)]
    keeper.read("etoday", answer(404, 1), *gone)
    with opened_room(Workspace(tmp_path)) as client:
        shown_page = seen(client)
        assert "매체 장애 중" in shown_page.css(".line li")[1].text()
        assert not shown_page.css(".absence")
        assert client.get(f"{PATH}.json").json()["captures"][1]["in_outage"]
