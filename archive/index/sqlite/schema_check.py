"""Compare what a database holds with our own schema: an index of somebody else's must run nothing.

A trigger, a view, an expression in a table or an index would be evaluated while we read and write.
So everything in the schema has to be word for word what this code makes; the order of a table's
columns and constraints does not count.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from archive.index.schema import SEARCH_TABLES, metadata
from archive.model.program import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    #: Type, name, table and SQL of an object, as ``sqlite_master`` has them.
    SchemaRow = Sequence[str | None]

#: Alembic's table of the schema's version, word for word.
VERSION_TABLE = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)
#: What `find_foreign` is given.
SELECT_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"
#: Tables and indexes that SQLite makes for itself; nobody else can give them such names.
_OF_SQLITE = "sqlite_"
_KINDS = ("table", "index", "view", "trigger")


def find_foreign(
    rows: Iterable[SchemaRow], others: tuple[str, ...] = (), *, any_version: bool = False
) -> str:
    """Return which object of a schema we did not make, as ``the trigger x``; ``""`` if none.

    ``others`` are the statements of further tables of ours. With ``any_version`` the tables may be
    those of any version, and only what none of ours ever had counts: triggers and views.
    """
    known = _statements(others)
    for kind, name, table, statement in rows:
        if kind in ("table", "index"):
            is_of_sqlite = str(name).startswith(_OF_SQLITE)
            if any_version or is_of_sqlite or known.get((kind, name, table)) == _plain(statement):
                continue
        shown = kind if kind in _KINDS else "object"
        return f"the {shown} {str(name)[:60]!r}"
    return ""


def not_ours(place: object, foreign: str) -> str:
    """Return the sentence about an index that holds what `find_foreign` returned."""
    return (
        f"{place} holds {foreign}, which Sacho did not make, so nothing in it can be relied on: "
        f"move it away, and run {PROGRAM} reindex."
    )


def find_foreign_in(connection: sqlite3.Connection, schema: str) -> str:
    """Return what `find_foreign` does of a whole database, which may be of an earlier version.

    ``schema`` is the version of today.

    :raises sqlite3.Error: it is no index of Sacho, or damaged.
    """
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    rows = connection.execute(SELECT_SCHEMA).fetchall()
    return find_foreign(rows, any_version=version != schema)


@lru_cache(maxsize=4)
def _statements(others: tuple[str, ...]) -> dict[tuple[str | None, ...], tuple[str, ...]]:
    """Return the statements of our own schema, by type, name and table, as this SQLite has them."""
    dialect = sqlite.dialect()
    made: list[str] = []
    for table in metadata.tables.values():
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in (*made, *SEARCH_TABLES, VERSION_TABLE, *others):
            database.execute(statement)
        rows = database.execute(SELECT_SCHEMA).fetchall()
    return {(kind, name, table): _plain(statement) for kind, name, table, statement in rows}


def _plain(statement: str | None) -> tuple[str, ...]:
    """Return the lines of a statement in a fixed order, without what separates them."""
    return tuple(sorted(line.strip().rstrip(", ") for line in (statement or "").split("\n")))
