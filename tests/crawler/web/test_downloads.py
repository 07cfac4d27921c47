"""What a search finds, taken along: files, a feed."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from httpx import RemoteProtocolError

from crawler.web.pages.downloads import StreamedExport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

    from tests.support.processes.cli import Workspace

ASKED = {"q": "푸틴", "since": "2023-09-01"}


def test_the_files_hold_what_the_search_finds(room: Client, seeds: Workspace) -> None:
    found = {one["article_id"] for one in room.get("/search.json", params=ASKED).json()["articles"]}
    lines = room.get("/search.jsonl", params=ASKED)
    assert lines.headers["Content-Disposition"] == 'attachment; filename="articles.jsonl"'
    articles = [json.loads(line) for line in lines.text.splitlines()]
    assert {one["article_id"] for one in articles} == found
    by_verb = [one for one in seeds.export() if one["article_id"] in found]
    assert articles == by_verb
    table = csv.DictReader(io.StringIO(room.get("/search.csv", params=ASKED).text.lstrip("\ufeff")))
    assert {row["article_id"] for row in table} == found
    parquet = pq.read_table(io.BytesIO(room.get("/search.parquet", params=ASKED).content))
    assert set(parquet["article_id"].to_pylist()) == found
    wait_for_end(room)


def wait_for_end(room: Client) -> None:
    """Ask until no download is under way: the last byte is there before the server has noted it."""
    for _ in range(1000):
        if not StreamedExport.under_way:
            return
        room.get("/static/seal.svg")
    raise AssertionError(StreamedExport.under_way)


def test_a_download_that_nobody_takes_ends(room: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> Iterator[bytes]:
        while True:
            yield b"x" * 2**16

    monkeypatch.setattr("crawler.web.pages.downloads.chunks_of", endless)
    with room.stream("GET", "/search.csv", params={"q": "푸틴"}) as answer:
        assert next(answer.iter_bytes())[:1] == b"x"
        assert StreamedExport.under_way == 1
    wait_for_end(room)
    monkeypatch.setattr(StreamedExport, "PATIENCE", 0.2)
    with room.stream("GET", "/search.csv", params={"q": "푸틴"}) as answer:
        wait_for_end(room)
        with pytest.raises(RemoteProtocolError):
            answer.read()


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_nothing_found_is_an_empty_file(room: Client, ending: str) -> None:
    answer = room.get(f"/search{ending}", params={"q": "없는낱말이다"})
    assert answer.status_code == 200
    assert "푸틴" not in answer.content.decode("utf-8", "replace")
    assert room.get(f"/search{ending}").status_code == 400
    assert room.head(f"/search{ending}", params={"q": "푸틴"}).content == b""
    wait_for_end(room)


def test_more_downloads_than_few_have_to_wait(
    room: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StreamedExport, "under_way", StreamedExport.MOST)
    answer = room.get("/search.csv", params={"q": "푸틴"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_the_feed_has_the_newest_articles(room: Client) -> None:
    atom = "{http://www.w3.org/2005/Atom}"
    answer = room.get("/search.atom", params=ASKED)
    assert answer.headers["Content-Type"] == "application/atom+xml"
    root = ET.fromstring(answer.content)
    found = room.get("/search.json", params=ASKED).json()["articles"]
    assert [entry.findtext(f"{atom}title") for entry in root.iter(f"{atom}entry")] == [
        one["headline"] for one in found
    ]
    for entry in root.iter(f"{atom}entry"):
        assert room.get(entry.findtext(f"{atom}id") or "").status_code == 200
    own = root.find(f"{atom}link[@rel='self']")
    assert own is not None
    assert room.get(own.get("href") or "").status_code == 200
