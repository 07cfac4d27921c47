"""One run, as its row in the table ``runs`` says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from archive.model.outcome import Outcome

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row


class Ending(StrEnum):
    """How a run ended. ``stopped`` and ``crashed`` say nothing about the work: it is repeated."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"
    CRASHED = "crashed"


#: Endings of runs that were interrupted before their work was complete.
INTERRUPTED = frozenset({Ending.STOPPED, Ending.CRASHED})
#: Endings of runs whose work failed.
FAILURES = frozenset({Ending.FAILED, Ending.TIMED_OUT})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run of a command that writes, or of a job.

    A job's run is the ``attempt``-th for the moment ``due_at``; a run by hand has no ``job``, no
    ``due_at`` and ``attempt`` 0. ``ending`` is None while the run is ``under_way``, and where it is
    unknown. ``counts`` are numbers by outlet and outcome, as in ``etoday: {"failed/timeout": 3}``;
    ``exit_code`` is None if no process reported one; ``log`` is a path or ``""``; ``holder`` is the
    process that answers for the run.
    """

    run_id: str
    verb: str
    started_at: datetime
    outlet: str = ""
    arguments: tuple[str, ...] = ()
    job: str = ""
    due_at: datetime | None = None
    attempt: int = 0
    ended_at: datetime | None = None
    ending: Ending | None = None
    under_way: bool = False
    exit_code: int | None = None
    host: str = ""
    version: str = ""
    holder: str = ""
    log: str = ""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Row[Any], *, crashed: bool = False) -> Self:
        """Return the run of a row of ``runs``; ``crashed`` if its process died before it ended."""
        unended = is_unended(row)
        ending = Ending(row.ending) if row.ending else None
        return cls(
            run_id=row.id,
            verb=row.verb,
            started_at=row.started_at,
            outlet=row.outlet,
            arguments=tuple(row.arguments),
            job=row.job,
            due_at=row.due_at,
            attempt=row.attempt,
            ended_at=row.ended_at,
            ending=Ending.CRASHED if unended and crashed else ending,
            under_way=unended and not crashed,
            exit_code=row.exit_code,
            host=row.host,
            version=row.version,
            holder=row.holder,
            log=row.log,
            counts=row.counts,
        )

    @property
    def due(self) -> datetime:
        """The moment for which a job's run was started.

        :raises ValueError: the run belongs to no job.
        """
        if self.due_at is None:
            raise ValueError(f"run {self.run_id} belongs to no job")
        return self.due_at

    @property
    def ended(self) -> datetime:
        """When the run ended.

        :raises ValueError: it has not ended.
        """
        if self.ended_at is None:
            raise ValueError(f"run {self.run_id} has not ended")
        return self.ended_at

    @property
    def own_counts(self) -> dict[str, int]:
        """What a crawl counted of its outlet, by outcome."""
        return self.counts.get(self.outlet, {})

    @property
    def totals(self) -> dict[str, int]:
        """What was counted by outcome: of a crawl's outlet, of another run over all outlets."""
        if self.outlet:
            return self.own_counts
        total: Counter[str] = Counter()
        for counts in self.counts.values():
            total.update(counts)
        return dict(total)

    @property
    def recovered_of_others(self) -> int:
        """How many results a crawl has of other outlets, whose killed crawls it recovered."""
        others = (counts for outlet, counts in self.counts.items() if outlet != self.outlet)
        return sum(sum(counts.values()) for counts in others) if self.outlet else 0

    @property
    def new(self) -> int:
        """The number of articles of the crawl's outlet that were not known before."""
        return self.own_counts.get(Outcome.NEW, 0)

    @property
    def read(self) -> int:
        """The number of stored pages that were new articles, or no article could be read from."""
        unparsed = [n for name, n in self.own_counts.items() if name.startswith(Outcome.UNPARSED)]
        return self.new + sum(unparsed)


def is_unended(row: Any) -> bool:
    """Return whether a row of ``runs`` has no end yet; of a row without a holder it is unknown."""
    if row.ending or not row.holder:
        return False
    return row.ended_at is None or bool(row.job)
