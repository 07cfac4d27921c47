"""The outlets in the reading room: their figures, days, layouts, channels and facts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import event
from sqlalchemy.engine import Engine

from archive.index.database import Index, QueryTooSlowError
from archive.model.article import KST
from crawler.jobs.config import parse_jobs
from crawler.outlets import known_outlets
from crawler.status.json_report import overview_object
from crawler.status.overview import survey
from crawler.web.pages import outlet
from crawler.web.pages.public_values import public_text
from tests.support.archives.run_history import DAY, HOUR, NOW, History
from tests.support.crawling.crawls import Crawls, site_of_today
from tests.support.processes.cli import Workspace
from tests.support.readers.reading_room import FOLDER, HOST, HOSTILE, opened_room

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from httpx import Client

JOBS = parse_jobs('[[job]]\noutlet = "etoday"\nretries = 1\n')


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three outlets with crawls of 30 days, a failed job, and alarms."""
    folder = tmp_path_factory.mktemp("busy")
    history = History(folder / "index.sqlite3")
    for day in range(30, 0, -1):
        history.run(
            day * DAY, {"new": day, "failed/timeout": 1}, log=f"{FOLDER}/etoday/1.log", host=HOST
        )
    history.run(
        20 * HOUR,
        {"new": 30},
        empty=("tags",),
        outlet="etoday",
        log=f"{FOLDER}/etoday/2.log",
        host=HOST,
    )
    history.run(DAY, {"new": 2, "unparsed/no_layout": 2}, outlet="site:example.org")
    history.alarm("etoday", f"etoday is silent: {HOSTILE} Read {FOLDER}/etoday/2.log, then try")
    history.alarm("newspim", "newspim was silent", ended=True)
    history.index().close()
    history.archive()
    return Workspace(folder)


@pytest.fixture(scope="module")
def client(busy: Workspace) -> Iterator[Client]:
    with opened_room(busy, clock=lambda: NOW, jobs=lambda: (JOBS, [])) as client:
        yield client


@pytest.fixture(scope="module")
def status(busy: Workspace) -> dict[str, Any]:
    """What `status --json` says of the outlets at that time, by name."""
    with Index(busy.index_url, read_only=True) as index:
        said = overview_object(survey(index, str(busy.archive), JOBS, NOW))
    return {one["outlet"]: one for one in said["outlets"]}


def without_places(values: Any) -> Any:
    """The values of `status --json` without what readers are not told."""
    text = json.dumps(values).replace(f"{FOLDER}/etoday/", "")
    for host in (HOST, "desk"):
        text = text.replace(f'"host": "{host}"', '"host": null')
    return json.loads(text)


def seen(client: Client, path: str) -> LexborHTMLParser:
    answered = client.get(path)
    assert answered.status_code == 200, answered.text
    return LexborHTMLParser(answered.text)


def test_the_list_has_the_figures_of_status(client: Client, status: dict[str, Any]) -> None:
    values = client.get("/outlets.json").json()
    listed = {one["outlet"]: one for one in values["outlets"]}
    assert set(listed) == set(status)
    for name, said in status.items():
        expected = {"title": listed[name]["title"], "articles": listed[name]["articles"]}
        assert listed[name] == expected | without_places(said)
    rows = {row.css_first("a").text(): row for row in seen(client, "/outlets").css("tbody tr")}
    assert set(rows) == {"이투데이", "example.org"}
    cells = [cell.text(strip=True) for cell in rows["이투데이"].css("td")]
    assert cells[:2] == [str(listed["etoday"][name]) for name in ("articles", "new_last_day")]
    assert "새 기사 없음" in rows["이투데이"].css_first("th").text()
    assert {one["outlet"] for one in values["others"]} == known_outlets().keys() - set(status)


def test_an_outlet_has_the_figures_of_status(client: Client, status: dict[str, Any]) -> None:
    for name, said in status.items():
        values = client.get(f"/outlets/{name}.json").json()
        assert values["state"] == without_places(said)


def test_each_day_has_its_yield_and_error_rate(client: Client) -> None:
    values = client.get("/outlets/etoday.json").json()
    days = values["days"]
    assert len(days) == 30
    for ago in (2, 10, 29):
        day = f"{(NOW - ago * DAY).astimezone(KST).date()}"
        assert days[day]["new"] == ago
        assert days[day]["unparsed_or_failed_share"] == pytest.approx(1 / (ago + 1))
    page = seen(client, "/outlets/etoday")
    plots = {node.attributes["aria-label"]: node for node in page.css("svg.plot")}
    assert set(plots) == {"일자별 새 기사 (30일)", "일자별 오류율 (30일)"}
    links = plots["일자별 새 기사 (30일)"].css("a")
    titles = [link.css_first("title").text() for link in links]
    day = (NOW - 10 * DAY).astimezone(KST).date()
    assert f"{day}: 새 기사 10건" in titles
    assert all((link.attributes["href"] or "").startswith("/runs?outlet=etoday&") for link in links)


def test_fill_rates_are_shown_beside_those_before(client: Client, status: dict[str, Any]) -> None:
    page = seen(client, "/outlets/etoday")
    rows = page.css("#fill ~ .scroll tbody tr")
    shown = {
        row.css_first("th").text(strip=True): [cell.text() for cell in row.css("td")]
        for row in rows
    }
    assert status["etoday"]["fill"]["tags"]["far_off"]
    assert shown["태그크게 다름"] == ["3.2%", "100%"]
    assert status["etoday"]["fill"]["tags"]["last_day"] == pytest.approx(1 / 31)
    assert shown["제목"] == ["100%", "100%"]


def test_the_facts_are_those_of_the_outlets_file(client: Client) -> None:
    known = known_outlets()["newspim"]
    facts = client.get("/outlets/newspim.json").json()["facts"]
    assert facts["hosts"] == list(known.hosts)
    assert [one["name"] for one in facts["layouts"]] == [one.name for one in known.layouts]
    assert [one["confidence"] for one in facts["channels"]] == [
        one.confidence for one in known.channels
    ]
    page = seen(client, "/outlets/newspim")
    assert "뉴스핌" in page.css_first("h1").text()
    assert known.hosts[0] in page.css_first("#facts ~ dl").text()


def test_an_outlet_of_which_nothing_is_kept_has_a_page(client: Client) -> None:
    page = seen(client, "/outlets/hani")
    assert "이 기간에 수집이 없었습니다." in page.css_first("#new-by-day ~ .empty").text()
    assert client.get("/outlets/hani.json").json()["state"] is None


def test_a_site_has_a_page(client: Client) -> None:
    page = seen(client, "/outlets/site:example.org")
    assert "example.org" in page.css_first("h1").text()
    days = client.get("/outlets/site:example.org.json").json()["days"].values()
    assert max(day["unparsed_or_failed_share"] or 0 for day in days) == 0.5


@pytest.mark.parametrize("name", ["nobody", "site:nobody.org", "%00", "etoday.json.json"])
def test_an_outlet_that_nobody_knows_is_404(client: Client, name: str) -> None:
    assert client.get(f"/outlets/{name}").status_code == 404


def test_an_alarm_tells_no_folder_and_runs_nothing(client: Client) -> None:
    for path in ("/", "/outlets/etoday", "/outlets", "/outlets/etoday.json", "/index.json"):
        text = client.get(path).text
        assert FOLDER not in text
        assert HOST not in text
        page = LexborHTMLParser(text)
        assert path.endswith(".json") or not page.css("img[onerror], img[src=x]")
    text = client.get("/outlets/etoday").text
    assert "\u202e" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "Read 2.log, then try" in text


def test_folders_are_taken_out_of_sentences() -> None:
    for text, public in (
        ("Read /var/log/x/2026.log, then", "Read 2026.log, then"),
        ("--set=/a/b sqlite:////mnt/x.sqlite3 file:///a/b", "--set=b sqlite:///x.sqlite3 file://b"),
        (
            "https://a.example/b/c unparsed/no_body 1 / 2",
            "https://a.example/b/c unparsed/no_body 1 / 2",
        ),
    ):
        assert public_text(text) == public


def test_layouts_are_counted_of_what_is_kept(room: Client) -> None:
    articles = room.get("/search.json", params={"q": "outlet:newspim", "quality": "any"}).json()
    values = room.get("/outlets/newspim.json").json()
    assert values["layouts"]["articles"] == articles["number"] == values["articles"]
    expected: dict[str, int] = {}
    for one in articles["articles"]:
        for name in one["layouts"]:
            expected[name] = expected.get(name, 0) + 1
    assert values["layouts"]["read"] == expected
    page = seen(room, "/outlets/newspim")
    rows = {
        row.css_first("th").text(): row.css_first("td").text()
        for row in page.css("#layouts ~ .scroll tbody tr")
    }
    assert {name: int(number) for name, number in rows.items() if number != "0"} == {
        name: number for name, number in expected.items() if number
    }


def test_channels_are_counted_after_a_crawl(tmp_path: Path) -> None:
    with site_of_today("etoday", 6) as site:
        crawls = Crawls.into(tmp_path, site)
        assert crawls.run("-a", "limit=4").code == 0
    rows = crawls.workspace.rows("frontier")
    with opened_room(crawls.workspace) as client:
        values = client.get("/outlets/etoday.json").json()
        counts = values["channels"]
        assert counts["articles"] == len(rows) > 0
        assert sum(counts["first"].values()) == len(rows)
        for name, number in counts["named"].items():
            assert number == sum(name in json.loads(row["channels"]) for row in rows)
        today = f"{datetime.now(UTC).astimezone(KST).date()}"
        yesterday = f"{(datetime.now(UTC) - timedelta(1)).astimezone(KST).date()}"
        of_days = values["days"]
        assert of_days[today]["new"] + of_days[yesterday]["new"] == 4
        published = sum(day["published"] for day in of_days.values())
        assert published == values["articles"] == 4


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_no_query_of_a_page_reads_a_big_table_through(room: Client) -> None:
    plans: list[tuple[str, str]] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend((row[3], statement) for row in cursor.fetchall())

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        for path in ("/outlets/newspim", "/outlets", "/runs", "/runs?outlet=etoday"):
            assert room.get(path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    assert any("frontier" in statement for _, statement in plans)
    # Captures by the table's own order, and runs by that of their index, are left after a few; the
    # outlets are found one after the other; a hit is one of those that full-text search walks.
    through = {
        plan
        for plan, statement in plans
        if plan.startswith("SCAN")
        and "ORDER BY captures.id DESC\n LIMIT" not in statement
        and plan != "SCAN runs USING INDEX ix_runs_started_at"
        and plan.split()[1]
        not in ("alarms", "leases", "alembic_version", "sqlite_master", "anon_1")
        and "VIRTUAL TABLE" not in plan
    }
    assert not through


def test_what_takes_too_long_is_left_out(busy: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise QueryTooSlowError("it would take longer than 2 seconds")

    monkeypatch.setattr(outlet, "read_state", refuse)
    monkeypatch.setattr(outlet, "read_readings", refuse)
    with opened_room(busy, clock=lambda: NOW) as client:
        page = seen(client, "/outlets/etoday")
        assert "제때 집계하지 못했습니다" in page.css_first("[role=alert]").text()
        assert "집계를 생략했습니다" in page.css_first("#layouts ~ .notice").text()
        assert page.css("svg.plot")
        values = client.get("/outlets/etoday.json").json()
        assert [values[name] for name in ("state", "layouts", "channels")] == [None] * 3
