"""The history of an article: its revisions, and when its page was seen gone and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.articles.changes import ChangeClass
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from archive.articles.captures import StoredCapture
    from archive.articles.queries import StoredArticle


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event of an article's history; ``at`` is in KST.

    A new revision has its number in ``revision`` and its ``change`` from the one before, None for
    the first. A deletion or reappearance has the ``capture`` that showed it. ``classes`` are values
    of `ChangeClass`; the first revision has none.
    """

    at: datetime
    classes: tuple[str, ...]
    revision: int | None = None
    change: dict[str, Any] | None = None
    capture: StoredCapture | None = None


def history(
    versions: Sequence[StoredArticle],
    shown: Sequence[StoredCapture],
    gone: Sequence[StoredCapture],
) -> list[HistoryEvent]:
    """Return the events of an article in the order of time.

    ``shown`` are the captures that showed it, ``gone`` those that showed that it is gone.
    """
    events = [_revision_event(version) for version in versions]
    events += _presence_events(shown, gone)
    return sorted(events, key=lambda event: (event.at, event.revision is not None))


def _revision_event(version: StoredArticle) -> HistoryEvent:
    classes = version.change["classes"] if version.change else ()
    return HistoryEvent(version.captured_at, tuple(classes), version.revision, version.change)


def _presence_events(
    shown: Sequence[StoredCapture], gone: Sequence[StoredCapture]
) -> Iterator[HistoryEvent]:
    """Yield deletions and reappearances.

    Of successive captures that show the same, the first counts. What an address answered before the
    article was first seen is no deletion.
    """
    was_seen = any(not capture.time_known for capture in shown)
    last_sign = ""  # of the deletion; empty while the article is present
    for capture, sign in _observations(shown, gone):
        was_seen = was_seen or not sign
        if not was_seen or sign == last_sign:
            continue
        if sign:
            yield _presence_event(ChangeClass.DELETION, capture)
        else:
            yield _presence_event(ChangeClass.REAPPEARANCE, capture)
        last_sign = sign


def _observations(
    shown: Sequence[StoredCapture], gone: Sequence[StoredCapture]
) -> list[tuple[StoredCapture, str]]:
    """Return the captures of known time in order, each with its sign of deletion, if it has one."""
    observed = [(capture, "") for capture in shown if capture.time_known]
    for capture in gone:
        if capture.time_known and capture.decides:
            observed.append((capture, capture.sign_of_deletion))
    return sorted(observed, key=lambda one: (one[0].captured_at, not one[1]))


def _presence_event(change_class: ChangeClass, capture: StoredCapture) -> HistoryEvent:
    at = capture.captured_at.astimezone(KST)
    return HistoryEvent(at, (change_class.value,), capture=capture)
