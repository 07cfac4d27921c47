"""The queue of deferred jobs, which Procrastinate keeps beside an index in PostgreSQL.

Its tables are in a schema of their own. Indexes in one database share them; each has a queue of its
own there, named after the schema of the index.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from archive.index.address import is_postgres_url
from archive.index.errors import IndexUnusableError
from archive.model.program import PROGRAM
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from archive.index.database import Index, Snapshot

#: The schema of Procrastinate's tables.
QUEUE_SCHEMA = "procrastinate"
#: Asked of the catalogue, as a name that was looked up in vain is not looked up again in the same
#: transaction.
_IS_THERE = text(
    "SELECT EXISTS (SELECT FROM pg_tables WHERE tablename = 'procrastinate_jobs' "
    "AND schemaname = :schema)"
).bindparams(schema=QUEUE_SCHEMA)
#: Whether this user may read the queue: who reads an index need not.
_IS_READABLE = text(
    "SELECT count(*) = 2 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE nspname = :schema AND relname IN ('procrastinate_jobs', 'procrastinate_events') "
    "AND has_schema_privilege(relnamespace, 'USAGE') "
    "AND has_table_privilege(pg_class.oid, 'SELECT')"
).bindparams(schema=QUEUE_SCHEMA)
_CREATE = f"CREATE SCHEMA IF NOT EXISTS {QUEUE_SCHEMA}"
#: Held while the tables are created, over all indexes of the database.
QUEUE_TABLES_LOCK = "SELECT pg_advisory_xact_lock(7236, 0)"
_JOBS = f"{QUEUE_SCHEMA}.procrastinate_jobs"
_QUEUED = text(f"""
SELECT queueing_lock FROM {_JOBS}
WHERE queue_name = current_schema() AND status IN ('todo', 'doing')""")  # noqa: S608  (our own words)
_STATE = text(f"""
SELECT count(*) FILTER (WHERE job.status = 'todo') AS waiting,
    count(*) FILTER (WHERE job.status = 'doing') AS running,
    min(event.at) FILTER (WHERE job.status = 'todo') AS oldest
FROM {_JOBS} AS job LEFT JOIN {QUEUE_SCHEMA}.procrastinate_events AS event
    ON event.job_id = job.id AND event.type = 'deferred'
WHERE job.queue_name = current_schema() AND job.status IN ('todo', 'doing')""")  # noqa: S608  (as above)
_CANCEL = text(f"""
DELETE FROM {_JOBS} WHERE queue_name = :queue AND status = 'todo'
AND split_part(queueing_lock, ' ', 1) = ANY(:names)
RETURNING split_part(queueing_lock, ' ', 1)""")  # noqa: S608  (as above)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """How many deferred jobs wait and run, and since when the first of them waits."""

    waiting: int
    running: int
    oldest: datetime | None


def prepare_queue(index: Index, statements: str) -> str:
    """Create the queue's tables by Procrastinate's statements, unless they are there.

    Return the name of the index's queue.

    :raises IndexUnusableError: the index is a file, or the tables can't be created.
    """
    with in_queue(index) as connection:
        if not connection.scalar(_IS_THERE):
            connection.exec_driver_sql(QUEUE_TABLES_LOCK)
        if not connection.scalar(_IS_THERE):
            connection.exec_driver_sql(_CREATE)
            _execute_all(connection, index, statements)
    with index.reading() as connection:
        return str(connection.exec_driver_sql("SELECT current_schema()").scalar())


def _execute_all(connection: Connection, index: Index, statements: str) -> None:
    """Execute many statements at once, which the driver alone does; they have no parameters."""
    assert connection.dialect.dbapi is not None
    try:
        driver_connection(connection).execute(statements)
    except connection.dialect.dbapi.Error as error:
        raise IndexUnusableError(
            f"{shown_url(index.url)}: the queue's tables can't be created ({error})."
        ) from error


@contextmanager
def in_queue(index: Index) -> Iterator[Connection]:
    """Begin a transaction in which Procrastinate's names are those of its tables.

    :raises IndexUnusableError: the index is a file, or the database can't be used.
    """
    if not is_postgres_url(index.url):
        raise IndexUnusableError(
            f"a queue of jobs needs an index in PostgreSQL: set INDEX_URL, or run the jobs with "
            f"{PROGRAM} schedule."
        )
    # Imported here only: most indexes are files.
    from archive.index.postgres.database import PostgresDatabase

    assert isinstance(index.database, PostgresDatabase)
    with index.database.beside(QUEUE_SCHEMA) as connection:
        yield connection


def driver_connection(connection: Connection) -> Any:
    """Return psycopg's connection, in the transaction that was begun on it."""
    return connection.connection.driver_connection


def queued(connection: Snapshot) -> set[str]:
    """Return the queueing locks of the index's jobs that wait or run; none without a queue."""
    if not connection.scalar(_IS_THERE):
        return set()
    return {str(lock) for lock in connection.scalars(_QUEUED) if lock is not None}


def cancel(index: Index, queue: str, names: Sequence[str]) -> set[str]:
    """Delete those of the jobs from a queue that no worker has taken; return their names.

    :raises IndexUnusableError: the database can't be written.
    """
    with in_queue(index) as connection:
        return {*connection.scalars(_CANCEL, {"queue": queue, "names": list(names)})}


def queue_state(connection: Snapshot) -> QueueState | None:
    """Return the state of the index's queue, None if there is none that this user may read."""
    if connection.dialect.name != "postgresql" or not connection.scalar(_IS_READABLE):
        return None
    row = connection.execute(_STATE).one()
    return QueueState(waiting=row.waiting, running=row.running, oldest=row.oldest)
