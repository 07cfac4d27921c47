"""Rebuilding of the frontier from captures, so that no archived article is fetched as new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from archive.captures.deletions import DeletionJudge
from archive.frontier.revisit_policy import State, next_visit
from archive.http.message import REDIRECT_STATUSES
from archive.index.dialect import hour_of, insert_missing
from archive.index.schema import captures, frontier, revisions
from archive.model.outcome import Outcome, Reason, Verdict
from archive.model.visit_policy import CONFIRM_AFTER, READ, VisitKind, visit_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from archive.index.database import Index, Snapshot

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
        past = _Past(reading)
        visits = reading.execute(_VISITS.execution_options(yield_per=_MANY))
        for row in _rows(visits, article_of, now, past):
            rows.append(row)
            if len(rows) == _MANY:
                number += _add(index, rows)
                rows = []
    return number + _add(index, rows)


def _rows(
    visits: Any,
    article_of: Callable[[str, str], str | None],
    now: datetime,
    past: _Past,
) -> Iterator[dict[str, Any]]:
    for (outlet, source), group in groupby(visits, key=lambda row: (row.outlet, row.source)):
        article_id = article_of(outlet, source)
        if article_id is not None:
            own = [_Visit(row, past.kind(row)) for row in group]
            yield _row(outlet, article_id, source, own, now, past.served_hours(outlet))


@dataclass(frozen=True, slots=True)
class _Visit:
    """A row of `_VISITS` and what it means for the article."""

    row: Row[Any]
    kind: VisitKind


class _Past:
    """What the captures of an outlet say of one visit: when it served others, and its outages."""

    def __init__(self, connection: Snapshot) -> None:
        self._hours = _served_hours(connection)
        self._outages: dict[str, frozenset[int]] = {}
        self._judge = DeletionJudge(connection)

    def served_hours(self, outlet: str) -> Collection[str]:
        """Return the hours (UTC) in which articles of the outlet were served."""
        return self._hours.get(outlet, frozenset())

    def kind(self, row: Row[Any]) -> VisitKind:
        """Return what a visit means for the article; in an outlet's outage, nothing."""
        kind = visit_kind(_verdict(row), row.status)
        if kind is not VisitKind.DOUBTFUL:
            return kind
        if row.outlet not in self._outages:
            self._outages[row.outlet] = self._judge.outage_looks(row.outlet)
        return VisitKind.TRANSIENT if row.id in self._outages[row.outlet] else kind


def _row(
    outlet: str,
    article_id: str,
    url: str,
    visits: Sequence[_Visit],
    now: datetime,
    hours: Collection[str],
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "outlet": outlet,
        "article_id": article_id,
        "url": url,
        "channels": [],
        "state": State.DUE,
        "due_at": now,
        "failures": 0,
        "outcome": "",
        "reason": "",
        "etag": "",
        "last_modified": "",
        "lease": "",
        "discovered_run": "",
        "last_run": "",
    } | _times(visits)
    # a redirect does not end a visit: if nothing followed it, the article is still due
    ended = [visit for visit in visits if visit.row.status not in REDIRECT_STATUSES]
    if not ended:
        return row
    confirmed = _is_confirmed(row["gone_at"], ended[-1].row.captured_at, hours)
    served = [visit.row.captured_at for visit in visits if visit.kind is VisitKind.SERVED]
    return row | _after(ended[-1], served, row["published_at"], confirmed=confirmed)


def _times(visits: Sequence[_Visit]) -> dict[str, Any]:
    """Return the columns that count visits and date them."""
    rows = [visit.row for visit in visits]
    served = [visit.row.captured_at for visit in visits if visit.kind is VisitKind.SERVED]
    read = [row.captured_at for row in rows if _verdict(row).outcome in READ]
    published = [row.published_at for row in rows if row.published_at is not None]
    return {
        "published_at": published[0] if published else None,
        "discovered_at": rows[0].captured_at,
        "visits": len(served),
        "first_visit_at": served[0] if served else None,
        "visited_at": rows[-1].captured_at,
        "served_at": max(read, default=None),
        "gone_at": _gone_at(visits),
    }


def _gone_at(visits: Sequence[_Visit]) -> datetime | None:
    """Return when the article was first found gone since it was last served, None if never."""
    found: datetime | None = None
    for visit in visits:
        if visit.kind is VisitKind.SERVED:
            found = None
        elif visit.kind is VisitKind.DOUBTFUL and found is None:
            found = visit.row.captured_at
    return found


def _is_confirmed(gone_at: datetime | None, last: datetime, hours: Collection[str]) -> bool:
    """Return whether other articles were served in an hour between the first look and the last.

    Hours are exact enough: where it cannot be told, the article is looked at once more.
    """
    if gone_at is None or last - gone_at < CONFIRM_AFTER:
        return False
    return any(_hour(gone_at) < hour < _hour(last) for hour in hours)


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H")


def _served_hours(connection: Snapshot) -> dict[str, frozenset[str]]:
    """Return the hours (UTC) in which articles of each outlet were served."""
    hour = hour_of(captures.c.captured_at)
    read = select(captures.c.outlet, hour).where(captures.c.outcome.in_(READ))
    query = read.distinct()
    found: dict[str, set[str]] = {}
    for outlet, text in connection.execute(query):
        found.setdefault(outlet, set()).add(text)
    return {outlet: frozenset(hours) for outlet, hours in found.items()}


def _after(
    last: _Visit, served: Sequence[datetime], published_at: datetime | None, *, confirmed: bool
) -> dict[str, Any]:
    """Return the columns that follow from the last visit."""
    captured_at = last.row.captured_at
    known = (published_at, *served[:1], captured_at)
    step = next_visit(
        last.kind,
        failures=0,
        visits=len(served),
        counted_from=min(moment for moment in known if moment is not None),
        now=captured_at,
        retry_at=None,
        confirmed=confirmed,
    )
    # step.visits is not used: it adds the last visit, which is among those served already
    return {
        "state": step.state,
        "due_at": step.due_at,
        "failures": step.failures,
        "outcome": last.row.outcome,
        "reason": last.row.reason,
    }


def _verdict(visit: Row[Any]) -> Verdict:
    return Verdict(Outcome(visit.outcome), Reason(visit.reason) if visit.reason else None)


def _add(index: Index, rows: Sequence[dict[str, Any]]) -> int:
    if not rows:
        return 0
    with index.writing() as connection:
        before = connection.scalar(_NUMBER) or 0  # psycopg does not say how many it inserted
        connection.execute(insert_missing(connection, frontier), rows)
        return (connection.scalar(_NUMBER) or 0) - before


_NUMBER = select(func.count()).select_from(frontier)
_VISITS = (
    select(
        captures.c.id,
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
