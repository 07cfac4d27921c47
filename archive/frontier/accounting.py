"""The accounting of a run: every article that it discovered or visited, counted once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from archive.frontier.revisit_policy import State
from archive.index.schema import frontier
from archive.model.outcome import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What became of the articles that a run discovered first, visited or has leased.

    ``failed`` (which includes pages that were stored but could not be read) and ``skipped`` are by
    reason. ``pending`` were discovered and are left to a later run, or leased by another one.
    ``missing`` are the addresses of all others: leased and neither settled nor released. While the
    run goes on these are its leases; at its end they are lost.
    """

    discovered: int
    stored: int
    unchanged: int
    failed: dict[str, int]
    skipped: dict[str, int]
    pending: int
    missing: tuple[str, ...]

    @property
    def answered(self) -> bool:
        """Whether a host answered any visit, be it with a status that it has no such page."""
        return bool(self.stored or self.unchanged or self.skipped.keys() - {Reason.ROBOTS})

    @property
    def is_even(self) -> bool:
        """Whether discovered = stored + unchanged + failed + skipped + pending."""
        failed, skipped = sum(self.failed.values()), sum(self.skipped.values())
        ended = self.stored + self.unchanged + failed + skipped
        return self.discovered == ended + self.pending


def balance_of(connection: Connection, outlet: str, run_id: str) -> Balance:
    """Return the accounting of a run at an outlet as it is now."""
    counts = _Counts()
    for row in _rows(connection, outlet, run_id):
        counts.add(row, run_id)
    return counts.balance()


def _rows(connection: Connection, outlet: str, run_id: str) -> Iterator[Any]:
    """Yield the rows of the articles of a run, each once."""
    query = select(
        frontier.c.id,
        frontier.c.url,
        frontier.c.state,
        frontier.c.outcome,
        frontier.c.reason,
        frontier.c.lease,
    ).where(frontier.c.outlet == outlet)
    # Three queries, because SQLite would scan all rows of the outlet for their union.
    conditions = (
        frontier.c.discovered_run == run_id,
        frontier.c.last_run == run_id,
        and_(frontier.c.state == State.LEASED, frontier.c.lease == run_id),
    )
    seen: set[int] = set()  # ids instead of rows: a long run has a hundred thousand of them
    for condition in conditions:
        some = query.where(condition).execution_options(yield_per=500)
        with connection.execute(some) as rows:
            for row in rows:
                if row.id not in seen:
                    seen.add(row.id)
                    yield row


@dataclass(slots=True)
class _Counts:
    """Counts of the rows added so far."""

    number: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    pending: int = 0
    missing: list[str] = field(default_factory=list)

    def add(self, row: Any, run_id: str) -> None:
        self.number += 1
        if row.lease == run_id:
            self.missing.append(row.url)
        elif row.outcome:
            self._add_outcome(Outcome(row.outcome), row.reason)
        elif row.state in (State.DUE, State.LEASED):
            self.pending += 1
        else:
            self.missing.append(row.url)

    def _add_outcome(self, outcome: Outcome, reason: str) -> None:
        self.outcomes[outcome] += 1
        if outcome in (Outcome.FAILED, Outcome.UNPARSED):
            self.failed[reason] += 1
        elif outcome is Outcome.SKIPPED:
            self.skipped[reason] += 1

    def balance(self) -> Balance:
        return Balance(
            discovered=self.number,
            stored=self.outcomes[Outcome.NEW] + self.outcomes[Outcome.CHANGED],
            unchanged=self.outcomes[Outcome.UNCHANGED],
            failed=dict(sorted(self.failed.items())),
            skipped=dict(sorted(self.skipped.items())),
            pending=self.pending,
            missing=tuple(sorted(self.missing)),
        )
