"""The alarm of an outlet that is silent: complete crawls find no new article for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, Cause
from archive.runs.readings import published_by_hour
from archive.runs.record import Ending
from crawler.alarms.holidays import day_kind
from crawler.alarms.sample import is_backfill, is_current
from crawler.alarms.silence import Observation, PublicationRate, silence
from crawler.cli.output.times import kst_minute

if TYPE_CHECKING:
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord
    from crawler.alarms.changes import AlarmChanges
    from crawler.alarms.outlet_history import OutletHistory


class SilenceAlarms:
    """Judges whether outlets are silent, within one check of the monitor."""

    def __init__(self, connection: Snapshot, changes: AlarmChanges) -> None:
        self._connection, self._changes = connection, changes

    def judge(self, history: OutletHistory) -> bool:
        """Judge an outlet after its jobs and its drift; return whether it could be judged.

        While another alarm explains that nothing new is found, the outlet is not judged.
        """
        outlet = history.outlet
        open_alarms = self._changes.open(AlarmKind.SILENT, outlet)
        self._changes.end(a for a in open_alarms if _found_since(history, a.began_at))
        if open_alarms or self._is_explained(history):
            return False
        self._changes.add(silence_cause(self._connection, history))
        return True

    def _is_explained(self, history: OutletHistory) -> bool:
        """Return whether an alarm of the outlet's jobs or pages is open after this check."""
        jobs = {crawl.job for crawl in history.crawls if crawl.job}
        unread = (AlarmKind.DRIFT, AlarmKind.BLOCKED)
        if any(self._changes.will_be_open(kind, history.outlet) for kind in unread):
            return True
        return any(self._changes.will_be_open(AlarmKind.JOB_FAILED, job) for job in jobs)


def silence_cause(connection: Snapshot, history: OutletHistory) -> Cause | None:
    """Return the cause of an alarm if the outlet is silent."""
    crawls = _crawls_of_news(history)
    observations = [
        Observation(crawl.started_at, crawl.ending is Ending.SUCCEEDED, crawl.new > 0)
        for crawl in crawls
    ]
    last = max((i for i, one in enumerate(observations) if one.found_new), default=None)
    if last is None or last >= len(observations) - 2:
        return None
    since, until = observations[0].at, observations[last].at
    hours = published_by_hour(connection, history.outlet, since, until)
    rate = PublicationRate(hours, since, until, day_kind, history.silences)
    found = silence(observations, rate, history.silences)
    if found is None:
        return None
    sentence = (
        f"{history.outlet} is silent: {found.crawls} crawls found no new article since "
        f"{kst_minute(found.since)} KST, where {found.missing:.0f} are usual; in the weeks before, "
        f"at most {found.most:.0f} were missing. Check whether its site has newer articles; read "
        f"{crawls[-1].log or 'the last log'}, then try: {PROGRAM} crawl {history.outlet}"
    )
    return Cause(
        kind=AlarmKind.SILENT, subject=history.outlet, sentence=sentence, began_at=found.since
    )


def _crawls_of_news(history: OutletHistory) -> list[RunRecord]:
    """Return the crawls that could see a new article."""
    return [crawl for crawl in history.crawls if is_current(crawl) and not is_backfill(crawl)]


def _found_since(history: OutletHistory, moment: datetime) -> bool:
    """Return whether a crawl that began later found a new article."""
    return any(c.new and c.started_at > moment for c in _crawls_of_news(history))
