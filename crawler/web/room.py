"""What the reading room is made of: the index and archive that it shows, and its addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, TypeVar

from anyio import to_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from archive.index.database import Index, Snapshot
    from archive.segments.store import StoreOrFolder
    from crawler.jobs.job import Job

    #: What a page reads of the index.
    T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The archive that is shown, and how.

    ``archive`` holds its segments, ``playback`` the origin that captures are shown at,
    as ``http://127.0.0.1:8001``, ``""`` if they are not. ``jobs`` returns the jobs, and sentences
    about their file. ``player`` is the folder of ReplayWeb.page, None without it. ``clock`` returns
    the time.
    """

    index: Index
    archive: StoreOrFolder
    playback: str = ""
    jobs: Callable[[], tuple[Sequence[Job], Sequence[str]]] = field(default=lambda: ([], []))
    player: Path | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    #: Seconds after which a query is cut off.
    LIMIT: ClassVar[float] = 2.0

    async def read(
        self,
        function: Callable[[Snapshot], T],
        seconds: float = LIMIT,
        *,
        settled: bool = False,
    ) -> T:
        """Return what a function reads in one transaction, in a thread.

        ``settled`` is that of `archive.index.database.Index.reading`.

        :raises QueryTooSlowError: a statement was cut off after so many seconds.
        :raises IndexUnusableError: the index cannot be read.
        """
        return await to_thread.run_sync(self._read, function, seconds, settled)

    def _read(self, function: Callable[[Snapshot], T], seconds: float, settled: bool) -> T:
        with self.index.reading(seconds, settled=settled) as connection:
            return function(connection)
