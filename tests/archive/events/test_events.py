"""Events of an index: each is told once, none is lost, whatever is entered, removed or rebuilt between."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import Counter
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from archive.articles.queries import each_row
from archive.events.event_cursor import StaleCursorError, parse_event_cursor
from archive.events.events import ArchiveEvent, EventKind, now, read_events
from archive.index.database import Index
from archive.index.rows.row_ids import keep_ids
from archive.index.schema import captures, revisions
from archive.index.search.query import QueryError
from tests.archive.captures.test_deletions import gone_others, others
from tests.support.archives.history import OWN_ID, another, answer, page, relabelled
from tests.support.archives.made_articles import SEEN, article, enter, enter_gone
from tests.support.archives.takedown import NAME, remove, two_segments
from tests.support.databases.postgres import url_of
from tests.support.examples import of_costly
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.archives.captures import Keeper


class Follower:
    """Reads events page by page, each from the cursor of the last event, written and read back."""

    def __init__(self, index: Index, most: int = 2) -> None:
        self.index, self.most = index, most
        self.told: list[ArchiveEvent] = []
        self.text = ""

    def read(self) -> list[ArchiveEvent]:
        """Return the events since the last call."""
        new: list[ArchiveEvent] = []
        while True:
            cursor = parse_event_cursor(self.text) if self.text else None
            found, _ = read_events(self.index, cursor, self.most)
            if not found:
                break
            new += found
            self.text = str(found[-1].cursor)
        self.told += new
        return new


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(url_of(tmp_path / "index.sqlite3")) as opened:
        yield opened


def kinds(events: list[ArchiveEvent]) -> list[tuple[str, str]]:
    return [(str(event.kind), event.article_id) for event in events]


def test_the_life_of_an_article(keeper: Keeper) -> None:
    with keeper.index() as index:
        follower = Follower(index)
        keeper.read("etoday", page(0), *others(0))
        events = follower.read()
        assert Counter(event.kind for event in events) == {EventKind.NEW: 8}
        assert events[0].headline
        keeper.read("etoday", page(1, relabelled("[종합]")), *others(1))
        (event,) = follower.read()
        assert (event.kind, event.article_id, event.revision) == ("changed", OWN_ID, 2)
        assert event.headline.startswith("[종합]")
        assert event.change
        keeper.read("etoday", answer(404, 2), *others(2))
        assert kinds(follower.read()) == [("missing", OWN_ID)]
        keeper.read("etoday", answer(410, 3), *others(3))
        (event,) = follower.read()
        assert (event.kind, event.status) == ("deleted", "deleted")
        assert event.at.astimezone(UTC).day == page(3).captured_at.astimezone(UTC).day
        keeper.read("etoday", page(4, relabelled("[종합]")), *others(4))
        assert kinds(follower.read()) == [("back", OWN_ID)]
        keeper.read("etoday", *others(5))
        assert follower.read() == []
        whole, end = read_events(index, None, 1000)
        assert sorted(kinds(whole)) == sorted(kinds(follower.told))
        assert read_events(index, end, 10)[0] == []


def test_old_captures_that_come_late_are_told(keeper: Keeper) -> None:
    with keeper.index() as index:
        follower = Follower(index)
        keeper.read("etoday", page(0), page(9), *others(9))
        assert len(follower.read()) == 8
        keeper.read("etoday", page(4, relabelled("[속보]")), answer(404, 5), *others(5))
        told = follower.read()
        assert ("changed", OWN_ID) in kinds(told)
        assert kinds(told)[-2:] == [("missing", OWN_ID), ("back", OWN_ID)]
        assert follower.read() == []


def test_what_turns_out_to_be_an_outage_is_taken_back(keeper: Keeper) -> None:
    """The looks of one run come in two transactions; only the second shows that all are gone."""
    with keeper.index() as index:
        follower = Follower(index)
        keeper.read("etoday", page(0), *others(0))
        follower.read()
        outage = gone_others(1, range(1, 8))
        enter_gone_looks(index, outage[:1])
        assert kinds(follower.read()) == [("missing", follower.told[-1].article_id)]
        enter_gone_looks(index, outage[1:])
        assert [kind for kind, _ in kinds(follower.read())] == ["back"]


def enter_gone_looks(index: Index, looks: list[Any]) -> None:
    """Enter looks as one run leaves them in one segment."""
    for look in looks:
        made = article(1, url=look.url)
        enter_gone(index, [made], look.captured_at)


def test_a_deletion_that_others_confirm_later_is_told(keeper: Keeper) -> None:
    with keeper.index() as index:
        follower = Follower(index)
        keeper.read("etoday", page(0), *others(0))
        keeper.read("etoday", answer(404, 1))
        keeper.read("etoday", answer(404, 2))
        assert kinds(follower.read())[-1] == ("missing", OWN_ID)
        keeper.read("etoday", another(1, 1.5))  # an import: between the two looks
        (event,) = follower.read()
        assert (event.kind, event.at.astimezone(UTC).day) == (
            "deleted",
            answer(404, 2).captured_at.astimezone(UTC).day,
        )


#: To shrink an example takes minutes: each is an index.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
NUMBERS = st.integers(1, 4)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["seen", "edited", "gone", "read"]),
        st.lists(NUMBERS, min_size=1, max_size=3, unique=True),
        st.integers(0, 40),
    ),
    max_size=12,
)


@given(STEPS, st.integers(1, 4))
@example(
    # A later absence of which the end is known before it, and an article that is known after its
    # absence: with it, all three were gone in an outage.
    [
        ("seen", [1, 2], 0),
        ("gone", [1, 3, 2], 23),
        ("read", [1], 0),
        ("seen", [1, 2, 3], 0),
        ("read", [1], 0),
        ("seen", [1], 30),
        ("gone", [1], 26),
    ],
    1,
)
@settings(max_examples=of_costly(40), deadline=None, phases=UNSHRUNK)
def test_whoever_follows_knows_what_the_index_knows(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, list[int], int]],
    most: int,
) -> None:
    folder = tmp_path_factory.mktemp("steps")
    with Index(url_of(folder / "index.sqlite3")) as index:
        follower = Follower(index, most)
        for place, (what, numbers, hours) in enumerate(steps):
            at = SEEN + timedelta(hours=hours, seconds=place)
            made = [article(number) for number in numbers]
            if what == "seen":
                enter(index, made, at)
            elif what == "edited":
                enter(index, [article(n, headline=f"{place}판 {n}") for n in numbers], at)
            elif what == "gone":
                enter_gone(index, made, at)
            else:
                follower.read()
        follower.read()
        cursors = [str(event.cursor) for event in follower.told]
        assert len(set(cursors)) == len(cursors)
        with index.reading() as connection:
            rows = list(each_row(connection, every_revision=True))
            ids = [(row["article_id"], row["captured_at"]) for row, _ in rows]
            actual = {row["article_id"]: (row["number"], gone) for row, gone in rows}
    told = [event for event in follower.told if event.kind in ("new", "changed")]
    assert Counter(event.article_id for event in told) == Counter(name for name, _ in ids)
    assert Counter(event.article_id for event in told if event.kind == "new") == Counter(
        {name for name, _ in ids}
    )
    for name, (_, gone) in actual.items():
        own = [
            e for e in follower.told if e.article_id == name and e.kind not in ("new", "changed")
        ]
        told_last = {"missing": "missing", "deleted": "deleted", "back": "published"}
        # Before an article is known there is no absence; its first event says how it stands.
        first = next(e for e in follower.told if e.article_id == name)
        known = told_last[own[-1].kind] if own else str(first.status)
        assert known == ("published" if gone is None else str(gone.status))


def test_a_removal_is_told_without_the_article(tmp_path: Path) -> None:
    workspace = Workspace(two_segments(tmp_path))
    with Index(workspace.index_url) as index:
        follower = Follower(index, 3)
        before = follower.read()
        assert NAME in {(event.outlet, event.article_id) for event in before}
        remove(workspace)
        (event,) = follower.read()
        assert (event.kind, event.outlet, event.article_id) == ("removed", *NAME)
        assert (event.headline, event.url, event.revision, event.change) == ("", "", None, None)
        whole = Follower(index).read()
        assert [e.kind for e in whole if e.article_id == NAME[1]] == ["removed"]


def test_ids_of_removed_rows_are_not_given_again(index: Index) -> None:
    """The newest rows are removed, others come: whoever has read the former must get the latter."""
    enter(index, [article(1)])
    enter(index, [article(2)])
    follower = Follower(index)
    assert len(follower.read()) == 2
    with index.writing() as connection:
        keep_ids(connection)
        last = connection.scalar(select(func.max(revisions.c.id)))
        connection.execute(captures.delete().where(captures.c.revision_id == last))
        connection.execute(revisions.delete().where(revisions.c.id == last))
    enter(index, [article(3)])
    assert kinds(follower.read()) == [("new", "3")]
    enter_gone(index, [article(1)], SEEN + timedelta(hours=1))
    assert kinds(follower.read()) == [("missing", "1")]


def test_a_removal_keeps_the_ids(tmp_path: Path) -> None:
    workspace = Workspace(two_segments(tmp_path))
    with Index(workspace.index_url) as index:
        end = now(index)
        remove(workspace)
        enter(index, [article(7)])
        found, _ = read_events(index, end, 10)
        assert kinds(found) == [("new", "7"), ("removed", NAME[1])]


def test_the_cursor_of_an_index_that_was_rebuilt_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(two_segments(tmp_path))
    url = workspace.index_url
    with Index(url) as index:
        _, end = read_events(index, None, 100)
    assert workspace.call("reindex").code == 0
    with Index(url) as index:
        with pytest.raises(StaleCursorError, match="rebuilt") as refused:
            read_events(index, end, 10)
        assert str(now(index)) in str(refused.value)
        assert "export" in str(refused.value)
        assert read_events(index, now(index), 10)[0] == []


@pytest.mark.sqlite_only(reason="it puts an earlier file in the index's place")
def test_the_cursor_of_a_later_index_is_refused(tmp_path: Path) -> None:
    """A backup is restored: first it has fewer rows, then as many others."""
    path = tmp_path / "index.sqlite3"
    url = url_of(path)
    with Index(url) as index:
        enter(index, [article(1)])
    shutil.copy(path, tmp_path / "kept")
    with Index(url) as index:
        enter(index, [article(2)])
        end = now(index)
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"index.sqlite3{ending}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "kept", path)
    with Index(url) as index:
        with pytest.raises(StaleCursorError):
            read_events(index, end, 10)
        enter(index, [article(3)])
        with pytest.raises(StaleCursorError):
            read_events(index, end, 10)


@pytest.mark.parametrize(
    "text", ["", "1", "now", "1-2-3", "2-0-0-0-0-0-0-0-0-0", "1-0-0-0-0-0-0-0-0--1"]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="no cursor"):
        parse_event_cursor(text)


def write(url: str, first: int, count: int) -> None:
    """Enter articles one transaction each, in a process of its own."""
    with Index(url) as index:
        for number in range(first, first + count):
            enter(index, [article(number)], SEEN - timedelta(minutes=number))


def test_two_processes_write_while_one_reads(tmp_path: Path) -> None:
    url = url_of(tmp_path / "index.sqlite3")
    context = multiprocessing.get_context("spawn")
    with Index(url) as index:
        writers = [context.Process(target=write, args=(url, 1000 * n, 40)) for n in (1, 2)]
        for writer in writers:
            writer.start()
        follower = Follower(index, 3)
        while any(writer.is_alive() for writer in writers):
            follower.read()
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        follower.read()
        expected = {str(1000 * n + k) for n in (1, 2) for k in range(40)}
        assert len(follower.told) == 80
        assert {event.article_id for event in follower.told} == expected
        assert {event.kind for event in follower.told} == {EventKind.NEW}
