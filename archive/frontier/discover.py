"""What discovered links change in the frontier: pure functions of a row and the links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archive.frontier.revisit_policy import State
from archive.frontier.visits import REMOVED_COLUMNS
from archive.model.outcome import Reason
from archive.model.visit_policy import CONFIRM_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Row

    from archive.frontier.visits import FrontierLink

#: The columns of a row that `update_of` and `is_revived` read.
COLUMNS = (
    "id",
    "article_id",
    "channels",
    "published_at",
    "state",
    "last_run",
    "reason",
    "due_at",
    "visits",
    "visited_at",
)
#: The columns of a new row that concern visits.
_NO_VISITS = {
    "failures": 0,
    "visits": 0,
    "first_visit_at": None,
    "visited_at": None,
    "served_at": None,
    "gone_at": None,
    "outcome": "",
    "reason": "",
    "etag": "",
    "last_modified": "",
    "lease": "",
    "last_run": "",
}


@dataclass(slots=True)
class ArticleLinks:
    """All links of a batch to one article; ``named`` is whether one of them is no guess."""

    url: str
    published_at: datetime | None = None
    modified_at: datetime | None = None
    named: bool = False
    channels: list[str] = field(default_factory=list)

    def add(self, link: FrontierLink) -> None:
        """Add a link: the first time of publication counts, the last change, each channel once."""
        self.published_at = self.published_at or link.published_at
        if link.modified_at is not None:
            self.modified_at = max(self.modified_at or link.modified_at, link.modified_at)
        self.named = self.named or not link.guessed
        if link.channel not in self.channels:
            self.channels.append(link.channel)


def by_article(links: Iterable[FrontierLink]) -> dict[str, ArticleLinks]:
    """Return the links by article id, in the order in which the articles appear."""
    found: dict[str, ArticleLinks] = {}
    for link in links:
        found.setdefault(link.article_id, ArticleLinks(link.url)).add(link)
    return found


def new_row(
    outlet: str, article_id: str, links: ArticleLinks, now: datetime, run: str, *, is_removed: bool
) -> dict[str, Any]:
    """Return the row of an article that is not in the frontier; due now unless it was removed."""
    row: dict[str, Any] = {
        "outlet": outlet,
        "article_id": article_id,
        "url": links.url,
        "published_at": links.published_at,
        "discovered_at": now,
        "channels": links.channels,
        "state": State.DUE,
        "due_at": now,
        "discovered_run": run,
    }
    row |= _NO_VISITS
    if is_removed:
        row |= REMOVED_COLUMNS
    return row


def update_of(row: Row[Any], links: ArticleLinks) -> dict[str, Any] | None:
    """Return the changed columns of a row, with ``pk`` for its id; None if nothing changed.

    The row gains new channels, and the time of publication if it has none.
    """
    channels = [*row.channels, *_new_channels(row, links)]
    published_at = row.published_at or links.published_at
    if channels == row.channels and published_at == row.published_at:
        return None
    return {"pk": row.id, "channels": channels, "published_at": published_at}


def is_revived(row: Row[Any], links: ArticleLinks, now: datetime, run: str) -> bool:
    """Return whether an article is due again because a channel lists it.

    It is if another run found it gone, or postponed it before it was ever served, and a further
    channel lists it: an id that was guessed may have been published since. Any channel that names
    it again after that is as good a reason, but only so often as an article is looked at twice: a
    feed lists a deleted article for hours.
    """
    if row.last_run == run or row.reason == Reason.REMOVED or not links.named:
        return False
    if row.state == State.DEAD:
        return bool(_new_channels(row, links)) or _is_named_again(row, links, now)
    is_postponed = row.state == State.DUE and row.due_at > now and not row.visits
    return is_postponed and bool(_new_channels(row, links))


def _is_named_again(row: Row[Any], links: ArticleLinks, now: datetime) -> bool:
    """Return whether links to a dead article contradict that it is."""
    if row.visited_at is None or now - row.visited_at >= CONFIRM_AFTER:
        return True
    return links.modified_at is not None and links.modified_at > row.visited_at


def _new_channels(row: Row[Any], links: ArticleLinks) -> list[str]:
    return [channel for channel in links.channels if channel not in row.channels]
