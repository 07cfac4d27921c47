"""`reindex` of an index in PostgreSQL: as that of a file, beside readers and writers, killed anywhere."""

from __future__ import annotations

import json
import shutil
import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import func, insert, make_url, select, text

from archive.index.copy import copy_index
from archive.index.database import Index, file_url, index_exists
from archive.index.postgres.schemas import in_schema, indexes_beside
from archive.index.rows.row_ids import build_of
from archive.index.schema import alarms, captures, frontier, revisions, robots, runs
from archive.index.writers.leases import Leases, outlet_lease
from archive.reindex.replacement import database_swap
from archive.reindex.replacement.swap import exclusive, swap_in
from tests.crawler.offline.test_reindex_stopped import stopped_at
from tests.support.archives.made_articles import article, enter
from tests.support.archives.reindex import without_the_run
from tests.support.archives.takedown import NAME
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.databases.postgres import new_database
from tests.support.documents import MADE, SEEDS
from tests.support.processes.cli import FileWorkspace, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

NOW = datetime(2026, 11, 30, 3, tzinfo=UTC)


class Desk:
    """An archive with the same index twice: in a file, and in PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.file = FileWorkspace(folder)
        self.server = Workspace(folder, {"INDEX_URL": url})

    def tables(self) -> dict[str, list[str]]:
        """Return what the index in PostgreSQL holds, as `tables_of` does of a file."""
        copy = self.folder / "copy.sqlite3"
        copy.unlink(missing_ok=True)
        with Index(self.url, read_only=True) as source, Index(file_url(copy)) as target:
            copy_index(source, target)
        found = tables_of(copy)
        copy.unlink()
        return found


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return an archive with an index that also holds what no WARC file does."""
    workspace = FileWorkspace(tmp_path_factory.mktemp("origin"))
    assert workspace.call("replay", *MADE).code == 0
    with Index(file_url(workspace.index)) as index, index.writing() as connection:
        add_carried(connection)
    return workspace


def add_carried(connection: Connection) -> None:
    """Enter rows of the frontier, alarms and robots.txt."""
    row = dict.fromkeys(
        ("reason", "etag", "last_modified", "lease", "discovered_run", "last_run"), ""
    )
    row |= {"outlet": "etoday", "discovered_at": NOW, "channels": ["front"], "state": "due"}
    row |= {"failures": 0, "visits": 0, "due_at": NOW, "outcome": ""}
    rows = [row | {"article_id": str(n), "url": f"https://etoday.example/{n}"} for n in range(3)]
    connection.execute(insert(frontier), rows)
    connection.execute(
        insert(alarms),
        [{"kind": "silence", "subject": "etoday", "sentence": "Nothing.", "began_at": NOW}],
    )
    connection.execute(
        insert(robots),
        [{"origin": "https://etoday.example", "fetched_at": NOW, "status": 200, "body": b"\0a"}],
    )


@pytest.fixture
def desk(origin: Workspace, tmp_path: Path) -> Desk:
    shutil.copytree(origin.folder, tmp_path / "desk")
    made = Desk(tmp_path / "desk", new_database())
    with Index(file_url(made.file.index)) as source, Index(made.url) as target:
        copy_index(source, target)
    return made


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def asked(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on the server; return its rows."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        found = connection.execute(statement)  # type: ignore[call-overload]
        return list(found.fetchall()) if found.description else []


def test_it_gives_what_that_of_a_file_does(desk: Desk) -> None:
    before = desk.tables()
    said = desk.server.run("reindex", "--processes", "2")
    assert (said.code, said.err) == (0, "")
    assert "nothing changed against the old index" in said.out, said.out
    assert "the old index is kept as the schema public_old of postgresql" in said.out
    of_file = desk.file.run("reindex", "--processes", "2")
    assert of_file.out.splitlines()[:6] == said.out.splitlines()[:6]
    after = desk.tables()
    assert difference(without_the_run(tables_of(desk.file.index)), without_the_run(after)) == []
    assert difference(before, without_the_run(after)) == []
    with Index(in_schema(desk.url, "public_old"), read_only=True) as kept, kept.reading() as old:
        assert old.scalar(select(func.count()).select_from(frontier)) == 3
    assert desk.server.run("verify").code == 0
    # New rows get numbers of their own.
    with Index(desk.url) as index, index.writing() as connection:
        add = insert(alarms).values(kind="x", subject="x", sentence="x", began_at=NOW)
        connection.execute(add)
    assert desk.server.run("replay", SEEDS / "mk").code == 0
    again = desk.server.run("reindex")
    assert (again.code, again.err) == (0, "")
    with Index(in_schema(desk.url, "public_old"), read_only=True) as kept, kept.reading() as old:
        assert old.scalar(select(func.count()).select_from(alarms)) == 2
    assert asked(desk.url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'public_%'") == [
        ("public_old",)
    ]


def test_what_a_mended_parser_changes_is_told_as_of_a_file(desk: Desk) -> None:
    for url in (desk.url, file_url(desk.file.index)):
        with Index(url) as index, index.writing() as connection:
            for statement in (
                "UPDATE captures SET outcome = 'unparsed', reason = 'no_body'"
                " WHERE outcome = 'new' AND outlet = 'etoday'",
                "UPDATE revisions SET headline = ''",
                "UPDATE revisions SET published_at = NULL, tags = '[\"a\"]' WHERE article = 1",
            ):
                connection.execute(text(statement))
    outcomes = []
    for workspace in (desk.file, desk.server):
        trial = json.loads(workspace.run("reindex", "--dry-run", "--json").out)
        said = workspace.run("reindex").out
        outcomes.append((trial, said[said.index("what changed") :]))
    assert outcomes[1] == outcomes[0]
    assert outcomes[0][0]["fields"]
    assert "headline" in outcomes[0][1]
    assert difference(without_the_run(tables_of(desk.file.index)), desk.tables(), "revisions") == []


@pytest.mark.parametrize(
    ("step", "number"),
    [("write", 1), ("write", 3), ("carry_over", 1), ("finish", 1), ("swap_in", 1)],
)
def test_killed_at_any_step_the_same_command_completes_it(
    desk: Desk, step: str, number: int
) -> None:
    before = desk.tables()
    assert stopped_at(desk.server, step, number, "kill").code == -signal.SIGKILL
    assert difference(before, without_the_run(desk.tables())) == []
    said = desk.server.run("reindex")
    assert (said.code, said.err) == (0, "")
    assert difference(before, without_the_run(desk.tables())) == []
    assert ("the rest: " in said.out) == (step != "swap_in"), "what was read is not read again"
    assert indexes_beside(desk.url) == ["public_old"]


def test_what_was_removed_stays_so_and_leaves_the_old_index_too(desk: Desk) -> None:
    assert stopped_at(desk.server, "write", 3, "kill").code == -signal.SIGKILL
    assert desk.server.run("reindex").code == 0
    assert stopped_at(desk.server, "write", 3, "kill").code == -signal.SIGKILL
    assert indexes_beside(desk.url) == ["public_reindex", "public_old"]
    removed = desk.server.run("remove", "/".join(NAME), "--reason", "asked to", "--yes")
    assert removed.code == 0, removed.err
    assert "the schema public_old, kept by a reindex, contains the texts too" in removed.out
    assert indexes_beside(desk.url) == []
    said = desk.server.run("reindex")
    assert (said.code, said.err) == (0, "")
    assert desk.server.run("show", "/".join(NAME)).code == 1
    assert desk.server.run("replay", SEEDS / "newspim").code == 0
    assert desk.server.run("show", "/".join(NAME)).code == 1


def test_without_an_index_it_makes_one(desk: Desk) -> None:
    url = new_database()
    fresh = Workspace(desk.folder, {"INDEX_URL": url})
    said = fresh.run("reindex")
    assert (said.code, said.err) == (0, "")
    assert indexes_beside(url) == []
    made = Desk(desk.folder, url)
    assert difference(desk.tables(), made.tables(), "revisions", "captures", "search") == []


def test_tables_of_others_and_rights_stay(desk: Desk) -> None:
    for statement in (
        "CREATE TABLE notes AS SELECT 1 AS one",
        "DROP ROLE IF EXISTS reads_only",
        "CREATE ROLE reads_only",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_only",
        "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO reads_only",
    ):
        asked(desk.url, statement)
    assert desk.server.run("reindex").code == 0
    assert asked(desk.url, "SELECT one FROM public.notes") == [(1,)]
    for what in ("captures", "search", "build"):
        query = f"SELECT has_table_privilege('reads_only', 'public.{what}', 'SELECT')"
        assert asked(desk.url, query) == [(True,)]
    query = "SELECT has_sequence_privilege('reads_only', 'public.captures_id_seq', 'SELECT')"
    assert asked(desk.url, query) == [(True,)]
    asked(desk.url, "DROP OWNED BY reads_only")
    asked(desk.url, "DROP ROLE reads_only")


def test_in_a_schema_with_an_odd_name(desk: Desk) -> None:
    asked(desk.url, 'CREATE SCHEMA "The \\ news"')
    url = in_schema(desk.url, "The \\ news")
    with Index(desk.url) as source, Index(url) as target:
        copy_index(source, target)
    odd = Desk(desk.folder, url)
    before = odd.tables()
    assert odd.server.run("reindex").code == 0
    assert difference(before, without_the_run(odd.tables())) == []
    assert indexes_beside(url) == ["The \\ news_old"]
    assert indexes_beside(desk.url) == []


def test_it_does_not_run_beside_a_crawl_or_another_one(desk: Desk) -> None:
    with Index(desk.url) as index:
        lease = Leases(index, [outlet_lease("etoday")], "run")
        assert lease.take() is None
        said = desk.server.run("reindex")
        assert (said.code, "etoday is being crawled" in said.err) == (1, True)
        lease.release()
    with exclusive_reindex(desk.url):
        for verb in (("reindex",), ("remove", "/".join(NAME), "--reason", "x", "--yes")):
            said = desk.server.run(*verb)
            assert (said.code, "Another reindex of" in said.err) == (1, True)
    assert desk.server.run("reindex").code == 0


def exclusive_reindex(url: str) -> Any:
    from archive.reindex.fresh_index import exclude_reindex

    return exclude_reindex(url)


def test_whoever_still_reads_keeps_the_old_one_in_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = in_schema(desk.url, "public_reindex")
    assert stopped_at(desk.server, "finish", 1, "kill").code == -signal.SIGKILL
    with Index(desk.url, read_only=True) as index:
        with index.reading() as reader:
            count = reader.scalar(select(func.count()).select_from(captures))
            with monkeypatch.context() as patches:
                patches.setattr(database_swap, "READERS", 0.0)
                with (
                    pytest.raises(Exception, match="Everything else is done"),
                    exclusive(desk.url) as old,
                ):
                    swap_in(fresh, desk.url, old)
            assert reader.scalar(select(func.count()).select_from(revisions))
            assert reader.scalar(select(func.count()).select_from(captures)) == count
        with exclusive(desk.url) as old:
            assert swap_in(fresh, desk.url, old) is not None
    assert desk.server.run("verify").code == 0


def reading_again(index: Index, found: list[Any], stop: threading.Event) -> None:
    """Read in transactions that follow each other; note which index each was of, and what it had."""
    # The pause lets the swap in, which asks for all locks for a moment now and then.
    while not stop.wait(0.02):
        with index.reading() as connection:
            begin = build_of(connection)
            numbers = [
                connection.scalar(select(func.count()).select_from(table))
                for table in (frontier, runs, captures, revisions)
            ]
            found.append((begin, *numbers, build_of(connection)))


def test_readers_and_writers_go_on_with_the_new_one(desk: Desk) -> None:
    """Both have prepared their statements, and are in the midst of their work."""
    stop = threading.Event()
    found: list[Any] = []
    with Index(desk.url) as writer, Index(desk.url, read_only=True) as index:
        enter(writer, [article(1)])
        threads = [
            threading.Thread(target=reading_again, args=(index, found, stop)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        said = desk.server.run("reindex")
        assert (said.code, said.err) == (0, "")
        for number in range(2, 12):
            with writer.writing() as connection:
                connection.execute(
                    insert(runs).values(id=str(number), verb="x", started_at=NOW, counts={})
                )
        enter(writer, [article(3)])
        stop.set()
        for thread in threads:
            thread.join()
        with index.reading() as connection:
            kept = set(connection.scalars(select(runs.c.id)))
            assert {str(number) for number in range(2, 12)} <= kept
            assert connection.scalar(select(func.count()).select_from(frontier)) == 3
    builds = list(dict.fromkeys(row[0] for row in found))
    assert len(builds) == 2
    for build in builds:
        rows = [row for row in found if row[0] == build]
        assert all(row[-1] == build for row in rows), "each transaction is of one index"
        assert {row[1] for row in rows} == {3}
        assert all(row[2] > 0 for row in rows)


def test_a_writer_that_waits_writes_to_the_new_one(desk: Desk) -> None:
    assert stopped_at(desk.server, "finish", 1, "kill").code == -signal.SIGKILL
    begun = threading.Event()

    def write() -> None:
        with Index(desk.url) as index:
            begun.set()
            with index.writing() as connection:
                connection.execute(
                    insert(runs).values(id="waited", verb="x", started_at=NOW, counts={})
                )

    thread = threading.Thread(target=write)
    with exclusive(desk.url) as old:
        thread.start()
        assert begun.wait(300)
        # It waits now, or soon: it writes to the new index in both cases.
        assert swap_in(in_schema(desk.url, "public_reindex"), desk.url, old) is not None
    thread.join()
    assert asked(desk.url, "SELECT count(*) FROM public.runs WHERE id = 'waited'") == [(1,)]


@pytest.fixture(autouse=True)
def _is_one_database(desk: Desk) -> Iterator[None]:
    """No test leaves a transaction, or an index that cannot be opened."""
    yield
    assert index_exists(desk.url)
