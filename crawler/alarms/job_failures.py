"""The alarm of a job that has failed for good."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, Cause
from archive.runs.job_runs import past
from archive.runs.readings import crawls_of
from archive.runs.record import FAILURES, Ending
from crawler.alarms.drift import UNPARSED
from crawler.alarms.silence import is_silent_for_a_day
from crawler.cli.output.times import kst_minute
from crawler.outlets import find_outlet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.job_runs import Past
    from archive.runs.record import RunRecord
    from crawler.alarms.changes import AlarmChanges
    from crawler.alarms.verification_findings import VerificationAlarms
    from crawler.jobs.job import Job

_WRONG_USAGE = 2
#: Alarms of jobs and outlets that are not run any more end so long after their last run.
FORGOTTEN = timedelta(days=7)
#: Pages without an article are kept, so a crawl that fails only because of them loses nothing. They
#: have so long to prove a drift, which needs nine of them, before their job counts as failed.
_UNREAD = timedelta(hours=6)


class JobAlarms:
    """Judges jobs, within one check of the monitor."""

    def __init__(
        self,
        connection: Snapshot,
        changes: AlarmChanges,
        now: datetime,
        verifications: VerificationAlarms,
    ) -> None:
        self._connection, self._changes, self._now = connection, changes, now
        self._verifications = verifications

    def judge(self, job: Job) -> None:
        """End or raise the alarm of a job, unless another alarm explains its failure."""
        runs = past(self._connection, job.name, self._now)
        failure = last_failure(runs)
        if failure is None:
            self._end_succeeded(job, runs)
            return
        if job.verb == "verify" and self._verifications.explains(job, failure):
            return
        cause = failure_cause(job, runs)
        if cause is None or self._changes.open(cause.kind, cause.subject):
            return
        if not job.outlet or not self._is_explained(job, runs, failure):
            self._changes.add(cause)

    def end_forgotten(self, alerting: Mapping[str, bool]) -> None:
        """End the alarms of jobs without ``alert``, and of jobs that are not run any more."""
        since = self._now - FORGOTTEN
        for alarm in self._changes.open(AlarmKind.JOB_FAILED):
            name = alarm.subject
            last = past(self._connection, name, self._now).attempts[:1]
            is_gone = name not in alerting and all(one.started_at < since for one in last)
            if is_gone or not alerting.get(name, True):
                self._changes.end([alarm])

    def _end_succeeded(self, job: Job, runs: Past) -> None:
        if runs.succeeded is not None:
            since = runs.succeeded.started_at
            alarms = self._changes.open(AlarmKind.JOB_FAILED, job.name)
            self._changes.end(alarm for alarm in alarms if alarm.began_at < since)

    def _is_explained(self, job: Job, runs: Past, failure: RunRecord) -> bool:
        """Return whether the alarm of the outlet is the reason why its crawl failed."""
        if failure.exit_code == 1 and self._changes.will_be_open(AlarmKind.BLOCKED, job.outlet):
            return True
        counts = failure.counts.get(job.outlet, {})
        if failure.exit_code != 1 or _has_outcome(counts, "failed"):
            return False
        if _has_outcome(counts, "unparsed"):
            return self._is_unread(job, runs)
        return self._is_without_news(job, failure)

    def _is_unread(self, job: Job, runs: Past) -> bool:
        """Return whether pages without an article have an alarm, or may still get one."""
        first = runs.first_failed
        if first is not None and self._now - first.started_at < _UNREAD:
            return True
        return self._changes.will_be_open(AlarmKind.DRIFT, job.outlet)

    def _is_without_news(self, job: Job, failure: RunRecord) -> bool:
        """Return whether an alarm of the outlet explains that a crawl found no new article.

        Pages without an article explain it, too: after a day, a crawl that finds no page to read
        fails because nothing is new.
        """
        explaining = self._changes.lasting(AlarmKind.SILENT, job.outlet) + [
            alarm
            for alarm in self._changes.lasting(AlarmKind.DRIFT, job.outlet)
            if UNPARSED in alarm.fields
        ]
        if not explaining:
            return False
        began = min(alarm.began_at for alarm in explaining)
        # The crawl counts from the last new article, which is older than the alarm's begin.
        crawls = crawls_of(self._connection, job.outlet, began - FORGOTTEN, failure.started_at)
        since = max((crawl.started_at for crawl in crawls if crawl.new), default=began)
        known = find_outlet(job.outlet)
        per_day = known.per_day if known is not None else 0  # its file may be broken
        return is_silent_for_a_day(per_day, since, failure.ended_at or self._now)


def last_failure(runs: Past) -> RunRecord | None:
    """Return the job's last failure, None if it has succeeded since.

    Attempts that were stopped, or whose process died, neither failed nor succeeded.
    """
    for attempt in runs.attempts:
        if attempt.ending is Ending.SUCCEEDED:
            return None
        if attempt.ending in FAILURES:
            return attempt
    return None


def failure_cause(job: Job, runs: Past) -> Cause | None:
    """Return the cause of an alarm if a job failed more often than it is retried.

    A job that was refused for its arguments is not retried.
    """
    last, first = last_failure(runs), runs.first_failed
    if last is None or first is None:
        return None
    refused = last.ending is Ending.FAILED and last.exit_code == _WRONG_USAGE
    if runs.failed <= job.retries and not refused:
        return None
    what = "was refused: its arguments are invalid" if refused else _failures(runs)
    ended = f"exit status {last.exit_code}"
    if last.ending is Ending.TIMED_OUT:
        ended = "the last run was ended by its time limit"
    sentence = (
        f"Job {job.name} {what} ({ended}; first failure {kst_minute(first.started_at)} KST). "
        f"Read {last.log or 'its log'}, then try: {command_line(job)}"
    )
    return Cause(
        kind=AlarmKind.JOB_FAILED, subject=job.name, sentence=sentence, began_at=first.started_at
    )


def command_line(job: Job) -> str:
    """Return the command that runs the job by hand."""
    settings = (word for name, value in job.settings for word in ("-s", f"{name}={value}"))
    return shlex.join([PROGRAM, job.verb, *job.words, *settings])


def _failures(runs: Past) -> str:
    times = {1: "once", 2: "twice"}.get(runs.failed, f"{runs.failed} times")
    if runs.succeeded is None:
        return f"failed {times} and has never succeeded"
    return f"failed {times} since it last succeeded on {kst_minute(runs.succeeded.started_at)} KST"


def _has_outcome(counts: Iterable[str], outcome: str) -> bool:
    return any(name.startswith(outcome) for name in counts)
