"""Insert many rows by one short statement."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Dialect, Table

    _Converters = list[tuple[str, Callable[[Any], Any] | None]]


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; values as the table's types take them.

    On SQLite they go to the driver's executemany as tuples: SQLAlchemy's own way, a dictionary for
    each row, takes a quarter more CPU time.
    """
    if not rows:
        return
    if connection.dialect.paramstyle != "qmark":
        connection.execute(insert(table), list(rows))
        return
    statement, converters = _prepared(table, tuple(rows[0]), connection.dialect)
    values = [
        tuple(row[name] if to is None else to(row[name]) for name, to in converters) for row in rows
    ]
    connection.exec_driver_sql(statement, values)


@lru_cache(maxsize=16)
def _prepared(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, _Converters]:
    """Return the INSERT statement, and for each parameter its column and converter."""
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    marks = ", ".join("?" * len(names))
    into = f"{quote(table.name)} ({columns})"
    statement = f"INSERT INTO {into} VALUES ({marks})"  # noqa: S608  (our own tables' names)
    converters: _Converters = [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
    ]
    return statement, converters
