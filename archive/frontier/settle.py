"""What a visit changes of its article's row in the frontier: a pure function of the row and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archive.frontier import revisit_policy
from archive.frontier.revisit_policy import VisitKind
from archive.model.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from archive.frontier.visits import VisitResult

_STORED = frozenset({Outcome.NEW, Outcome.CHANGED})


def after_visit(
    row: Row[Any], result: VisitResult, kind: VisitKind, now: datetime, run: str
) -> dict[str, Any]:
    """The columns of the row, which ``pk`` names, after a visit of the run that ended ``now``."""
    verdict = result.verdict
    looked = kind is VisitKind.SERVED
    published_at = row.published_at or result.published_at
    first_visit_at = row.first_visit_at or (now if looked else None)
    # Nothing is fetched before it is published: a later date is a clock's or a zone's mistake, or
    # an edit's.
    counted_from = min(
        moment for moment in (published_at, first_visit_at, now) if moment is not None
    )
    step = revisit_policy.next_visit(
        kind,
        failures=row.failures,
        visits=row.visits,
        counted_from=counted_from,
        now=now,
        retry_at=result.retry_at,
    )
    etag, last_modified = row.etag, row.last_modified
    if verdict.outcome is Outcome.UNCHANGED:  # a 304 need not repeat them
        etag, last_modified = result.etag or etag, result.last_modified or last_modified
    elif looked:
        # Of an unfinished page none are kept: a 304 to it would hide that no article was ever read.
        readable = verdict.outcome in _STORED
        etag, last_modified = (result.etag, result.last_modified) if readable else ("", "")
    outcome, reason = str(verdict.outcome), str(verdict.reason or "")
    if verdict.outcome is Outcome.UNCHANGED and row.last_run == run and row.outcome in _STORED:
        # in one run, a second look doesn't cover up what the first one stored
        outcome = row.outcome
    return {
        "pk": row.id,
        "state": step.state,
        "due_at": step.due_at,
        "failures": step.failures,
        "visits": step.visits,
        "published_at": published_at,
        "first_visit_at": first_visit_at,
        "outcome": outcome,
        "reason": reason,
        "etag": etag,
        "last_modified": last_modified,
        "lease": "",
        "leased_until": None,
        "holder": "",
        "last_run": run,
    }
