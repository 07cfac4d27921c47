"""The tables of an index of an earlier schema, read under the column names of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from archive.index.database import IndexUnusableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sqlalchemy import Table

#: Columns that had another name up to schema 0005: the name today -> the name then.
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "alarms": {
        "notified_at": "said_at",
        "resolved_notified_at": "over_said_at",
        "fields": "about",
    },
    "frontier": {
        "failures": "tries",
        "visits": "looks",
        "first_visit_at": "first_look_at",
        "discovered_run": "found_by",
        "last_run": "seen_by",
    },
}
#: Expressions for columns whose values were other words up to schema 0005.
_REWORDED: Mapping[str, Mapping[str, str]] = {
    "runs": {
        "ending": "CASE old.ending WHEN 'done' THEN 'succeeded' WHEN 'lost' THEN 'crashed' "
        "ELSE old.ending END"
    },
}


def check_readable(path: Path, tables: Iterable[Table]) -> None:
    """Read every row of the tables once.

    :raises IndexUnusableError: one of them is damaged.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
            for table in tables:
                if _names(connection, table):
                    every_row = f"SELECT count(*) FROM {table.name} NOT INDEXED"  # noqa: S608  (our own table's name)
                    connection.execute(every_row).fetchone()
    except sqlite3.Error as error:
        raise not_carried(error) from error


def not_carried(error: sqlite3.Error) -> IndexUnusableError:
    """Return the error for a table of the old index that cannot be read or copied."""
    return IndexUnusableError(
        "Cannot copy the run history, alarms, frontier and robots.txt from the old index:"
        f" {error}. Move it away, and run the same command again to do without them."
    )


def columns(connection: sqlite3.Connection, table: Table) -> dict[str, str]:
    """Return SQL expressions over a row ``old`` of the table, by the column names of today.

    A column that the table does not have is left out, so that its default applies. Of an index of
    today's schema each column is itself.
    """
    there = _names(connection, table)
    renamed = _RENAMED.get(table.name, {})
    reworded = _REWORDED.get(table.name, {})
    found: dict[str, str] = {}
    for column in table.columns:
        name = column.name
        source = name if name in there else renamed.get(name, name)
        if source in there:
            found[name] = reworded.get(name, f"old.{source}")
    return found


def _names(connection: sqlite3.Connection, table: Table) -> set[str]:
    """Return the names of the table's columns in the database; empty if there is no such table."""
    return {row[1] for row in connection.execute(f"PRAGMA main.table_info({table.name})")}
