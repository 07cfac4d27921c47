"""The ids and payload digests of removed articles: captures under them are not stored again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.index.dialect import one_of
from archive.index.schema import refused, removals
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from archive.articles.ingest_model import CaptureEntry

#: What becomes of each capture of a removed article.
REMOVED = Verdict(Outcome.SKIPPED, Reason.REMOVED)

_REMOVALS = select(removals.c.outlet, removals.c.article_id, removals.c.at, removals.c.reason)


@dataclass(frozen=True, slots=True)
class Removal:
    """The removal of an article; ``article_id`` is the id that it was removed by."""

    outlet: str
    article_id: str
    at: datetime
    reason: str


class Blocklist:
    """All blocked names (article ids and payload digests), as of the last `update`."""

    def __init__(self) -> None:
        self._names: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._names)

    def update(self, connection: Connection) -> None:
        """Read the names that were added since the last call."""
        # Names are added and never deleted, so their number shows whether there are new ones.
        number = connection.scalar(select(func.count()).select_from(refused)) or 0
        if number != len(self._names):
            self._names = {(row.outlet, row.name) for row in connection.execute(select(refused))}

    def blocks(self, outlet: str, *names: str) -> bool:
        """Return whether one of these ids or payload digests is a removed article's."""
        return any((outlet, name) in self._names for name in names)

    def apply(self, entry: CaptureEntry, article_id: str = "") -> CaptureEntry:
        """Return the entry; without article, as skipped, if it is of a removed one.

        ``article_id`` is the id by the address, for an entry without an article.
        """
        # A capture that the index has already has the digest in its row, not in the entry.
        outlet, digest = entry.capture["outlet"], entry.capture.get("payload_digest", "")
        own = entry.article.article_id if entry.article is not None else article_id
        if not self.blocks(outlet, own, digest):
            return entry
        return replace(entry, article=None, verdict=REMOVED, known_revision=None)


def blocked_among(connection: Connection, outlet: str, names: Collection[str]) -> set[str]:
    """Return those of the names that are blocked."""
    query = select(refused.c.name).where(refused.c.outlet == outlet, one_of(refused.c.name, names))
    return set(connection.scalars(query))


def removal_of(connection: Connection, outlet: str, name: str) -> Removal | None:
    """Return the removal of the article with that id; None if there was none."""
    query = _REMOVALS.join(refused, refused.c.removal == removals.c.id)
    row = connection.execute(
        query.where(refused.c.outlet == outlet, refused.c.name == name)
    ).first()
    return Removal(**row._mapping) if row is not None else None


def all_removals(connection: Connection, outlet: str = "") -> list[Removal]:
    """Return all removals in the order of time, those of the outlet if one is named."""
    query = _REMOVALS.where(removals.c.outlet == outlet) if outlet else _REMOVALS
    rows = connection.execute(query.order_by(removals.c.at, removals.c.id))
    return [Removal(**row._mapping) for row in rows]
