"""What the writer works on: captures to enter, and articles with their revisions as the index knows them."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, false, or_

from archive.articles.changes import change_between
from archive.index.bulk import one_of
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from archive.model.article import Article


@dataclass(frozen=True, slots=True)
class CaptureEntry:
    """One read capture for the writer.

    ``capture`` are the columns of its row but for id and what it became. ``known_id`` is the id of
    the row of the same capture, when the index has it already. ``article`` is None where
    ``verdict`` says why. ``known_revision`` is the revision it showed when it was read before, or
    is known to show (a revisit).
    """

    capture: dict[str, Any]
    article: Article | None
    verdict: Verdict | None
    known_id: int | None = None
    known_revision: int | None = None

    @property
    def captured_at(self) -> datetime:
        """When it was fetched, or taken in where that is unknown."""
        moment: datetime = self.capture["captured_at"]
        return moment


@dataclass(slots=True)
class Revision:
    """One revision's row as it will be written."""

    id: int
    number: int
    article: Article
    layouts: list[str]
    capture_id: int
    captured_at: datetime
    stored: Article | None = None  # as the database has it; None while it has not
    current: bool = False  # likewise
    change: dict[str, Any] | None = None  # likewise: what changed from the version before
    dirty: bool = False


@dataclass(slots=True)
class ArticleState:
    """An article's row and its revisions, in the order of their captures."""

    id: int
    outlet: str
    article_id: str
    url: str
    revisions: list[Revision] = field(default_factory=list)
    stored: bool = True
    dirty: bool = False

    def neighbours(self, entry: CaptureEntry) -> list[Revision]:
        """The versions that stood before and after the capture; all, newest first, where its time is unknown."""
        if not entry.capture["time_known"]:
            return self.revisions[::-1]
        at = bisect_right(self.revisions, entry.captured_at, key=lambda r: r.captured_at)
        return [*self.revisions[max(at - 1, 0) : at], *self.revisions[at : at + 1]]

    def renumber(self) -> list[Revision]:
        """Number the versions by the time of their first captures; give those the database has otherwise numbered."""
        renamed: list[Revision] = []
        for number, revision in enumerate(self.revisions, 1):
            if revision.number != number:
                revision.number, revision.dirty = number, True
                if revision.stored is not None:
                    renamed.append(revision)
        return renamed


def reclassified(stories: Iterable[ArticleState]) -> list[dict[str, Any]]:
    """The ids of revisions whose change is another than the database has, with it; of neighbours one is dirty."""
    rows: list[dict[str, Any]] = []
    for story in stories:
        # A version never moves before another one, so the first of all has no change to be taken
        # from it.
        for old, new in pairwise(story.revisions):
            if old.dirty or new.dirty:
                change = change_between(
                    old.article, old.layouts, new.article, new.layouts
                ).as_values()
                if change != new.change:
                    rows.append({"pk": new.id, "change": change})
    return rows


def shown_again(revision_id: int | None) -> tuple[Verdict, int | None]:
    """What a revisit is, and the revision it shows: that of the capture it repeats, if that could be read."""
    if revision_id is None:
        return Verdict(Outcome.SKIPPED, Reason.REVISIT), None
    return Verdict(Outcome.UNCHANGED), revision_id


def among(
    outlet: ColumnElement[str], own_id: ColumnElement[str], names: Iterable[tuple[str, str]]
) -> Any:
    """Whether a row is one of those named; SQLite looks pairs of values up by reading the whole table."""
    by_outlet: dict[str, list[str]] = {}
    for name, identity in sorted(names):
        by_outlet.setdefault(name, []).append(identity)
    return or_(
        false(), *(and_(outlet == name, one_of(own_id, ids)) for name, ids in by_outlet.items())
    )
