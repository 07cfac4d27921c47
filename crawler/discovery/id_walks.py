"""Walking ids: which numbers may be articles of the days asked for, where no list reaches. No network, no clock.

A walk gives ids to look at and is told what each was. It finds no addresses by guessing a site's
structure: only ids in the form that the outlet is known to use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from crawler.model.channels import Anchor, DailyIds, RisingIds
from crawler.model.window import days

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

#: Ids between a known article before the edge and one after it: so few are walked, not bisected.
CLOSE = 40
#: Ids are given when a draft is begun, so an article may stand a little out of order.
SLACK = 20
#: Missing ids met while bisecting one edge, before it is given up: so few ids are then walked, more
#: are not.
MAX_MISSES = 100
WIDE = 2_000
#: Consecutive missing ids, beyond all known ones, that say that the newest article has been passed.
BEYOND = 12
#: Consecutive numbers of a day without an article that end the day.
GAP = 100


@dataclass(slots=True)
class _Edge:
    """Where a day begins in rising ids: after ``low``, an id of an earlier day, at or before ``high``.

    An ``open`` edge's ``high`` is no article, only more ids than there can be. ``misses`` are the
    missing ids met since the edge last drew nearer.
    """

    day: date
    low: Anchor
    high: Anchor
    open: bool = False
    misses: int = 0

    @property
    def near(self) -> bool:
        wide = self.high.number - self.low.number
        return wide <= CLOSE + self.misses or (wide <= WIDE and self.misses >= MAX_MISSES)

    def probe(self, missing: Set[int]) -> int:
        """The id to look at next: interpolated by date, never nearer to a side than an eighth, past missing ids."""
        low, high = self.low.number, self.high.number
        share = (self.day - self.low.day).days / max((self.high.day - self.low.day).days, 1)
        wanted = low + int((high - low) * min(max(share, 0.125), 0.875))
        if self.open:
            # One after the other: only a run of missing ids tells that the newest article was
            # passed.
            first = max(min(wanted, high - BEYOND), low + 1)
            run = range(first, first + BEYOND)
            return next((number for number in run if number not in missing), first)
        # By ever longer steps to both sides: a whole range may be gone.
        step = (self.misses + 1) // 2 * (1 + self.misses // 10) * (1 if self.misses % 2 else -1)
        wanted = min(max(wanted + step, low + 1), high - 1)
        near = (
            number for away in range(len(missing) + 1) for number in (wanted + away, wanted - away)
        )
        return next(
            (number for number in near if low < number < high and number not in missing), wanted
        )

    def draw_in(self, missing: Set[int]) -> None:
        """Take the first of a run of missing ids for the end, while there is such a run."""
        while self.open and not self.near and (probe := self.probe(missing)) in missing:
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


class RisingWalk:
    """Ids between two days, by bisecting between known articles, then every id from the last to the first."""

    def __init__(
        self,
        ids: RisingIds,
        since: date,
        until: date,
        known: Mapping[str, date | None],
        *,
        ends_now: bool = False,
    ) -> None:
        """``known`` are articles found otherwise, with their days: they date the walk and are not given again.

        With ``ends_now`` the walk ends at the newest of them: what is newer is the next crawl's.
        """
        dated = [
            Anchor(int(found), day)
            for found, day in known.items()
            if day is not None and found.isdecimal()
        ]
        # An old article that a feed dates anew is no anchor: it contradicts those of the outlet's
        # file.
        sound = [
            a
            for a in dated
            if all((a.number - b.number) * (a.day - b.day).days >= 0 for b in ids.anchors)
        ]
        anchors = sorted({*ids.anchors, *sound}, key=lambda anchor: anchor.number)
        self._known = {int(found) for found in known if found.isdecimal()}
        self._first = _first_edge(anchors, since, ids.daily)
        last = _last_edge(anchors, until + timedelta(days=1), ids.daily)
        if ends_now and sound:
            last.high = last.low = anchors[-1]
        self._last = last
        self._asked: set[int] = set()
        self._waiting: set[int] = set()
        self._missing: set[int] = set()
        self._rest: Iterator[int] | None = None
        self.finished = False
        self.problem = ""

    def ids(self, most: int) -> list[str]:
        """Up to ``most`` ids to look at now; none while answers are awaited, or when the walk has finished."""
        if self.finished or self._waiting:
            return []
        edges = (self._first, self._last) if self._rest is None else ()
        for edge in edges:
            edge.draw_in(self._missing)
        far = [edge for edge in edges if not edge.near]
        lost = next((edge for edge in far if edge.misses >= MAX_MISSES), None)
        if lost is not None:
            self.finished = True
            self.problem = f"no article between the ids {lost.low.number} and {lost.high.number} could be dated"
            return []
        if far:
            probes = {edge.probe(self._missing) for edge in far}
            self._asked |= probes
            self._waiting |= probes
            return [str(number) for number in sorted(probes)]
        if self._rest is None:
            first, last = self._first.low.number - SLACK, self._last.high.number + SLACK
            done = self._asked | self._known
            self._rest = (number for number in range(last, max(first, 0), -1) if number not in done)
        given = [str(number) for _, number in zip(range(most), self._rest, strict=False)]
        self.finished = len(given) < most
        return given

    def learn(self, article_id: str, day: date | None) -> None:
        """What an id was: an article of that day, or (None) none that can be dated."""
        number = int(article_id)
        self._waiting.discard(number)
        if day is None:
            self._missing.add(number)
        for edge in (self._first, self._last):
            edge.learn(number, day)


def _first_edge(anchors: list[Anchor], day: date, daily: int) -> _Edge:
    """The known articles around the beginning of the first day; of two that contradict each other the lower."""
    high = next((anchor for anchor in anchors if anchor.day >= day), None)
    before = [
        anchor
        for anchor in anchors
        if anchor.day < day and (high is None or anchor.number < high.number)
    ]
    if before:
        return _closed(before[-1], day, high, daily)
    assert high is not None, "an outlet with rising ids has an anchor"
    low = Anchor(max(high.number - daily * ((high.day - day).days + 1), 0), day - timedelta(days=1))
    return _Edge(day, low, high)


def _last_edge(anchors: list[Anchor], day: date, daily: int) -> _Edge:
    """The known articles around the end of the last day; of two that contradict each other the higher."""
    low = next((anchor for anchor in reversed(anchors) if anchor.day < day), None)
    if low is None:
        return _first_edge(anchors, day, daily)
    high = next(
        (anchor for anchor in anchors if anchor.day >= day and anchor.number > low.number), None
    )
    return _closed(low, day, high, daily)


def _closed(low: Anchor, day: date, high: Anchor | None, daily: int) -> _Edge:
    """The edge, with as many ids as the days can hold where no article beyond it is known."""
    if high is not None:
        return _Edge(day, low, high)
    return _Edge(day, low, Anchor(low.number + daily * (day - low.day).days, day), open=True)


@dataclass(slots=True)
class _Day:
    day: date
    given: int = 0
    hit: int = 0
    waiting: set[str] = field(default_factory=set)


class DailyWalk:
    """A day's numbers from 1 up, the last day first; a day ends when a long run of its numbers is no article."""

    def __init__(
        self, ids: DailyIds, since: date, until: date, known: Mapping[str, date | None]
    ) -> None:
        """``known`` are articles found otherwise: they are not given again."""
        self._ids = ids
        self._known = frozenset(known)
        self._days = days(since, until)
        self._now = self._next_day()
        self.finished = self._now is None
        self.problem = ""

    def ids(self, most: int) -> list[str]:
        """Up to ``most`` ids to look at now; none while answers are awaited, or when the walk has finished."""
        given: list[str] = []
        while self._now is not None and len(given) < most:
            now = self._now
            if now.given < min(now.hit + GAP, self._ids.most):
                now.given += 1
                article_id = f"{now.day:%Y%m%d}{now.given:0{self._ids.digits}d}"
                if article_id in self._known:
                    now.hit = now.given
                else:
                    now.waiting.add(article_id)
                    given.append(article_id)
            elif now.waiting:
                break
            else:
                self._now = self._next_day()
        self.finished = self._now is None
        return given

    def learn(self, article_id: str, day: date | None) -> None:
        """What an id was: an article, or (None) none."""
        if self._now is None or article_id not in self._now.waiting:
            return
        self._now.waiting.discard(article_id)
        if day is not None:
            self._now.hit = max(self._now.hit, int(article_id[8:]))

    def _next_day(self) -> _Day | None:
        day = next(self._days, None)
        return None if day is None else _Day(day)
