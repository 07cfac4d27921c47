"""Whether an outlet has published nothing for longer than chance explains.

Time is measured in articles: the number that the outlet usually publishes in the time that complete
crawls have covered without finding a new one. A night counts little, a weekend of an outlet that
rests on weekends nothing, a working morning much. The longest such gap of the weeks before is the
measure of the outlet's own bursts. The statistic and its false-alarm rate are derived in
docs/alarms.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import log
from statistics import median
from typing import TYPE_CHECKING

from archive.model.article import KST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    #: A time from its begin to its end, the end excluded.
    Period = tuple[datetime, datetime]

HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
#: How far back the usual rate is measured; up to FURTHEST where an outlet has published fewer
#: articles than ENOUGH in WEEKS.
WEEKS, ENOUGH = timedelta(weeks=4), 80
FURTHEST = timedelta(weeks=26)
#: No judgement on a shorter history, or on fewer articles.
LEAST_HISTORY, LEAST_ARTICLES = timedelta(weeks=1), 20
#: No silence before so many complete crawls in a row found nothing, over so much time, with so many
#: articles missing.
_CRAWLS, _TIME, _MISSING = 2, timedelta(hours=3), 6.0
#: One false alarm per outlet in _YEARS is accepted. _RARE is log(13 * Gamma(1 + c) * _YEARS), see
#: docs/alarms.md.
_YEARS, _RARE = 50, 7.2
#: The time before a crawl counts up to this multiple of the usual time between crawls: a scheduler
#: that was stopped has seen nothing, and a clock that jumps makes no outlet silent.
_UNSEEN = 1.5
#: Judged by the rate that the outlet's file declares: so long without a new article, and so many
#: missing, because nights and weekends of the outlet are unknown.
_DECLARED_TIME, _DECLARED_MISSING = DAY, 30


@dataclass(frozen=True, slots=True)
class Observation:
    """A crawl that could see new articles: its start, if it was complete, if it found one."""

    at: datetime
    complete: bool
    found_new: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """No new article since ``since``, in so many complete ``crawls``.

    ``missing`` articles are usual in that time; in earlier gaps never more than ``most`` were.
    """

    since: datetime
    crawls: int
    missing: float
    most: float


class PublicationRate:
    """The usual number of articles by hour of the day and kind of day, measured over a period.

    ``hours`` are the articles published in each full hour. ``day_kind`` returns the kind of a day,
    0 to 6. Times in ``without`` are left out.
    """

    def __init__(
        self,
        hours: Mapping[datetime, int],
        since: datetime,
        until: datetime,
        day_kind: Callable[[date], int],
        without: Sequence[Period] = (),
    ) -> None:
        self._day_kind = day_kind
        self.span = until - since
        self.articles = 0
        observed = [[0] * 24 for _ in range(7)]
        published = [[0] * 24 for _ in range(7)]
        hour = _full_hour(since)
        while hour < until:
            if not _is_within(hour, without):
                kind, clock = self._slot(hour)
                observed[kind][clock] += 1
                published[kind][clock] += hours.get(hour, 0)
                self.articles += hours.get(hour, 0)
            hour += HOUR
        rates = [_rates(*of_kind) for of_kind in zip(published, observed, strict=True)]
        self._rate = [_smoothed(of_kind) for of_kind in rates]
        # articles expected from the first hour until each later one, as far as it was asked for
        self._first, self._sums = _full_hour(since), [0.0]

    def expected(self, begin: datetime, end: datetime) -> float:
        """Return how many articles are usual in a time; none before the measured period."""
        return self._until(end) - self._until(begin)

    def _until(self, moment: datetime) -> float:
        past, rest = divmod(max(moment - self._first, timedelta(0)), HOUR)
        while len(self._sums) < past + 2:
            kind, clock = self._slot(self._first + (len(self._sums) - 1) * HOUR)
            self._sums.append(self._sums[-1] + self._rate[kind][clock])
        return self._sums[past] + (self._sums[past + 1] - self._sums[past]) * (rest / HOUR)

    def _slot(self, hour: datetime) -> tuple[int, int]:
        local = hour.astimezone(KST)
        return self._day_kind(local.date()), local.hour


def silence(
    observations: Sequence[Observation], rate: PublicationRate, without: Sequence[Period] = ()
) -> Silence | None:
    """Return the outlet's silence at the last of the observations, None if it is not silent.

    The observations are in the order of time. Gaps that began within ``without`` (earlier silences)
    are no measure of what is usual.
    """
    last = _last_found(observations)
    since = observations[last].at
    empty = sum(one.complete for one in observations[last + 1 :])
    if empty < _CRAWLS or not _has_history(observations[0].at, since, rate):
        return None
    if rate.expected(since, observations[-1].at) < _MISSING:
        return None  # the usual case, without the sums below
    longest = _longest_counted(observations)
    missing, seen = _missing(observations[last:], rate, longest)
    if seen < _TIME:
        return None
    least, most = _earlier_gaps(observations[: last + 1], rate, longest, without)
    crawls = sum(one.complete for one in observations)
    if missing < _bound(rate, crawls, least, most):
        return None
    return Silence(since, empty, missing, most)


def is_silent_for_a_day(per_day: int, last_new: datetime, now: datetime) -> bool:
    """Return whether no new article since ``last_new`` contradicts the declared number per day.

    A crawl is judged by this: it needs no history. ``per_day`` is 0 if unknown; nothing then
    contradicts it.
    """
    waited = now - last_new
    return waited >= _DECLARED_TIME and int(per_day * (waited / DAY)) >= _DECLARED_MISSING


def _last_found(observations: Sequence[Observation]) -> int:
    """Return the index of the last observation that found something, 0 if none did."""
    for at in range(len(observations) - 1, 0, -1):
        if observations[at].found_new:
            return at
    return 0


def _has_history(first: datetime, last: datetime, rate: PublicationRate) -> bool:
    return rate.articles >= LEAST_ARTICLES and last - first >= LEAST_HISTORY


def _longest_counted(observations: Sequence[Observation]) -> timedelta:
    """Return the longest time before a crawl that counts as seen by it."""
    complete = [one.at for one in observations if one.complete]
    return _UNSEEN * median((b - a) / HOUR for a, b in pairwise(complete)) * HOUR


def _missing(
    observations: Sequence[Observation], rate: PublicationRate, longest: timedelta
) -> tuple[float, timedelta]:
    """Return how many articles are usual in what the crawls after the first saw, and its length."""
    missing, seen = 0.0, timedelta(0)
    before = observations[0].at
    for one in observations[1:]:
        if one.complete:
            counted = min(one.at - before, longest)
            missing += rate.expected(one.at - counted, one.at)
            seen += counted
            before = one.at
    return missing, seen


def _earlier_gaps(
    observations: Sequence[Observation],
    rate: PublicationRate,
    longest: timedelta,
    without: Sequence[Period],
) -> tuple[float, float]:
    """Return the largest earlier gap in articles: by its empty crawls, and by its end.

    When in the time between the last empty crawl and the one that found something the outlet
    published again is unknown, so the largest gap lies between the two.
    """
    least = most = 0.0
    before = 0
    for at in range(1, len(observations)):
        if not observations[at].found_new:
            continue
        if not _is_within(observations[before].at, without):
            gap = observations[before:at]
            end = Observation(observations[at].at, complete=True, found_new=False)
            least = max(least, _missing(gap, rate, longest)[0])
            most = max(most, _missing([*gap, end], rate, longest)[0])
        before = at
    return least, most


def _bound(rate: PublicationRate, crawls: int, least: float, most: float) -> float:
    """Return how many articles must be missing, given the largest earlier gap."""
    tested = max(min(rate.articles, crawls), LEAST_ARTICLES)
    times = 1 + _RARE / log(tested)
    chance = log(_YEARS * tested * (YEAR / rate.span))
    return max(_MISSING, min(times * most, max(times * least, chance)))


def _rates(published: Sequence[int], observed: Sequence[int]) -> list[float]:
    return [
        number / hours if hours else 0.0 for number, hours in zip(published, observed, strict=True)
    ]


def _smoothed(rates: Sequence[float]) -> list[float]:
    """Return each hour's rate averaged with its neighbours': few weeks are few samples of it."""
    return [(rates[h - 1] + 2 * rates[h] + rates[(h + 1) % 24]) / 4 for h in range(24)]


def _is_within(moment: datetime, periods: Sequence[Period]) -> bool:
    return any(begin <= moment < end for begin, end in periods)


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
