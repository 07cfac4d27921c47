"""Connections of clients: none is kept that does not ask, and never more than may be open."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

#: The most connections of one server, and the files that are open besides: those that pages read,
#: and connections that were accepted and are not yet counted.
_MOST, _OTHER_FILES = 1_000, 160
#: Open files that are asked for where the system gives them: most give 1,024 unasked.
_WANTED_FILES = 4_096


def allow_files() -> None:
    """Let the process open as many files as it may and wants."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _WANTED_FILES if hard == unlimited else min(hard, _WANTED_FILES)
    if soft != unlimited and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections(servers: int) -> int:
    """Return how many connections each of so many servers may keep, of the files it may open.

    Without a file left, no connection is accepted any longer, and asyncio logs each attempt.
    """
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if files == resource.RLIM_INFINITY:
        return _MOST
    return max(8, min(_MOST, (files - _OTHER_FILES) // servers))


class Connection(H11Protocol):
    """A connection that is closed if it brings no whole head of a request in time.

    Whoever sends one byte now and then would else keep it for ever. Where there are too many, the
    one is closed that has waited longest without a request.
    """

    #: Seconds from the connection, or from an answer, to the end of the next request's head.
    PATIENCE: ClassVar[float] = 20
    #: The most connections of one server.
    most: ClassVar[int] = _MOST

    _waits_since: float = 0.0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base has it
        """Take the connection, and close another one if there are too many."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > self.most:
            waiting = [one for one in self.connections if isinstance(one, Connection)]
            waiting = [one for one in waiting if one.is_waiting]
            min(waiting, key=lambda one: one._waits_since).give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._wait()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def give_up(self) -> None:
        """Close the connection unless a request is under way."""
        if self.is_waiting:
            # It is counted until it is lost, which is later.
            self.connections.discard(self)
            self.transport.abort()

    def _wait(self) -> None:
        self._stop_timer()
        self._waits_since = self.loop.time()
        self._timer = self.loop.call_later(self.PATIENCE, self.give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
