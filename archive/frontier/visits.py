"""The values that pass between a crawl and its frontier: links, visits, results of visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.frontier.revisit_policy import State
from archive.model.outcome import Outcome, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from archive.model.outcome import Verdict


@dataclass(frozen=True, slots=True)
class FrontierLink:
    """An article that a discovery channel listed; ``url`` is its canonical address.

    ``modified_at`` is when the channel says that it changed last. ``guessed`` is whether an id walk
    enumerated it: then nobody says that there is such an article.
    """

    article_id: str
    url: str
    published_at: datetime | None
    channel: str
    modified_at: datetime | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """An article to fetch now, leased to this run.

    It was served ``visits`` times before, and has failed ``failures`` times since the last of them.
    ``etag`` and ``last_modified`` are of the last page that could be read, ``""`` for none.
    """

    article_id: str
    url: str
    failures: int = 0
    visits: int = 0
    etag: str = ""
    last_modified: str = ""
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitResult:
    """The result of one visit.

    ``status`` is the HTTP status of the last response (also 304), None if there was none.
    ``published_at`` is what the page prints; it is used if discovery did not know it. ``retry_at``
    is the time that the header Retry-After states. ``payload_digest`` is of a response that showed
    no article: many articles that are answered alike are no deletions.
    """

    article_id: str
    verdict: Verdict
    status: int | None = None
    etag: str = ""
    last_modified: str = ""
    published_at: datetime | None = None
    retry_at: datetime | None = None
    payload_digest: str = ""


#: The columns of a removed article's row: it is never fetched again. The address is cleared,
#: because it may contain the headline.
REMOVED_COLUMNS = {
    "url": "",
    "state": State.DEAD,
    "due_at": None,
    "outcome": str(Outcome.SKIPPED),
    "reason": str(Reason.REMOVED),
    "etag": "",
    "last_modified": "",
    "lease": "",
}
