"""What was taken down does not come back: the names and digests under which captures are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.bulk import one_of
from archive.index.schema import refused
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from archive.articles.ingest_model import CaptureEntry

#: What becomes of each capture of a removed article.
REMOVED = Verdict(Outcome.SKIPPED, Reason.REMOVED)


class Blocklist:
    """All refused names and digests, as of the last `learn`."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._known)

    def learn(self, connection: Connection) -> None:
        """Take note of removals since."""
        # Names are added and never taken away, so their number tells.
        number = connection.scalar(select(func.count()).select_from(refused)) or 0
        if number != len(self._known):
            self._known = {(row.outlet, row.name) for row in connection.execute(select(refused))}

    def refuses(self, outlet: str, *names: str) -> bool:
        """Whether one of these ids or payload digests is a removed article's."""
        return any((outlet, name) in self._known for name in names)

    def applied(self, entry: CaptureEntry, article_id: str = "") -> CaptureEntry:
        """The entry as it is to be entered: without article, if it is a removed one's."""
        # a known one's row has it
        outlet, digest = entry.capture["outlet"], entry.capture.get("payload_digest", "")
        own = entry.article.article_id if entry.article is not None else article_id
        if not self.refuses(outlet, own, digest):
            return entry
        return replace(entry, article=None, verdict=REMOVED, known_revision=None)


def blocked_among(connection: Connection, outlet: str, names: Collection[str]) -> set[str]:
    """Those of the names that are refused."""
    query = select(refused.c.name).where(refused.c.outlet == outlet, one_of(refused.c.name, names))
    return set(connection.scalars(query))
