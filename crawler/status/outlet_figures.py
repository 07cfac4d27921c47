"""An outlet's figures: new articles, outcomes, and fill rates compared with the weeks before."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.outcome import Outcome
from archive.runs.fields import FIELDS
from archive.runs.figures import (
    Fill,
    counted_since,
    crawls_back,
    crawls_since,
    fill,
    generic_since,
    last_new_of,
    paywalled_since,
)
from archive.runs.history import first_crawl
from crawler.alarms.drift import is_significant
from crawler.model.crawl_arguments import CrawlArguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord

DAY, WEEK = timedelta(days=1), timedelta(days=7)
#: The time that the last day's fill rates are compared with.
_BEFORE = timedelta(weeks=4)
#: No comparison of fewer articles.
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class Rate:
    """A field's fill rate in the last day's new articles, and in those of the four weeks before.

    ``far_off`` is judged as the alarm of a drift is: `crawler.alarms.drift.is_significant`.
    """

    last_day: float | None
    before: float | None
    far_off: bool


@dataclass(frozen=True, slots=True)
class Articles:
    """The number of articles that the fill rates of either side are of."""

    last_day: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletFigures:
    """An outlet's figures; articles are ``new`` if a crawl of new articles found them.

    ``new`` is the number of the last 24 hours, ``paywalled`` how many of those are not free to read
    and so may be teasers, ``generic`` how many pages of that time
    show an article that no layout has read, ``daily`` the daily mean of the 7 days before that,
    or of the part of them since its first crawl (None for less than a day). ``outcomes`` are those
    of all crawls of the last 24 hours.
    """

    new: int
    paywalled: int
    generic: int
    daily: float | None
    last_new_at: datetime | None
    outcomes: Mapping[str, int]
    rates: Mapping[str, Rate]
    articles: Articles

    @property
    def error_rate(self) -> float | None:
        """The share of outcomes that is unparsed or failed; None without outcomes."""
        return error_share(self.outcomes)


def error_share(outcomes: Mapping[str, int]) -> float | None:
    """Return the share of outcomes that is unparsed or failed; None without outcomes."""
    total = sum(outcomes.values())
    errors = sum(
        number
        for outcome, number in outcomes.items()
        if outcome.partition("/")[0] in (Outcome.UNPARSED, Outcome.FAILED)
    )
    return errors / total if total else None


def is_of_today(crawl: RunRecord) -> bool:
    """Return whether a crawl looked for new articles, so that they count for its day.

    A window that ended before yesterday is of past days. So is one that began over a week earlier,
    if it was started by hand: a scheduler catches up so far.
    """
    arguments = CrawlArguments.from_words(crawl.arguments)
    today = crawl.started_at.astimezone(KST).date()
    if arguments.until is not None and arguments.until < today - DAY:
        return False
    return bool(crawl.job) or not arguments.is_backfill(today, WEEK)


class FiguresReader:
    """Reads the figures of all outlets, or of one, by one query for the runs of four weeks."""

    def __init__(self, connection: Snapshot, now: datetime, only: str = "") -> None:
        self._connection, self._now = connection, now
        crawls = crawls_since(connection, now - DAY - _BEFORE, now, only)
        current = [crawl for crawl in crawls if is_of_today(crawl)]
        self._outcomes = self._counted_since(crawls, now - DAY)
        self._new = _new(self._counted_since(current, now - DAY))
        self._new_of_both = _new(self._counted_since(current, now - DAY - WEEK))
        self._read_last_day: dict[str, list[str]] = defaultdict(list)
        #: By outlet, the crawls that found new articles of it, the oldest first.
        self._fruitful: dict[str, list[RunRecord]] = defaultdict(list)
        for crawl in current:
            is_of_last_day = crawl.ended_at is None or crawl.ended_at > now - DAY
            for outlet, counts in crawl.counts.items():
                if is_of_last_day:
                    self._read_last_day[outlet].append(crawl.run_id)
                if counts.get(Outcome.NEW):
                    self._fruitful[outlet].append(crawl)

    def of(self, outlet: str) -> OutletFigures:
        """Return one outlet's figures."""
        began = first_crawl(self._connection, outlet)
        days = min(WEEK, self._now - DAY - began) / DAY if began is not None else 0
        before = self._new_of_both[outlet] - self._new[outlet]
        day, weeks = self._fill(outlet, last_day=True), self._fill(outlet, last_day=False)
        return OutletFigures(
            new=self._new[outlet],
            paywalled=self._paywalled(outlet),
            generic=self._number_generic(outlet),
            daily=before / days if days >= 1 else None,
            last_new_at=self._last_new(outlet),
            outcomes=dict(sorted(self._outcomes.get(outlet, {}).items())),
            rates={name: _rate(name, day, weeks) for name in FIELDS},
            articles=Articles(day.articles, weeks.articles),
        )

    def _counted_since(
        self, crawls: Iterable[RunRecord], moment: datetime
    ) -> dict[str, Counter[str]]:
        """Return what crawls counted since a moment, by outlet.

        A crawl that began later is counted by its own counts, one across the moment by its
        outcomes.
        """
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
        """Return when the outlet last had a new article."""
        crawl = self._last_fruitful(outlet)
        return last_new_of(self._connection, crawl.run_id, outlet) if crawl is not None else None

    def _paywalled(self, outlet: str) -> int:
        begin = self._now - DAY
        recent = (
            run for run in self._fruitful[outlet] if run.ended_at is None or run.ended_at > begin
        )
        run_ids = [run.run_id for run in recent]
        return paywalled_since(self._connection, run_ids, outlet, begin) if run_ids else 0

    def _number_generic(self, outlet: str) -> int:
        run_ids = self._read_last_day[outlet]
        begin = self._now - DAY
        return generic_since(self._connection, run_ids, outlet, begin) if run_ids else 0

    def _last_fruitful(self, outlet: str) -> RunRecord | None:
        recent = self._fruitful[outlet]
        if recent:
            return recent[-1]
        for crawl in crawls_back(self._connection, outlet, self._now - DAY - _BEFORE):
            if is_of_today(crawl) and crawl.counts.get(outlet, {}).get(Outcome.NEW):
                return crawl
        return None

    def _fill(self, outlet: str, *, last_day: bool) -> Fill:
        """Return the fill rates of the last day, or of the weeks before it."""
        begin = self._now - DAY
        crawls = self._fruitful[outlet]
        chosen = [one.run_id for one in crawls if (one.started_at >= begin) is last_day]
        return fill(self._connection, outlet, chosen) if chosen else Fill()


def _new(counts: Mapping[str, Mapping[str, int]]) -> Counter[str]:
    return Counter({outlet: table.get(Outcome.NEW, 0) for outlet, table in counts.items()})


def _rate(name: str, day: Fill, weeks: Fill) -> Rate:
    last, before = ((found.shares or {}).get(name) for found in (day, weeks))
    if last is None or before is None or min(day.articles, weeks.articles) < _FEWEST:
        return Rate(last, before, far_off=False)
    empty = round((1 - last) * day.articles)
    was_empty = round((1 - before) * weeks.articles)
    far_off = is_significant(empty, day.articles, was_empty, weeks.articles)
    return Rate(last, before, far_off=far_off)
