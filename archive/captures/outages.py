"""Tell outages of an outlet from deletions: answers that many articles gave at once.

Everything is computed from captures. A run is what one segment holds without a break of over an
hour; a long one is judged by the hour as well, because an outage may be a small part of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

#: More than half of a run's looks are an outage from this number of articles on: a run of one or
#: two looks shows nothing of the outlet.
_LEAST_OF_RUN = 3
#: Articles with the same payload are an outage from this number on, if they are this share of the
#: run's looks: an outlet may answer for two deleted articles with one page.
_LEAST_OF_PAYLOAD, _SHARE_OF_PAYLOAD = 4, 0.1
_BREAK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class GoneLook:
    """A look at a known article whose answer was that it is gone.

    ``seen_at`` is when the article was last seen before, in ``seen_file``; None if that is unknown.
    ``is_news`` is False where nothing said that there is such an article, or it is known to be
    missing: such a look shows no outage, but may be part of one.
    """

    capture_id: int
    article: int
    at: datetime
    file: str
    payload_digest: str
    seen_at: datetime | None
    seen_file: str = ""
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class GoodHour:
    """Looks that showed an article: their number in an hour of a segment, first and last time."""

    file: str
    hour: str
    number: int
    first: datetime
    last: datetime


@dataclass(slots=True)
class _Span:
    """An hour or a run: the looks that found articles gone, and how many showed one."""

    file: str
    first: datetime
    last: datetime
    good: int = 0
    gone: list[GoneLook] = field(default_factory=list)

    def extend(self, other: _Span) -> None:
        self.last = max(self.last, other.last)
        self.good += other.good
        self.gone += other.gone

    def is_outage(self, fresh: Sequence[GoneLook]) -> bool:
        """Return whether the articles of ``fresh``, which were there before, are too many."""
        articles = {look.article for look in fresh}
        # an article seen before in the same span is one look
        seen_here = {
            look.article
            for look in fresh
            if look.seen_at is not None
            and look.seen_file == self.file
            and self.first <= look.seen_at <= self.last
        }
        looks = max(self.good - len(seen_here), 0) + len(articles)
        if len(articles) >= _LEAST_OF_RUN and 2 * len(articles) > looks:
            return True
        payloads = Counter(digest for digest, _ in {(o.payload_digest, o.article) for o in fresh})
        shared = max(payloads.values(), default=0)
        return shared >= _LEAST_OF_PAYLOAD and shared >= _SHARE_OF_PAYLOAD * looks


class GoodTimes:
    """When articles of an outlet were served."""

    def __init__(self, hours: Iterable[GoodHour]) -> None:
        self._moments = sorted(moment for hour in hours for moment in (hour.first, hour.last))

    def between(self, start: datetime, end: datetime) -> bool:
        """Return whether an article was served from ``start`` to ``end``, both included.

        It is exact for times at least an hour apart. Many archives state whole minutes or days
        only: what was served at the time of a look counts.
        """
        return bisect_left(self._moments, start) < bisect_right(self._moments, end)


def outage_captures(gone: Iterable[GoneLook], hours: Sequence[GoodHour]) -> frozenset[int]:
    """Return the ids of those captures that show an outage of the outlet and no deletion.

    Only articles that were there at the last look count: to look again at articles that were
    missing already is no sign of an outage, even if all are still missing.
    """
    spans = _hourly(gone, hours)
    missing_since: dict[int, datetime] = {}
    found: set[int] = set()
    for run in sorted(_runs(spans), key=lambda one: min(look.at for look in one.gone)):
        fresh = [look for look in run.gone if _was_there(look, missing_since)]
        outage: set[int] = set()
        for span in (run, *_hours_of(run, spans)):
            among = {look.capture_id for look in span.gone}
            if span.is_outage([look for look in fresh if look.capture_id in among]):
                outage |= among
        for look in run.gone:
            if look.capture_id not in outage and _was_there(look, missing_since):
                missing_since[look.article] = look.at
        found |= outage
    return frozenset(found)


def _was_there(look: GoneLook, missing_since: Mapping[int, datetime]) -> bool:
    if not look.is_news:
        return False
    since = missing_since.get(look.article)
    return since is None or (look.seen_at is not None and look.seen_at >= since)


def clock_hour(moment: datetime) -> str:
    """Return the hour by which looks are counted."""
    return f"{moment:%Y-%m-%d %H}"


def _hourly(gone: Iterable[GoneLook], hours: Iterable[GoodHour]) -> dict[tuple[str, str], _Span]:
    """Return the looks by segment and hour."""
    spans = {
        (one.file, one.hour): _Span(one.file, one.first, one.last, good=one.number) for one in hours
    }
    for look in sorted(gone, key=lambda one: (one.at, one.capture_id)):
        key = (look.file, clock_hour(look.at))
        span = spans.setdefault(key, _Span(look.file, look.at, look.at))
        span.first, span.last = min(span.first, look.at), max(span.last, look.at)
        span.gone.append(look)
    return spans


def _runs(spans: Mapping[tuple[str, str], _Span]) -> list[_Span]:
    """Return the runs in which an article was gone."""
    runs: list[_Span] = []
    for key in sorted(spans):
        span = spans[key]
        if not runs or runs[-1].file != span.file or span.first - runs[-1].last > _BREAK:
            runs.append(_Span(span.file, span.first, span.last))
        runs[-1].extend(span)
    return [run for run in runs if run.gone]


def _hours_of(run: _Span, spans: Mapping[tuple[str, str], _Span]) -> list[_Span]:
    return [spans[key] for key in sorted({(look.file, clock_hour(look.at)) for look in run.gone})]
