"""Which crawls tell what is usual at an outlet, and which what is new there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.article import KST
from crawler.alarms.drift import MOST, STRETCHES
from crawler.alarms.holidays import day_kind
from crawler.alarms.silence import FURTHEST, LEAST_HISTORY, WEEKS
from crawler.model.crawl_arguments import CrawlArguments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from archive.runs.readings import Crawl

#: Crawls of the same hours begin within so much of each other; what takes longer than this has no
#: hours of its own.
_SLACK, _LONG = timedelta(minutes=30), timedelta(days=3)
#: Other days that are enough to tell what is usual.
_FEWEST, _SATURDAY = 2, 5


def reach(now: datetime, enough: datetime | None) -> datetime:
    """From when on an outlet is judged: four weeks, or as long as it took to publish ``enough``, up to half a year."""
    return min(now - WEEKS, max(now - FURTHEST, enough or now - FURTHEST))


def is_current(crawl: Crawl) -> bool:
    """Return whether a crawl discovered new articles, and not one address or past days."""
    return CrawlArguments.from_words(crawl.arguments).finds_new


def is_backfill(crawl: Crawl) -> bool:
    """Return whether a crawl asked for days so long ago that their articles are no news."""
    today = crawl.started_at.astimezone(KST).date()
    return CrawlArguments.from_words(crawl.arguments).is_backfill(today)


def split(
    crawls: Sequence[Crawl], began_at: datetime | None = None
) -> tuple[list[Crawl], list[Crawl]]:
    """The crawls (the earliest first) that tell what is usual, about `MOST` articles, and those of the newest.

    A night's pages are not a day's, so the usual ones are of the same hours of other days, workdays
    or days of rest as the newest are; where that is three days and longer, any. ``began_at`` is
    when what is judged began, where that is known: all before it is usual, all after it new. Of an
    outlet's first week nothing is said.
    """
    some = [(crawl, crawl.read) for crawl in crawls if crawl.counts]
    some = [(crawl, number) for crawl, number in some if number]
    if began_at is None:
        wanted = min(max(sum(number for _, number in some) // 4, STRETCHES[1]), STRETCHES[-1])
        first, begin = len(some), 0
    else:
        wanted = STRETCHES[-1]
        first, begin = (
            len(some),
            next((i for i, (c, _) in enumerate(some) if c.ended_at >= began_at), len(some)),
        )
    count = 0
    while first > begin and count < wanted:
        first -= 1
        count += some[first][1]
    recent = [crawl for crawl, _ in some[first:]]
    before = some[: first if began_at is None else begin]
    if not recent or not before or recent[-1].started_at - before[0][0].started_at < LEAST_HISTORY:
        return [], recent
    return _usual(before, recent), recent


def _usual(before: Sequence[tuple[Crawl, int]], recent: Sequence[Crawl]) -> list[Crawl]:
    begin, end = recent[0].started_at - _SLACK, recent[-1].started_at + _SLACK
    blocks: list[list[Crawl]] = []
    if end - begin < _LONG:
        times = [crawl.started_at for crawl, _ in before]
        for days in range(1, (end - times[0]).days + 1):
            shift = timedelta(days)
            if _rests(begin - shift, end - shift) == _rests(begin, end):
                its = before[bisect_left(times, begin - shift) : bisect_right(times, end - shift)]
                blocks.insert(0, [crawl for crawl, _ in its])
        blocks = [block for block in blocks if block]
    if len(blocks) < _FEWEST:
        blocks, count = [[]], 0
        for crawl, number in before:
            if count >= STRETCHES[-1]:
                blocks, count = [*blocks, []], 0
            blocks[-1].append(crawl)
            count += number
    step = max(1, -(-sum(crawl.read for block in blocks for crawl in block) // MOST))
    return [crawl for block in blocks[::-1][::step][::-1] for crawl in block]


def _rests(begin: datetime, end: datetime) -> list[bool]:
    """Which of the days are a Saturday, a Sunday or a holiday."""
    first, last = begin.astimezone(KST).date(), end.astimezone(KST).date()
    return [day_kind(first + timedelta(n)) >= _SATURDAY for n in range((last - first).days + 1)]
