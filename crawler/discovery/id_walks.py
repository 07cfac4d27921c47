"""Id walks: which numbers may be articles of a window of days that no list reaches.

A walk yields ids to visit and is told what each one was. It does not guess addresses: it yields
only ids of the form that the outlet is known to use. No network, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from crawler.model.channels import Anchor, DailyIds, RisingIds
from crawler.model.window import days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

#: With this many ids between the articles around a boundary, all of them are visited and the
#: bisection ends.
CLOSE = 40
#: An id is assigned when a draft is begun, so articles may be out of order by this many.
SLACK = 20
#: Missing ids met while bisecting one boundary before it is given up. Up to `WIDE` ids are then
#: visited one by one; a wider range is a problem.
MAX_MISSES = 100
WIDE = 2_000
#: Consecutive missing ids above all known ones that show that the newest article is below them.
BEYOND = 12
#: Consecutive numbers of a day without an article that end the day.
GAP = 100
#: A probe is at least this part of the range away from both of its ends.
_MARGIN = 0.125


@dataclass(slots=True)
class _Boundary:
    """Where a day begins in rising ids: above ``low``, an id of an earlier day, up to ``high``.

    The ``high`` of an ``open`` boundary is no article, only an upper bound. ``misses`` counts the
    missing ids met since the range last shrank.
    """

    day: date
    low: Anchor
    high: Anchor
    open: bool = False
    misses: int = 0

    @property
    def near(self) -> bool:
        """Whether the range is small enough to visit all of its ids."""
        width = self.high.number - self.low.number
        if self.misses >= MAX_MISSES:
            return width <= max(WIDE, CLOSE + self.misses)
        return width <= CLOSE + self.misses

    def probe(self, missing: Set[int]) -> int:
        """Return the id to visit next: interpolated by date, and none of the ``missing`` ones."""
        wanted = self._interpolated()
        if self.open:
            return self._probe_upwards(wanted, missing)
        return self._probe_around(wanted, missing)

    def draw_in(self, missing: Set[int]) -> None:
        """Lower an open end to the first of a run of missing ids, while there is such a run."""
        while self.open and not self.near:
            probe = self.probe(missing)
            if probe not in missing:
                return
            self.high, self.misses = Anchor(probe, self.day), 0

    def learn(self, number: int, day: date | None) -> None:
        if not self.low.number < number < self.high.number:
            return
        if day is None:
            self.misses += 1
        elif day < self.day:
            self.low, self.misses = Anchor(number, day), 0
        else:
            self.high, self.misses, self.open = Anchor(number, day), 0, False

    def _interpolated(self) -> int:
        span = max((self.high.day - self.low.day).days, 1)
        share = (self.day - self.low.day).days / span
        share = min(max(share, _MARGIN), 1 - _MARGIN)
        return self.low.number + int((self.high.number - self.low.number) * share)

    def _probe_upwards(self, wanted: int, missing: Set[int]) -> int:
        """Return the first id of a run from ``wanted`` on that is not known to be missing.

        One after the other, because only a run of missing ids shows that the newest article is
        below. If the whole run is missing, its first id is returned.
        """
        first = max(min(wanted, self.high.number - BEYOND), self.low.number + 1)
        run = range(first, first + BEYOND)
        return next((number for number in run if number not in missing), first)

    def _probe_around(self, wanted: int, missing: Set[int]) -> int:
        """Return an id near ``wanted``; steps grow to both sides, as a whole range may be gone."""
        low, high = self.low.number, self.high.number
        step = (self.misses + 1) // 2 * (1 + self.misses // 10)
        if self.misses % 2 == 0:
            step = -step
        wanted = min(max(wanted + step, low + 1), high - 1)
        for distance in range(len(missing) + 1):
            for number in (wanted + distance, wanted - distance):
                if low < number < high and number not in missing:
                    return number
        return wanted


class RisingWalk:
    """The ids between two days, by bisecting between known articles, then every id from the last.

    ``problem`` says why the walk was given up; ``""`` if it was not.
    """

    def __init__(
        self,
        ids: RisingIds,
        since: date,
        until: date,
        known: Mapping[str, date | None],
        *,
        ends_now: bool = False,
    ) -> None:
        """Prepare a walk over the days from ``since`` to ``until``, both included.

        ``known`` are articles found by other channels, with their days: they serve as anchors and
        are not visited. With ``ends_now`` the walk ends at the newest of them; newer articles
        belong to the next crawl.
        """
        sound = _sound_anchors(known, ids.anchors)
        anchors = sorted({*ids.anchors, *sound}, key=lambda anchor: anchor.number)
        self._known = {int(article_id) for article_id in known if article_id.isdecimal()}
        self._first = _first_boundary(anchors, since, ids.daily)
        self._last = _last_boundary(anchors, until + timedelta(days=1), ids.daily)
        if ends_now and sound:
            self._last.high = self._last.low = anchors[-1]
        self._probed: set[int] = set()
        self._waiting: set[int] = set()
        self._missing: set[int] = set()
        self._rest: Iterator[int] | None = None
        self.finished = False
        self.problem = ""

    def next_ids(self, limit: int) -> list[str]:
        """Return up to ``limit`` ids to visit now.

        There are none while answers are awaited, or when the walk has finished.
        """
        if self.finished or self._waiting:
            return []
        if self._rest is None:
            probes = self._next_probes()
            if self.finished or probes:
                return probes
            self._rest = self._remaining()
        ids = [str(number) for _, number in zip(range(limit), self._rest, strict=False)]
        self.finished = len(ids) < limit
        return ids

    def learn(self, article_id: str, day: date | None) -> None:
        """Take note of what an id was: an article of that day, or None for one without a day."""
        number = int(article_id)
        self._waiting.discard(number)
        if day is None:
            self._missing.add(number)
        for boundary in (self._first, self._last):
            boundary.learn(number, day)

    def _next_probes(self) -> list[str]:
        """Return the ids that bisect the boundaries further; none when both are near."""
        boundaries = (self._first, self._last)
        for boundary in boundaries:
            boundary.draw_in(self._missing)
        far = [boundary for boundary in boundaries if not boundary.near]
        for boundary in far:
            if boundary.misses >= MAX_MISSES:
                self.finished = True
                between = f"{boundary.low.number} and {boundary.high.number}"
                self.problem = f"no article between the ids {between} could be dated"
                return []
        probes = {boundary.probe(self._missing) for boundary in far}
        self._probed |= probes
        self._waiting |= probes
        return [str(number) for number in sorted(probes)]

    def _remaining(self) -> Iterator[int]:
        """Return the ids between the boundaries that were not visited, from the last one on."""
        first, last = self._first.low.number - SLACK, self._last.high.number + SLACK
        done = self._probed | self._known
        return (number for number in range(last, max(first, 0), -1) if number not in done)


def _sound_anchors(known: Mapping[str, date | None], anchors: Sequence[Anchor]) -> list[Anchor]:
    """Return the dated articles that agree with all anchors of the outlet's file.

    An old article to which a feed gives a new date does not: it is no anchor.
    """
    dated = [
        Anchor(int(article_id), day)
        for article_id, day in known.items()
        if day is not None and article_id.isdecimal()
    ]
    return [anchor for anchor in dated if all(_agree(anchor, other) for other in anchors)]


def _agree(one: Anchor, other: Anchor) -> bool:
    """Whether the higher id is not of an earlier day."""
    return (one.number - other.number) * (one.day - other.day).days >= 0


def _first_boundary(anchors: list[Anchor], day: date, daily: int) -> _Boundary:
    """Return the known articles around the beginning of the first day of a walk.

    Of two that contradict each other the lower is taken.
    """
    high = _first(anchor for anchor in anchors if anchor.day >= day)
    earlier = [anchor for anchor in anchors if anchor.day < day]
    if high is not None:
        earlier = [anchor for anchor in earlier if anchor.number < high.number]
    if earlier:
        return _boundary(earlier[-1], day, high, daily)
    assert high is not None, "an outlet with rising ids has an anchor"
    lowest = max(high.number - daily * ((high.day - day).days + 1), 0)
    return _Boundary(day, Anchor(lowest, day - timedelta(days=1)), high)


def _last_boundary(anchors: list[Anchor], day: date, daily: int) -> _Boundary:
    """Return the known articles around the end of the last day of a walk.

    Of two that contradict each other the higher is taken.
    """
    low = _first(anchor for anchor in reversed(anchors) if anchor.day < day)
    if low is None:
        return _first_boundary(anchors, day, daily)
    later = (anchor for anchor in anchors if anchor.day >= day)
    high = _first(anchor for anchor in later if anchor.number > low.number)
    return _boundary(low, day, high, daily)


def _first(anchors: Iterable[Anchor]) -> Anchor | None:
    return next(iter(anchors), None)


def _boundary(low: Anchor, day: date, high: Anchor | None, daily: int) -> _Boundary:
    """Return the boundary; without ``high`` it has room for as many ids as the days can hold."""
    if high is not None:
        return _Boundary(day, low, high)
    highest = low.number + daily * (day - low.day).days
    return _Boundary(day, low, Anchor(highest, day), open=True)


@dataclass(slots=True)
class _Day:
    """A day being walked: the last number yielded, the last that was an article, ids awaited."""

    day: date
    yielded: int = 0
    hit: int = 0
    waiting: set[str] = field(default_factory=set)


class DailyWalk:
    """A day's numbers from 1 up, the last day first; a long run without an article ends a day."""

    def __init__(
        self, ids: DailyIds, since: date, until: date, known: Mapping[str, date | None]
    ) -> None:
        """Prepare a walk from ``until`` back to ``since``; ``known`` articles are not visited."""
        self._ids = ids
        self._known = frozenset(known)
        self._days = days(since, until)
        self._current = self._next_day()
        self.finished = self._current is None
        self.problem = ""

    def next_ids(self, limit: int) -> list[str]:
        """Return up to ``limit`` ids to visit now.

        There are none while answers are awaited, or when the walk has finished.
        """
        ids: list[str] = []
        while self._current is not None and len(ids) < limit:
            current = self._current
            if current.yielded < min(current.hit + GAP, self._ids.most):
                ids += self._next_number(current)
            elif current.waiting:
                break
            else:
                self._current = self._next_day()
        self.finished = self._current is None
        return ids

    def learn(self, article_id: str, day: date | None) -> None:
        """Take note of what an id was: an article, or None for no article."""
        current = self._current
        if current is None or article_id not in current.waiting:
            return
        current.waiting.discard(article_id)
        if day is not None:
            current.hit = max(current.hit, int(article_id[8:]))

    def _next_number(self, current: _Day) -> list[str]:
        """Go on to the day's next number; return its id, or nothing if the article is known."""
        current.yielded += 1
        article_id = f"{current.day:%Y%m%d}{current.yielded:0{self._ids.digits}d}"
        if article_id in self._known:
            current.hit = current.yielded
            return []
        current.waiting.add(article_id)
        return [article_id]

    def _next_day(self) -> _Day | None:
        day = next(self._days, None)
        return None if day is None else _Day(day)
