"""The frontier made again from the captures, so that nothing kept is fetched as if it were new."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from archive.frontier import revisit_policy
from archive.frontier.revisit_policy import State, VisitKind
from archive.index.schema import captures, frontier, revisions
from archive.model.outcome import Outcome, Reason, Verdict
from archive.warc.http_message import REDIRECT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from archive.index.database import Index

#: Rows written at once.
_MANY = 1000


def seed_frontier(index: Index, article_of: Callable[[str, str], str | None], now: datetime) -> int:
    """Give the frontier a row for each article that was visited and that it lacks; give how many.

    ``article_of`` gives the id of the article that an outlet has at an address, if any. A row says
    when it was first and last looked at, and when the ladder wants the next look. The server's
    validators and the failures before are not remembered: the next look is a whole one, and the
    count of failures begins anew.
    """
    number = 0
    rows: list[dict[str, Any]] = []
    with index.reading() as reading:
        for row in _rows(
            reading.execute(_VISITS.execution_options(yield_per=_MANY)), article_of, now
        ):
            rows.append(row)
            if len(rows) == _MANY:
                number += _add(index, rows)
                rows = []
    return number + _add(index, rows)


def _rows(
    found: Any, article_of: Callable[[str, str], str | None], now: datetime
) -> Iterator[dict[str, Any]]:
    for (outlet, source), group in groupby(found, key=lambda row: (row.outlet, row.source)):
        article_id = article_of(outlet, source)
        if article_id is not None:
            yield _row(outlet, article_id, source, list(group), now)


def _row(
    outlet: str, article_id: str, url: str, visits: Sequence[Row[Any]], now: datetime
) -> dict[str, Any]:
    kinds = [revisit_policy.visit_kind(_verdict(visit), visit.status) for visit in visits]
    served = [
        visit.captured_at
        for visit, kind in zip(visits, kinds, strict=True)
        if kind is VisitKind.SERVED
    ]
    published_at = next(
        (visit.published_at for visit in visits if visit.published_at is not None), None
    )
    due_at: datetime | None = now
    state, failures, outcome, reason = State.DUE, 0, "", ""
    # A redirect is no end: if nothing came behind it, the article is still to be visited.
    ended = [visit for visit in visits if visit.status not in REDIRECT_STATUSES]
    if ended:
        last = ended[-1]
        kind = revisit_policy.visit_kind(_verdict(last), last.status)
        counted_from = min(
            moment for moment in (published_at, *served[:1], last.captured_at) if moment is not None
        )
        step = revisit_policy.next_visit(
            kind,
            failures=0,
            visits=len(served),
            counted_from=counted_from,
            now=last.captured_at,
            retry_at=None,
        )
        # The step counts this look, which is counted in `served` already.
        state, due_at, failures = step.state, step.due_at, step.failures
        outcome, reason = last.outcome, last.reason
    return {
        "outlet": outlet,
        "article_id": article_id,
        "url": url,
        "published_at": published_at,
        "discovered_at": visits[0].captured_at,
        "channels": [],
        "state": state,
        "due_at": due_at,
        "failures": failures,
        "visits": len(served),
        "first_visit_at": served[0] if served else None,
        "outcome": outcome,
        "reason": reason,
        "etag": "",
        "last_modified": "",
        "lease": "",
        "leased_until": None,
        "holder": "",
        "discovered_run": "",
        "last_run": "",
    }


def _verdict(visit: Row[Any]) -> Verdict:
    return Verdict(Outcome(visit.outcome), Reason(visit.reason) if visit.reason else None)


def _add(index: Index, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    with index.writing() as connection:
        return connection.execute(insert(frontier).on_conflict_do_nothing(), rows).rowcount


_VISITS = (
    select(
        captures.c.outlet,
        captures.c.source,
        captures.c.status,
        captures.c.outcome,
        captures.c.reason,
        captures.c.captured_at,
        revisions.c.published_at,
    )
    .outerjoin(revisions, revisions.c.id == captures.c.revision_id)
    .where(captures.c.source.startswith("http"))
    .order_by(captures.c.outlet, captures.c.source, captures.c.captured_at, captures.c.id)
)
