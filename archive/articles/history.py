"""The history of an article: its revisions, and when its page was seen gone and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.differences.changes import ChangeClass
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from archive.articles.queries import StoredArticle
    from archive.captures.deletions import Absence
    from archive.captures.rows import StoredCapture


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event of an article's history; ``at`` is in KST.

    A new revision has its number in ``revision`` and its ``change`` from the one before, None for
    the first. A first sign of absence, a deletion (which confirms it) or a reappearance has the
    ``capture`` that showed it. ``classes`` are values of `ChangeClass`; the first revision has
    none.
    """

    at: datetime
    classes: tuple[str, ...]
    revision: int | None = None
    change: dict[str, Any] | None = None
    capture: StoredCapture | None = None


def history(versions: Sequence[StoredArticle], absences: Iterable[Absence]) -> list[HistoryEvent]:
    """Return the events of an article in the order of time.

    ``absences`` are when it was gone (see `archive.captures.deletions`).
    """
    events = [_revision_event(version) for version in versions]
    for absence in absences:
        events += _presence_events(absence)
    return sorted(events, key=lambda event: (event.at, event.revision is not None))


def _revision_event(version: StoredArticle) -> HistoryEvent:
    classes = version.change["classes"] if version.change else ()
    return HistoryEvent(version.captured_at, tuple(classes), version.revision, version.change)


def _presence_events(absence: Absence) -> Iterator[HistoryEvent]:
    """Yield when the article was first seen gone, when that was confirmed, and its return."""
    yield _presence_event(ChangeClass.MISSING, absence.first)
    if absence.confirmed_by is not None:
        yield _presence_event(ChangeClass.DELETION, absence.confirmed_by)
    if absence.ended_by is not None:
        yield _presence_event(ChangeClass.REAPPEARANCE, absence.ended_by)


def _presence_event(change_class: ChangeClass, capture: StoredCapture) -> HistoryEvent:
    at = capture.captured_at.astimezone(KST)
    return HistoryEvent(at, (change_class.value,), capture=capture)
