"""The figures of `scrapy status`: what counts as new, and no full scan of a big table."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from archive.index.database import Index
from archive.index.writers.leases import Leases, outlet_lease
from archive.index.writers.process_identity import this_process
from archive.runs.figures import evenly, examples
from archive.runs.history import runs_between, summed
from crawler.jobs.config import parse_jobs
from crawler.status.json_report import overview_object
from crawler.status.outlet_figures import Articles
from crawler.status.overview import Overview, survey
from tests.support.archives import run_history
from tests.support.archives.run_history import DAY, HOUR, NOW, History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crawler.status.overview import OutletState

JOBS = (
    '[[job]]\noutlet = "etoday"\nretries = 1\n'
    '[[job]]\nname = "verify"\ncommand = "verify --sample 2%"\nevery = "1d"\n'
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "index.sqlite3")


def look(history: History, jobs: str = "", now: datetime = NOW) -> Overview:
    with history.index() as index:
        return survey(index, history.archive(), parse_jobs(jobs) if jobs else [], now)


def outlet_of(overview: Overview, name: str = "etoday") -> OutletState:
    return next(state for state in overview.outlets if state.name == name)


def test_a_days_new_articles_are_those_of_its_24_hours_and_the_mean_is_of_the_7_days_before(
    history: History,
) -> None:
    history.run(9 * DAY, {"new": 1000})
    for day in range(1, 8):
        history.run(day * DAY + HOUR, {"new": 10 * day, "unchanged": 5})
    history.run(
        23 * HOUR, {"new": 7, "failed/timeout": 1, "unparsed/no_body": 1, "skipped/robots": 1}
    )
    history.run(HOUR, {"new": 5, "changed": 2, "unchanged": 3})
    figures = outlet_of(look(history)).figures
    assert figures.new == 12
    assert figures.daily == sum(10 * day for day in range(1, 8)) / 7
    assert figures.outcomes == {
        "changed": 2,
        "failed/timeout": 1,
        "new": 12,
        "skipped/robots": 1,
        "unchanged": 3,
        "unparsed/no_body": 1,
    }
    assert figures.error_rate == 2 / 20
    assert figures.last_new_at == NOW - HOUR


def test_paywalled_articles_are_counted_apart(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.run(HOUR, {"new": 5})
    with monkeypatch.context() as patch:
        patch.setitem(run_history._REVISION, "flags", ["machine_translated", "paywalled"])
        history.run(2 * HOUR, {"new": 3})
        history.run(2 * DAY, {"new": 4})
    overview = look(history)
    figures = outlet_of(overview).figures
    assert (figures.new, figures.paywalled) == (8, 3)
    assert overview_object(overview)["outlets"][0]["paywalled_last_day"] == 3


def test_the_mean_of_an_outlet_that_is_new_is_of_the_days_it_was_crawled(history: History) -> None:
    history.run(3 * DAY, {"new": 100})
    history.run(2 * DAY, {"new": 20})
    assert outlet_of(look(history)).figures.daily == 60
    assert outlet_of(look(history, now=NOW - DAY - HOUR)).figures.daily is None


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        ({}, 9),
        ({"arguments": ["etoday", "-a", "limit=20"]}, 9),
        ({"arguments": ["etoday", "-a", "since=2026-11-15"]}, 9),
        ({"arguments": ["etoday", "-a", "since=2026-11-14"]}, 0),
        # after three weeks of standstill
        ({"arguments": ["etoday", "-a", "since=2026-11-01"], "job": "etoday"}, 9),
        ({"arguments": ["etoday", "-a", "since=2026-11-20", "-a", "until=2026-11-21"]}, 9),
        ({"arguments": ["etoday", "-a", "until=2026-11-20"]}, 0),
        ({"arguments": ["etoday", "-a", "until=2026-11-20"], "job": "etoday"}, 0),
        ({"arguments": ["etoday", "-a", "since=nonsense"]}, 9),
        ({"verb": "replay", "arguments": ["seeds"]}, 0),
        ({"verb": "reindex"}, 0),
    ],
)
def test_what_is_taken_in_of_days_gone_by_is_no_days_yield(
    history: History, facts: dict[str, Any], counted: int
) -> None:
    history.run(2 * HOUR, {"new": 9}, **facts)
    figures = outlet_of(look(history)).figures
    assert figures.new == counted
    assert (figures.last_new_at is not None) is bool(counted)
    assert sum(figures.outcomes.values()) == (9 if facts.get("verb", "crawl") == "crawl" else 0)


@pytest.mark.parametrize("took", [7 * HOUR, None])
def test_a_run_across_the_days_border_counts_on_each_side_what_it_did_there(
    history: History, took: timedelta | None
) -> None:
    history.run(9 * DAY, {})
    times = {NOW - 27 * HOUR: 4, NOW - 24 * HOUR: 2, NOW - 23 * HOUR: 3}
    history.run(28 * HOUR, {"new": 9, "unchanged": 6}, took=took, at=times)
    figures = outlet_of(look(history)).figures
    assert (figures.new, figures.daily) == (5, 4 / 7)
    assert figures.outcomes == {"new": 5}
    assert figures.last_new_at == NOW - 23 * HOUR


def test_a_clock_that_was_ahead_has_left_nothing_new(history: History) -> None:
    history.run(HOUR, {"new": 2})
    history.run(-3 * HOUR, {"new": 50})
    state = outlet_of(look(history))
    assert state.figures.new == 2
    assert state.last is not None
    assert state.last.started_at == NOW - HOUR


def test_the_last_new_article_is_found_however_long_ago_it_was(history: History) -> None:
    history.run(90 * DAY, {"new": 3})
    history.run(80 * DAY, {"new": 3}, arguments=["etoday", "-a", "until=2020-01-01"])
    for ago in range(1, 70, 7):
        history.run(ago * DAY, {"unchanged": 3})
    figures = outlet_of(look(history)).figures
    assert figures.last_new_at == NOW - 90 * DAY
    assert (figures.new, figures.daily) == (0, 0)


def test_an_outlet_that_was_only_replayed_has_a_row_without_a_crawl(history: History) -> None:
    history.run(HOUR, {"new": 2}, outlet="newspim", verb="replay", arguments=["seeds"])
    state = outlet_of(look(history), "newspim")
    assert (
        state.last,
        state.figures.daily,
        state.figures.last_new_at,
        state.figures.error_rate,
    ) == (
        None,
        None,
        None,
        None,
    )
    assert state.expected is None


def test_a_field_that_is_suddenly_empty_is_marked(history: History) -> None:
    for day in range(2, 20):
        history.run(day * DAY, {"new": 5})
    history.run(DAY + HOUR, {"new": 10}, empty=("tags",))
    for hour in range(1, 6):
        history.run(hour * HOUR, {"new": 9}, empty=("authors", "images") if hour > 1 else ())
    figures = outlet_of(look(history)).figures
    assert figures.articles == Articles(45, 100)
    assert {name for name, rate in figures.rates.items() if rate.far_off} == {"authors", "images"}
    assert (figures.rates["authors"].last_day, figures.rates["authors"].before) == (9 / 45, 1.0)
    assert (figures.rates["tags"].last_day, figures.rates["tags"].before) == (1.0, 0.9)


@pytest.mark.parametrize(
    ("runs", "new", "taken"), [(1, 30, 30), (1, 450, 400), (3, 200, 399), (60, 12, 400)]
)
def test_fill_rates_are_of_no_more_articles_than_need_be(
    history: History, runs: int, new: int, taken: int
) -> None:
    for n in range(runs):
        history.run(HOUR + n * HOUR / 4, {"new": new})
    assert outlet_of(look(history)).figures.articles == Articles(taken, 0)


def test_few_articles_say_nothing_of_a_field(history: History) -> None:
    history.run(2 * DAY, {"new": 19})
    history.run(HOUR, {"new": 19}, empty=("authors",))
    rate = outlet_of(look(history)).figures.rates["authors"]
    assert (rate.last_day, rate.before, rate.far_off) == (0.0, 1.0, False)


def test_runs_are_chosen_the_same_distance_apart() -> None:
    names = list(map(str, range(100)))
    assert evenly(names[:3], 3) == names[:3]
    assert evenly(names, 4) == ["0", "25", "50", "75"]
    assert evenly([], 4) == []


@pytest.fixture
def plans() -> Iterator[list[tuple[str, str]]]:
    """SQLite's plan of each statement from now on, with the statement."""
    found: list[tuple[str, str]] = []

    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend((row[3], statement) for row in cursor.fetchall())

    event.listen(Engine, "before_cursor_execute", explain)
    yield found
    event.remove(Engine, "before_cursor_execute", explain)


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_no_query_reads_a_big_table_or_the_history_through(
    history: History, plans: list[tuple[str, str]]
) -> None:
    for ago in (40 * DAY, 10 * DAY, 25 * HOUR, HOUR):
        history.run(ago, {"new": 3, "failed/timeout": 1}, took=2 * HOUR)
    history.run(100 * DAY, {"new": 3}, outlet="newspim")
    history.run(DAY, {}, job="etoday", due_at=NOW - DAY, attempt=1)
    history.index().close()
    plans.clear()
    overview = look(history, JOBS)
    assert outlet_of(overview, "newspim").figures.last_new_at is not None, "all queries are made"
    with history.index() as index, index.reading() as connection:
        for outlet in ("", "etoday"):
            for begin in (None, NOW - 2 * DAY):
                found = runs_between(connection, begin, NOW if begin else None, NOW, outlet, 20)
                assert examples(connection, [record.run_id for record in found], "etoday")
    tables = {
        name for _, statement in plans for name in re.findall(r"\b(?:FROM|JOIN) (\w+)", statement)
    }
    assert {"runs", "outcomes", "captures", "revisions", "articles", "leases", "alarms"} <= tables
    # anon_1: the few outlets, which a recursive statement finds one after the other
    small = ("alarms", "leases", "alembic_version", "sqlite_master", "anon_1")
    through = [
        (plan, result)
        for plan, result in plans
        if plan.startswith("SCAN")
        and plan.split()[1] not in small
        # the values that are asked for, which json_each lists
        and "VIRTUAL TABLE" not in plan
    ]
    # The plain history is read from its end by the index over the start, and left as soon as there
    # is enough.
    through = [
        (plan, result)
        for plan, result in through
        if plan != "SCAN runs USING INDEX ix_runs_started_at"
    ]
    # So is the last capture, by the table's own order.
    through = [
        (plan, result)
        for plan, result in through
        if "ORDER BY captures.id DESC\n LIMIT" not in result
    ]
    assert not through
    unaided = [
        result for plan, result in plans if plan.startswith("SEARCH") and " USING " not in plan
    ]
    assert not unaided
    # All that began before a moment is as much as all there is.
    assert not [result for plan, result in plans if "ix_runs_started_at (started_at<?)" in plan]
    sorts = [
        result
        for plan, result in plans
        if "B-TREE FOR ORDER BY" in plan and re.search(r"FROM (runs|outcomes)", result)
    ]
    assert not sorts


def days(
    history: History, since: int, until: int, outlet: str = "", limit: int | None = None
) -> list[str]:
    """The runs of days of November, KST."""
    begin, end = (datetime(2026, 11, day, tzinfo=NOW.tzinfo) for day in (since, until + 1))
    with history.index() as index, index.reading() as connection:
        return [
            record.run_id for record in runs_between(connection, begin, end, NOW, outlet, limit)
        ]


def test_a_day_of_the_history_has_what_went_on_in_it(history: History) -> None:
    tuesday = NOW - datetime(2026, 11, 17, tzinfo=NOW.tzinfo)
    history.run(tuesday + HOUR, {"new": 1}, took=HOUR / 2)
    into = history.run(tuesday + HOUR, {"new": 2}, took=2 * HOUR)
    history.run(tuesday + 2 * HOUR, {}, took=None)  # killed by whom, when: nobody knows
    first = history.run(tuesday, {"new": 3, "failed/timeout": 2})
    other = history.run(tuesday - HOUR, {"new": 4}, outlet="newspim")
    last = history.run(tuesday - DAY + timedelta(seconds=1), {"failed/timeout": 1})
    history.run(tuesday - DAY, {"new": 5})
    assert days(history, 17, 17) == [last, other, first, into]
    assert days(history, 17, 17, "etoday") == [last, first, into]
    assert days(history, 17, 17, "etoday", 2) == [last, first]
    assert days(history, 1, 3) == []
    with history.index() as index, index.reading() as connection:
        found = runs_between(connection, None, None, NOW)
        assert len(found) == 7
        assert summed([record for record in found if record.run_id in (first, other)]) == {
            "failed/timeout": 2,
            "new": 7,
        }
        assert summed(found, "newspim") == {"new": 4}
        told = examples(connection, [first, last], "etoday")
        assert {what: example.detail for what, example in told.items()} == {
            ("failed", "timeout"): "it took too long",
            ("new", ""): "",
        }


def test_who_lives_is_at_it_and_who_died_is_lost(history: History) -> None:
    alive = this_process()
    dead = f"{alive.split()[0]} 1 4711"
    ids = [
        history.run(n * HOUR, {}, took=None, holder=holder)
        for n, holder in enumerate((alive, dead, ""), 1)
    ]
    with history.index() as index, index.reading() as connection:
        found = {record.run_id: record for record in runs_between(connection, None, None, NOW)}
    assert [(found[one].under_way, found[one].ending) for one in ids] == [
        (True, None),
        (False, "crashed"),
        (False, None),
    ]


def test_a_running_job_is_shown_for_the_outlet_and_each_of_its_jobs(history: History) -> None:
    run_id = history.run(HOUR, {"new": 1}, took=None, holder=this_process())
    history.index().close()
    with Index(history.url) as index:
        Leases(index, [outlet_lease("etoday")], run_id, lambda: NOW - HOUR).take()
    overview = look(history, JOBS)
    state = outlet_of(overview)
    assert state.last is not None
    assert state.last.under_way
    assert str(state.coming) == "running since 2026-11-22 17:30"
    assert [str(job.coming) for job in overview.jobs] == ["running since 2026-11-22 17:30", "now"]
    assert state.coming is not None
    assert state.coming.at == NOW.replace(hour=19, minute=7)
    assert overview.ok
