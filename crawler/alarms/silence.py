"""When an outlet's silence is longer than it can be.

An outlet is measured in articles, not in hours: how many it would usually have published in the
time that good crawls have seen and in which none of them found anything new. So a night counts for
little, a weekend of an office's outlet for nothing, and a working morning for much. What it has
missed at the worst in the weeks before is the measure of its own bursts; the fewer times that was
put to the test, the further beyond it an alarm lies.
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

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
#: How far back the usual is looked for; further at an outlet that has not published so many
#: articles in it.
WEEKS, ENOUGH = timedelta(weeks=4), 80
FURTHEST = timedelta(weeks=26)
#: No alarm with a shorter history, or fewer articles.
LEAST_HISTORY, LEAST_ARTICLES = timedelta(weeks=1), 20
#: No alarm before so many crawls in a row found nothing, over so long, with so many articles
#: missing.
_CRAWLS, _TIME, _MISSING = 2, timedelta(hours=3), 6.0
#: A false alarm in so many years is borne. Where articles come by chance, one looks at n gaps a
#: year, and a gap in which x are usual has the chance exp(-x). The longest of n gaps is about log
#: n, and one longer than c times that comes n ** -c times: _RARE is log(13 * Gamma(1 + c) *
#: _YEARS), four weeks being the measure of fifty-two.
_YEARS, _RARE = 50, 7.2
#: Time between two crawls counts up to so many times what lies between them usually: a scheduler
#: that stood still has seen nothing, and a clock that jumps has not made an outlet silent.
_UNSEEN = 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """A crawl that could see what is new: when it began, whether it was done, whether it kept a new article."""

    at: datetime
    done: bool
    found: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing new since the look at ``since``, where ``missing`` articles are usual; ``most`` were missing before."""

    since: datetime
    looks: int
    missing: float
    most: float


class Rhythm:
    """How many articles an outlet publishes by hour and kind of day, from what it did between two moments.

    ``hours`` are numbers by full hour. ``kind`` gives the kind of a day (0 to 6). ``without`` are
    times to leave out.
    """

    def __init__(
        self,
        hours: Mapping[datetime, int],
        since: datetime,
        until: datetime,
        kind: Callable[[date], int],
        without: Sequence[tuple[datetime, datetime]] = (),
    ) -> None:
        self._kind = kind
        self.articles = 0
        seen = [[0] * 24 for _ in range(7)]
        counted = [[0] * 24 for _ in range(7)]
        hour = _full_hour(since)
        while hour < until:
            if not any(begin <= hour < end for begin, end in without):
                day, clock = self._slot(hour)
                seen[day][clock] += 1
                counted[day][clock] += hours.get(hour, 0)
                self.articles += hours.get(hour, 0)
            hour += HOUR
        rate = [
            [n / s if s else 0.0 for n, s in zip(*both, strict=True)]
            for both in zip(counted, seen, strict=True)
        ]
        # Few weeks are few samples of an hour: its neighbours tell something of it.
        self._first, self._sums = _full_hour(since), [0.0]
        self.span = until - since
        self._rate = [
            [(r[h - 1] + 2 * r[h] + r[(h + 1) % 24]) / 4 for h in range(24)] for r in rate
        ]

    def usual(self, begin: datetime, end: datetime) -> float:
        """How many articles are usual in this time; of what was before the rhythm's own time nothing is known."""
        return self._until(end) - self._until(begin)

    def _until(self, moment: datetime) -> float:
        past, rest = divmod(max(moment - self._first, HOUR * 0), HOUR)
        while len(self._sums) < past + 2:
            day, clock = self._slot(self._first + (len(self._sums) - 1) * HOUR)
            self._sums.append(self._sums[-1] + self._rate[day][clock])
        return self._sums[past] + (self._sums[past + 1] - self._sums[past]) * (rest / HOUR)

    def _slot(self, hour: datetime) -> tuple[int, int]:
        local = hour.astimezone(KST)
        return self._kind(local.date()), local.hour


def silence(
    looks: Sequence[Look], rhythm: Rhythm, without: Sequence[tuple[datetime, datetime]] = ()
) -> Silence | None:
    """Whether the outlet is silent at the last of the looks, which are in the order of time.

    What the outlet missed within the times of ``without`` (earlier silences) is no measure of it.
    """
    last = max((i for i, look in enumerate(looks) if look.found), default=0)
    empty = sum(look.done for look in looks[last + 1 :])
    if (
        empty < _CRAWLS
        or rhythm.articles < LEAST_ARTICLES
        or looks[last].at - looks[0].at < LEAST_HISTORY
    ):
        return None
    if rhythm.usual(looks[last].at, looks[-1].at) < _MISSING:
        return None  # without another thought, as mostly
    done = [look.at for look in looks if look.done]
    longest = _UNSEEN * median((b - a) / HOUR for a, b in pairwise(done)) * HOUR
    missing, seen = _missed(looks[last:], rhythm, longest)
    if seen < _TIME or missing < _MISSING:
        return None
    # What was missing before, told by the crawls that found nothing; and at the most, until one
    # found something.
    least = most = 0.0
    before = 0
    for i in (i for i in range(1, last + 1) if looks[i].found):
        if not any(begin <= looks[before].at < end for begin, end in without):
            least = max(least, _missed(looks[before:i], rhythm, longest)[0])
            most = max(
                most,
                _missed([*looks[before:i], Look(looks[i].at, True, False)], rhythm, longest)[0],
            )
        before = i
    tested = max(min(rhythm.articles, len(done)), LEAST_ARTICLES)
    times = 1 + _RARE / log(tested)
    chance = log(_YEARS * tested * (YEAR / rhythm.span))
    bound = max(_MISSING, min(times * most, max(times * least, chance)))
    return Silence(looks[last].at, empty, missing, most) if missing >= bound else None


def _missed(looks: Sequence[Look], rhythm: Rhythm, longest: timedelta) -> tuple[float, timedelta]:
    """How many articles are usual in what the looks after the first have seen, and how long that is."""
    missing, seen = 0.0, timedelta(0)
    before = looks[0].at
    for look in looks[1:]:
        if look.done:
            counted = min(look.at - before, longest)
            missing += rhythm.usual(look.at - counted, look.at)
            seen += counted
            before = look.at
    return missing, seen


def _full_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
