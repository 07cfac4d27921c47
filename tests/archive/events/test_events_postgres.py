"""Events of an index in PostgreSQL: those of one in a file, and none is lost while several write."""

from __future__ import annotations

import json
import multiprocessing
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from archive.events.event_cursor import cursor_now
from archive.events.events import ArchiveEvent, read_events
from archive.index.database import Index
from archive.index.rows.row_ids import settled_id
from archive.index.schema import revisions
from tests.archive.events.test_events import Follower
from tests.support.archives.made_articles import SEEN, article, enter, enter_gone, write_entries
from tests.support.archives.takedown import NAME
from tests.support.databases.postgres import new_database
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from pathlib import Path


def told(events: list[ArchiveEvent]) -> list[tuple[Any, ...]]:
    """What events say, without their cursors: those hold ids, of which the two leave out others."""
    return [
        (e.kind, e.outlet, e.article_id, e.at, e.url, e.headline, e.revision, e.status, e.change)
        for e in events
    ]


def test_the_same_history_gives_the_same_events(tmp_path: Path) -> None:
    kinds = set()
    for seed in range(4):
        urls = (f"sqlite:///{tmp_path / str(seed)}.sqlite3", new_database())
        found = []
        for url in urls:
            with Index(url) as index:
                found.append(history(index, Random(seed)))
        assert found[1] == found[0]
        kinds |= {event[0] for part in found[0] for event in part}
    assert kinds == {"new", "changed", "missing", "deleted", "back"}


def history(index: Index, random: Random) -> list[list[tuple[Any, ...]]]:
    """Enter what the numbers say; return what was told at some moments, and at the end of all."""
    follower = Follower(index, 3)
    parts: list[list[tuple[Any, ...]]] = []
    for step in range(25):
        numbers = random.sample(range(1, 6), 2)
        at = SEEN + timedelta(hours=2 * step, seconds=step)
        what = random.choice(("seen", "edited", "gone", "gone", "read"))
        if what == "seen":
            enter(index, [article(number) for number in numbers], at)
        elif what == "edited":
            enter(index, [article(n, headline=f"{step}판 {n}") for n in numbers], at)
        elif what == "gone":
            enter_gone(index, [article(number) for number in numbers], at)
        else:
            parts.append(told(follower.read()))
    parts.append(told(follower.read()))
    parts.append(told(read_events(index, None, 1000)[0]))
    return parts


def test_the_verb_tells_the_same_and_goes_on_after_new_captures_and_a_removal(
    tmp_path: Path,
) -> None:
    found = []
    for name, url in (("a", f"sqlite:///{tmp_path / 'a.sqlite3'}"), ("b", new_database())):
        at = Workspace(tmp_path / name, {"INDEX_URL": url})
        found.append([])
        since: list[str] = []
        for step in (
            ("replay", SEEDS / "newspim"),
            ("replay", SEEDS / "etoday"),
            ("remove", "/".join(NAME), "--reason", "asked to", "--yes"),
        ):
            done = at.run(*step)
            assert done.code == 0, done.err
            said = at.run("changes", *since)
            assert said.code == 0, said.err
            events = [json.loads(line) for line in said.out.splitlines()]
            since = ["--since", events[-1]["cursor"]]
            for event in events:
                del event["cursor"]
                if event["kind"] == "removed":  # at the time of the test
                    del event["at"]
            found[-1].append(events)
        assert at.run("changes", *since).out == ""
    assert found[1] == found[0]
    assert [len(part) > 0 for part in found[0]] == [True] * 3


def test_a_transaction_that_ends_late_is_not_passed_over() -> None:
    with Index(new_database()) as index:
        follower = Follower(index, 1)
        enter(index, [article(1)])
        assert len(follower.read()) == 1
        with index.writing("outlet late") as late:
            write_entries(late, [article(2)])
            enter(index, [article(3)])
            # The third is written, but the second has the lower id.
            assert follower.read() == []
            with index.reading(settled=True) as connection:
                known, written = connection.scalars(text("SELECT id FROM revisions ORDER BY id"))
                assert known <= settled_id(connection, revisions) < written
                assert cursor_now(connection).revision == settled_id(connection, revisions)
        assert [event.article_id for event in follower.read()] == ["2", "3"]
        with index.writing("outlet late"):  # it draws no id
            enter(index, [article(4)])
            assert follower.read() == []
        assert [event.article_id for event in follower.read()] == ["4"]


def test_ids_beyond_those_of_a_lock_are_told_too() -> None:
    with Index(new_database()) as index:
        enter(index, [article(1)])
        with index.writing() as connection:
            for name in ("captures", "revisions"):
                sequence = f"pg_get_serial_sequence('{name}', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, {2**32 + 2**31 + 5})"))
        follower = Follower(index, 1)
        enter(index, [article(2)])
        with index.writing("outlet late"):
            assert [event.article_id for event in follower.read()] == ["1", "2"]


def write(url: str, first: int, count: int) -> None:
    """Enter articles, some a transaction, in a process of its own that waits for no other writer."""
    with Index(url) as index:
        for number in range(first, first + count, 2):
            with index.writing(f"outlet {first}") as connection:
                write_entries(connection, [article(number), article(number + 1)])
                # Some transactions last longer, so that others overtake them.
                connection.execute(text(f"SELECT pg_sleep({number % 6 / 100})"))


def test_three_processes_write_at_once_while_one_reads() -> None:
    url = new_database()
    context = multiprocessing.get_context("spawn")
    with Index(url) as index:
        writers = [context.Process(target=write, args=(url, 1000 * n, 80)) for n in (1, 2, 3)]
        for writer in writers:
            writer.start()
        follower = Follower(index, 3)
        while any(writer.is_alive() for writer in writers):
            follower.read()
        for writer in writers:
            writer.join()
            assert writer.exitcode == 0
        follower.read()
        expected = sorted(str(1000 * n + k) for n in (1, 2, 3) for k in range(80))
        assert sorted(event.article_id for event in follower.told) == expected
