"""What happened to an article, in time: its versions, and when its page was seen gone and there again.

A deletion is a capture of the article's address that shows no article: 404, 410, or a page with 200
that says so. It makes no revision and is kept nowhere but in ``captures``; here it is found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archive.articles.changes import ChangeClass
from archive.articles.deletions import answer_of
from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from archive.articles.queries import StoredArticle


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One entry of an article's history, at a time in KST.

    A version has its ``revision``; a deletion or reappearance has none, and the capture that showed
    it. ``classes`` are names of `ChangeClass`, none for the first version.
    """

    at: datetime
    classes: tuple[str, ...]
    revision: int | None = None
    change: dict[str, Any] | None = None
    capture: dict[str, Any] | None = None


def history(
    versions: Sequence[StoredArticle],
    shown: Sequence[dict[str, Any]],
    gone: Sequence[dict[str, Any]],
) -> list[HistoryEvent]:
    """Everything that happened to an article, in order; of captures in a row that say the same, the first is told.

    What an address answered before the article was first seen there is no deletion.
    """
    seen = [row for row in shown if row["time_known"]]
    there = any(not row["time_known"] for row in shown)
    found: list[HistoryEvent] = [
        HistoryEvent(
            v.captured_at, tuple(v.change["classes"] if v.change else ()), v.revision, v.change
        )
        for v in versions
    ]
    answer = ""
    both = [
        (row["captured_at"], False, row) for row in gone if row["time_known"] and row["decides"]
    ]
    both += [(row["captured_at"], True, row) for row in seen]
    for at, is_there, row in sorted(both, key=lambda entry: entry[:2]):
        happened = None
        if is_there:
            happened = ChangeClass.REAPPEARANCE if answer else None
            there, answer = True, ""
        elif there and answer_of(row) != answer:
            happened, answer = ChangeClass.DELETION, answer_of(row)
        if happened:
            found.append(HistoryEvent(at.astimezone(KST), (happened.value,), capture=row))
    return sorted(found, key=lambda h: (h.at, h.revision is not None))
