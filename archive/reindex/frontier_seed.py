"""Rebuilding of the frontier from captures, so that no archived article is fetched as new."""

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
    """Add a row to the frontier for each visited article that it lacks; return their number.

    ``article_of`` returns the id of the article that an outlet has at a URL, or None. A row says
    when the article was first visited and when the revisit policy wants the next visit. Validators
    (ETag, Last-Modified) and earlier failures are not restored: the next visit fetches the whole
    page, and failures are counted from 0.
    """
    number = 0
    rows: list[dict[str, Any]] = []
    with index.reading() as reading:
        visits = reading.execute(_VISITS.execution_options(yield_per=_MANY))
        for row in _rows(visits, article_of, now):
            rows.append(row)
            if len(rows) == _MANY:
                number += _add(index, rows)
                rows = []
    return number + _add(index, rows)


def _rows(
    visits: Any, article_of: Callable[[str, str], str | None], now: datetime
) -> Iterator[dict[str, Any]]:
    for (outlet, source), group in groupby(visits, key=lambda row: (row.outlet, row.source)):
        article_id = article_of(outlet, source)
        if article_id is not None:
            yield _row(outlet, article_id, source, list(group), now)


def _row(
    outlet: str, article_id: str, url: str, visits: Sequence[Row[Any]], now: datetime
) -> dict[str, Any]:
    served = [visit.captured_at for visit in visits if _kind(visit) is VisitKind.SERVED]
    published = [visit.published_at for visit in visits if visit.published_at is not None]
    published_at = published[0] if published else None
    row: dict[str, Any] = {
        "outlet": outlet,
        "article_id": article_id,
        "url": url,
        "published_at": published_at,
        "discovered_at": visits[0].captured_at,
        "channels": [],
        "state": State.DUE,
        "due_at": now,
        "failures": 0,
        "visits": len(served),
        "first_visit_at": served[0] if served else None,
        "outcome": "",
        "reason": "",
        "etag": "",
        "last_modified": "",
        "lease": "",
        "discovered_run": "",
        "last_run": "",
    }
    # a redirect does not end a visit: if nothing followed it, the article is still due
    ended = [visit for visit in visits if visit.status not in REDIRECT_STATUSES]
    return row | _after(ended[-1], served, published_at) if ended else row


def _after(
    last: Row[Any], served: Sequence[datetime], published_at: datetime | None
) -> dict[str, Any]:
    """Return the columns that follow from the last visit."""
    known = (published_at, *served[:1], last.captured_at)
    step = revisit_policy.next_visit(
        _kind(last),
        failures=0,
        visits=len(served),
        counted_from=min(moment for moment in known if moment is not None),
        now=last.captured_at,
        retry_at=None,
    )
    # step.visits is not used: it adds the last visit, which is among those served already
    return {
        "state": step.state,
        "due_at": step.due_at,
        "failures": step.failures,
        "outcome": last.outcome,
        "reason": last.reason,
    }


def _kind(visit: Row[Any]) -> VisitKind:
    return revisit_policy.visit_kind(_verdict(visit), visit.status)


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
