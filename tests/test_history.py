"""An article's history: deletions and returns beside its versions, the same whatever the order captures come in."""

from __future__ import annotations

import json
import os
import pty
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from archive.article import KST
from archive.exchange import Exchange
from archive.history import deleted_at, gone_captures, history
from archive.outcome import Outcome, Reason, Verdict
from archive.queries import captures_of, find_article, last_captures
from archive.runs import Run
from archive.segments import SegmentWriter
from archive.tables import articles
from archive.warc import RevisitOf
from crawler.outlet import outlet_named
from pipelines.deposit import Depositor
from pipelines.page import Page
from tests.cli import Desk
from tests.keeping import Keeper, exchange
from tests.reading import NOON
from tests.test_identity import ADDRESS, DAY, ID, PAGE, edited, page_capture, text_capture

if TYPE_CHECKING:
    from pathlib import Path

URL, OWN_ID = ADDRESS["etoday"], ID["etoday"]
MOBILE = URL.replace("www.", "m.")
GONE = "<html><head><title>안내</title></head><body><p>삭제된 기사입니다.</p></body></html>"
NOT_FOUND = "<html><head><title>안내</title></head><body><p>요청하신 페이지를 찾을 수 없습니다.</p></body></html>"


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def answer(status: int, day: float, body: str = "", url: str = URL) -> Exchange:
    """What the address answered on a day."""
    reason = {200: "OK", 404: "Not Found", 410: "Gone", 503: "Busy"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n".encode()
    return Exchange(url=url, captured_at=NOON + day * DAY, head=head, body=body.encode())


def page(day: float, body: bytes | None = None, url: str = "") -> Exchange:
    return page_capture("etoday", NOON + day * DAY, body, url)


def taken_in(capture: Exchange, day: float) -> Exchange:
    """A capture whose time nobody knows, taken in on a day."""
    return replace(capture, captured_at=NOON + day * DAY, time_known=False)


def told(keeper: Keeper) -> list[str]:
    """The article's history: day, and what happened."""
    with keeper.index() as index, index.reading() as connection:
        versions = find_article(connection, "etoday", OWN_ID)
        row_id = versions[0].row_id
        happened = history(versions, captures_of(connection, row_id), gone_captures(connection, row_id))
    return [f"{(h.at - NOON) / DAY:g} {' '.join(h.classes) or 'first'}" for h in happened]


def status(keeper: Keeper) -> str:
    """What the export says of it: its status, and the day on which it was seen deleted."""
    stored = next(found for found in keeper.articles() if found.article.article_id == OWN_ID)
    return f"deleted {(stored.deleted_at - NOON) / DAY:g}" if stored.deleted_at else "published"


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
def test_an_article_that_is_gone_is_deleted_and_no_new_version(keeper: Keeper, sign: Exchange, outcome: str) -> None:
    assert keeper.read("etoday", page(0), sign) == ["new", outcome]
    assert told(keeper) == ["0 first", "1 deletion"]
    assert status(keeper) == "deleted 1"
    (version,) = keeper.revisions("etoday", OWN_ID)
    assert version.article.body
    assert version.change is None


@pytest.mark.parametrize("sign", [answer(503, 1), answer(200, 1), answer(200, 1, "<html><body>점검 중</body></html>")])
def test_another_failure_is_no_deletion(keeper: Keeper, sign: Exchange) -> None:
    keeper.read("etoday", page(0), sign)
    assert told(keeper) == ["0 first"]
    assert status(keeper) == "published"


def test_it_comes_back_as_it_was_or_changed(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), answer(404, 1), answer(404, 2), answer(410, 3), page(4), answer(404, 5))
    assert told(keeper) == ["0 first", "1 deletion", "3 deletion", "4 reappearance", "5 deletion"]
    assert status(keeper) == "deleted 5"
    keeper.read("etoday", page(6, edited(1)))
    assert told(keeper)[4:] == ["5 deletion", "6 reappearance", "6 body"]
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
    other = page(0, PAGE["etoday"].replace(b"09:10", b"09:11"), url=URL.replace("/view/", "/view/1"))
    mobile.read("etoday", other, page(1, url=MOBILE), answer(404, 2, url=MOBILE))
    assert (told(mobile), status(mobile)) == (["1 first", "2 deletion"], "deleted 2")
    mobile.read("etoday", answer(404, 3, url=URL.replace("/view/", "/view/2")))
    assert status(mobile) == "deleted 2", "another article's address says nothing of this one"


def test_looking_for_deletions_reads_no_table_through(keeper: Keeper) -> None:
    query = select(articles.c.article_id, deleted_at())
    with keeper.index() as index, index.reading() as connection:
        sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert [step for step in plan if step.startswith("SCAN")] == ["SCAN articles"]
    assert not [step for step in plan if "AUTOMATIC" in step or ("revision_id=?" in step and "gone" in step)]


def test_a_capture_of_unknown_time_brings_nothing_back(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), answer(404, 1))
    assert keeper.read("etoday", taken_in(text_capture("etoday"), 2)) == ["unchanged"]
    assert (told(keeper), status(keeper)) == (["0 first", "1 deletion"], "deleted 1")


def test_a_deletion_of_unknown_time_is_none(keeper: Keeper) -> None:
    keeper.read("etoday", page(0))
    assert keeper.read("etoday", taken_in(exchange(URL, GONE.encode(), at=None), 2)) == ["skipped/deleted"]
    assert (told(keeper), status(keeper)) == (["0 first"], "published")


def test_an_article_seen_at_unknown_times_only_is_deleted_when_its_address_is_gone(keeper: Keeper) -> None:
    keeper.read("etoday", taken_in(exchange(URL, PAGE["etoday"], at=None), 3), answer(404, 1))
    assert (told(keeper), status(keeper)) == (["1 deletion", "3 first"], "deleted 1")


def relabelled(label: str) -> bytes:
    """The Etoday page with a label before its headline."""
    words = "달빛마을도서관 ".encode()
    text = PAGE["etoday"]
    at = text.index(words, text.index(b"<h1"))
    return text[:at] + label.encode() + b" " + text[at:]


CAPTURES = [page(0), page(1, relabelled("[종합]")), answer(404, 2), page(3), page(4, edited(1))]
EXPECTED = ["0 first", "1 relabel", "2 deletion", "3 reappearance", "3 relabel", "4 body"]
ROWS = "SELECT captured_at, headline, body, current, change FROM revisions ORDER BY captured_at"


def rows(keeper: Keeper) -> list[Any]:
    """The revisions as they lie in the index, but for what names them."""
    with closing(sqlite3.connect(keeper.folder / "index.sqlite3")) as database:
        return database.execute(ROWS).fetchall()


def test_captures_in_any_order_and_parting_end_in_the_same_rows(tmp_path: Path) -> None:
    straight = Keeper(tmp_path / "straight")
    straight.read("etoday", *CAPTURES)
    assert told(straight) == EXPECTED
    assert [json.loads(row[-1])["classes"] if row[-1] else None for row in rows(straight)] == [
        None, ["relabel"], ["relabel"], ["body"]
    ]  # fmt: skip
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
    with closing(sqlite3.connect(keeper.folder / "index.sqlite3")) as database, database:
        database.execute("UPDATE revisions SET headline = '다른 제목' WHERE number = 2")
    keeper.read("etoday", page(1, edited(1)))
    assert rows(keeper) == before


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """One article: labelled, relabelled, deleted, back with another text; and re-fetches that change less than it."""
    noisy = PAGE["etoday"].replace("동네한바퀴".encode(), "마을한바퀴".encode())
    assert noisy != PAGE["etoday"]
    Keeper(tmp_path).read(
        "etoday",
        page(0, relabelled("[속보]")),
        page(1),
        page(1.25, PAGE["etoday"] + b"<!-- 1 -->"),
        page(1.5, noisy),
        answer(404, 2),
        answer(200, 3, GONE),
        page(4, edited(1)),
    )
    return Desk(tmp_path)


def cells(out: str, column: int) -> list[str]:
    """A column of the table of captures."""
    return [line.split("│")[column].strip() for line in out.splitlines() if ".warc.gz" in line]


def test_show_tells_the_history_with_what_each_version_changed(desk: Desk) -> None:
    said = desk.call("show", f"etoday/{OWN_ID}")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert "   status  published" in lines
    table = [line for line in lines if line.startswith("│ 2024-05-") and ".warc.gz" not in line]
    what = [tuple(cell.strip() for cell in line.strip("│").split("│"))[1:] for line in table]
    assert what == [
        ("1", "first seen", ""),
        ("2", "relabel", ""),
        ("", "deletion", f"404 {URL}"),
        ("", "deletion", f"deleted {URL}"),
        ("", "reappearance", URL),
        ("3", "body", "+1 -1 words, +1 -4 characters"),
    ]
    assert any(line.strip().startswith("headline  [-[속보] -]달빛마을도서관") for line in lines)
    assert any("[-3200-]{+1+}쪽을 처음으로" in line for line in lines)
    assert any(line.strip() == "body  (4 unchanged)" for line in lines)
    assert cells(said.out, 2) == ["1", "2", "2", "2", "gone", "gone", "3"]
    assert cells(said.out, 3) == ["", "article", "payload", "document", "", "", "article"]
    assert "\x1b" not in said.out


def test_colours_are_for_terminals_only(desk: Desk) -> None:
    reading, writing = pty.openpty()
    process = desk.start("show", f"etoday/{OWN_ID}", stdout=writing, env={"TERM": "xterm-256color"})
    os.close(writing)
    seen = b""
    with suppress(OSError):  # how a terminal says that the other side has closed
        while part := os.read(reading, 65536):
            seen += part
    os.close(reading)
    assert process.wait(60) == 0
    assert "\x1b[31m[-3200-]\x1b[0m\x1b[32m{+1+}\x1b[0m쪽을" in seen.decode()
    assert "\x1b[3" not in desk.run("show", f"etoday/{OWN_ID}").out


def test_show_says_when_the_archive_can_not_tell_how_deep_a_change_went(desk: Desk) -> None:
    (segment,) = desk.archive.glob("*.warc.gz*")
    segment.unlink()
    said = desk.call("show", f"etoday/{OWN_ID}")
    assert said.code == 0
    assert cells(said.out, 3) == ["", "article", "unknown", "unknown", "", "", "article"]


@pytest.mark.parametrize(
    ("time", "revision", "state"),
    [
        ("2024-05-07", "1", "published"),
        ("2024-05-07T12:00", "1", "published"),
        ("2024-05-08 11:59:59", "1", "published"),
        ("2024-05-08 12:00:00", "2", "published"),
        ("2024-05-08T03:00:00Z", "2", "published"),
        ("2024-05-09T12:00:00.000000", "2", "deleted (seen gone 2024-05-09 12:00:00: 404)"),
        ("2024-05-10", "2", "deleted (seen gone 2024-05-09 12:00:00: 404)"),
        ("2024-05-11T12:00:00+09:00", "3", "published"),
        ("9999-12-31", "3", "published"),
    ],
)
def test_show_at_a_time_is_what_stood_then(desk: Desk, time: str, revision: str, state: str) -> None:
    said = desk.call("show", "--at", time, f"etoday/{OWN_ID}")
    assert (said.code, said.err) == (0, "")
    assert f"   status  {state}\n" in said.out
    assert f" revision  {revision} of 3, " in said.out
    assert ("3200쪽을 처음으로" in said.out) == (revision != "3")
    assert said.out.startswith("[속보]") == (revision == "1")
    assert ".warc.gz" not in said.out
    assert desk.call("show", "--revision", revision, f"etoday/{OWN_ID}").out == said.out.replace(
        f"   status  {state}\n", ""
    )


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--at", "2024-05-06"], 1, "nothing of etoday/9000000002 was captured until 2024-05-06 23:59:59"),
        (["--revision", "4"], 1, "no revision 4; it has 1, 2, 3"),
        (["--at", "yesterday"], 2, "is no time"),
        (["--at", "2024-13-01"], 2, "is no time"),
        (["--at", "2024-05-07", "--revision", "1"], 2, "not allowed with"),
        (["--revision", "x"], 2, "invalid int"),
    ],
)
def test_show_says_what_is_wrong(desk: Desk, options: list[str], code: int, words: str) -> None:
    said = desk.call("show", *options, f"etoday/{OWN_ID}")
    assert (said.code, said.out) == (code, "")
    assert words in said.err
    assert "Traceback" not in said.err


def test_show_at_needs_an_article(desk: Desk) -> None:
    assert desk.call("show", "--at", "2024-05-07", "etoday").code == 2
    assert desk.call("show", "--revision", "1").code == 2


def test_export_gives_the_change_and_all_revisions_when_asked(desk: Desk, tmp_path: Path) -> None:
    (current,) = desk.export()
    assert current["change"] == {
        "classes": ["body"], "words_added": 1, "words_removed": 1, "chars_added": 1, "chars_removed": 4
    }  # fmt: skip
    assert (current["revision"], current["status"], current["deleted_at"]) == (3, "published", None)
    path = tmp_path / "all.jsonl"
    said = desk.call("export", "--revisions", "all", path)
    assert (said.code, said.out) == (0, f"3 revisions written to {path}\n")
    every = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert [(r["revision"], (r["change"] or {"classes": None})["classes"]) for r in every] == [
        (1, None), (2, ["relabel"]), (3, ["body"])
    ]  # fmt: skip
    assert every[2] == current
    Keeper(tmp_path).read("etoday", answer(410, 9))
    (deleted,) = desk.export()
    when = (NOON + 9 * DAY).astimezone(KST)
    assert (deleted["status"], deleted["deleted_at"]) == ("deleted", when.isoformat())
    assert deleted["body"] == current["body"]
    assert desk.call("export", "--revisions", "some", path).code == 2


def test_a_tie_of_times_is_no_deletion(keeper: Keeper) -> None:
    keeper.read("etoday", page(0), page(1), answer(404, 1))
    assert status(keeper) == "published"
    keeper.read("etoday", answer(404, 1 + timedelta(microseconds=1) / DAY))
    assert status(keeper).startswith("deleted")


def test_a_revisit_written_before_it_was_told_shows_its_revision(keeper: Keeper) -> None:
    """A crawl's batch may be written between a page's arrival and its reading."""
    keeper.read("etoday", answer(200, 0, PAGE["etoday"].decode()), answer(404, 1))
    again = answer(200, 2, PAGE["etoday"].decode())
    with (
        keeper.index() as index,
        SegmentWriter(keeper.folder / "archive", software={"software": "t"}, job="t", host="t") as segments,
    ):
        with index.reading() as connection:
            last = last_captures(connection, [URL])[URL]
        original = RevisitOf(last.url, last.captured_at, last.payload_digest, last.record_id)
        depositor = Depositor(segments, index, Run("test"), lambda _: None)
        unread = Page(
            exchange=again, outlet="etoday", rules=outlet_named("etoday").rules, final=False,
            verdict=Verdict(Outcome.SKIPPED, Reason.NOT_AN_ARTICLE),
        )  # fmt: skip
        depositor.keep(unread, original)
        depositor.flush()
        depositor.add(replace(unread, verdict=Verdict(Outcome.UNCHANGED), revision_id=last.revision_id, final=True))
        depositor.close()
    assert (told(keeper), status(keeper)) == (["0 first", "1 deletion", "2 reappearance"], "published")
    assert [row["outcome"] for row in Desk(keeper.folder).rows("captures")] == ["new", "skipped", "unchanged"]
