"""Runs and alarms in the reading room, as `sacho status` has them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from archive.index.database import Index, QueryTooSlowError
from archive.index.search.query import QueryError
from archive.runs.cursor import RunPlace, parse_place, place_text
from archive.runs.figures import examples
from archive.runs.history import runs_between
from archive.runs.queue import QueueState
from archive.runs.workers import WorkerState
from crawler.jobs.config import parse_jobs
from crawler.status.json_report import overview_object, run_object
from crawler.status.overview import survey
from crawler.web import status
from tests.support.archives.run_history import NOW
from tests.support.processes.cli import Workspace
from tests.support.readers.reading_room import FOLDER, HOST, opened_room

if TYPE_CHECKING:
    from collections.abc import Iterator

    from httpx import Client

    from crawler.status.overview import Overview

JOBS = parse_jobs(
    '[[job]]\noutlet = "etoday"\nretries = 1\n'
    '[[job]]\nname = "verify"\ncommand = "verify --sample 2%"\nevery = "1d"\n'
)
PROBLEM = f"{FOLDER}/jobs.toml: line 3 means nothing"


@pytest.fixture(scope="module")
def client(busy: Workspace) -> Iterator[Client]:
    with opened_room(busy, clock=lambda: NOW, jobs=lambda: (JOBS, [PROBLEM])) as client:
        yield client


@pytest.fixture(scope="module")
def index(busy: Workspace) -> Iterator[Index]:
    with Index(busy.index_url, read_only=True) as index:
        yield index


def public(values: Any) -> Any:
    """The values of `status --json` without what readers are not told."""
    text = json.dumps(values).replace(f"{FOLDER}/", "")
    return json.loads(text.replace(f'"host": "{HOST}"', '"host": null'))


def seen(client: Client, path: str, **asked: str) -> LexborHTMLParser:
    answered = client.get(path, params=asked)
    assert answered.status_code == 200, answered.text
    return LexborHTMLParser(answered.text)


def test_the_status_is_that_of_the_verb(client: Client, busy: Workspace, index: Index) -> None:
    said = overview_object(survey(index, str(busy.archive), JOBS, NOW, [PROBLEM]))
    status = client.get("/runs.json").json()["status"]
    changing = {"room": status["room"]}  # the disk is everybody's
    assert status == public(said) | changing
    assert status["room"]["index_bytes"] > 0


def test_what_needs_attention_comes_first(client: Client) -> None:
    page = seen(client, "/runs")
    assert page.css_first("main h2").attributes["id"] == "attention"
    shown = [node.text() for node in page.css("#attention ~ ul li")]
    assert ["silent" in shown[0], "1 GB is left" in shown[1]] == [True, True]
    assert any("jobs.toml: line 3 means nothing" in text for text in shown)
    rows = {row.css_first("th").text(): row.text() for row in page.css("#jobs ~ .scroll tbody tr")}
    assert set(rows) == {"etoday", "verify"}
    assert "실패" in rows["etoday"]
    past = page.css("#past ~ ul li")
    assert len(past) == 1
    assert "newspim was silent" in past[0].text()


def test_no_page_tells_a_folder_or_a_host_of_the_server(client: Client) -> None:
    failed = client.get("/runs.json").json()["runs"][0]["run"]
    verified = client.get("/runs.json").json()["runs"][1]["run"]
    for path in ("/runs", f"/runs/{failed}", f"/runs/{verified}"):
        for ending in ("", ".json"):
            text = client.get(f"{path}{ending}").text
            assert FOLDER not in text
            assert HOST not in text
    assert "2.log" in client.get(f"/runs/{failed}").text


def test_hostile_sentences_run_nothing(client: Client) -> None:
    text = client.get("/runs").text
    assert not LexborHTMLParser(text).css("img[onerror], img[src=x]")
    assert "\u202e" not in text
    assert "\x07" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def test_pages_of_runs_follow_each_other(client: Client, index: Index) -> None:
    with index.reading() as connection:
        expected = [run.run_id for run in runs_between(connection, None, None, NOW)]
    found: list[str] = []
    asked: dict[str, str] = {}
    while True:
        values = client.get("/runs.json", params=asked).json()
        found += [run["run"] for run in values["runs"]]
        if values["next"] is None:
            break
        assert len(values["runs"]) == 50
        asked = {"before": values["next"]}
    assert found == expected
    assert len(found) == 64
    first = seen(client, "/runs")
    second = LexborHTMLParser(
        client.get(first.css_first("a[rel=next]").attributes["href"] or "").text
    )
    assert len(second.css("#runs ~ .scroll tbody tr")) == 14
    assert second.css_first("a[rel=next]") is None
    assert second.css_first("#attention") is None


def test_a_page_may_end_between_runs_of_one_moment(index: Index) -> None:
    with index.reading() as connection:
        *_, first, last = runs_between(connection, None, None, NOW)
        assert first.started_at == last.started_at
        place = parse_place(place_text(RunPlace(first.started_at, first.run_id)))
        assert runs_between(connection, None, None, NOW, before=place) == [last]


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"outlet": "newspim"}, 30),
        ({"since": "2026-11-20"}, 4),
        ({"since": "2026-11-18", "until": "2026-11-19"}, 2),
        ({"until": "2026-11-19", "outlet": "etoday"}, 30),
    ],
)
def test_runs_are_filtered_as_by_the_verb(
    client: Client, busy: Workspace, asked: dict[str, str], days: int
) -> None:
    words = [word for name, value in asked.items() for word in (f"--{name}", value)]
    said = json.loads(busy.call("status", "--json", "--runs", "100", *words).out)
    values = client.get("/runs.json", params=asked).json()
    assert values["runs"] == public(said["runs"])
    assert len(values["runs"]) >= days
    assert values["status"] is None
    page = seen(client, "/runs", **asked)
    assert len(page.css("#runs ~ .scroll tbody tr")) == len(values["runs"])


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "yesterday"},
        {"until": "2026-02-30"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "2026-11-20", "until": "2026-11-19"},
        {"before": "x"},
        {"before": "20261399T000000Z-a"},
    ],
)
def test_what_means_nothing_is_a_sentence(client: Client, asked: dict[str, str]) -> None:
    assert client.get("/runs.json", params=asked).status_code == 400
    assert client.get("/runs", params=asked).status_code == 400


def test_a_run_has_its_outcomes_with_examples(client: Client, index: Index) -> None:
    with index.reading() as connection:
        record = runs_between(connection, None, None, NOW)[0]
        last = examples(connection, [record.run_id], "etoday")
    values = client.get(f"/runs/{record.run_id}.json").json()
    assert values["run"] == public(run_object(record))
    rows = {row["outcome"]: row for row in values["outcomes"]}
    assert {name: row["number"] for name, row in rows.items()} == record.counts["etoday"]
    example = last["failed", "timeout"]
    assert rows["failed/timeout"]["example"] == {"source": example.source, "detail": example.detail}
    assert rows["unchanged"]["example"] is None
    page = seen(client, f"/runs/{record.run_id}")
    shown = {
        row.css_first("th").text(): row.text() for row in page.css("#outcomes ~ .scroll tr")[1:]
    }
    assert set(shown) == set(rows)
    assert example.detail in shown["failed/timeout"]
    assert "실패 (종료 코드 1)" in " ".join(page.css_first("dl").text().split())


def test_a_replay_leads_to_its_articles(room: Client) -> None:
    listed = room.get("/runs.json").json()["runs"]
    page = seen(room, f"/runs/{listed[0]['run']}")
    assert page.css("#outcomes ~ .scroll tbody tr")
    for link in page.css("#outcomes ~ .scroll tbody a"):
        assert room.get(link.attributes["href"] or "").status_code == 200


def test_no_run_no_page(client: Client) -> None:
    for name in ("run-0", "%00", "x.json"):
        assert client.get(f"/runs/{name}").status_code == 404


def test_before_the_first_run_there_is_a_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    workspace = Workspace(tmp_path_factory.mktemp("empty"))
    Index(workspace.index_url).close()
    with opened_room(workspace) as client:
        page = seen(client, "/runs")
        assert "해제되지 않은 경보나 문제가 없습니다." in page.css_first("#attention ~ p").text()
        assert "이 기간에 실행이 없습니다." in page.css_first("#runs ~ .empty").text()
        assert client.get("/outlets").status_code == 200


def test_a_cursor_is_of_a_moment_and_a_run() -> None:
    place = RunPlace(datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "0f3a")
    assert place_text(place) == "20261122T093000Z-0f3a"
    assert parse_place(" 20261122T093000Z-0f3a ") == place
    with pytest.raises(QueryError):
        parse_place("20261122T093000Z")


def test_the_status_is_made_once_for_all_who_ask_at_a_time(busy: Workspace) -> None:
    made: list[datetime] = []

    def clock() -> datetime:
        made.append(NOW)
        return NOW

    with opened_room(busy, clock=clock) as client:
        for _ in range(3):
            assert client.get("/outlets").status_code == 200
        assert len(made) == 1


def test_workers_and_their_queue_are_shown_without_their_hosts(
    busy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_workers(*given: Any, **options: Any) -> Overview:
        begun = WorkerState(
            run_id="w", host=HOST, version="0.9", started_at=NOW, seen_at=NOW, jobs=("often",)
        )
        queue = QueueState(waiting=1234, running=1, oldest=NOW)
        return replace(survey(*given, **options), queue=queue, workers=(begun,))

    monkeypatch.setattr(status, "survey", with_workers)
    with opened_room(busy, clock=lambda: NOW) as room:
        page = seen(room, "/runs")
        assert "대기 1,234" in page.css_first("#workers ~ p").text()
        (row,) = page.css("#workers ~ .scroll tbody tr")
        assert [row.css_first("a").attributes["href"], "often" in row.text()] == ["/runs/w", True]
        said = room.get("/runs.json")
        assert said.json()["status"]["workers"][0]["host"] is None
        assert HOST not in said.text + page.html


def test_without_a_status_the_runs_are_shown(
    busy: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise QueryTooSlowError("it would take longer than 5 seconds")

    monkeypatch.setattr(status, "survey", refuse)
    with opened_room(busy, clock=lambda: NOW) as hurried:
        page = seen(hurried, "/runs")
        assert "제때 집계하지 못했습니다" in page.css_first("[role=alert]").text()
        assert len(page.css("#runs ~ .scroll tbody tr")) == 50
        answered = hurried.get("/outlets")
        assert answered.status_code == 503
        assert "잠시 뒤 다시" in answered.text
