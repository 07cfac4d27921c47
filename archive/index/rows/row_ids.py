"""Which index this is, and ids of rows that are never given twice.

Whoever reads what is new since some id relies on both. They are two numbers in the head of the
SQLite file, ``application_id`` and ``user_version``, which a copy and a backup take along. In
PostgreSQL the first is in a table, and ids come from sequences, which give none twice.
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from archive.index.dialect import is_postgres
from archive.index.schema import captures, removals, revisions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

#: The head of the file holds numbers below this.
_LIMIT = 2**31
#: Where a connection to PostgreSQL notes the ids that `settled_id` returns.
SETTLED = "settled_ids"
#: The table of the first number in PostgreSQL.
CREATE_BUILD = "CREATE TABLE build (number BIGINT NOT NULL)"
#: Ids that are drawn from a sequence at once.
_IDS = 64


def name_build(connection: Connection) -> None:
    """Give a new index the number that tells it from every other one."""
    set_build(connection, secrets.randbelow(_LIMIT - 1) + 1)


def set_build(connection: Connection, number: int) -> None:
    """Give an index that number instead of its own."""
    if is_postgres(connection):
        connection.execute(text("DELETE FROM build"))
        connection.execute(text("INSERT INTO build VALUES (:number)"), {"number": number})
    else:
        connection.exec_driver_sql(f"PRAGMA application_id = {number:d}")


def build_of(connection: Connection) -> int:
    """Return the number of the index; 0 for one that was made before indexes had one."""
    asked = "SELECT number FROM build" if is_postgres(connection) else "PRAGMA application_id"
    return int(connection.exec_driver_sql(asked).scalar() or 0)


def highest_id(connection: Connection, table: Table) -> int:
    """Return the highest id that a row of the table has or, if it was kept, had."""
    if is_postgres(connection):
        return _last_drawn(connection, table)
    highest = connection.scalar(select(func.max(table.c.id))) or 0
    return highest if table is removals else max(highest, _kept(connection))


def settled_id(connection: Connection, table: Table) -> int:
    """Return the id up to which rows of the table that are not there will never be.

    In a file that is the highest; in PostgreSQL others may be writing rows with lower ids. The
    transaction is one of ``Index.reading(settled=True)``.
    """
    if is_postgres(connection):
        return int(connection.info[SETTLED][table.name])
    return highest_id(connection, table)


def keep_ids(connection: Connection) -> None:
    """Note the ids of captures and revisions, of which some are about to be deleted.

    No other row gets one of them.
    """
    if is_postgres(connection):
        return
    highest = max(highest_id(connection, table) for table in (captures, revisions))
    connection.exec_driver_sql(f"PRAGMA user_version = {min(highest, _LIMIT - 1)}")


def keep_highest(connection: Connection, table: Table, highest: int) -> None:
    """Let no new row of a table get an id up to ``highest``."""
    if is_postgres(connection):
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        # An id of 0 would make the first one 1 as well.
        connection.execute(
            text(f"SELECT setval({sequence}, greatest(:highest, 1), :highest > 0)"),
            {"highest": highest},
        )
    elif table in (captures, revisions):
        kept = max(_kept(connection), min(highest, _LIMIT - 1))
        connection.exec_driver_sql(f"PRAGMA user_version = {kept:d}")


def _kept(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)


def free_ids(connection: Connection, table: Table) -> Iterator[int]:
    """Yield ids for new rows of a table, within the only write transaction."""
    if is_postgres(connection):
        return _drawn_ids(connection, table)
    return count(highest_id(connection, table) + 1)


def _drawn_ids(connection: Connection, table: Table) -> Iterator[int]:
    draw = text(
        f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id'))"  # noqa: S608  (our own tables)
        f" FROM generate_series(1, {_IDS})"
    )
    while True:
        yield from sorted(connection.scalars(draw))


def _last_drawn(connection: Connection, table: Table) -> int:
    drawn = text(
        "SELECT coalesce(pg_sequence_last_value("
        f"pg_get_serial_sequence('{table.name}', 'id')::regclass), 0)"
    )
    return int(connection.scalar(drawn) or 0)
