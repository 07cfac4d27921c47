"""Copying of an index: all rows, ids and the number of the index, from a file to a server and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from archive.index.copy import copy_index
from archive.index.database import Index, IndexUnusableError
from archive.index.fulltext import newest_ids
from archive.index.rows.row_ids import build_of, free_ids
from archive.index.schema import captures, metadata, revisions
from archive.index.search.query import parse_query
from archive.verify.index import check_index
from tests.support.archives.search_trial import Trial
from tests.support.databases.postgres import new_database

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def rows_of(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: [
            tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
        ]
        for table in metadata.sorted_tables
    }


def test_a_copy_to_postgresql_and_back_is_the_same_index(tmp_path: Path) -> None:
    file, back = (f"sqlite:///{tmp_path / name}" for name in ("index.sqlite3", "back.sqlite3"))
    trial = Trial(20261130)
    with Index(file) as one, Index(new_database()) as server, Index(back) as other:
        with one.writing() as connection:
            trial.enter(connection, 300)
            trial.remove(connection, 10)
        counts = copy_index(one, server)
        assert copy_index(server, other) == counts
        assert counts["captures"] == 300
        assert 0 < counts["articles"] < counts["revisions"]
        with one.reading() as a, server.reading() as b, other.reading() as c:
            assert rows_of(a) == rows_of(b) == rows_of(c)
            assert build_of(a) == build_of(b) == build_of(c)
            assert b.exec_driver_sql("SELECT to_regclass('ix_search_lexemes')").scalar()
            for connection in (b, c):
                found = [str(one) for one in check_index(connection, whole=True)]
                assert not [one for one in found if "capture" not in one]
            for _ in range(30):
                query = parse_query(trial.query())
                assert newest_ids(a, query, 999) == newest_ids(b, query, 999)
        for index in (server, other):
            with index.writing() as connection:
                for table in (captures, revisions):
                    known = set(connection.scalars(select(table.c.id)))
                    assert next(free_ids(connection, table)) > max(known)
                trial.enter(connection, 20)


def test_an_index_with_rows_is_not_copied_over(tmp_path: Path) -> None:
    with Index(f"sqlite:///{tmp_path / 'index.sqlite3'}") as one, Index(new_database()) as server:
        for index in (one, server):
            with index.writing() as connection:
                Trial(1).enter(connection, 3)
        with server.reading() as connection:
            before = rows_of(connection)
        with pytest.raises(IndexUnusableError, match="has rows already"):
            copy_index(one, server)
        with server.reading() as connection:
            assert rows_of(connection) == before
