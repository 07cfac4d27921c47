"""The alarm of an outlet that is blocked: most new articles of its last crawl were lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archive.runs.alarms import AlarmKind, Cause
from archive.runs.new_articles import NewArticles, few_came_in, new_articles
from crawler.alarms.drift import UNPARSED
from crawler.outlets import find_outlet

if TYPE_CHECKING:
    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord
    from crawler.alarms.changes import AlarmChanges
    from crawler.alarms.outlet_history import OutletHistory


class BlockedAlarms:
    """Judges whether outlets refuse their new articles, within one check of the monitor."""

    def __init__(self, connection: Snapshot, changes: AlarmChanges) -> None:
        self._connection, self._changes = connection, changes

    def judge(self, history: OutletHistory) -> None:
        """Judge an outlet by its last crawl, after its drift and before its jobs.

        The alarm ends with a crawl in which most new articles came in.
        """
        last = max(history.crawls, key=lambda crawl: crawl.ended, default=None)
        if last is None:
            return
        outlet = history.outlet
        found = blocked_articles(self._connection, outlet, last)
        alarms = self._changes.open(AlarmKind.BLOCKED, outlet)
        if not found.blocked:
            if last.new and all(alarm.began_at <= last.started_at for alarm in alarms):
                self._changes.end(alarms)
        elif not alarms and not self._is_drift(outlet):
            self._changes.add(
                Cause(
                    kind=AlarmKind.BLOCKED,
                    subject=outlet,
                    sentence=found.sentence(outlet),
                    began_at=last.started_at,
                )
            )

    def _is_drift(self, outlet: str) -> bool:
        """Return whether an alarm says already that the outlet's pages cannot be read."""
        fields = [alarm.fields for alarm in self._changes.lasting(AlarmKind.DRIFT, outlet)]
        fields += [
            cause.fields
            for cause in self._changes.causes
            if (cause.kind, cause.subject) == (AlarmKind.DRIFT, outlet)
        ]
        return any(UNPARSED in its for its in fields)


def blocked_articles(connection: Snapshot, outlet: str, crawl: RunRecord) -> NewArticles:
    """Return what became of the new articles of a crawl that has ended, if most may be lost."""
    if not few_came_in(crawl.counts.get(outlet, {})):
        return NewArticles()
    known = find_outlet(outlet)
    walks = known.walks if known is not None else frozenset[str]()
    return new_articles(connection, outlet, crawl.run_id, walks)
