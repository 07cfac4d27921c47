"""Locks of a reindex that several processes may share, held by a connection of their own.

`archive.index.postgres.schemas.ReindexLock` is of the process that makes the new index and puts it
in place. Besides, whoever writes to the new index holds a lock: parts share it, each with the lock
of its own number, while that process may have died; whoever writes alone has all of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from time import monotonic, sleep
from typing import TYPE_CHECKING, Self

from archive.index.errors import IndexUnusableError
from archive.index.postgres.database import connected
from archive.model.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_ALONE = "SELECT pg_try_advisory_lock(7238, hashtext(current_schema()))"
_SHARED = "SELECT pg_try_advisory_lock_shared(7238, hashtext(current_schema()))"
_PART = "SELECT pg_try_advisory_lock(7239, hashtext(current_schema() || ' ' || %s))"
#: Seconds between two attempts.
_PAUSE = 0.5
#: Seconds after which the server finds that the machine of a process is gone.
_KEEPALIVES = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}


class _ConnectionLock(ABC):
    """A connection with locks, which are released when it is closed."""

    def __init__(self, url: str) -> None:
        self._connected = connected(url)
        self._connection: Connection = self._connected.__enter__()
        try:
            for name, value in _KEEPALIVES.items():
                self._connection.exec_driver_sql(f"SET {name} = {value}")
            self._take(shown_url(url))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release the locks."""
        self._connected.__exit__(None, None, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _take(self, shown: str) -> None:
        """Take the locks; ``shown`` is the index as messages name it."""

    def _has(self, statement: str, *values: str) -> bool:
        return bool(self._connection.exec_driver_sql(statement, values or None).scalar())


class LoneWriterLock(_ConnectionLock):
    """The lock of whoever writes to the new index alone; it waits for parts ``wait`` seconds."""

    def __init__(self, url: str, wait: float) -> None:
        """Take it.

        :raises IndexUnusableError: parts are still being read.
        """
        self._wait = wait
        super().__init__(url)

    def _take(self, shown: str) -> None:
        until = monotonic() + self._wait
        while not self._has(_ALONE):
            if monotonic() >= until:
                raise IndexUnusableError(
                    f"Workers are still reading parts of another reindex of {shown}: run the same "
                    "command again when these have ended."
                )
            sleep(_PAUSE)


class PartLock(_ConnectionLock):
    """The lock of whoever reads the part ``number``; ``waits`` is called if another one does."""

    def __init__(self, url: str, number: int, waits: Callable[[], None]) -> None:
        """Take it, when nobody else reads this part any more.

        :raises IndexUnusableError: somebody writes to the new index alone.
        """
        self._number, self._waits = number, waits
        super().__init__(url)

    def _take(self, shown: str) -> None:
        if not self._has(_SHARED):
            raise IndexUnusableError(
                f"A reindex of {shown} is being read, or put in place, by one process; parts of it "
                "are not read beside that."
            )
        if self._has(_PART, str(self._number)):
            return
        self._waits()
        while not self._has(_PART, str(self._number)):
            sleep(_PAUSE)
