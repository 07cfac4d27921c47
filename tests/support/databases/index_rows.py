"""Rows as they lie in an index, whichever database it is in, and changes of them that no verb makes."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, create_engine, text
from sqlalchemy.pool import NullPool
from sqlalchemy.types import NullType

from archive.index.address import is_postgres_url
from archive.index.dialect import as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import TextClause


def ask(url: str, statement: str, **values: Any) -> list[dict[str, Any]]:
    """Return what a statement finds, each value as SQLite has it."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        found = connection.execute(_with(statement, values), values).mappings()
        return [{name: _as_stored(value) for name, value in row.items()} for row in found]


def tables_with(url: str, part: str) -> list[str]:
    """Return the tables of a database of PostgreSQL, of every schema, with rows that hold a text."""
    tables = ask(
        url,
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    part = part.replace("\\", r"\\").replace('"', '""')  # as a whole row is written
    found = "SELECT 1 FROM {} AS one WHERE strpos(CAST(one AS TEXT), :part) > 0 LIMIT 1"
    return [row["name"] for row in tables if ask(url, found.format(row["name"]), part=part)]


def change(url: str, statement: str, **values: Any) -> int:
    """Change rows; return how many were."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        return connection.execute(_with(statement, values), values).rowcount


@contextmanager
def refused_rows(url: str, table: str) -> Iterator[None]:
    """Let a table take no new rows."""
    trigger = f"CREATE TRIGGER refuse BEFORE INSERT ON {table}"
    if is_postgres_url(url):
        refusal = "BEGIN RAISE 'no'; END"
        change(url, f"CREATE FUNCTION refuse() RETURNS trigger AS $$ {refusal} $$ LANGUAGE plpgsql")
        change(url, f"{trigger} FOR EACH ROW EXECUTE FUNCTION refuse()")
        removal = "DROP FUNCTION refuse CASCADE"
    else:
        change(url, f"{trigger} BEGIN SELECT RAISE(FAIL, 'no'); END")
        removal = "DROP TRIGGER refuse"
    yield
    change(url, removal)


def _with(statement: str, values: dict[str, Any]) -> TextClause:
    # Without a type, PostgreSQL takes a text for what its column is of.
    of_texts = [name for name, value in values.items() if isinstance(value, str)]
    return text(statement).bindparams(*(bindparam(name, type_=NullType()) for name in of_texts))


def _as_stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, bool):
        return int(value)
    return as_json(value) if isinstance(value, (dict, list)) else value
