"""What an outlet's crawls counted, day by day."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.outcome import Outcome
from archive.runs.figures import crawls_since
from crawler.status.outlet_figures import error_share

if TYPE_CHECKING:
    from datetime import date, datetime

    from archive.index.database import Snapshot


@dataclass(frozen=True, slots=True)
class CrawlDay:
    """The outcomes of the crawls that began on a day (KST)."""

    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def new(self) -> int:
        """The number of new articles."""
        return self.outcomes[Outcome.NEW]

    @property
    def error_rate(self) -> float | None:
        """The share of outcomes that is unparsed or failed; None without outcomes."""
        return error_share(self.outcomes)


def crawl_days(
    connection: Snapshot, outlet: str, now: datetime, number: int
) -> dict[date, CrawlDay]:
    """Return the last days, oldest first, with what the outlet's crawls counted."""
    today = now.astimezone(KST)
    begin = (today - timedelta(number - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    days = {(begin + timedelta(at)).date(): CrawlDay() for at in range(number)}
    for crawl in crawls_since(connection, begin, now, outlet):
        day = crawl.started_at.astimezone(KST).date()
        days[day].outcomes.update(crawl.own_counts)
    return days
