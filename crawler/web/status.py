"""The status of outlets and jobs, shared by all readers for some seconds."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from anyio import Lock, to_thread

from crawler.status.overview import survey
from crawler.web.pages.public_values import public_overview

if TYPE_CHECKING:
    from crawler.status.overview import Overview
    from crawler.web.room import Room

#: Seconds for which the status is shown as it was: it is made of a dozen queries for each outlet.
FRESH = 10.0
#: Seconds after which it is cut off. It is made once at a time, however many ask for it.
LIMIT = 5.0


class Status:
    """The status of a reading room as readers may see it, at most `FRESH` seconds old."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._lock = Lock()
        self._made: Overview | None = None
        self._made_at = 0.0

    async def overview(self) -> Overview:
        """Return the status.

        :raises QueryTooSlowError: it was cut off.
        :raises IndexUnusableError: the index cannot be read.
        """
        async with self._lock:
            if self._made is None or monotonic() - self._made_at > FRESH:
                self._made = await to_thread.run_sync(self._make)
                self._made_at = monotonic()
            return self._made

    def _make(self) -> Overview:
        room = self._room
        jobs, problems = room.jobs()
        found = survey(room.index, room.archive, jobs, room.clock(), problems, seconds=LIMIT)
        return public_overview(found)
