"""Which index this is, and ids of rows that are never given twice.

Whoever reads what is new since some id relies on both. They are two numbers in the head of the
SQLite file, ``application_id`` and ``user_version``, which a copy and a backup take along.
"""

from __future__ import annotations

import secrets
from itertools import count
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.schema import captures, revisions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Table

#: The head of the file holds numbers below this.
_LIMIT = 2**31


def name_build(connection: Connection) -> None:
    """Give a new index the number that tells it from every other one."""
    connection.exec_driver_sql(f"PRAGMA application_id = {secrets.randbelow(_LIMIT - 1) + 1}")


def build_of(connection: Connection) -> int:
    """Return the number of the index; 0 for one that was made before indexes had one."""
    return int(connection.exec_driver_sql("PRAGMA application_id").scalar() or 0)


def highest_id(connection: Connection, table: Table) -> int:
    """Return the highest id that a row of the table has or, if it was kept, had."""
    kept = int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)
    return max(connection.scalar(select(func.max(table.c.id))) or 0, kept)


def keep_ids(connection: Connection) -> None:
    """Note the ids of captures and revisions, of which some are about to be deleted.

    No other row gets one of them.
    """
    highest = max(highest_id(connection, table) for table in (captures, revisions))
    connection.exec_driver_sql(f"PRAGMA user_version = {min(highest, _LIMIT - 1)}")


def free_ids(connection: Connection, table: Table) -> Iterator[int]:
    """Yield ids for new rows of a table, within the only write transaction."""
    return count(highest_id(connection, table) + 1)
