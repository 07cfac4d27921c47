"""Where things stand as a Prometheus text file, for the node exporter's textfile collector or any other reader."""

from __future__ import annotations

import logging
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from archive.index.database import IndexUnusableError
from crawler import VERSION
from crawler.status.overview import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.index.database import Index
    from crawler.jobs.job import Job
    from crawler.status.overview import JobState, OutletState, Overview

_log = logging.getLogger(__name__)
#: The file is never older than this while a scheduler runs.
OFTEN = timedelta(minutes=5)


class MetricsFile:
    """METRICS_FILE in the hands of a scheduler: hand `ended` what ended, and call `look` now and then.

    What keeps it from being written is said once in the log, and once more when it is something
    else; it stops nothing.
    """

    def __init__(
        self,
        path: str,
        index: Index,
        archive: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path, self._index, self._archive, self._clock = path, index, archive, clock
        self._written: datetime | None = None
        self._trouble = ""

    def ended(self, _: object = None) -> None:
        """Note that a run has ended: the next `look` writes."""
        self._written = None

    def look(self, jobs: Sequence[Job]) -> None:
        """Write the file if a run has ended or it is five minutes old; nothing without a METRICS_FILE."""
        now = self._clock()
        # A clock that was set back is no reason to wait.
        if not self._path or (self._written is not None and abs(now - self._written) < OFTEN):
            return
        self._written = now
        try:
            write_metrics(self._path, survey(self._index, self._archive, jobs, now))
        except (OSError, IndexUnusableError) as error:
            trouble = f"{self._path}: the metrics can't be written ({_why(error)})."
            if trouble != self._trouble:
                _log.error(
                    "%s It is tried again every %s minutes.", trouble, OFTEN // timedelta(minutes=1)
                )
            self._trouble = trouble
        else:
            self._trouble = ""


def write_metrics(path: str, overview: Overview) -> None:
    """Write the file in one piece: whoever reads it sees the old one or the new one.

    :raises OSError: it can't be written, or what is there is no file.
    """
    place = Path(path).resolve()  # a link to it stays one
    if place.exists() and not stat.S_ISREG(place.stat().st_mode):
        raise OSError(f"{place} is no file")
    write_to_textfile(os.fspath(place), registry_of(overview))


def registry_of(overview: Overview) -> CollectorRegistry:
    """The figures of the overview, each as a gauge; what is not known has no sample."""
    gauges = _Gauges()
    gauges.set("build_info", "The version that wrote this", 1, version=VERSION)
    gauges.set("status_timestamp_seconds", "When these figures were taken", _seconds(overview.at))
    gauges.set("ok", "1 if nobody need look at anything, else 0", overview.ok)
    gauges.set("archive_bytes", "Bytes of the archive's files", overview.room.archive)
    gauges.set("index_bytes", "Bytes of the index", overview.room.index)
    gauges.set("disk_free_bytes", "Bytes free where the archive lies", overview.room.free)
    for state in overview.jobs:
        _tell_job(gauges, state)
    for outlet in overview.outlets:
        _tell_outlet(gauges, outlet)
    for alarm in overview.alarms:
        gauges.set(
            "alarm_open", "An alarm that is not over", 1, kind=alarm.kind, subject=alarm.subject
        )
    return gauges.registry


def _tell_job(gauges: _Gauges, state: JobState) -> None:
    job, last = state.job.name, state.last
    began = last.started_at if last is not None else None
    gauges.set(
        "run_last_start_timestamp_seconds", "When a job's last run began", _seconds(began), job=job
    )
    gauges.set(
        "run_last_success_timestamp_seconds",
        "When a job was last done",
        _seconds(state.done_at),
        job=job,
    )
    gauges.set(
        "next_run_timestamp_seconds", "When a job is run next", _seconds(state.coming.at), job=job
    )
    if last is None:
        return
    gauges.set("run_under_way", "1 while a job's last run goes on, else 0", last.under_way, job=job)
    if last.ended_at is not None:
        took = (last.ended_at - last.started_at).total_seconds()
        gauges.set("run_last_duration_seconds", "How long a job's last run took", took, job=job)
    gauges.set("run_last_exit_code", "The exit status of a job's last run", last.exit_code, job=job)
    if last.ending is not None:
        gauges.set("run_last_ending", "How a job's last run ended", 1, job=job, ending=last.ending)


def _tell_outlet(gauges: _Gauges, state: OutletState) -> None:
    name, standing = state.name, state.standing
    began = state.last.started_at if state.last is not None else None
    gauges.set(
        "crawl_last_start_timestamp_seconds",
        "When a crawl last began",
        _seconds(began),
        outlet=name,
    )
    gauges.set(
        "crawl_last_success_timestamp_seconds",
        "When one was last done",
        _seconds(state.done_at),
        outlet=name,
    )
    gauges.set(
        "articles_new_last_day",
        "Articles new to crawls of the last 24 hours",
        standing.new,
        outlet=name,
    )
    gauges.set(
        "articles_new_daily_mean", "A day's in the 7 days before", standing.daily, outlet=name
    )
    gauges.set(
        "articles_expected_per_day",
        "A day's as the outlet's file says",
        state.expected,
        outlet=name,
    )
    last_new = _seconds(standing.last_new_at)
    gauges.set(
        "article_last_new_timestamp_seconds", "When an article was last new", last_new, outlet=name
    )
    for what, number in standing.outcomes.items():
        outcome, _, reason = what.partition("/")
        labels = {"outlet": name, "outcome": outcome, "reason": reason}
        gauges.set(
            "outcomes_last_day",
            "What became of the crawls' inputs of the last 24 hours",
            number,
            **labels,
        )
    for field, rate in standing.rates.items():
        labels = {"outlet": name, "field": field}
        gauges.set(
            "fill_rate",
            "The share of the last day's new articles that have it",
            rate.last_day,
            **labels,
        )
        gauges.set("fill_rate_before", "The same of the four weeks before", rate.before, **labels)
    gauges.set(
        "fill_articles", "New articles that the fill rates are of", standing.filled[0], outlet=name
    )


class _Gauges:
    """Gauges under our prefix, made when they get their first sample."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, meaning: str, value: float | None, **labels: str) -> None:
        """Set a sample; none for what is not known."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                f"sacho_{name}", f"{meaning}.", list(labels), registry=self.registry
            )
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _why(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
