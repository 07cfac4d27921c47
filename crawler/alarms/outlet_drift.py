"""The alarm of an outlet whose newest pages are read differently than usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, Cause
from crawler.alarms.drift import BODY, UNPARSED, drifts, is_over
from crawler.alarms.outlet_history import crawls_to_judge, news_readings
from crawler.alarms.sample import split
from crawler.alarms.silence import WEEKS
from crawler.cli.output.times import kst_minute
from crawler.outlets import article_id

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.readings import PageSample
    from crawler.alarms.changes import AlarmChanges
    from crawler.alarms.drift import Drift
    from crawler.alarms.outlet_history import OutletHistory

_LABELS = {
    UNPARSED: "pages without an article",
    "published": "publication time to the minute",
}


class DriftAlarms:
    """Judges whether pages of outlets have changed, within one check of the monitor."""

    def __init__(self, connection: Snapshot, changes: AlarmChanges, now: datetime) -> None:
        self._connection, self._changes, self._now = connection, changes, now

    def judge(self, history: OutletHistory) -> None:
        """Judge an outlet; fields with an open alarm are not judged again."""
        known: list[str] = []
        for alarm in self._changes.open(AlarmKind.DRIFT, history.outlet):
            if self._is_over(history, alarm):
                self._changes.end([alarm])
            else:
                known += alarm.fields
        # What has just become usual again is judged by the next check.
        if not any(
            alarm.kind is AlarmKind.DRIFT and alarm.subject == history.outlet
            for alarm in self._changes.over
        ):
            self._changes.add(drift_cause(self._connection, history, known))

    def _is_over(self, history: OutletHistory, alarm: Alarm) -> bool:
        """Return whether pages are read as before, or have been as they are for four weeks."""
        if self._now - alarm.began_at > WEEKS:
            return True
        usual, recent = split(crawls_to_judge(history, alarm), alarm.began_at)
        readings = news_readings(self._connection, history, recent)
        newest = [reading for reading in readings if reading.captured_at >= alarm.began_at]
        return is_over(alarm.fields, news_readings(self._connection, history, usual), newest)


def drift_cause(
    connection: Snapshot, history: OutletHistory, known: Collection[str]
) -> Cause | None:
    """Return the cause of an alarm about fields that are not ``known`` to have changed."""
    usual, recent = split(crawls_to_judge(history))
    if not recent or UNPARSED in known:
        return None
    newest = news_readings(connection, history, recent)
    found = drifts(news_readings(connection, history, usual), newest)
    found = [drift for drift in found if drift.field not in known]
    if not found:
        return None
    first = min((drift.first for drift in found), key=lambda reading: reading.captured_at)
    return Cause(
        kind=AlarmKind.DRIFT,
        subject=history.outlet,
        sentence=_sentence(history.outlet, found, first),
        began_at=first.captured_at,
        fields=tuple(drift.field for drift in found),
    )


def _sentence(outlet: str, found: Sequence[Drift], first: PageSample) -> str:
    reason = f" ({first.reason})" if first.reason else ""
    name = first.article_id
    shown_by = f"{PROGRAM} show {outlet}/{name}"
    if not first.parsed:
        name = article_id(outlet, first.source) or first.source
        shown_by = first.source
    return (
        f"{outlet} is read differently than usual: {', '.join(map(_figures, found))}. First "
        f"affected capture: {outlet}/{name} of {kst_minute(first.captured_at)} KST, "
        f"{first.warc_file} at byte {first.warc_offset}{reason}. If the layout has changed, see "
        f"{shown_by}; then correct crawler/outlets/{outlet}.py and run: {PROGRAM} reindex"
    )


def _figures(drift: Drift) -> str:
    if drift.field == BODY:
        return (
            f"bodies of {drift.now:.0f} characters in the last {drift.number} articles, usually "
            f"{drift.usual:.0f}"
        )
    label = _LABELS.get(drift.field, drift.field)
    return f"{label} {drift.now:.0%} in the last {drift.number} articles, usually {drift.usual:.0%}"
