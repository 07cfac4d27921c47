"""Open connections, kept for the next request to the same server."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from crawler.httpclient.connection import Connection

#: Seconds after which an idle connection is not used again; most servers have closed it by then.
_MAX_IDLE = 60.0
#: Seconds that `Pool.close` waits for the sockets to close.
_CLOSE_TIMEOUT = 2.0


class Pool:
    """Holds the idle connections by server, and all open ones so that none outlives the crawl.

    At most ``per_key`` idle ones are kept for a server and ``total`` in all; the longest idle is
    closed first.
    """

    def __init__(self, per_key: int, total: int) -> None:
        self._per_key = per_key
        self._total = total
        self._idle: dict[Connection, Hashable] = {}  # longest idle first
        self._by_key: dict[Hashable, list[Connection]] = {}
        self._open: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        """Register a new connection until it closes."""
        self._open.add(connection)
        connection.closed.add_done_callback(lambda _: self._forget(connection))

    def take(self, key: Hashable) -> Connection | None:
        """Remove and return the connection to ``key`` that was used last, or None."""
        waiting = self._by_key.get(key)
        while waiting:
            connection = waiting[-1]
            self._withdraw(connection)
            if connection.usable and monotonic() - connection.idle_since < _MAX_IDLE:
                connection.reused = True
                return connection
            connection.abort()
        return None

    def give_back(self, key: Hashable, connection: Connection) -> None:
        """Keep a connection for the next request to ``key``, unless it is closing."""
        if not connection.usable:
            return
        connection.idle_since = monotonic()
        waiting = self._by_key.setdefault(key, [])
        waiting.append(connection)
        self._idle[connection] = key
        if len(waiting) > self._per_key:
            self._drop(waiting[0])
        elif len(self._idle) > self._total:
            self._drop(next(iter(self._idle)))

    async def close(self) -> None:
        """Close every connection, idle or not, and wait until the sockets are closed."""
        closing = [connection.closed for connection in self._open]
        for connection in list(self._open):
            self._withdraw(connection)
            connection.abort()
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_TIMEOUT)

    def _drop(self, connection: Connection) -> None:
        self._withdraw(connection)
        connection.abort()

    def _forget(self, connection: Connection) -> None:
        self._withdraw(connection)
        self._open.discard(connection)

    def _withdraw(self, connection: Connection) -> None:
        key = self._idle.pop(connection, None)
        if key is not None:
            waiting = self._by_key[key]
            waiting.remove(connection)
            if not waiting:
                del self._by_key[key]
