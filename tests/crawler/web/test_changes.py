"""Changes over HTTP: followed from a cursor, and as a feed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from tests.support.databases.postgres import ON_POSTGRES
from tests.support.readers.reading_room import opened_room, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from httpx import Client

    from tests.support.processes.cli import Workspace

ATOM = "{http://www.w3.org/2005/Atom}"


def test_events_are_those_of_the_verb_page_by_page(room: Client, seeds: Workspace) -> None:
    told = [json.loads(line) for line in seeds.run("changes").out.splitlines()]
    found, cursor = [], ""
    while True:
        answer = room.get("/changes.json", params={"since": cursor, "limit": "2"}).json()
        found += answer["events"]
        cursor = answer["next"]
        if answer["is_end"]:
            break
    keys = ("kind", "outlet", "article_id", "revision", "at", "headline")
    assert [[one[key] for key in keys] for one in found] == [
        [one[key] for key in keys] for one in told
    ]
    assert room.get("/changes.json", params={"since": cursor}).json()["events"] == []
    now = room.get("/changes.json", params={"since": "now"}).json()["next"]
    assert room.get("/changes.json", params={"since": now}).json()["events"] == []
    # PostgreSQL's sequences have drawn ids that no row has.
    assert ON_POSTGRES or now == cursor


def test_a_cursor_of_another_index_is_410_with_the_one_to_go_on_from(tmp_path: Path) -> None:
    workspace = replayed(tmp_path)
    with opened_room(workspace) as client:
        cursor = client.get("/changes.json", params={"since": "now"}).json()["next"]
        assert workspace.run("reindex").code == 0
        answer = client.get("/changes.json", params={"since": cursor})
        assert answer.status_code == 410
        now = answer.json()["now"]
        assert client.get("/changes.json", params={"since": now}).json()["events"] == []


def test_what_is_no_cursor_is_refused(room: Client) -> None:
    for asked in ({"since": "x"}, {"limit": "0"}, {"limit": "1001"}):
        assert room.get("/changes.json", params=asked).status_code == 400


def test_the_feed_has_the_last_events_newest_first(room: Client) -> None:
    root = ET.fromstring(room.get("/changes.atom").content)
    moments = [entry.findtext(f"{ATOM}updated") or "" for entry in root.iter(f"{ATOM}entry")]
    assert moments
    assert moments == sorted(moments, reverse=True)


def test_a_removed_article_is_told_without_its_words(tmp_path: Path) -> None:
    workspace = replayed(tmp_path)
    said = workspace.run("remove", "newspim/20230915999901", "--reason", "법원 결정", "--yes")
    assert said.code == 0, said.err
    with opened_room(workspace) as client:
        events = client.get("/changes.json").json()["events"]
        (removed,) = [one for one in events if one["article_id"] == "20230915999901"]
        assert (removed["kind"], removed["headline"], removed["url"]) == ("removed", None, None)
        assert "한반도 관련" not in client.get("/changes.atom").text
