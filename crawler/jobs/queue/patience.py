"""A connector of Procrastinate that waits for a database that is away.

Without it a worker ends when its server is restarted.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg import OperationalError
from psycopg_pool import AsyncNullConnectionPool, PoolTimeout

from archive.index.address import libpq_url
from archive.index.database import shown_index
from archive.model.program import PROGRAM
from archive.runs.queue import QUEUE_SCHEMA
from crawler.jobs.queue.procrastinate_queue import reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_log = logging.getLogger(__name__)
#: Seconds between attempts to reach the database, and how long one may take.
_RETRY, _TIMEOUT = 2.0, 10.0


class PatientConnector:
    """Procrastinate's connector to the queue beside an index.

    An operation that finds the database away is tried again and again while ``may_wait`` returns
    True. What it does otherwise is what `PsycopgConnector` does, one connection for each operation:
    a worker has little to ask, and kept connections may be dead ones.
    """

    def __init__(self, url: str, may_wait: Callable[[], bool]) -> None:
        self._shown = shown_index(url)
        self._may_wait = may_wait
        self._is_away = False
        self._pool: Any = AsyncNullConnectionPool(
            libpq_url(url),
            kwargs={
                "options": f"-c search_path={QUEUE_SCHEMA} -c timezone=UTC -c datestyle=ISO",
                "application_name": f"{PROGRAM} worker",
                "connect_timeout": round(_TIMEOUT),
            },
            max_size=8,
            timeout=_TIMEOUT,
            open=False,
        )
        self._connector: Any = PsycopgConnector()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    async def open_async(self, pool: Any = None) -> None:
        """Begin, with the own pool if no other is given; the server need not be there yet."""
        await self._pool.open()
        await self._connector.open_async(pool or self._pool)

    async def close_async(self) -> None:
        """End."""
        await self._connector.close_async()
        await self._pool.close()

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        """Execute a query."""
        await self._patiently(self._connector.execute_query_async, query, **arguments)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> Any:
        """Execute a query and return its row."""
        return await self._patiently(self._connector.execute_query_one_async, query, **arguments)

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> Any:
        """Execute a query and return its rows."""
        return await self._patiently(self._connector.execute_query_all_async, query, **arguments)

    async def listen_notify(self, on_notification: Any, channels: Iterable[str]) -> None:
        """Listen for notifications, until this is cancelled."""
        named = list(channels)
        await self._patiently(self._connector.listen_notify, on_notification, named)

    async def _patiently(
        self, operation: Callable[..., Awaitable[Any]], *given: Any, **named: Any
    ) -> Any:
        while True:
            try:
                result = await operation(*given, **named)
            except (ConnectorException, OperationalError) as error:
                if not _is_away(error) or not self._may_wait():
                    raise
                self._note_away(error)
                await asyncio.sleep(_RETRY)
            else:
                self._note_back()
                return result

    def _note_away(self, error: BaseException) -> None:
        if not self._is_away:
            _log.error(
                "%s: the server cannot be reached (%s); it is tried again every %s seconds.",
                self._shown,
                reason(error),
                int(_RETRY),
            )
        self._is_away = True

    def _note_back(self) -> None:
        if self._is_away:
            _log.info("%s: the server can be reached again.", self._shown)
        self._is_away = False


def _is_away(error: BaseException) -> bool:
    """Return whether an operation failed because the server is away or ends its connections."""
    cause = error if isinstance(error, OperationalError) else error.__cause__
    return isinstance(cause, OperationalError | PoolTimeout)
