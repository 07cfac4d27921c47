"""The crawls that an outlet is judged by, and what they read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.runs.alarms import AlarmKind, past_alarms
from archive.runs.readings import crawls_of, nth_newest, origins, page_samples
from crawler.alarms.sample import is_backfill, reach
from crawler.alarms.silence import ENOUGH, WEEKS
from crawler.model.crawl_arguments import NEWS
from crawler.outlets import article_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.readings import Origin, PageSample
    from archive.runs.record import RunRecord

#: A page without an article is new if it was discovered no longer ago; later visits do not count.
_FRESH = timedelta(days=1)


@dataclass(frozen=True)
class OutletHistory:
    """An outlet's ended crawls as far back as it is judged by, the earliest first.

    ``silences`` and ``drifts`` are the times of earlier alarms. ``readings`` caches what crawls
    read, by run id.
    """

    outlet: str
    crawls: list[RunRecord]
    silences: list[tuple[datetime, datetime]]
    drifts: list[tuple[datetime, datetime]]
    readings: dict[str, list[PageSample]] = field(default_factory=dict)

    @property
    def latest(self) -> tuple[str, datetime] | None:
        """Id and end of the crawl that ended last: it differs if there is anything new to judge."""
        ends = [(crawl.run_id, crawl.ended) for crawl in self.crawls]
        return max(ends, key=lambda pair: pair[1], default=None)


def outlet_history(
    connection: Snapshot, outlet: str, now: datetime, open_since: datetime | None
) -> OutletHistory:
    """Return the outlet's history, further back if an alarm has been open since ``open_since``."""
    newest = nth_newest(connection, outlet, 1, now) or now
    since = reach(newest, nth_newest(connection, outlet, ENOUGH, now))
    if open_since is not None:
        since = min(since, open_since - WEEKS)
    return OutletHistory(
        outlet,
        crawls_of(connection, outlet, since, now),
        _past(connection, AlarmKind.SILENT, outlet),
        _past(connection, AlarmKind.DRIFT, outlet),
    )


def crawls_to_judge(history: OutletHistory, alarm: Alarm | None = None) -> list[RunRecord]:
    """Return the crawls of news that pages are judged by.

    Left out are those of earlier drifts, and all before a drift that has become usual. For an open
    ``alarm``, the crawls begin four weeks before it.
    """
    ends = [end for begin, end in history.drifts if end - begin > WEEKS]
    after = max(ends, default=None)
    return [
        crawl
        for crawl in history.crawls
        if not is_backfill(crawl)
        and not _is_within(crawl.ended, history.drifts)
        and (alarm is None or crawl.started_at >= alarm.began_at - WEEKS)
        and (after is None or crawl.started_at > after)
    ]


def news_readings(
    connection: Snapshot, history: OutletHistory, crawls: Sequence[RunRecord]
) -> list[PageSample]:
    """Return what the crawls read of articles that were news when they were captured, each once."""
    missing = [crawl for crawl in crawls if crawl.run_id not in history.readings]
    history.readings.update(page_samples(connection, history.outlet, missing))
    found: dict[str, PageSample] = {}
    for crawl in crawls:
        for reading in history.readings[crawl.run_id]:
            found.setdefault(reading.source, reading)
    unread = _unread_ids(history.outlet, found.values())
    known = origins(connection, history.outlet, list(unread.values()))
    backfills = {crawl.run_id for crawl in history.crawls if is_backfill(crawl)}
    return [one for one in found.values() if _is_news(one, unread, known, backfills)]


def _unread_ids(outlet: str, readings: Iterable[PageSample]) -> dict[str, str]:
    """Return the article ids in the addresses of pages without an article, by address."""
    found: dict[str, str] = {}
    for reading in readings:
        named = None if reading.parsed else article_id(outlet, reading.source)
        if named:
            found[reading.source] = named
    return found


def _is_news(
    reading: PageSample,
    unread: Mapping[str, str],
    origins_by_id: Mapping[str, Origin],
    backfills: Collection[str],
) -> bool:
    """Return whether a page was of an article that was new to the world, not only to the archive.

    Of a page without an article, the frontier knows when it was discovered, and by which run.
    """
    origin = origins_by_id.get(unread.get(reading.source, ""))
    published = reading.published_at or (origin.published_at if origin else None)
    if published is not None and reading.captured_at - published > NEWS:
        return False
    if origin is None:
        return True
    is_fresh = reading.captured_at - origin.discovered_at < _FRESH
    return is_fresh and origin.discovered_run not in backfills


def _past(connection: Snapshot, kind: AlarmKind, outlet: str) -> list[tuple[datetime, datetime]]:
    alarms = past_alarms(connection, kind, outlet)
    return [(one.began_at, one.ended_at) for one in alarms if one.ended_at is not None]


def _is_within(moment: datetime, periods: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(begin <= moment <= end for begin, end in periods)
