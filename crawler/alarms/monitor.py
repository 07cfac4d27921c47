"""The scheduler's monitor: raises each alarm once, and ends it when its cause is gone.

Each kind of alarm has a class of its own that judges within one check: `outlet_silence`,
`outlet_drift`, `outlet_blocked`, `job_failures`, `verification_findings`, `disk`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import index_file
from archive.index.writers.parts import ALARMS
from archive.runs.alarms import Alarm, AlarmKind, Cause, end_alarm, open_alarms, raise_alarm
from archive.runs.readings import crawls_of
from archive.segments.store import store_of
from crawler.alarms.changes import AlarmChanges
from crawler.alarms.disk import DiskAlarms
from crawler.alarms.job_failures import FORGOTTEN, JobAlarms
from crawler.alarms.outlet_blocked import BlockedAlarms
from crawler.alarms.outlet_drift import DriftAlarms
from crawler.alarms.outlet_history import outlet_history
from crawler.alarms.outlet_silence import SilenceAlarms
from crawler.alarms.verification_findings import VerificationAlarms
from crawler.cli.output.times import kst_minute
from crawler.model.text import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from archive.index.database import Index, Snapshot
    from archive.segments.store import StoreOrFolder
    from crawler.alarms.outlet_history import OutletHistory
    from crawler.alarms.webhook import Webhook
    from crawler.jobs.execution.runner import FinishedRun
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)
#: Seconds between complete checks if no run of this scheduler has ended meanwhile.
EVERY = 300.0


class AlarmMonitor:
    """Judges the jobs with ``alert``, their outlets, the archive at ``archive`` and its index.

    ``webhook`` posts to ALERT_URL, if it is set. ``least`` bytes must be free on the disks; 0 for
    the default. ``raised`` counts the alarms that this monitor raised. ``clock`` returns aware
    times.
    """

    def __init__(
        self,
        index: Index,
        archive: StoreOrFolder,
        webhook: Webhook | None = None,
        least: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._index, self._archive, self._webhook = index, store_of(archive), webhook
        self._least, self._clock = least, clock
        self._next = 0.0
        self._judged = _JudgedOutlets(index_file(index.url))
        self.raised = 0

    def ended(self, run: FinishedRun) -> None:
        """Note that a run has ended: the next check is a complete one."""
        self._next = 0.0
        self._judged.forget(run.order.job.outlet)

    def check(self, jobs: Sequence[Job]) -> None:
        """Judge everything if a run has ended or five minutes have passed; post alarms.

        :raises IndexUnusableError: the index cannot be read or written.
        """
        if monotonic() >= self._next:
            self._judge(jobs)
            self._next = monotonic() + EVERY
            if self._webhook is not None:
                self._webhook.wake()
        if self._webhook is not None:
            self._webhook.poll()

    def close(self) -> None:
        """Wait for alarms that are being posted."""
        if self._webhook is not None:
            self._webhook.wait()

    def _judge(self, jobs: Sequence[Job]) -> None:
        now = self._clock()
        with self._index.reading() as connection:
            changes = AlarmChanges(open_alarms(connection), now)
            self._judge_jobs(connection, jobs, changes, now)
        DiskAlarms(changes, now, self._archive, index_file(self._index.url), self._least).judge()
        if changes.over or changes.causes:
            self._write(changes.over, changes.causes)

    def _judge_jobs(
        self, connection: Snapshot, jobs: Sequence[Job], changes: AlarmChanges, now: datetime
    ) -> None:
        """Judge jobs and outlets, in an order in which an alarm's cause is not raised twice."""
        archive = as_text(self._archive.place())
        archives = {job.name: dict(job.settings).get("ARCHIVE_URL", archive) for job in jobs}
        verifications = VerificationAlarms(connection, changes, now, archive, archives)
        job_alarms = JobAlarms(connection, changes, now, verifications)
        drift_alarms = DriftAlarms(connection, changes, now)
        silence_alarms = SilenceAlarms(connection, changes)
        blocked_alarms = BlockedAlarms(connection, changes)
        verifications.end_verified()
        by_outlet = _alerting_by_outlet(jobs)
        for outlet, its in by_outlet.items():
            # Pages without an article are why a crawl fails, so they are judged before its job; a
            # failing job is why an outlet is silent, so silence is judged after it.
            history = self._judged.history(connection, outlet, changes, now) if outlet else None
            if history is not None:
                drift_alarms.judge(history)
                blocked_alarms.judge(history)
            for job in its:
                job_alarms.judge(job)
            if history is not None and not silence_alarms.judge(history):
                self._judged.forget(outlet)
        job_alarms.end_forgotten({job.name: job.alert for job in jobs})
        _end_forgotten_outlets(connection, changes, by_outlet, now)

    def _write(self, over: Sequence[Alarm], causes: Sequence[Cause]) -> None:
        """Write the changes; log those that no other process wrote before."""
        now = self._clock()
        with self._index.writing(ALARMS) as connection:
            ended = [alarm for alarm in over if end_alarm(connection, alarm, now)]
            begun = [cause for cause in causes if raise_alarm(connection, cause)]
        for alarm in ended:
            _log.info(
                "over: %s of %s, since %s KST",
                alarm.kind,
                alarm.subject,
                kst_minute(alarm.began_at),
            )
        for cause in begun:
            _log.error("ALARM %s: %s", cause.kind, cause.sentence)
        self.raised += len(begun)


class _JudgedOutlets:
    """Remembers outlets in which nothing has changed since they were judged.

    A new index file under the same name is a change.
    """

    def __init__(self, index: Path | None) -> None:
        self._index = index
        self._states: dict[str, tuple[object, ...]] = {}

    def forget(self, outlet: str) -> None:
        """Judge the outlet again by the next check."""
        self._states.pop(outlet, None)

    def history(
        self, connection: Snapshot, outlet: str, changes: AlarmChanges, now: datetime
    ) -> OutletHistory | None:
        """Return the outlet's history, None if there is nothing new to judge."""
        drifts = changes.open(AlarmKind.DRIFT, outlet)
        blocked = changes.open(AlarmKind.BLOCKED, outlet)
        alarms = [*changes.open(AlarmKind.SILENT, outlet), *drifts, *blocked]
        open_since = min((alarm.began_at for alarm in alarms), default=None)
        history = outlet_history(connection, outlet, now, open_since)
        state = (_file_number(self._index), history.latest, *(alarm.id for alarm in alarms))
        if self._states.get(outlet) == state and not drifts:
            return None
        self._states[outlet] = state
        return history


def _alerting_by_outlet(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """Return the jobs that raise alarms by outlet, ``""`` for those without one."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        if job.alert:
            found.setdefault(job.outlet, []).append(job)
    return found


def _end_forgotten_outlets(
    connection: Snapshot, changes: AlarmChanges, outlets: Collection[str], now: datetime
) -> None:
    """End the alarms of outlets that no job crawls, and that were not crawled lately."""
    for kind in (AlarmKind.SILENT, AlarmKind.DRIFT, AlarmKind.BLOCKED):
        for alarm in changes.open(kind):
            outlet = alarm.subject
            if outlet not in outlets and not crawls_of(connection, outlet, now - FORGOTTEN, now):
                changes.end([alarm])


def _file_number(path: Path | None) -> int:
    """Return the inode number of the file that has this name now, 0 if there is none."""
    if path is None:
        return 0
    try:
        return path.stat().st_ino
    except OSError:
        return 0
