"""Results of a crawl's new articles: whether most of them ended without an article, and how.

An outlet that refuses us answers with any status, or with a page. What it answers is not judged
here, only that its new articles do not come in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from archive.index.dialect import one_of
from archive.index.schema import frontier, outcomes, runs
from archive.model.outcome import Outcome, Reason, Verdict
from archive.model.visit_policy import GONE_REASONS, READ, VisitKind, visit_kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

#: Fewer new articles are too few to judge by.
LEAST = 4
#: An article that has waited longer is not new: what an outlet keeps back for weeks must not raise
#: an alarm each time that it is looked at.
_FRESH = timedelta(days=1)
#: Statuses by which a guessed id says that it was never given.
_GONE_DETAILS = ("404", "410")


@dataclass(frozen=True, slots=True)
class NewArticles:
    """The new articles that a crawl visited, those that ended without one, and the usual answer.

    ``answer`` is the commonest reason of the lost ones with its detail, ``""`` for none; ``alike``
    is how many had that reason.
    """

    visited: int = 0
    lost: int = 0
    answer: str = ""
    alike: int = 0

    @property
    def blocked(self) -> bool:
        """Whether more than half of at least four ended without an article."""
        return self.visited >= LEAST and 2 * self.lost > self.visited

    def sentence(self, outlet: str) -> str:
        """Return what to say of a blocked crawl."""
        return (
            f"{outlet} is blocked: {self.lost} of {self.visited} new articles ended without an "
            f"article, {self.alike} of them by {self.answer}. They are visited again; if that "
            "lasts, see what the outlet answers to a browser."
        )


def few_came_in(counts: Mapping[str, int]) -> bool:
    """Return whether a run's counts by outcome allow that it was blocked.

    If not, `new_articles` need not be asked.
    """
    lost = sum(n for name, n in counts.items() if name.partition("/")[0] not in READ)
    return lost > counts.get(Outcome.NEW, 0)


def new_articles(
    connection: Connection, outlet: str, run_id: str, walks: Collection[str] = ()
) -> NewArticles:
    """Return what became of the new articles that a run visited last.

    New are those never served before and discovered lately. ``walks`` are the names of the
    channels that guess ids: a guess that is not there is no lost article.
    """
    began: datetime | None = connection.scalar(select(runs.c.started_at).where(runs.c.id == run_id))
    if began is None:
        return NewArticles()
    visited = 0
    lost: dict[str, str] = {}
    details = _details(connection, run_id, outlet)
    for row in _fresh(connection, outlet, run_id, began):
        if Outcome(row.outcome) in READ:
            visited += 1
        elif not _is_idle_guess(row, details.get(row.url, ""), walks):
            visited += 1
            lost[row.url] = row.reason
    answer, alike = _commonest(lost, details)
    return NewArticles(visited, len(lost), answer, alike)


def _fresh(connection: Connection, outlet: str, run_id: str, began: datetime) -> Iterable[Any]:
    """Yield the rows of the frontier of the run's new articles that have an outcome."""
    query = select(
        frontier.c.url,
        frontier.c.channels,
        frontier.c.outcome,
        frontier.c.reason,
        frontier.c.visits,
        frontier.c.first_visit_at,
        frontier.c.discovered_at,
    ).where(frontier.c.outlet == outlet, frontier.c.last_run == run_id, frontier.c.outcome != "")
    with connection.execute(query.execution_options(yield_per=500)) as rows:
        for row in rows:
            is_first = not row.visits or (row.first_visit_at and row.first_visit_at >= began)
            is_late = row.discovered_at >= began - _FRESH
            if is_first and is_late and not _is_not_asked_for(row):
                yield row


def _is_not_asked_for(row: Any) -> bool:
    """Return whether an article is not ours, was taken down, or was not asked for: robots.txt."""
    reason = Reason(row.reason) if row.reason else None
    if reason is Reason.ROBOTS:
        return True
    return visit_kind(Verdict(Outcome(row.outcome), reason)) is VisitKind.FINAL


def _is_idle_guess(row: Any, detail: str, walks: Collection[str]) -> bool:
    """Return whether a row is of an id that was only guessed, and is not there."""
    if not row.channels or not set(row.channels) <= set(walks):
        return False
    is_gone_status = row.reason == Reason.HTTP_STATUS and detail.startswith(_GONE_DETAILS)
    return is_gone_status or row.reason in GONE_REASONS


def _details(connection: Connection, run_id: str, outlet: str) -> dict[str, str]:
    """Return the last detail that a run recorded of each address without an article."""
    query = select(outcomes.c.source, outcomes.c.detail).where(
        outcomes.c.run_id == run_id,
        outcomes.c.outlet == outlet,
        one_of(outcomes.c.outcome, (Outcome.FAILED, Outcome.UNPARSED, Outcome.SKIPPED)),
    )
    return {row.source: row.detail for row in connection.execute(query.order_by(outcomes.c.id))}


def _commonest(lost: dict[str, str], details: dict[str, str]) -> tuple[str, int]:
    """Return the commonest reason, with its commonest detail, and how many had the reason."""
    if not lost:
        return "", 0
    reason, alike = Counter(lost.values()).most_common(1)[0]
    of_reason = Counter(details.get(url, "") for url, its in lost.items() if its == reason)
    detail = of_reason.most_common(1)[0][0]
    return f"{reason} ({detail})" if detail else reason, alike
