"""History of an article: versions, deletions and reappearances, in any order of entry."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from archive.articles.history import history
from archive.articles.queries import find_article
from archive.captures.deletions import DeletionJudge
from archive.captures.rows import captures_of, last_captures
from archive.model.outcome import Outcome, Reason, Verdict
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from archive.warc.record_writer import RevisitOf
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from pipelines.page import Page
from tests.archive.articles.test_identity import DAY, PAGE, edited, text_capture
from tests.support.archives.captures import Keeper, exchange
from tests.support.archives.history import GONE, OWN_ID, URL, another, answer, page, relabelled
from tests.support.databases.index_rows import ask, change
from tests.support.documents import NOON
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from archive.model.exchange import Exchange

MOBILE = URL.replace("www.", "m.")
NOT_FOUND = (
    "<html><head><title>안내</title></head>"
    "<body><p>요청하신 페이지를 찾을 수 없습니다.</p></body></html>"
)


def taken_in(capture: Exchange, day: float) -> Exchange:
    """Return a capture of unknown time that was imported on a day."""
    return replace(capture, captured_at=NOON + day * DAY, time_known=False)


def told(keeper: Keeper) -> list[str]:
    """Return the history of the article: days and events."""
    with keeper.index() as index, index.reading() as connection:
        versions = find_article(connection, "etoday", OWN_ID)
        row_id = versions[0].row_id
        judge = DeletionJudge(connection)
        gone = judge.gone_captures(row_id)
        happened = history(versions, judge.absences(captures_of(connection, row_id), gone))
    return [f"{(h.at - NOON) / DAY:g} {' '.join(h.classes) or 'first'}" for h in happened]


def status(keeper: Keeper) -> str:
    """Return the status in the export, and the day on which the article was first seen gone."""
    stored = next(found for found in keeper.articles() if found.article.article_id == OWN_ID)
    if stored.deletion is None:
        return str(stored.status)
    return f"{stored.status} {(stored.deletion.first_seen_gone_at - NOON) / DAY:g}"


@pytest.mark.parametrize(
    ("sign", "outcome"),
    [
        (answer(404, 1), "skipped/http_status"),
        (answer(410, 1), "skipped/http_status"),
        (answer(200, 1, GONE), "skipped/deleted"),
        (answer(200, 1, NOT_FOUND), "unparsed/soft_404"),
        (exchange(URL, GONE.encode(), at=NOON + DAY), "skipped/deleted"),
    ],
    ids=["404", "410", "deleted", "not-found", "saved"],
)
def test_an_article_that_is_gone_is_missing_and_no_new_version(
    keeper: Keeper, sign: Exchange, outcome: str
) -> None:
    assert keeper.read("etoday", page(0), sign) == ["new", outcome]
    assert told(keeper) == ["0 first", "1 missing"]
    assert status(keeper) == "missing 1"
    (version,) = keeper.revisions("etoday", OWN_ID)
    assert version.article.body
    assert version.change is None


@pytest.mark.parametrize(
    "sign", [answer(503, 1), answer(200, 1), answer(200, 1, "<html><body>점검 중</body></html>")]
)
def test_another_failure_is_no_deletion(keeper: Keeper, sign: Exchange) -> None:
    keeper.read("etoday", page(0), sign)
    assert told(keeper) == ["0 first"]
    assert status(keeper) == "published"


def test_it_comes_back_as_it_was_or_changed(keeper: Keeper) -> None:
    keeper.read(
        "etoday", page(0), answer(404, 1), answer(404, 2), answer(410, 3), page(4), answer(404, 5)
    )
    assert told(keeper) == ["0 first", "1 missing", "4 reappearance", "5 missing"]
    assert status(keeper) == "missing 5"
    keeper.read("etoday", page(6, edited(1)))
    assert told(keeper)[3:] == ["5 missing", "6 reappearance", "6 body"]
    assert status(keeper) == "published"
    assert len(keeper.revisions("etoday", OWN_ID)) == 2


def test_what_was_not_there_before_its_publication_was_not_deleted(keeper: Keeper) -> None:
    keeper.read("etoday", answer(404, 0), page(1))
    assert told(keeper) == ["1 first"]
    assert status(keeper) == "published"


def test_its_own_address_decides_and_another_one_only_in_its_stead(tmp_path: Path) -> None:
    both, mobile = Keeper(tmp_path / "both"), Keeper(tmp_path / "mobile")
    both.read("etoday", page(0), page(1, url=MOBILE), answer(404, 2, url=MOBILE))
    assert (told(both), status(both)) == (["0 first"], "published")
    other = page(
        0, PAGE["etoday"].replace(b"09:10", b"09:11"), url=URL.replace("/view/", "/view/1")
    )
    mobile.read("etoday", other, page(1, url=MOBILE), answer(404, 2, url=MOBILE))
    assert (told(mobile), status(mobile)) == (["1 first", "2 missing"], "missing 2")
    mobile.read("etoday", answer(404, 3, url=URL.replace("/view/", "/view/2")))
    assert status(mobile) == "missing 2", "another article's address says nothing of this one"


@pytest.mark.sqlite_only(reason="it reads SQLite's plan of a query")
def test_the_search_for_deletions_reads_no_table_through(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), page(1, url=MOBILE), another(1, 1), answer(404, 2))
    keeper.read("etoday", another(1, 2.5), answer(404, 3))
    plans: list[str] = []

    def explain(
        connection: Connection, _: object, statement: str, parameters: Any, *__: object
    ) -> None:
        if not statement.startswith("EXPLAIN"):
            rows = connection.connection.cursor().execute(
                f"EXPLAIN QUERY PLAN {statement}", parameters
            )
            plans.extend(row[3] for row in rows)

    with keeper.index() as index, index.reading() as connection:
        (row_id,) = connection.exec_driver_sql(
            "SELECT id FROM articles WHERE url = ?", (URL,)
        ).one()
        event.listen(connection, "before_cursor_execute", explain)
        (deletion,) = DeletionJudge(connection).deletions([row_id]).values()
        event.remove(connection, "before_cursor_execute", explain)
    assert deletion.status == "deleted"
    through = [step for step in plans if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert set(through) <= {"SCAN captures USING INDEX ix_captures_gone"}, "which holds these only"
    assert not [step for step in plans if "AUTOMATIC" in step]
    # by its address alone, its other captures would be read too
    assert plans.count("SEARCH captures USING INDEX ix_captures_gone (url=? AND time_known=?)") == 2
    assert not [
        step for step in plans if step.startswith("SEARCH captures USING INDEX ix_captures_url")
    ]


def test_a_capture_of_unknown_time_brings_nothing_back(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), answer(404, 1))
    assert keeper.read("etoday", taken_in(text_capture("etoday"), 2)) == ["unchanged"]
    assert (told(keeper), status(keeper)) == (["0 first", "1 missing"], "missing 1")


def test_a_deletion_of_unknown_time_is_none(keeper: Keeper) -> None:
    keeper.read("etoday", page(0))
    assert keeper.read("etoday", taken_in(exchange(URL, GONE.encode(), at=None), 2)) == [
        "skipped/deleted"
    ]
    assert (told(keeper), status(keeper)) == (["0 first"], "published")


def test_an_article_seen_at_unknown_times_only_is_missing_when_its_address_is_gone(
    keeper: Keeper,
) -> None:
    keeper.read("etoday", taken_in(exchange(URL, PAGE["etoday"], at=None), 3), answer(404, 1))
    assert (told(keeper), status(keeper)) == (["1 missing", "3 first"], "missing 1")


CAPTURES = [page(0), page(1, relabelled("[종합]")), answer(404, 2), page(3), page(4, edited(1))]
EXPECTED = ["0 first", "1 relabel", "2 missing", "3 reappearance", "3 relabel", "4 body"]
ROWS = "SELECT captured_at, headline, body, current, change FROM revisions ORDER BY captured_at"


def rows(keeper: Keeper) -> list[Any]:
    """Return the stored revisions without their ids."""
    return [tuple(row.values()) for row in ask(keeper.url, ROWS)]


def test_captures_in_any_order_and_parting_end_in_the_same_rows(tmp_path: Path) -> None:
    straight = Keeper(tmp_path / "straight")
    straight.read("etoday", *CAPTURES)
    assert told(straight) == EXPECTED
    assert [json.loads(row[-1])["classes"] if row[-1] else None for row in rows(straight)] == [
        None,
        ["relabel"],
        ["relabel"],
        ["body"],
    ]
    for number, order in enumerate(permutations(range(len(CAPTURES)))):
        if number % 3:
            continue
        keeper = Keeper(tmp_path / str(number))
        parts = [order] if number % 2 else [order[:2], order[2:]]  # one run, or two
        for part in parts:
            keeper.read("etoday", *(CAPTURES[n] for n in part))
        assert rows(keeper) == rows(straight), order
        assert told(keeper) == EXPECTED, order


def test_an_older_version_found_later_changes_what_its_successor_says(keeper: Keeper) -> None:
    keeper.read("etoday", page(2, edited(1)))
    assert [row[-1] for row in rows(keeper)] == [None]
    keeper.read("etoday", page(0, relabelled("[속보]")))
    assert [json.loads(row[-1])["classes"] for row in rows(keeper)[1:]] == [["relabel", "body"]]
    keeper.read("etoday", page(1))
    first, *others = (row[-1] for row in rows(keeper))
    assert first is None
    assert [json.loads(change)["classes"] for change in others] == [["relabel"], ["body"]]


def test_what_is_read_again_says_its_change_again(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), page(1, edited(1)))
    before = rows(keeper)
    change(keeper.url, "UPDATE revisions SET headline = '다른 제목' WHERE number = 2")
    keeper.read("etoday", page(1, edited(1)))
    assert rows(keeper) == before


def test_a_tie_of_times_is_no_deletion(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), page(1), answer(404, 1))
    assert status(keeper) == "published"
    keeper.read("etoday", answer(404, 1 + timedelta(microseconds=1) / DAY))
    assert status(keeper).startswith("missing")


def test_a_revisit_written_before_its_row_shows_its_revision(keeper: Keeper) -> None:
    """A crawl's batch may be written between a page's arrival and its reading."""
    keeper.read("etoday", answer(200, 0, PAGE["etoday"].decode()), answer(404, 1))
    again = answer(200, 2, PAGE["etoday"].decode())
    with (
        keeper.index() as index,
        SegmentWriter(
            keeper.folder / "archive", software={"software": "t"}, job="t", host="t"
        ) as segments,
    ):
        with index.reading() as connection:
            last = last_captures(connection, [URL])[URL]
        original = RevisitOf(last.url, last.captured_at, last.payload_digest, last.record_id)
        store = CaptureStore(segments, index, RunRecorder("test"), lambda _: None)
        unread = Page(
            exchange=again,
            outlet="etoday",
            rules=outlet_named("etoday").rules,
            final=False,
            verdict=Verdict(Outcome.SKIPPED, Reason.NOT_AN_ARTICLE),
        )
        store.append(unread, original)
        store.flush()
        store.add_page(
            replace(
                unread, verdict=Verdict(Outcome.UNCHANGED), revision_id=last.revision_id, final=True
            )
        )
        store.close()
    assert (told(keeper), status(keeper)) == (
        ["0 first", "1 missing", "2 reappearance"],
        "published",
    )
    assert [row["outcome"] for row in Workspace(keeper.folder).rows("captures")] == [
        "new",
        "skipped",
        "unchanged",
    ]
