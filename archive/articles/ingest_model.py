"""The values of an ingest: captures to enter, and articles with their revisions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from archive.differences.changes import change_between
from archive.model.article import Quality
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from archive.model.article import Article


@dataclass(frozen=True, slots=True)
class CaptureEntry:
    """A capture that was read, to be entered into the index.

    ``capture`` are the columns of its row except its id and what became of it. ``known_id`` is the
    id of the capture's row if the index has it already. ``article`` is None where ``verdict`` gives
    the reason; with both, it is what was read of a page that no layout reads. ``known_revision`` is
    the id of the revision that the capture showed when it was read before, or that a revisit is
    known to show.
    """

    capture: dict[str, Any]
    article: Article | None
    verdict: Verdict | None
    known_id: int | None = None
    known_revision: int | None = None

    @property
    def captured_at(self) -> datetime:
        """When it was fetched; when it was imported, if that is unknown."""
        moment: datetime = self.capture["captured_at"]
        return moment

    @property
    def time_known(self) -> bool:
        """Whether ``captured_at`` is when it was fetched."""
        known: bool = self.capture["time_known"]
        return known


class StoredDocument(NamedTuple):
    """A document in full-text search: where it lies, and whether its article was edited then."""

    position: int
    edited: bool


@dataclass(slots=True)
class Revision:
    """A revision's row as it will be written; ``dirty`` if it differs from the stored one.

    ``stored``, ``current``, ``change`` and ``document`` are what the database has: the article
    (None if it has no such row yet), whether it is the newest revision, the change from the
    revision before, and its document in full-text search (None if it has none).
    """

    id: int
    number: int
    article: Article
    layouts: list[str]
    capture_id: int
    captured_at: datetime
    stored: Article | None = None
    current: bool = False
    change: dict[str, Any] | None = None
    document: StoredDocument | None = None
    dirty: bool = False

    def merge(self, merged: Article, layout: str) -> None:
        """Take over the values of another reading of the same content, read by ``layout``."""
        if merged != self.article:
            self.article, self.dirty = merged, True
        if layout not in self.layouts:
            self.layouts, self.dirty = sorted([*self.layouts, layout]), True

    def replace_reading(self, article: Article, capture_id: int) -> None:
        """Take another reading of the same capture in place of the old one."""
        self.article, self.layouts = article, [article.layout]
        self.capture_id, self.dirty = capture_id, True

    def begin_at(self, captured_at: datetime, capture_id: int) -> None:
        """Make an earlier capture the revision's first one."""
        self.captured_at, self.capture_id, self.dirty = captured_at, capture_id, True


@dataclass(slots=True)
class ArticleState:
    """An article's row and its revisions, in the order of their first captures.

    ``stored`` is whether the database has the row, ``dirty`` whether it differs from it.
    """

    id: int
    outlet: str
    article_id: str
    url: str
    revisions: list[Revision] = field(default_factory=list)
    stored: bool = True
    dirty: bool = False

    @property
    def is_generic(self) -> bool:
        """Whether there are revisions, and no layout read any of them."""
        return bool(self.revisions) and self.revisions[0].article.quality is Quality.GENERIC

    @property
    def identity_is_content(self) -> bool:
        """Whether the id was made from the content, because no address is known."""
        return self.article_id.startswith("content-")

    def neighbours(self, entry: CaptureEntry) -> list[Revision]:
        """Return the revisions before and after the capture's time.

        Where its time is unknown: all revisions, newest first.
        """
        if not entry.time_known:
            return self.revisions[::-1]
        at = bisect_right(self.revisions, entry.captured_at, key=lambda r: r.captured_at)
        return [*self.revisions[max(at - 1, 0) : at], *self.revisions[at : at + 1]]

    def sort(self) -> None:
        """Put the revisions in the order of their first captures."""
        self.revisions.sort(key=lambda r: r.captured_at)

    def renumber(self) -> list[Revision]:
        """Assign the numbers from 1; return the stored revisions whose number changed."""
        renamed: list[Revision] = []
        for number, revision in enumerate(self.revisions, 1):
            if revision.number != number:
                revision.number, revision.dirty = number, True
                if revision.stored is not None:
                    renamed.append(revision)
        return renamed


def changed_changes(states: Iterable[ArticleState]) -> list[dict[str, Any]]:
    """Return the ids of revisions whose change differs from the stored one, with the new change."""
    rows: list[dict[str, Any]] = []
    for state in states:
        # A revision never moves before another one, so the first never has a change to remove.
        for old, new in pairwise(state.revisions):
            if not old.dirty and not new.dirty:
                continue
            change = change_between(old.article, old.layouts, new.article, new.layouts).as_values()
            if change != new.change:
                rows.append({"pk": new.id, "change": change})
    return rows


def verdict_of_revisit(revision_id: int | None) -> tuple[Verdict, int | None]:
    """Return the verdict on a revisit and the revision it shows.

    ``revision_id`` is the revision of the capture that it repeats, None if that shows none.
    """
    if revision_id is None:
        return Verdict(Outcome.SKIPPED, Reason.REVISIT), None
    return Verdict(Outcome.UNCHANGED), revision_id
