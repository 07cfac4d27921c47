"""Which crawls show what is usual at an outlet, and which what is new there."""

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

    from archive.runs.record import RunRecord

#: Crawls of the same hours begin within so much of each other. A stretch of crawls that is longer
#: than _LONG has no hours of its own.
_SLACK, _LONG = timedelta(minutes=30), timedelta(days=3)
#: So many other days are enough to show what is usual.
_FEWEST, _SATURDAY = 2, 5


def reach(now: datetime, enough: datetime | None) -> datetime:
    """Return since when an outlet is judged.

    That is four weeks ago, or when the last ``ENOUGH`` articles began (``enough``), at most half a
    year ago.
    """
    furthest = now - FURTHEST
    return min(now - WEEKS, max(furthest, enough or furthest))


def is_current(crawl: RunRecord) -> bool:
    """Return whether a crawl discovered new articles, and not one address or past days."""
    return CrawlArguments.from_words(crawl.arguments).finds_new


def is_backfill(crawl: RunRecord) -> bool:
    """Return whether a crawl asked for days so long ago that their articles are no news."""
    today = crawl.started_at.astimezone(KST).date()
    return CrawlArguments.from_words(crawl.arguments).is_backfill(today)


def split(
    crawls: Sequence[RunRecord], began_at: datetime | None = None
) -> tuple[list[RunRecord], list[RunRecord]]:
    """Return the crawls that show what is usual (about `MOST` pages), and the newest ones.

    Pages of a night differ from those of a day, so the usual crawls are of the same hours of other
    days, workdays or days of rest as the newest are; where the newest span three days or more, of
    any hours. ``began_at`` is when the change that is judged began, if that is known: all before is
    usual, all after is new. The crawls are in the order of time. In an outlet's first week, there
    are no usual ones.
    """
    reading = [crawl for crawl in crawls if crawl.read]
    if began_at is None:
        quarter = sum(crawl.read for crawl in reading) // 4
        first = _newest(reading, min(max(quarter, STRETCHES[1]), STRETCHES[-1]), 0)
        before = reading[:first]
    else:
        begin = next(
            (i for i, crawl in enumerate(reading) if crawl.ended >= began_at), len(reading)
        )
        first = _newest(reading, STRETCHES[-1], begin)
        before = reading[:begin]
    recent = reading[first:]
    if not recent or not before or recent[-1].started_at - before[0].started_at < LEAST_HISTORY:
        return [], recent
    return _usual(before, recent), recent


def _newest(crawls: Sequence[RunRecord], wanted: int, begin: int) -> int:
    """Return the index, at least ``begin``, from which crawls read about ``wanted`` pages."""
    first, count = len(crawls), 0
    while first > begin and count < wanted:
        first -= 1
        count += crawls[first].read
    return first


def _usual(before: Sequence[RunRecord], recent: Sequence[RunRecord]) -> list[RunRecord]:
    """Return crawls of the same hours of other days, else any; at most about `MOST` pages."""
    begin, end = recent[0].started_at - _SLACK, recent[-1].started_at + _SLACK
    blocks: list[Sequence[RunRecord]] = []
    if end - begin < _LONG:
        blocks = _of_same_hours(before, begin, end)
    if len(blocks) < _FEWEST:
        blocks = _of_any_hours(before)
    pages = sum(crawl.read for block in blocks for crawl in block)
    step = max(1, -(-pages // MOST))
    # every step-th block, the last one included
    chosen = blocks[::-1][::step][::-1]
    return [crawl for block in chosen for crawl in block]


def _of_same_hours(
    before: Sequence[RunRecord], begin: datetime, end: datetime
) -> list[Sequence[RunRecord]]:
    """Return a block of crawls for each earlier day of the same kind, the earliest first."""
    times = [crawl.started_at for crawl in before]
    rests = _rests(begin, end)
    blocks = []
    for days in range((end - times[0]).days, 0, -1):
        shift = timedelta(days)
        if _rests(begin - shift, end - shift) == rests:
            first, last = bisect_left(times, begin - shift), bisect_right(times, end - shift)
            blocks.append(before[first:last])
    return [block for block in blocks if block]


def _of_any_hours(before: Sequence[RunRecord]) -> list[Sequence[RunRecord]]:
    """Return blocks of crawls that read as many pages as the longest stretch has."""
    blocks: list[list[RunRecord]] = [[]]
    count = 0
    for crawl in before:
        if count >= STRETCHES[-1]:
            blocks.append([])
            count = 0
        blocks[-1].append(crawl)
        count += crawl.read
    return list(blocks)


def _rests(begin: datetime, end: datetime) -> list[bool]:
    """Return for each of the days whether it is a Saturday, a Sunday or a holiday."""
    first, last = begin.astimezone(KST).date(), end.astimezone(KST).date()
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    return [day_kind(day) >= _SATURDAY for day in days]
