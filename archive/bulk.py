"""Many rows into a table at once, past the library's work of naming each row's parameters."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Dialect, Table

    _Converters = list[tuple[str, Callable[[Any], Any] | None]]


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; values as the table's types take them."""
    if not rows:
        return
    statement, converters = _prepared(table, tuple(rows[0]), connection.dialect)
    values = [tuple(row[name] if to is None else to(row[name]) for name, to in converters) for row in rows]
    connection.exec_driver_sql(statement, values)


@lru_cache(maxsize=16)
def _prepared(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, _Converters]:
    """The statement, and the columns in the order of its parameters with what their types make of a value."""
    compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
    order: Sequence[str] | None = getattr(compiled, "positiontup", None)
    assert order is not None, "the dialects in use take parameters by place"
    converters: _Converters = [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in order
    ]
    return str(compiled), converters
