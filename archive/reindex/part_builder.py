"""A part of the building of a new index, beside other parts: what was read of its outlets.

Each part writes in transactions that have its outlets alone (`archive.index.writers.parts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from archive.articles.blocklist import blocked_among
from archive.index.database import Index, IndexUnusableError
from archive.index.postgres.reindex_locks import PartLock
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.parts import outlet_part, reindex_part
from archive.model.program import PROGRAM
from archive.model.shown_url import shown_url
from archive.reindex import progress
from archive.reindex.builder import enter_span, state_of
from archive.reindex.fresh_index import fresh_index
from archive.reindex.scaffold import CREATE_SCAFFOLD
from archive.takedown.index_rows import record_takedown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from archive.reindex.builder import ReadCapture, ReindexFinding
    from archive.reindex.progress import Unread
    from archive.reindex.spans import Segment, Span
    from archive.takedown.log import Takedown


class PartBuilder:
    """The part ``number`` of ``parts`` of the new index in PostgreSQL; use as a context manager.

    ``state`` is that of `IndexBuilder`. Where another process reads the same part still, ``waits``
    is called, and this one waits for its end.

    :raises IndexUnusableError: there is no unfinished index of that state and so many parts, or one
        process writes to it alone.
    """

    def __init__(
        self, url: str, state: str, number: int, parts: int, waits: Callable[[], None]
    ) -> None:
        self._number = number
        self._lock = PartLock(url, number, waits)
        try:
            self.index = self._opened(url, state, parts)
        except BaseException:
            self._lock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.index.close()
        self._lock.close()

    def unread(self, segments: Iterable[Segment]) -> list[Unread]:
        """Return what is left of this part in the segments, in their order."""
        with self.index.reading() as connection:
            return progress.unread(connection, segments, self._number)

    def add_takedowns(self, removed: Sequence[Takedown]) -> None:
        """Block removed articles; see `IndexBuilder.add_takedowns`.

        Nearly all are blocked already, and to block one is to wait for all other parts.
        """
        with self.index.reading() as connection:
            new = [one for one in removed if not _is_blocked(connection, one)]
        if not new:
            return
        with self.index.writing() as connection:
            for takedown in new:
                record_takedown(connection, takedown)

    @repeated_on_conflict
    def write(
        self,
        span: Span,
        position: int,
        read: Sequence[ReadCapture],
        findings: Sequence[ReindexFinding],
    ) -> int:
        """Ingest what was read up to ``position``; see `IndexBuilder.write`."""
        outlets = {one.capture["outlet"] for one in read}
        outlets |= {one.article.outlet for one in read if one.article is not None}
        own = (reindex_part(self._number), *map(outlet_part, outlets))
        with self.index.writing(*own) as connection:
            return enter_span(connection, span, position, read, findings)

    def _opened(self, url: str, state: str, parts: int) -> Index:
        """Return the unfinished index, opened."""
        place = fresh_index(url)
        none = (
            f"There is no unfinished reindex of {shown_url(url)} in {parts} parts: run {PROGRAM} "
            f"reindex --workers {parts}, which makes one and defers its parts."
        )
        if not place.is_there():
            raise IndexUnusableError(none)
        # Read-only for it: nobody but `IndexBuilder` creates or upgrades it.
        index = Index(place.url, read_only=True, lasting=False, others=CREATE_SCAFFOLD)
        try:
            with index.reading() as connection:
                found, number = state_of(connection), 0
                if found:
                    number = progress.number_of_parts(connection)
        except BaseException:
            index.close()
            raise
        if found == state and number == parts:
            return index
        index.close()
        if found != state:
            raise IndexUnusableError(
                f"The unfinished reindex of {shown_url(url)} is of another archive than "
                "ARCHIVE_URL names here, or was begun by another version of Sacho: give every "
                "worker the same of both."
            )
        raise IndexUnusableError(none)


def _is_blocked(connection: Connection, takedown: Takedown) -> bool:
    names = set(takedown.refused)
    return blocked_among(connection, takedown.outlet, names) == names
