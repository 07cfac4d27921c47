"""What there is to say of an outlet: whether it is silent, and whether its pages are read as they used to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.runs.alarms import Alarm, Cause, Kind, past_alarms
from archive.runs.job_runs import Ending
from archive.runs.readings import crawls_of, nth_newest, origins, published_by_hour, readings_of
from crawler.alarms.drift import BODY, UNPARSED, drifts, is_over
from crawler.alarms.holidays import day_kind
from crawler.alarms.job_failures import moment
from crawler.alarms.sample import is_backfill, is_current, reach, split
from crawler.alarms.silence import ENOUGH, WEEKS, Observation, PublicationRate, silence
from crawler.model.crawl_arguments import NEWS
from crawler.outlets import article_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.readings import Crawl, Reading
    from crawler.alarms.drift import Drift

#: A page that no article can be read from is new if it was discovered no longer before; later looks
#: don't count it.
_FRESH = timedelta(days=1)


@dataclass(frozen=True)
class Beat:
    """An outlet's crawls as far back as it is judged by, the earliest first, as they are in the index now."""

    outlet: str
    crawls: list[Crawl]
    silences: list[tuple[datetime, datetime]]
    drifted: list[tuple[datetime, datetime]]
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    @property
    def latest(self) -> tuple[str, datetime] | None:
        """What tells whether there is anything to judge anew."""
        return max(
            ((c.run_id, c.ended_at) for c in self.crawls), key=lambda pair: pair[1], default=None
        )


def beat_of(connection: Snapshot, outlet: str, now: datetime, open_since: datetime | None) -> Beat:
    """The outlet's crawls; further back where an alarm has been open since then."""
    newest = nth_newest(connection, outlet, 1, now) or now
    since = reach(newest, nth_newest(connection, outlet, ENOUGH, now))
    if open_since is not None:
        since = min(since, open_since - WEEKS)
    silences, drifted = (
        [
            (a.began_at, a.ended_at)
            for a in past_alarms(connection, kind, outlet)
            if a.ended_at is not None
        ]
        for kind in (Kind.SILENT, Kind.DRIFT)
    )
    return Beat(outlet, crawls_of(connection, outlet, since, now), silences, drifted)


def silent(connection: Snapshot, beat: Beat) -> Cause | None:
    """The alarm of an outlet that is silent, by the crawls that could have seen what is new."""
    current = [crawl for crawl in beat.crawls if is_current(crawl) and not is_backfill(crawl)]
    looks = [Observation(c.started_at, c.ending is Ending.SUCCEEDED, c.new > 0) for c in current]
    last = max((i for i, look in enumerate(looks) if look.found_new), default=None)
    if last is None or last >= len(looks) - 2:
        return None
    since, until = looks[0].at, looks[last].at
    hours = published_by_hour(connection, beat.outlet, since, until)
    said = silence(
        looks, PublicationRate(hours, since, until, day_kind, beat.silences), beat.silences
    )
    if said is None:
        return None
    sentence = (
        f"{beat.outlet} is silent: {said.crawls} crawls found nothing new since the one of {moment(said.since)}, "
        f"where {said.missing:.0f} articles are usual; in the weeks before never more than {said.most:.0f} were "
        f"missing. See whether its site shows newer ones; read {current[-1].log or 'the last log'}, then try: "
        f"{PROGRAM} crawl {beat.outlet}"
    )
    return Cause(kind=Kind.SILENT, subject=beat.outlet, sentence=sentence, began_at=said.since)


def heard_again(beat: Beat, alarm: Alarm) -> bool:
    """Whether a crawl has found something new since the outlet fell silent."""
    return any(
        c.new and c.started_at > alarm.began_at
        for c in beat.crawls
        if is_current(c) and not is_backfill(c)
    )


def drifted(connection: Snapshot, beat: Beat, told: Sequence[str]) -> Cause | None:
    """The alarm of an outlet whose newest pages are read otherwise than usual, in fields that were not told."""
    usual, recent = split(_judged(beat))
    if not recent:
        return None
    newest = _readings(connection, beat, recent)
    found = [
        drift
        for drift in drifts(_readings(connection, beat, usual), newest)
        if drift.field not in told
    ]
    if not found or UNPARSED in told:
        return None
    first = min((drift.first for drift in found), key=lambda reading: reading.captured_at)
    sentence = (
        f"{beat.outlet} is read otherwise than usual: {', '.join(map(_figures, found))}. The first bad capture: "
        f"{beat.outlet}/{_name(beat.outlet, first)} of {moment(first.captured_at)}, {first.warc_file} at byte "
        f"{first.warc_offset}{f' ({first.reason})' if first.reason else ''}. Has its layout changed? Look: "
        f"{_look(beat.outlet, first)}; once crawler/outlets/{beat.outlet}.py is mended: {PROGRAM} "
        "reindex"
    )
    fields = tuple(drift.field for drift in found)
    return Cause(
        kind=Kind.DRIFT,
        subject=beat.outlet,
        sentence=sentence,
        began_at=first.captured_at,
        fields=fields,
    )


def usual_again(connection: Snapshot, beat: Beat, alarm: Alarm, now: datetime) -> bool:
    """Whether a drift is over: the outlet is read as before, or has been as it is now for four weeks."""
    if now - alarm.began_at > WEEKS:
        return True
    usual, recent = split(_judged(beat, alarm), alarm.began_at)
    newest = [r for r in _readings(connection, beat, recent) if r.captured_at >= alarm.began_at]
    return is_over(alarm.fields, _readings(connection, beat, usual), newest)


def _judged(beat: Beat, alarm: Alarm | None = None) -> list[Crawl]:
    """The crawls of news, but for those of earlier drifts, and of what was before one that has become usual."""
    until_usual = max((end for begin, end in beat.drifted if end - begin > WEEKS), default=None)
    return [
        crawl
        for crawl in beat.crawls
        if not is_backfill(crawl)
        and (alarm is None or crawl.started_at >= alarm.began_at - WEEKS)
        and not any(begin <= crawl.ended_at <= end for begin, end in beat.drifted)
        and (until_usual is None or crawl.started_at > until_usual)
    ]


def _readings(connection: Snapshot, beat: Beat, crawls: Sequence[Crawl]) -> list[Reading]:
    """What the crawls read of articles that were new to the world too, each once."""
    beat.readings.update(
        readings_of(
            connection,
            beat.outlet,
            [crawl for crawl in crawls if crawl.run_id not in beat.readings],
        )
    )
    found: dict[str, Reading] = {}
    for crawl in crawls:
        for reading in beat.readings[crawl.run_id]:
            found.setdefault(reading.source, reading)
    unread = {
        r.source: named
        for r in found.values()
        if not r.parsed and (named := article_id(beat.outlet, r.source))
    }
    known = origins(connection, beat.outlet, list(unread.values()))
    backfills = {crawl.run_id for crawl in beat.crawls if is_backfill(crawl)}

    def is_news(reading: Reading) -> bool:
        origin = known.get(unread.get(reading.source, ""))
        published = reading.published_at or (origin.published_at if origin else None)
        if published is not None and reading.captured_at - published > NEWS:
            return False
        return origin is None or (
            origin.discovered_run not in backfills
            and reading.captured_at - origin.discovered_at < _FRESH
        )

    return [reading for reading in found.values() if is_news(reading)]


def _figures(drift: Drift) -> str:
    if drift.field == BODY:
        return f"bodies of {drift.now:.0f} characters in the last {drift.number} articles, usually {drift.usual:.0f}"
    what = {
        UNPARSED: "pages without an article",
        "published": "a time of publication to the minute",
    }
    share = f"{drift.now:.0%} in the last {drift.number} articles, usually {drift.usual:.0%}"
    return f"{what.get(drift.field, drift.field)} {share}"


def _name(outlet: str, reading: Reading) -> str:
    named = reading.article_id or (None if reading.parsed else article_id(outlet, reading.source))
    return named or reading.source


def _look(outlet: str, reading: Reading) -> str:
    return f"{PROGRAM} show {outlet}/{reading.article_id}" if reading.parsed else reading.source
