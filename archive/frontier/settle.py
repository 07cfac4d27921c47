"""What a visit changes in the frontier: a pure function of a row and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.frontier.revisit_policy import next_visit
from archive.model.outcome import Outcome
from archive.model.visit_policy import READ, VisitKind

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from archive.frontier.visits import VisitResult

_STORED = frozenset({Outcome.NEW, Outcome.CHANGED})


def after_visit(
    row: Row[Any],
    result: VisitResult,
    kind: VisitKind,
    now: datetime,
    run: str,
) -> dict[str, Any]:
    """Return the columns of a row after a visit of the run that ended ``now``; ``pk`` is its id.

    An article that was found gone stays due: only the run as a whole shows whether it was the
    article or the outlet (see `archive.frontier.gone_looks`).
    """
    published_at = row.published_at or result.published_at
    first_visit_at = row.first_visit_at
    if first_visit_at is None and kind is VisitKind.SERVED:
        first_visit_at = now
    # Nothing is fetched before it is published: a later time is an error of a clock or a time zone,
    # or was edited.
    known = [moment for moment in (published_at, first_visit_at, now) if moment is not None]
    step = next_visit(
        kind,
        failures=row.failures,
        visits=row.visits,
        counted_from=min(known),
        now=now,
        retry_at=result.retry_at,
    )
    etag, last_modified = _validators(row, result, kind)
    return {
        "pk": row.id,
        "state": step.state,
        "due_at": step.due_at,
        "failures": step.failures,
        "visits": step.visits,
        "published_at": published_at,
        "first_visit_at": first_visit_at,
        "visited_at": now,
        "served_at": now if result.verdict.outcome in READ else row.served_at,
        "gone_at": _gone_at(row, kind, now),
        "outcome": _outcome(row, result, run),
        "reason": str(result.verdict.reason or ""),
        "etag": etag,
        "last_modified": last_modified,
        "lease": "",
        "last_run": run,
    }


def _gone_at(row: Row[Any], kind: VisitKind, now: datetime) -> datetime | None:
    """Return when the article was first found gone since it was last served, None if never."""
    if kind is VisitKind.SERVED:
        return None
    found: datetime | None = row.gone_at
    return now if found is None and kind is VisitKind.DOUBTFUL else found


def _validators(row: Row[Any], result: VisitResult, kind: VisitKind) -> tuple[str, str]:
    """Return ETag and Last-Modified for the next visit."""
    if result.verdict.outcome is Outcome.UNCHANGED:  # a 304 need not repeat them
        return result.etag or row.etag, result.last_modified or row.last_modified
    if kind is not VisitKind.SERVED:
        return row.etag, row.last_modified
    if result.verdict.outcome in _STORED:
        return result.etag, result.last_modified
    # An unfinished page: a 304 to it would hide that no article was ever read.
    return "", ""


def _outcome(row: Row[Any], result: VisitResult, run: str) -> str:
    """Return the outcome of the run: a second visit does not replace what the first one stored."""
    outcome = result.verdict.outcome
    if outcome is Outcome.UNCHANGED and row.last_run == run and row.outcome in _STORED:
        return str(row.outcome)
    return str(outcome)
