"""Statements and expressions that are spelled differently for each database.

The text that SQLite has of a value is what exports are made of: times are UTC, as
``2024-05-07 03:00:00.000000``, JSON has no blanks. Of PostgreSQL the same text is asked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Integer,
    String,
    Text,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Dialect, Table
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
    from sqlalchemy.sql.compiler import SQLCompiler

#: Created once: json.dumps() creates an encoder for every value, json.loads() checks its arguments.
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_DECODE = json.JSONDecoder().decode
_T = TypeVar("_T")


def is_postgres(connection: Connection) -> bool:
    """Whether the connection is one to PostgreSQL."""
    return connection.dialect.name == "postgresql"


def as_json(value: Any) -> str:
    """Return a value as the text of JSON that is stored."""
    return "[]" if value == [] else _ENCODE(value)  # most lists of most articles are empty


def from_json(value: str | bytes) -> Any:
    """Return the value of a text of JSON that was stored."""
    if isinstance(value, bytes):
        value = value.decode()
    return [] if value == "[]" else _DECODE(value)  # see as_json


class _Listed(TypeDecorator[Any]):
    """Any number of texts or whole numbers as one parameter."""

    impl = String
    cache_ok = True

    def __init__(self, *, are_numbers: bool) -> None:
        super().__init__()
        self.are_numbers = are_numbers

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Return an array for PostgreSQL, the text of a JSON array for SQLite."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.are_numbers else String()))
        return dialect.type_descriptor(String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the parameter for the values."""
        if dialect.name == "postgresql":
            return list(value) if self.are_numbers else [str(one) for one in value]
        return json.dumps(value, ensure_ascii=False)


class _OneOf(FunctionElement[bool]):
    """The condition that a column is among the values of a parameter."""

    type = Boolean()
    name = "one_of"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:  # noqa: ARG002  (SQLAlchemy's signature)
        """Return the condition as it is: SQLite finds no index for ``condition = 1``."""
        return self


@compiles(_OneOf)
def _one_of_json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, listed = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"  # noqa: S608  (a compiled clause)


@compiles(_OneOf, "postgresql")
def _one_of_array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    column, listed = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY ({listed})"


def one_of(
    column: ColumnElement[Any], values: Iterable[str] | Iterable[int]
) -> ColumnElement[bool]:
    """Return the condition that a column is one of these texts, or whole numbers, of any number.

    The database gets them as one parameter. A list of parameters would be another statement for
    every length, and a connection caches the last 128 statements.
    """
    return _OneOf(column, bindparam(None, list(values), type_=_listed_like(column), unique=True))


def one_of_parameter(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return that condition for values that the statement is given by a name, as a list."""
    return _OneOf(column, bindparam(name, type_=_listed_like(column)))


def _listed_like(column: ColumnElement[Any]) -> _Listed:
    return _Listed(are_numbers=isinstance(column.type, Integer))


def insert_missing(connection: Connection, table: Table) -> Any:
    """Return the statement that inserts rows, but those of which the table has the key."""
    return insert_into(connection, table).on_conflict_do_nothing()


def insert_into(connection: Connection, table: Table) -> SqliteInsert | PostgresInsert:
    """Return an INSERT statement that can say what is to be done on a conflict."""
    if is_postgres(connection):
        # Imported here only: the dialect and its types take long, and most indexes are files.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


class _StoredJson(FunctionElement[str]):
    type = Text()
    name = "stored_json"
    inherit_cache = True


class _StoredTime(FunctionElement[str]):
    type = Text()
    name = "stored_time"
    inherit_cache = True


class _Hour(FunctionElement[str]):
    type = String()
    name = "hour"
    inherit_cache = True


class _Month(FunctionElement[str]):
    type = String()
    name = "month"
    inherit_cache = True


class _Unindexed(FunctionElement[Any]):
    name = "unindexed"
    inherit_cache = True


def stored_json(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a column of JSON as the text that was stored."""
    return _StoredJson(column)


def stored_time(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Return a column of times as the text that SQLite has of them."""
    return _StoredTime(column)


def hour_of(moment: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the hour of a column of times (UTC), as ``2024-05-07 03``."""
    return _Hour(moment)


def month_of(moment: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the month in KST of a column of times, as ``2024-05``."""
    return _Month(moment)


def unindexed(column: ColumnElement[_T]) -> ColumnElement[_T]:
    """Return a column so that SQLite uses no index of it."""
    found = _Unindexed(column)
    found.type = column.type
    return found


def _argument(element: FunctionElement[Any], compiler: SQLCompiler, options: Any) -> str:
    (clause,) = element.clauses
    return compiler.process(clause, **options)


@compiles(_StoredJson)
@compiles(_StoredTime)
def _as_it_is(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    return _argument(element, compiler, options)


@compiles(_StoredJson, "postgresql")
def _text_of_json(element: _StoredJson, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({_argument(element, compiler, options)} AS TEXT)"


@compiles(_StoredTime, "postgresql")
def _text_of_time(element: _StoredTime, compiler: SQLCompiler, **options: Any) -> str:
    moment = _argument(element, compiler, options)
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"


@compiles(_Hour)
def _hour(element: _Hour, compiler: SQLCompiler, **options: Any) -> str:
    return f"strftime('%Y-%m-%d %H', {_argument(element, compiler, options)})"


@compiles(_Hour, "postgresql")
def _hour_in_postgres(element: _Hour, compiler: SQLCompiler, **options: Any) -> str:
    moment = _argument(element, compiler, options)
    return f"to_char({moment} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24')"


@compiles(_Month)
def _month(element: _Month, compiler: SQLCompiler, **options: Any) -> str:
    return f"strftime('%Y-%m', {_argument(element, compiler, options)}, '+9 hours')"


@compiles(_Month, "postgresql")
def _month_in_postgres(element: _Month, compiler: SQLCompiler, **options: Any) -> str:
    moment = _argument(element, compiler, options)
    return f"to_char({moment} AT TIME ZONE 'UTC' + INTERVAL '9 hours', 'YYYY-MM')"


@compiles(_Unindexed)
def _with_a_sign(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return f"+{_argument(element, compiler, options)}"


@compiles(_Unindexed, "postgresql")
def _without_a_sign(element: _Unindexed, compiler: SQLCompiler, **options: Any) -> str:
    return _argument(element, compiler, options)


def overwrite_deleted(connection: Connection) -> None:
    """Let the database overwrite what is deleted, so that nothing of it stays in free pages.

    PostgreSQL has no such mode: there `Index.scrub` writes the tables anew.
    """
    if not is_postgres(connection):
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
