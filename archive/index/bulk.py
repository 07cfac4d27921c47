"""Many rows into a table at once, and many values asked for at once, past the library's work of naming each of them."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Dialect, Table

    _Converters = list[tuple[str, Callable[[Any], Any] | None]]


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns; values as the table's types take them."""
    if not rows:
        return
    statement, converters = _prepared(table, tuple(rows[0]), connection.dialect)
    values = [
        tuple(row[name] if to is None else to(row[name]) for name, to in converters) for row in rows
    ]
    connection.exec_driver_sql(statement, values)


def one_of(
    column: ColumnElement[Any], values: Iterable[str] | Iterable[int]
) -> ColumnElement[bool]:
    """Whether the column holds one of these texts, or whole numbers, however many they are.

    They go to SQLite as one JSON array: a list of parameters would make another statement of every
    number of them, each a hundred times the size of this one, and a connection keeps the last 128
    statements.
    """
    listed = func.json_each(json.dumps(list(values), ensure_ascii=False)).table_valued("value")
    return column.in_(select(listed.c.value))


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
