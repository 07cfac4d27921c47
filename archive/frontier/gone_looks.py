"""What one run's looks at articles that were gone come to: endings, or an outage of the outlet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from archive.captures.outages import GoneLook, GoodHour, clock_hour, outage_captures
from archive.model.visit_policy import READ, VisitKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy import Row

    from archive.frontier.visits import VisitResult


@dataclass(frozen=True, slots=True)
class Look:
    """A visit's look at the article of a row: ``is_good`` if it was read, or found ``is_gone``.

    ``is_first`` is whether it was not found gone before since it was last served; ``is_second``
    whether a look that finds it gone confirms an earlier one.
    """

    row: int
    at: datetime
    is_good: bool
    is_gone: bool
    payload_digest: str
    channels: frozenset[str]
    seen_at: datetime | None
    is_first: bool
    is_second: bool

    @classmethod
    def of_visit(
        cls,
        row: Row[Any],
        result: VisitResult,
        kind: VisitKind,
        now: datetime,
        *,
        is_second: bool,
    ) -> Self:
        """Return the look of a visit that ended ``now``; ``row`` is the article's before it."""
        is_good = result.verdict.outcome in READ
        return cls(
            row.id,
            now,
            is_good,
            not is_good and kind is VisitKind.DOUBTFUL,
            result.payload_digest,
            frozenset(row.channels),
            row.served_at,
            row.gone_at is None,
            is_second,
        )


class GoneLooks:
    """Collects the looks of a run, in memory; they are judged together at its end."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._gone: dict[int, Look] = {}
        self._good: dict[str, GoodHour] = {}

    def add(self, looks: Iterable[Look]) -> None:
        """Add the looks of visits that were settled."""
        for look in looks:
            # An article's last look counts.
            self._gone.pop(look.row, None)
            if look.is_good:
                self._note_good(look.at)
            elif look.is_gone:
                self._gone[look.row] = look

    def judge(self, walks: frozenset[str]) -> tuple[set[int], set[int]]:
        """Return the rows of the articles that are gone, and of those first found so in an outage.

        ``walks`` are the channels that guess ids.
        """
        outage = outage_captures(self._looks(walks), list(self._good.values()))
        confirmed = {row for row, look in self._gone.items() if look.is_second} - outage
        void = {row for row in outage if self._gone[row].is_first}
        return confirmed, void

    def _looks(self, walks: frozenset[str]) -> Iterator[GoneLook]:
        for row, look in self._gone.items():
            is_named = not look.channels or not look.channels <= walks
            yield GoneLook(
                row,
                row,
                look.at,
                self._run,
                look.payload_digest or f"none of {row}",
                look.seen_at,
                self._run,
                is_news=look.is_first and is_named,
            )

    def _note_good(self, now: datetime) -> None:
        hour = clock_hour(now)
        known = self._good.get(hour)
        if known is None:
            self._good[hour] = GoodHour(self._run, hour, 1, now, now)
        else:
            self._good[hour] = GoodHour(self._run, hour, known.number + 1, known.first, now)
