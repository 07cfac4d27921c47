"""Replacing an index in PostgreSQL: its tables are moved to another schema, new ones to theirs.

Whoever reads or writes goes on with the new tables: they have the names, and the server looks them
up again. Nobody sees some of both, since the old ones are moved when no transaction uses any.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, NoReturn

from sqlalchemy import delete, func, select
from sqlalchemy.exc import DBAPIError

from archive.index.copy import has_ids
from archive.index.database import Index, IndexUnusableError, index_exists
from archive.index.postgres.database import connected, exclude_writers, sql_state
from archive.index.postgres.schemas import (
    FRESH,
    KEPT,
    TABLES,
    copy_rights,
    drop_tables,
    in_schema,
    move_tables,
    quoted,
    schema_of,
    tables_in,
    transaction,
)
from archive.index.rows.row_ids import keep_highest
from archive.index.schema import captures
from archive.index.writers.leases import outlets_held
from archive.model.shown_url import shown_url
from archive.reindex.replacement.carried import CARRIED
from archive.reindex.scaffold import SCAFFOLD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

#: Seconds to wait for a moment at which nobody reads the old index. Writers wait for twice as long.
READERS = 30.0
#: Seconds that we wait for a table at a time, and between two attempts. Where two wait for each
#: other for a second, the server ends the query of one, which may be a reader.
_ATTEMPT, _PAUSE = 0.3, 0.3
#: What the server reports if a lock could not be had: in time, or because two wait for each other.
_NO_LOCK = ("55P03", "40P01")


def check_old(url: str) -> bool:
    """Return whether there is an old index, after reading the tables that will be copied once."""
    if not index_exists(url):
        return False
    with Index(url) as index, index.reading() as connection:
        _check_no_crawl(connection)
        for table in CARRIED:
            connection.scalar(select(func.count()).select_from(table))
    return True


@contextmanager
def exclusive(url: str, wait: float) -> Iterator[Connection | None]:
    """Let nobody write to the index meanwhile; yield a connection in that transaction.

    None if there is no index.

    :raises IndexUnusableError: another process writes to it for longer than ``wait`` seconds.
    """
    if not index_exists(url):
        yield None
        return
    with connected(url) as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            try:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_milliseconds(wait)}")
                exclude_writers(connection)
                _lock(connection, "SHARE ROW EXCLUSIVE")
            except DBAPIError as error:
                _raise_in_use(url, error)
            _check_no_crawl(connection)
            yield connection
        finally:
            connection.rollback()  # nothing, if `swap_in` has committed


def carry_over(old: Connection, fresh: str) -> None:
    """Copy the tables that are carried over from the old index to the new one.

    They are committed before the new one is put in place: who waits for that then sees them.
    """
    schema = str(old.exec_driver_sql("SELECT current_schema()").scalar())
    with Index(fresh, lasting=False) as index, index.writing() as connection:
        for table in reversed(CARRIED):
            connection.execute(delete(table))
        for table in CARRIED:
            connection.exec_driver_sql(_copy(table, quoted(schema)))
            if has_ids(table):
                highest = connection.scalar(select(func.max(table.c.id))) or 0
                keep_highest(connection, table, highest)


def swap_in(url: str, old: Connection) -> tuple[str, str]:
    """Move the old tables away and the new ones in, and commit; return how the old are named.

    That is, to a person, and their address.

    :raises IndexUnusableError: others go on to read the old index.
    """
    schema = schema_of(url)
    _analyze(in_schema(url, schema + FRESH))
    _wait_for_readers(old, url)
    drop_tables(old, schema + KEPT)
    copy_rights(old, schema, schema + FRESH)
    move_tables(old, schema, schema + KEPT)
    _move_new(old, schema)
    old.commit()
    return f"the schema {schema}{KEPT} of {shown_url(url)}", in_schema(url, schema + KEPT)


def move_in(url: str) -> None:
    """Move the new tables to where there is no index.

    :raises IndexUnusableError: there is one now.
    """
    schema = schema_of(url)
    _analyze(in_schema(url, schema + FRESH))
    with connected(url) as connection, transaction(connection):
        exclude_writers(connection)
        if tables_in(connection, schema):
            raise IndexUnusableError(
                f"{shown_url(url)} was made just now by another process: run the same command"
                " again."
            )
        _move_new(connection, schema)


def _move_new(connection: Connection, schema: str) -> None:
    listed = ", ".join(f"{quoted(schema + FRESH)}.{name}" for name in SCAFFOLD)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {listed}")
    move_tables(connection, schema + FRESH, schema)
    connection.exec_driver_sql(f"DROP SCHEMA {quoted(schema + FRESH)}")


def _wait_for_readers(connection: Connection, url: str) -> None:
    """Lock the old tables against readers, too, when no transaction uses them."""
    until = monotonic() + READERS
    while True:
        connection.exec_driver_sql("SAVEPOINT before")
        try:
            most = _milliseconds(_ATTEMPT)
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {most}")
            _lock(connection, "ACCESS EXCLUSIVE")
        except DBAPIError as error:
            connection.exec_driver_sql("ROLLBACK TO before")
            if sql_state(error) not in _NO_LOCK or monotonic() > until:
                _raise_in_use(url, error)
            sleep(_PAUSE)
        else:
            return


def _lock(connection: Connection, mode: str) -> None:
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(TABLES)} IN {mode} MODE")


def _check_no_crawl(connection: Connection) -> None:
    """Raise IndexUnusableError if an outlet is crawled, on whatever machine."""
    outlets = outlets_held(connection, datetime.now(UTC))
    if outlets:
        raise IndexUnusableError(
            f"{outlets[0]} is being crawled. Run the same command when that has ended."
        )


def _raise_in_use(url: str, error: DBAPIError) -> NoReturn:
    if sql_state(error) not in _NO_LOCK:
        raise error
    raise IndexUnusableError(
        f"Another process has {shown_url(url)} open (a crawl, or a search). Everything else is"
        " done: run the same command again when it has finished."
    ) from error


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # 0 would be without an end


def _analyze(fresh: str) -> None:
    """Let the server learn how the values of the new tables are distributed."""
    with connected(fresh) as connection:
        connection.exec_driver_sql(f"ANALYZE {', '.join(TABLES)}")


def _copy(table: Table, schema: str) -> str:
    """Return the statement that copies a table, with references to captures changed to new rows."""
    wanted = []
    for column in table.columns:
        value = f"old.{column.name}"
        if any(key.column.table is captures for key in column.foreign_keys):
            value = (
                f"(SELECT new.id FROM {schema}.captures AS known"  # noqa: S608  (our own names)
                " JOIN captures AS new ON new.record_id = known.record_id"
                f" WHERE known.id = {value})"
            )
        wanted.append(value)
    names, values = ", ".join(column.name for column in table.columns), ", ".join(wanted)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {schema}.{table.name} AS old"  # noqa: S608  (our own table's name)
