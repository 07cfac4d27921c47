"""The books of a run: every article it discovered or visited, in exactly one place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from archive.frontier.revisit_policy import State
from archive.index.schema import frontier
from archive.model.outcome import Outcome, Reason

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What became of the articles a run answers for: those it found first, and those it had in hand.

    ``failed`` (with what was kept but could not be read) and ``skipped`` are by reason. ``pending``
    are found and left to a later run, or in another run's hands. ``missing`` are the addresses in
    none of these places: taken and never settled nor given back. While the run goes on these are
    what it has in hand; at its end they are lost.
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
        """Whether a host answered any visit: with a page, or with a status that it has none."""
        return bool(self.stored or self.unchanged or self.skipped.keys() - {Reason.ROBOTS})

    @property
    def even(self) -> bool:
        """Whether discovered = stored + unchanged + failed + skipped + pending."""
        ended = (
            self.stored + self.unchanged + sum(self.failed.values()) + sum(self.skipped.values())
        )
        return self.discovered == ended + self.pending


def balance_of(connection: Connection, outlet: str, run_id: str) -> Balance:
    """The books of the run at the outlet, as they are now."""
    query = select(
        frontier.c.id,
        frontier.c.url,
        frontier.c.state,
        frontier.c.outcome,
        frontier.c.reason,
        frontier.c.lease,
    ).where(frontier.c.outlet == outlet)
    leased = and_(frontier.c.state == State.LEASED, frontier.c.lease == run_id)
    # One after the other: SQLite would answer their union by reading everything the outlet ever
    # had.
    its = (frontier.c.discovered_run == run_id, frontier.c.last_run == run_id, leased)
    rows = chain.from_iterable(
        connection.execute(query.where(which).execution_options(yield_per=500)) for which in its
    )
    seen: set[int] = set()  # by id, and not by row: a long run has a hundred thousand of them
    counts: Counter[Outcome] = Counter()
    failed: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    pending = 0
    missing: list[str] = []
    for row in rows:
        if row.id in seen:
            continue
        seen.add(row.id)
        if row.lease == run_id:
            missing.append(row.url)
        elif row.outcome:
            outcome = Outcome(row.outcome)
            counts[outcome] += 1
            if outcome in (Outcome.FAILED, Outcome.UNPARSED):
                failed[row.reason] += 1
            elif outcome is Outcome.SKIPPED:
                skipped[row.reason] += 1
        elif row.state in (State.DUE, State.LEASED):
            pending += 1
        else:
            missing.append(row.url)
    return Balance(
        discovered=len(seen),
        stored=counts[Outcome.NEW] + counts[Outcome.CHANGED],
        unchanged=counts[Outcome.UNCHANGED],
        failed=dict(sorted(failed.items())),
        skipped=dict(sorted(skipped.items())),
        pending=pending,
        missing=tuple(sorted(missing)),
    )
