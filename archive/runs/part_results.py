"""What the parts of a command leave in the database for the process that waits for them.

It lies beside the queue in which parts are deferred, and only until that process has read it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import text

from archive.index.writers.leases import PARTS, all_held, held, parts_lease
from archive.model.errors import PartsError
from archive.runs.queue import QUEUE_SCHEMA, QUEUE_TABLES_LOCK, in_queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archive.index.database import Index

_TABLE = f"{QUEUE_SCHEMA}.sacho_part_results"
#: Unlogged: it is read within hours, and the server's log need not hold it again.
_CREATE = (
    f"CREATE UNLOGGED TABLE IF NOT EXISTS {_TABLE} (queue TEXT, mark TEXT, number INTEGER, "
    "place INTEGER, data BYTEA NOT NULL, PRIMARY KEY (queue, mark, number, place))"
)
_OWN = "queue = :queue AND mark = :mark"
_DELETE_PART = text(f"DELETE FROM {_TABLE} WHERE {_OWN} AND number = :number")  # noqa: S608  (our own words)
_DELETE = text(f"DELETE FROM {_TABLE} WHERE {_OWN}")  # noqa: S608  (as above)
_DELETE_OTHERS = text(f"DELETE FROM {_TABLE} WHERE queue = :queue AND mark <> ALL(:marks)")  # noqa: S608  (as above)
_INSERT = text(f"INSERT INTO {_TABLE} VALUES (:queue, :mark, :number, :place, :data)")  # noqa: S608  (as above)
_SELECT = text(f"SELECT data FROM {_TABLE} WHERE {_OWN} AND number = :number ORDER BY place")  # noqa: S608  (as above)


class PartResults:
    """The results of the parts with one ``mark``. A result is any number of pieces of bytes.

    Its methods raise `IndexUnusableError` where the database can't be used.
    """

    def __init__(self, index: Index, mark: str) -> None:
        self._index, self._mark = index, mark
        with index.reading() as connection:
            queue = connection.exec_driver_sql("SELECT current_schema()").scalar()
        self._own = {"queue": queue, "mark": mark}

    def begin(self) -> None:
        """Make the table, and delete from it what nobody waits for any more."""
        with self._index.reading() as connection:
            leases = all_held(connection, datetime.now(UTC))
        marks = [name.removeprefix(PARTS) for name in leases if name.startswith(PARTS)]
        with in_queue(self._index) as connection:
            connection.exec_driver_sql(QUEUE_TABLES_LOCK)
            connection.exec_driver_sql(_CREATE)
            connection.execute(_DELETE_OTHERS, self._own | {"marks": [*marks, self._mark]})

    def put(self, number: int, pieces: Iterable[bytes]) -> None:
        """Write the result of a part, in the place of what an earlier run of it has written."""
        own = self._own | {"number": number}
        with in_queue(self._index) as connection:
            connection.execute(_DELETE_PART, own)
            for place, data in enumerate(pieces):
                connection.execute(_INSERT, own | {"place": place, "data": data})

    def pieces(self, number: int) -> Iterator[bytes]:
        """Yield the pieces of a part's result; none if there is no result."""
        with self._index.reading() as connection:
            some = _SELECT.execution_options(yield_per=4)
            with connection.execute(some, self._own | {"number": number}) as rows:
                for row in rows:
                    yield bytes(row.data)

    def delete(self) -> None:
        """Delete all results."""
        with in_queue(self._index) as connection:
            connection.execute(_DELETE, self._own)


def check_awaited(index: Index, mark: str) -> None:
    """Check that a process waits for the parts with this mark.

    :raises PartsError: none does.
    :raises IndexUnusableError: the index can't be read.
    """
    with index.reading() as connection:
        if held(connection, [parts_lease(mark)], datetime.now(UTC)) is None:
            raise PartsError("nobody waits for this part: the command that deferred it has ended.")
