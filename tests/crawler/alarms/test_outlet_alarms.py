"""Alarms of silent outlets and of pages that are read differently, by a real index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from archive.index.schema import frontier
from tests.support.archives.alarms import DAY, HOUR, MINUTE, Workspace, job, utc

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@pytest.fixture(scope="module")
def made_before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    """Desks of outlets that have been crawled each hour for some days."""
    made = {name: Workspace(tmp_path_factory.mktemp(name)) for name in ("slow", "busy")}
    made["slow"].live(10, 1)
    made["busy"].live(8, 12)
    return made


@pytest.fixture
def workspace(tmp_path: Path, made_before: dict[str, Workspace]) -> Workspace:
    """An outlet of an article an hour, crawled each hour for ten days."""
    return made_before["slow"].copy(tmp_path)


def crawls_until_alarm(workspace: Workspace, crawls: int, **how: Any) -> int:
    """Crawl each hour until an alarm is raised; return the number of crawls, 0 for none."""
    for number in range(1, crawls + 1):
        workspace.crawl(**how)
        if workspace.look():
            return number
        workspace.now += HOUR
    return 0


def test_silence_is_judged_by_the_crawls_that_could_have_seen_an_article(
    workspace: Workspace,
) -> None:
    last = workspace.now - HOUR
    assert workspace.look() == []
    assert crawls_until_alarm(workspace, 24) == 6
    (alarm,) = workspace.open()
    assert (alarm.kind, alarm.subject, alarm.began_at) == ("silent", "etoday", utc(last))
    assert alarm.sentence == (
        "etoday is silent: 6 crawls found no new article since 2026-11-28 11:00 KST, where 6 are "
        "usual; in the weeks before, at most 1 were missing. Check whether its site has newer "
        "articles; read /var/log/etoday.log, then try: scrapy crawl etoday"
    )
    workspace.now += HOUR
    workspace.crawl(0)
    assert workspace.look() == ["silent"]
    workspace.now += HOUR
    workspace.crawl(1)
    assert workspace.look() == []
    assert workspace.look() == []
    assert len(workspace.alarms()) == 1


def test_an_outlet_whose_crawls_fail_is_not_silent_as_well(workspace: Workspace) -> None:
    workspace.jobs = [job(retries=2)]
    for _ in range(9):
        workspace.crawl(0, ending="failed", failed=3)
        assert workspace.look() in ([], ["job_failed"])
        workspace.now += HOUR
    assert [alarm.kind for alarm in workspace.alarms()] == ["job_failed"]


def test_a_crawl_that_fails_of_the_silence_is_no_other_alarm(workspace: Workspace) -> None:
    assert crawls_until_alarm(workspace, 24) == 6
    workspace.now += DAY
    workspace.crawl(0, ending="failed")  # `is_silent_for_a_day`: 300 a day, and none for a day
    assert workspace.look() == ["silent"]
    workspace.now += HOUR
    workspace.crawl(0, ending="failed", failed=2)
    assert workspace.look() == ["silent", "job_failed"], "that is something else"


@pytest.mark.parametrize("jump", [DAY, 30 * DAY, -DAY])
def test_a_clock_that_jumps_makes_no_outlet_silent(workspace: Workspace, jump: datetime) -> None:
    workspace.now += jump
    for _ in range(3):
        workspace.crawl(0)
        assert workspace.look() == []
        workspace.now += 10 * MINUTE


def test_a_scheduler_that_stood_still_has_seen_no_silence(workspace: Workspace) -> None:
    workspace.now += 5 * DAY
    workspace.crawl(0)
    assert workspace.look() == []
    workspace.now += HOUR
    assert crawls_until_alarm(workspace, 24) == 5


@pytest.mark.parametrize(
    "words", [("-a", "discover=no"), ("-a", "url=https://x"), ("-a", "until=2026-11-02")]
)
def test_crawls_of_past_days_do_not_count_for_silence(
    workspace: Workspace, words: tuple[str, ...]
) -> None:
    assert crawls_until_alarm(workspace, 9, arguments=words) == 0
    assert crawls_until_alarm(workspace, 9) == 6


def test_a_young_outlet_is_not_judged(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.live(6, 1)
    assert crawls_until_alarm(workspace, 9) == 0


def bad(workspace: Workspace, new: int = 12, **fields: Any) -> list[str]:
    workspace.now += HOUR
    workspace.crawl(new, **fields)
    return workspace.look()


@pytest.fixture
def busy(tmp_path: Path, made_before: dict[str, Workspace]) -> Workspace:
    """An outlet of twelve articles an hour, for eight days."""
    return made_before["busy"].copy(tmp_path)


def test_a_lost_field_raises_an_alarm_within_an_hour_with_its_first_bad_capture(
    busy: Workspace,
) -> None:
    assert busy.look() == []
    assert bad(busy, authors=[]) == ["drift"]
    (alarm,) = busy.open()
    first = busy.number - 11
    assert alarm.subject == "etoday"
    assert alarm.fields == ("authors",)
    assert alarm.began_at == utc(busy.now)
    assert "authors 0% in the last 10 articles, usually 100%" in alarm.sentence
    assert f"etoday/{2_000_000 + first + 2} of 2026-11-26 13:00 KST" in alarm.sentence
    assert f"sacho-1.warc.gz at byte {(first + 2) * 100}." in alarm.sentence
    assert (
        f"scrapy show etoday/{2_000_000 + first + 2}; then correct crawler/outlets/etoday.py"
        in alarm.sentence
    )
    for _ in range(9):
        assert bad(busy, authors=[]) == ["drift"], "what lasts does not become usual of itself"
    assert [bad(busy), bad(busy)] == [["drift"], []]
    for _ in range(3):
        assert bad(busy) == []
    assert len(busy.alarms()) == 1


def test_pages_of_an_outlets_first_week_are_not_judged(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.live(6, 12)
    assert bad(workspace, 20, authors=[]) == []
    workspace.now += 2 * DAY
    assert bad(workspace, 20, authors=[]) == ["drift"]


def test_a_fixed_parser_and_a_reindex_end_a_drift(busy: Workspace) -> None:
    begin = busy.now
    assert bad(busy, tags=[]) == ["drift"]
    assert bad(busy, tags=[]) == ["drift"]
    busy.mend(begin, tags=["금리"])
    assert busy.look() == []
    assert bad(busy) == []


def test_after_four_weeks_the_new_is_usual(busy: Workspace) -> None:
    assert bad(busy, images=[]) == ["drift"]
    busy.now += 29 * DAY
    assert bad(busy, images=[]) == []
    for _ in range(8):
        assert bad(busy, images=[]) == []


def test_pages_without_an_article_raise_an_alarm_and_the_crawls_that_fail_by_them_do_not(
    busy: Workspace,
) -> None:
    assert bad(busy, 0, unparsed=12, ending="failed") == ["drift"]
    (alarm,) = busy.open()
    assert "pages without an article 100% in the last 10 articles, usually 0%" in alarm.sentence
    assert "(no_body)" in alarm.sentence
    assert "see https://www.etoday.co.kr/news/view/20" in alarm.sentence
    for _ in range(5):
        assert bad(busy, 0, unparsed=12, ending="failed") == ["drift"]
    busy.now += DAY
    # A crawl between two articles says after a day that none has been new: of that the pages are
    # the cause, too.
    assert bad(busy, 0, ending="failed") == ["drift"]
    assert bad(busy, 0, ending="failed", failed=2) == ["drift", "job_failed"], (
        "that is something else"
    )


def test_a_day_without_an_article_counts_from_the_last_crawl_that_had_one(busy: Workspace) -> None:
    assert bad(busy, 12) == []
    assert bad(busy, 0, unparsed=12, ending="failed") == ["drift"]
    busy.crawl(0)  # between two articles nothing was wrong
    busy.now += 22 * HOUR
    assert bad(busy, 0, ending="failed") == ["drift"], (
        "a day after the last article, and less after the first bad page"
    )


def test_a_failed_job_is_counted_from_when_it_was_done_last(busy: Workspace) -> None:
    looked_again = {"etoday": {"unparsed/no_body": 1}}
    begin = busy.now
    for _ in range(40):
        busy.run("etoday", "failed", outlet="etoday", arguments=["etoday"], counts=looked_again)
        assert busy.look() == ([] if busy.now - begin < 6 * HOUR else ["job_failed"])
        busy.now += 10 * MINUTE
    (alarm,) = busy.open()
    assert "failed 37 times since it last succeeded" in alarm.sentence
    assert alarm.began_at == begin


def test_a_few_pages_that_cannot_be_read_are_no_failed_job_before_they_may_be_a_drift(
    busy: Workspace,
) -> None:
    told = [bad(busy, 0, unparsed=3, ending="failed") for _ in range(5)]
    assert told == [[], [], ["drift"], ["drift"], ["drift"]], (
        "nine of ten, and no failed job before or after"
    )


def test_pages_that_never_make_a_drift_are_a_failed_job_after_hours(busy: Workspace) -> None:
    assert [bad(busy, 0, unparsed=1, ending="failed") for _ in range(6)] == [[]] * 6
    assert bad(busy, 0, unparsed=1, ending="failed") == ["job_failed"]


def test_a_second_field_is_another_alarm_while_the_first_is_open(busy: Workspace) -> None:
    assert bad(busy, tags=[]) == ["drift"]
    assert [bad(busy, tags=[], body="가" * 100) for _ in range(2)] == [["drift"], ["drift"] * 2]
    assert [alarm.fields for alarm in busy.open()] == [("tags",), ("body",)]
    assert (
        "bodies of 100 characters in the last 40 articles, usually 900" in busy.open()[1].sentence
    )
    assert [bad(busy), bad(busy)] == [["drift"], []], "a median is back sooner"


def test_old_articles_and_backfills_are_no_drift(busy: Workspace) -> None:
    for _ in range(3):
        assert bad(busy, authors=[], published=busy.now - 400 * DAY) == []
        assert (
            bad(busy, authors=[], arguments=("-a", "since=2019-01-01", "-a", "until=2019-02-01"))
            == []
        )
    busy.crawl(0, unparsed=40, arguments=("-a", "since=2019-01-01"))
    assert busy.look() == []


def test_pages_that_were_unread_for_days_are_not_new_each_time(busy: Workspace) -> None:
    with busy.index.writing() as connection:
        connection.execute(update(frontier).values(discovered_at=busy.now - 3 * DAY))
    busy.now += HOUR
    busy.crawl(0, unparsed=12)
    with busy.index.writing() as connection:
        connection.execute(update(frontier).values(discovered_at=busy.now - 3 * DAY))
    assert busy.look() == []


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_no_judgement_reads_a_table_through(busy: Workspace) -> None:
    asked: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        assert bad(busy, authors=[]) == ["drift"]
        bad(busy)
        assert crawls_until_alarm(busy, 3) == 1
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    plans: dict[str, list[str]] = {}
    with busy.index.reading() as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans[statement] = [row[3] for row in rows]
    scans = {
        (line, statement)
        for statement, plan in plans.items()
        for line in plan
        # json_each lists the values that are asked for
        if line.startswith("SCAN") and "VIRTUAL TABLE" not in line
    }
    assert {line for line, _ in scans} <= {"SCAN alarms"}, scans
    used = " ".join(line for plan in plans.values() for line in plan)
    for name in (
        "ix_runs_outlet_started_at",
        "ux_runs_job_due_at_attempt",
        "ix_outcomes_run_id",
        "COVERING INDEX ix_frontier_published_at",
    ):
        assert name in used
