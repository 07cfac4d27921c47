"""How an outlet stands: what is new of it, what became of its pages, how full its articles are, against before."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.outcome import Outcome
from archive.runs.figures import (
    FIELDS,
    Fill,
    counted_since,
    crawls_back,
    crawls_since,
    fill,
    last_new_of,
)
from archive.runs.history import first_crawl
from crawler.model.crawl_arguments import CrawlArguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord

DAY, WEEK = timedelta(days=1), timedelta(days=7)
#: The time that a field's fill rate of the last day is compared with.
_BEFORE = timedelta(weeks=4)
#: A share of fewer articles says nothing; one is far off that differs by so much, and by more than
#: chance does.
_FEWEST, _FAR, _CHANCE = 20, 0.15, 4.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A field's fill rate: of the last day's new articles, and of those of the four weeks before."""

    last_day: float | None
    before: float | None
    far_off: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An outlet's figures. What is ``new`` was new to a crawl of what is new: `is_of_today`.

    ``new`` is that of the last 24 hours, ``daily`` the daily mean of the 7 days before, or of the
    part of them since it was first crawled (None: that is less than a day). ``outcomes`` are those
    of all crawls of the last 24 hours. ``filled`` is how many articles each side of ``rates`` is
    of, the last day's first.
    """

    new: int
    daily: float | None
    last_new_at: datetime | None
    outcomes: Mapping[str, int]
    rates: Mapping[str, Rate]
    filled: tuple[int, int]

    @property
    def bad(self) -> float | None:
        """The share that was unparsed or failed; None of nothing."""
        total = sum(self.outcomes.values())
        bad = sum(
            number
            for outcome, number in self.outcomes.items()
            if outcome.partition("/")[0] in (Outcome.UNPARSED, Outcome.FAILED)
        )
        return bad / total if total else None


def is_of_today(crawl: RunRecord) -> bool:
    """Whether a crawl asked for what is new, so that what was new to it is its day's yield.

    A window that ended before the day before it began is of days gone by. So is one that began over
    a week earlier, where a person asked for it: a scheduler asks so to catch up.
    """
    arguments = CrawlArguments.from_words(crawl.arguments)
    today = crawl.started_at.astimezone(KST).date()
    if arguments.until is not None and arguments.until < today - DAY:
        return False
    return bool(crawl.job) or not arguments.is_backfill(today, WEEK)


class Standings:
    """The figures of all outlets by one reading of the runs of four weeks."""

    def __init__(self, connection: Snapshot, now: datetime) -> None:
        self._connection, self._now = connection, now
        crawls = crawls_since(connection, now - DAY - _BEFORE, now)
        ours = [crawl for crawl in crawls if is_of_today(crawl)]
        self._outcomes = self._since(crawls, now - DAY)
        self._new = _new(self._since(ours, now - DAY))
        self._new_before = _new(self._since(ours, now - DAY - WEEK))
        #: By outlet, the crawls that something of it was new to, the oldest first.
        self._yielding: dict[str, list[RunRecord]] = defaultdict(list)
        for crawl in ours:
            for outlet, counts in crawl.counts.items():
                if counts.get(Outcome.NEW):
                    self._yielding[outlet].append(crawl)

    def of(self, outlet: str) -> Standing:
        """One outlet's figures."""
        began = first_crawl(self._connection, outlet)
        days = min(WEEK, self._now - DAY - began) / DAY if began is not None else 0
        before = self._new_before[outlet] - self._new[outlet]
        day, weeks = self._fill(outlet, day=True), self._fill(outlet, day=False)
        return Standing(
            new=self._new[outlet],
            daily=before / days if days >= 1 else None,
            last_new_at=self._last_new(outlet),
            outcomes=dict(sorted(self._outcomes.get(outlet, {}).items())),
            rates={name: _rate(name, day, weeks) for name in FIELDS},
            filled=(day.articles, weeks.articles),
        )

    def _since(self, crawls: Iterable[RunRecord], moment: datetime) -> dict[str, Counter[str]]:
        """What crawls counted from a moment on, by outlet: a crawl's own counts, where all of it is later."""
        total: dict[str, Counter[str]] = defaultdict(Counter)
        across: list[str] = []
        for crawl in crawls:
            if crawl.started_at >= moment:
                for outlet, counts in crawl.counts.items():
                    total[outlet].update(counts)
            elif crawl.ended_at is None or crawl.ended_at > moment:
                across.append(crawl.run_id)
        for outlet, counts in counted_since(self._connection, across, moment).items():
            total[outlet].update(counts)
        return total

    def _last_new(self, outlet: str) -> datetime | None:
        recent = self._yielding[outlet]
        found = recent[-1] if recent else None
        if found is None:
            older = crawls_back(self._connection, outlet, self._now - DAY - _BEFORE)
            found = next(
                (
                    crawl
                    for crawl in older
                    if is_of_today(crawl) and crawl.counts.get(outlet, {}).get(Outcome.NEW)
                ),
                None,
            )
        return last_new_of(self._connection, found.run_id, outlet) if found is not None else None

    def _fill(self, outlet: str, *, day: bool) -> Fill:
        """Of the last day, or of the weeks before it."""
        begin = self._now - DAY
        chosen = [
            crawl.run_id for crawl in self._yielding[outlet] if (crawl.started_at >= begin) is day
        ]
        return fill(self._connection, outlet, chosen) if chosen else Fill()


def _new(counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    return Counter({outlet: table.get(Outcome.NEW, 0) for outlet, table in counts.items()})


def _rate(name: str, day: Fill, weeks: Fill) -> Rate:
    last, before = ((found.shares or {}).get(name) for found in (day, weeks))
    if last is None or before is None or min(day.articles, weeks.articles) < _FEWEST:
        return Rate(last, before, far_off=False)
    both = (last * day.articles + before * weeks.articles) / (day.articles + weeks.articles)
    chance = sqrt(both * (1 - both) * (1 / day.articles + 1 / weeks.articles))
    return Rate(last, before, far_off=abs(last - before) > max(_FAR, _CHANCE * chance))
