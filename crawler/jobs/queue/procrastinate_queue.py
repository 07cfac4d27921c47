"""Procrastinate as the queue of an index: its tables, how a job is deferred, its connections.

The library is imported here alone, and only when a queue is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from archive.index.database import IndexUnusableError, shown_index
from archive.runs.queue import cancel, driver_connection, in_queue, prepare_queue
from crawler.jobs.queue.message import message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archive.index.database import Index
    from crawler.jobs.due import Order

#: The name of the task that runs a job.
TASK = "sacho.run_job"


def check_installed() -> None:
    """Check that the libraries of a queue are there.

    :raises IndexUnusableError: they are not.
    """
    if not all(find_spec(name) for name in ("procrastinate", "psycopg")):
        raise IndexUnusableError(
            "jobs in a queue need Procrastinate and psycopg: install sacho[postgres]."
        )


class JobQueue:
    """The queue of an index; ``name`` tells it from those of other indexes in the database.

    :raises IndexUnusableError: the index is a file, or the queue can't be used.
    """

    def __init__(self, index: Index) -> None:
        check_installed()
        from procrastinate.manager import JobManager
        from procrastinate.schema import SchemaManager
        from procrastinate.sync_psycopg_connector import SyncPsycopgConnector

        self._index = index
        self.name = prepare_queue(index, SchemaManager.get_schema())
        # It is never opened: jobs are deferred by a connection of the index.
        self._manager = JobManager(SyncPsycopgConnector())

    def defer(self, order: Order, lock: str, priority: int) -> bool:
        """Defer what is due; return False if another process has.

        Of the jobs with the same ``lock`` a worker takes one at a time; those of a higher
        ``priority`` come first.

        :raises IndexUnusableError: the database can't be written.
        """
        from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
        from procrastinate.jobs import Job as DeferredJob

        job = DeferredJob(
            id=None,
            queue=self.name,
            task_name=TASK,
            task_kwargs={"job": message_of(order.job)},
            lock=lock,
            queueing_lock=f"{order.job.name} {order.due_at.isoformat()} {self.name}",
            priority=priority,
        )
        try:
            with in_queue(self._index) as connection:
                self._manager.defer_job(job, connection=driver_connection(connection))
        except AlreadyEnqueued:
            return False
        except ConnectorException as error:
            # Imported here only: most indexes are files.
            from archive.index.postgres.database import describe_server_error

            said = describe_server_error(error.__cause__ or error)
            raise IndexUnusableError(f"{shown_index(self._index.url)}: {said}") from error
        return True

    def cancel(self, names: Sequence[str]) -> set[str]:
        """Take the jobs of these names that no worker has taken out of the queue; return these.

        :raises IndexUnusableError: the database can't be written.
        """
        return cancel(self._index, self.name, names)


def reason(error: BaseException) -> str:
    """Return why an operation of Procrastinate failed: what the database or its driver says."""
    cause: Any = error.__cause__ or error
    return str(cause).strip().partition("\n")[0] or type(cause).__name__
