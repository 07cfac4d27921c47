"""The frontier: what an outlet was seen to have, what of it to fetch next, and who is fetching it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archive.frontier.revisit_policy import State
from archive.model.outcome import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from archive.model.outcome import Verdict


@dataclass(frozen=True, slots=True)
class FrontierLink:
    """An article as a discovery channel showed it; ``url`` is its canonical address."""

    article_id: str
    url: str
    published_at: datetime | None
    channel: str


@dataclass(frozen=True, slots=True)
class Visit:
    """An article to fetch now, leased to this run; it was served ``visits`` times, and failed ``failures`` times since.

    ``etag`` and ``last_modified`` are those of the last page that could be read, ``""`` where there
    were none.
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
    """What a visit gave: its verdict, and what the server said of the next one.

    ``status`` is the HTTP status of the last answer (304 too), None where there was none.
    ``published_at`` is what the page prints; it counts where discovery knew none. ``retry_at`` is
    Retry-After as a moment.
    """

    article_id: str
    verdict: Verdict
    status: int | None = None
    etag: str = ""
    last_modified: str = ""
    published_at: datetime | None = None
    retry_at: datetime | None = None


#: How its row in the frontier says that it is never fetched again. No address is left: it may hold
#: the headline.
GIVEN_UP = {
    "url": "",
    "state": State.DEAD,
    "due_at": None,
    "outcome": str(Outcome.SKIPPED),
    "reason": str(Reason.REMOVED),
    "etag": "",
    "last_modified": "",
    "lease": "",
    "leased_until": None,
    "holder": "",
}
