"""The time limit of a request, which does not count the time that we hold its response back."""

from __future__ import annotations

import asyncio

#: Most seconds, of one request, that are not counted: whatever holds a response back, it ends.
MOST_HELD = 600.0


class Deadline:
    """Moves a running ``asyncio.timeout`` by the time between each `hold` and `go_on`.

    Only what we do ourselves moves it. A server that sends nothing has the time that is left.
    ``held`` is the time held back so far, in seconds.
    """

    def __init__(self, limit: asyncio.Timeout, most: float = MOST_HELD) -> None:
        self._limit = limit
        self._most = most
        #: When the request has to end, without the time that it was held back.
        self._end = limit.when()
        self._held_since: float | None = None
        self.held = 0.0

    def hold(self) -> None:
        """Stop counting."""
        if self._held_since is None:
            self._held_since = asyncio.get_running_loop().time()
            # If it is never let go on, it has had all the time that it may be held back.
            self._move(self._most)

    def go_on(self) -> None:
        """Count again."""
        if self._held_since is not None:
            self.held += asyncio.get_running_loop().time() - self._held_since
            self._held_since = None
            self._move(min(self.held, self._most))

    def _move(self, seconds: float) -> None:
        # A limit that has run out cannot be moved, though its task may not have heard of it yet.
        if self._end is not None and not self._limit.expired():
            self._limit.reschedule(self._end + seconds)
