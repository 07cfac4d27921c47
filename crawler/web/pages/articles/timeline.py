"""The history of an article as a line of captures, each with what happened at it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from archive.articles.history import HistoryEvent
    from archive.articles.queries import StoredArticle
    from archive.captures.deletions import Absence
    from archive.captures.rows import StoredCapture


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A capture with what happened at it.

    ``classes`` are those of the change that it showed. ``revision`` is the revision that it was the
    first to show, ``before`` the number of the one before that; None for any other.
    """

    capture: StoredCapture
    classes: tuple[str, ...] = ()
    revision: StoredArticle | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class HeadlineVersion:
    """A headline, and the revision that was the first to have it."""

    headline: str
    stored: StoredArticle


def timeline(
    captures: Iterable[StoredCapture],
    versions: Sequence[StoredArticle],
    events: Iterable[HistoryEvent],
) -> list[Entry]:
    """Return the captures with what happened at each, in their order."""
    classes: dict[str, tuple[str, ...]] = {}
    for event in events:
        if event.capture is not None:
            record = event.capture.location.record_id
            classes[record] = (*classes.get(record, ()), *event.classes)
    revisions = {version.location.record_id: version for version in versions}
    before = {new.revision: old.revision for old, new in pairwise(versions)}
    entries = []
    for capture in captures:
        record = capture.location.record_id
        version = revisions.get(record)
        changed: Sequence[str] = ()
        if version is not None and version.change is not None:
            changed = version.change["classes"]
        entries.append(
            Entry(
                capture=capture,
                classes=(*classes.get(record, ()), *changed),
                revision=version,
                before=before.get(version.revision) if version is not None else None,
            )
        )
    return entries


def headline_versions(versions: Iterable[StoredArticle]) -> list[HeadlineVersion]:
    """Return the headlines that followed each other, oldest first."""
    found: list[HeadlineVersion] = []
    for version in versions:
        headline = version.article.headline
        if not found or found[-1].headline != headline:
            found.append(HeadlineVersion(headline, version))
    return found


def absences_until(absences: Iterable[Absence], at: datetime) -> list[Absence]:
    """Return the absences as they were known at a time."""
    known = []
    for absence in absences:
        looks = tuple(look for look in absence.looks if look.captured_at <= at)
        if looks:
            confirmed_by, ended_by = (
                capture if capture is not None and capture.captured_at <= at else None
                for capture in (absence.confirmed_by, absence.ended_by)
            )
            known.append(
                replace(absence, looks=looks, confirmed_by=confirmed_by, ended_by=ended_by)
            )
    return known
