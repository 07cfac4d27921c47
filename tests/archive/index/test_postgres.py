"""The index in PostgreSQL: it finds, counts and keeps what one in a file does."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, select

from archive.articles.queries import each_row
from archive.articles.selected_rows import ArticleSelection, rows_of
from archive.index import fulltext
from archive.index.database import (
    Index,
    IndexUnusableError,
    NoIndexError,
    QueryTooSlowError,
    index_exists,
)
from archive.index.schema import articles, revisions
from archive.index.search.hit import Hit
from archive.index.search.query import parse_query
from archive.verify.index import check_index
from tests.support.archives.search_trial import OUTLETS, Trial
from tests.support.archives.takedown import NAME
from tests.support.databases.postgres import new_database, server
from tests.support.databases.postgres_door import PostgresDoor
from tests.support.documents import SEEDS
from tests.support.processes.cli import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    #: An article, and the number of its revision.
    Name = tuple[str, int]


class Side:
    """One of the two indexes, in a read transaction; hits by name, since ids differ."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        columns = (revisions.c.id, revisions.c.number, revisions.c.published_at)
        query = select(*columns, articles.c.article_id).join(articles)
        rows = connection.execute(query).all()
        self.names: dict[int, Name] = {row.id: (row.article_id, row.number) for row in rows}
        self.places = {row.id: Hit(row.published_at, row.id) for row in rows}

    def newest(self, words: str, limit: int) -> list[Name]:
        found = fulltext.newest_ids(self.connection, parse_query(words), limit)
        return [self.names[one] for one in found]

    def pages(self, words: str, size: int) -> list[Name]:
        """All hits, page by page."""
        found: list[Name] = []
        before = None
        while ids := fulltext.newest_ids(self.connection, parse_query(words), size, before):
            found += [self.names[one] for one in ids]
            before = self.places[ids[-1]]
        return found


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    """The same articles in a file and in PostgreSQL; edited, and some removed."""
    path = tmp_path_factory.mktemp("trial") / "index.sqlite3"
    with Index(f"sqlite:///{path}") as file, Index(new_database()) as server:
        for index in (file, server):
            trial = Trial(20261130)
            for _ in range(3):
                with index.writing() as connection:
                    trial.enter(connection, 300)
                    trial.remove(connection, 10)
        with file.reading() as one, server.reading() as other:
            yield Side(one), Side(other)


def test_a_search_finds_the_same_in_the_same_order(sides: tuple[Side, Side]) -> None:
    file, postgres = sides
    trial, found = Trial(5), 0
    for _ in range(250):
        words = trial.query()
        expected = file.newest(words, 10_000)
        found += bool(expected)
        assert postgres.newest(words, 10_000) == expected, words
        assert postgres.newest(words, 20) == expected[:20], words
        assert postgres.pages(words, 23) == expected, words
    assert found > 150


def test_hits_are_counted_alike(sides: tuple[Side, Side]) -> None:
    file, postgres = sides
    trial = Trial(6)
    for _ in range(120):
        words = trial.query()
        query = parse_query(words)
        for count in (
            lambda at, query=query: fulltext.number_of_hits(at, query),
            lambda at, query=query: fulltext.number_of_hits(at, query, 7),
            lambda at, query=query: fulltext.hits_by_outlet(at, query, OUTLETS, 50),
            lambda at, query=query: fulltext.hits_by_period(at, query),
        ):
            assert count(postgres.connection) == count(file.connection), words


def test_an_export_has_the_same_rows(sides: tuple[Side, Side]) -> None:
    file, postgres = (list(map(without_ids, each_row(one.connection))) for one in sides)
    assert postgres == file
    assert len(file) > 300
    for words in ("가", "대통령 OR 푸틴", "section:정치", "edited:yes -김정"):
        selection = ArticleSelection(query=parse_query(words), every_revision=True)
        found, expected = (
            [without_ids(row) for row in rows_of(one.connection, selection, by_month=True)]
            for one in reversed(sides)
        )
        assert found == expected


def without_ids(row: tuple[dict[str, object], object]) -> tuple[dict[str, object], object]:
    return {name: value for name, value in row[0].items() if name not in ("id", "article")}, row[1]


def test_verify_finds_no_fault_and_finds_one_that_is_made(sides: tuple[Side, Side]) -> None:
    assert wrong_of(sides[1].connection) == []
    with Index(new_database()) as index:
        with index.writing() as connection:
            Trial(1).enter(connection, 20)
            connection.exec_driver_sql(
                "UPDATE search SET body = body || 'x', lexemes = strip(lexemes || 'y'::tsvector)"
                " WHERE position = (SELECT max(position) FROM search)"
            )
        with index.reading() as connection:
            assert len(wrong_of(connection)) == 2


def wrong_of(connection: Connection) -> list[str]:
    found = [one.sentence for one in check_index(connection, whole=True)]
    return [one for one in found if "capture" not in one]


def test_a_database_is_used_only_if_it_is_ours() -> None:
    url = new_database()
    assert not index_exists(url)
    with pytest.raises(NoIndexError, match="no index at"):
        Index(url, read_only=True)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("CREATE TABLE foreign_to_us (id INTEGER)")
    with pytest.raises(IndexUnusableError, match="another program"):
        Index(url)


def test_a_trigger_is_not_run() -> None:
    url = new_database()
    Index(url).close()
    assert index_exists(url)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION stray() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )
        connection.execute(
            "CREATE TRIGGER stray BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION stray()"
        )
    with pytest.raises(IndexUnusableError, match="trigger stray, which Sacho did not make"):
        Index(url)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql+psycopg://someone:secret@127.0.0.1:1/index", "cannot be reached"),
        ("postgresql://someone:secret@127.0.0.1:1/index?password=secret", "cannot be reached"),
        ("postgresql+asyncpg://someone:secret@127.0.0.1/index", "write postgresql"),
        ("mysql://someone:secret@127.0.0.1/index", "only sqlite:/// and postgresql"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_sentence(address: str, sentence: str) -> None:
    with pytest.raises(IndexUnusableError, match=sentence) as raised:
        Index(address)
    assert "secret" not in str(raised.value)


def test_a_database_or_user_that_is_missing_is_a_sentence() -> None:
    there = make_url(server()).set(drivername="postgresql+psycopg")
    for wrong in (there.set(database="nowhere"), there.set(username="nobody")):
        with pytest.raises(IndexUnusableError, match="there is no such database, or no such user"):
            Index(wrong.render_as_string(hide_password=False))


def test_a_query_that_takes_too_long_is_cut_off() -> None:
    with (
        Index(new_database()) as index,
        pytest.raises(QueryTooSlowError, match=r"0\.05 seconds"),
        index.reading(0.05) as connection,
    ):
        connection.exec_driver_sql("SELECT pg_sleep(30)")


def test_who_writes_waits_for_the_other_and_reads_what_it_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("archive.index.postgres.database.BUSY_TIMEOUT", 50)
    url = new_database()
    with Index(url) as one, Index(url) as other:
        with one.writing() as connection:
            Trial(1).enter(connection, 5)
            with other.reading() as reader:
                assert not reader.scalars(select(articles.c.id)).all()
            with (
                pytest.raises(IndexUnusableError, match="has been writing for over a minute"),
                other.writing(),
            ):
                pass
        with other.writing() as connection:
            assert len(connection.scalars(select(articles.c.id)).all()) == 5


def test_what_is_written_is_undone_as_a_whole() -> None:
    with Index(new_database()) as index:
        with suppress(ZeroDivisionError), index.writing() as connection:
            Trial(1).enter(connection, 5)
            print(1 / 0)
        with index.reading() as connection:
            assert not connection.scalars(select(articles.c.id)).all()


def plain(url: str) -> str:
    """The address as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_indexes_of_few_rows_hold_only_these() -> None:
    url = new_database()
    Index(url).close()
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%WHERE%'")
        names = {row[0] for row in found}
    assert names == {
        "ix_captures_gone",
        "ix_revisions_generic",
        "ix_revisions_search_position",
        "ix_revisions_search_spill",
        "ix_runs_going",
    }


def test_options_of_connections_that_do_not_arrive_are_noticed() -> None:
    url = new_database()
    Index(url, brief=True).close()
    with (
        PostgresDoor(url, drops_options=True) as door,
        pytest.raises(IndexUnusableError, match="as a pooler with ignore_startup_parameters"),
    ):
        Index(door.url, brief=True)
    with PostgresDoor(url) as door:
        Index(f"{door.url}&options=-ctimezone%3DAsia/Seoul", brief=True).close()


def user_with(url: str, *rights: str) -> str:
    """Return the address of an index for a new user with these rights."""
    name = f"user_{uuid4().hex[:8]}"
    there = make_url(url).set(drivername="postgresql")
    with psycopg.connect(there.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {name} LOGIN")
        for right in ("USAGE ON SCHEMA public", *rights):
            owner.execute(f"GRANT {right} TO {name}")
    return make_url(url).set(username=name).render_as_string(hide_password=False)


def test_who_may_not_write_tables_anew_is_told_before_anything_is_removed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, {"INDEX_URL": new_database()})
    assert workspace.run("replay", SEEDS / "newspim").code == 0
    url = user_with(
        workspace.settings["INDEX_URL"],
        "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public",
        "USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public",
    )
    by_user = Workspace(tmp_path, {"INDEX_URL": url})
    refused = by_user.run("remove", "/".join(NAME), "--reason", "asked to", "--yes")
    assert refused.code == 1
    assert "this user may not write the table" in refused.err
    assert workspace.run("show", "/".join(NAME)).code == 0
    removed = workspace.run("remove", "/".join(NAME), "--reason", "asked to", "--yes")
    assert removed.code == 0, removed.err


def test_who_may_not_read_sequences_is_told_and_not_that_nothing_is_new(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, {"INDEX_URL": new_database()})
    assert workspace.run("replay", SEEDS / "newspim").code == 0
    tables = "SELECT ON ALL TABLES IN SCHEMA public"
    url = user_with(workspace.settings["INDEX_URL"], tables)
    refused = Workspace(tmp_path, {"INDEX_URL": url}).run("changes")
    assert (refused.code, refused.out) == (1, "")
    assert "GRANT SELECT ON ALL SEQUENCES" in refused.err
    url = user_with(
        workspace.settings["INDEX_URL"], tables, "SELECT ON ALL SEQUENCES IN SCHEMA public"
    )
    assert Workspace(tmp_path, {"INDEX_URL": url}).run("changes").out
