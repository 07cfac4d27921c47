"""The status as a Prometheus text file, for the node exporter's textfile collector."""

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
from crawler.cli.output.printable import printable_lines
from crawler.status.overview import survey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from archive.index.database import Index
    from archive.segments.store import StoreOrFolder
    from crawler.jobs.job import Job
    from crawler.status.overview import JobState, OutletState, Overview

_log = logging.getLogger(__name__)
#: While a scheduler runs, the file is not older than this.
OFTEN = timedelta(minutes=5)


class MetricsFile:
    """METRICS_FILE of a scheduler: call `ended` when a run has ended, and `update` regularly.

    An error of writing it is logged once, and again if it changes; it stops nothing.
    """

    def __init__(
        self,
        path: str,
        index: Index,
        archive: StoreOrFolder,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path, self._index, self._archive, self._clock = path, index, archive, clock
        self._written: datetime | None = None
        self._problem = ""

    def ended(self, _: object = None) -> None:
        """Note that a run has ended: the next `update` writes the file."""
        self._written = None

    def update(self, jobs: Sequence[Job]) -> None:
        """Write the file if a run has ended or it is five minutes old; nothing without a path."""
        now = self._clock()
        # A clock that was set back is no reason to wait.
        if not self._path or (self._written is not None and abs(now - self._written) < OFTEN):
            return
        self._written = now
        try:
            write_metrics(self._path, survey(self._index, self._archive, jobs, now))
        except (OSError, IndexUnusableError) as error:
            problem = f"{self._path}: the metrics can't be written ({_reason(error)})."
            if problem != self._problem:
                minutes = OFTEN // timedelta(minutes=1)
                _log.error("%s Retrying every %s minutes.", problem, minutes)
            self._problem = problem
        else:
            self._problem = ""


def write_metrics(path: str, overview: Overview) -> None:
    """Write the file atomically: a reader sees the old one or the new one.

    :raises OSError: it cannot be written, or the path is not a regular file.
    """
    place = Path(path).resolve()  # a link stays a link
    if place.exists() and not stat.S_ISREG(place.stat().st_mode):
        raise OSError(f"{place} is not a file")
    write_to_textfile(os.fspath(place), registry_of(overview))


def registry_of(overview: Overview) -> CollectorRegistry:
    """Return a gauge for each figure of the overview; an unknown figure has no sample."""
    gauges = _Gauges()
    gauges.set("build_info", "The version that wrote this", 1, version=VERSION)
    gauges.set(
        "status_timestamp_seconds", "When these figures were computed", _seconds(overview.at)
    )
    gauges.set("ok", "1 if nothing needs attention, else 0", overview.ok)
    gauges.set("archive_bytes", "Bytes of the archive's files", overview.room.archive)
    gauges.set("index_bytes", "Bytes of the index", overview.room.index)
    gauges.set(
        "disk_free_bytes", "Free bytes on the file system of the archive", overview.room.free
    )
    _add_queue(gauges, overview)
    for state in overview.jobs:
        _add_job(gauges, state)
    for outlet in overview.outlets:
        _add_outlet(gauges, outlet)
    for alarm in overview.alarms:
        gauges.set("alarm_open", "An open alarm", 1, kind=alarm.kind, subject=alarm.subject)
    return gauges.registry


def _add_queue(gauges: _Gauges, overview: Overview) -> None:
    queue = overview.queue
    if queue is None:
        return
    gauges.set("queue_waiting", "Deferred jobs that wait for a worker", queue.waiting)
    gauges.set("queue_running", "Deferred jobs that workers have taken", queue.running)
    gauges.set(
        "queue_oldest_timestamp_seconds",
        "Since when the first of the waiting jobs waits",
        _seconds(queue.oldest),
    )
    gauges.set("workers", "Workers that are alive", len(overview.workers))
    for worker in overview.workers:
        labels = {"host": worker.host, "run": worker.run_id}
        gauges.set(
            "worker_seen_timestamp_seconds",
            "When a worker last said that it is alive",
            _seconds(worker.seen_at),
            **labels,
        )
        gauges.set("worker_jobs", "Jobs that a worker runs", len(worker.jobs), **labels)


def _add_job(gauges: _Gauges, state: JobState) -> None:
    job, last = state.job.name, state.last
    began = last.started_at if last is not None else None
    gauges.set(
        "run_last_start_timestamp_seconds", "When a job's last run began", _seconds(began), job=job
    )
    gauges.set(
        "run_last_success_timestamp_seconds",
        "When a job last succeeded",
        _seconds(state.done_at),
        job=job,
    )
    gauges.set(
        "next_run_timestamp_seconds", "When a job is run next", _seconds(state.coming.at), job=job
    )
    if last is None:
        return
    gauges.set(
        "run_under_way", "1 while a job's last run is running, else 0", last.under_way, job=job
    )
    if last.ended_at is not None:
        took = (last.ended_at - last.started_at).total_seconds()
        gauges.set("run_last_duration_seconds", "How long a job's last run took", took, job=job)
    gauges.set("run_last_exit_code", "The exit status of a job's last run", last.exit_code, job=job)
    if last.ending is not None:
        gauges.set("run_last_ending", "How a job's last run ended", 1, job=job, ending=last.ending)


def _add_outlet(gauges: _Gauges, state: OutletState) -> None:
    name, figures = state.name, state.figures
    began = state.last.started_at if state.last is not None else None
    gauges.set(
        "crawl_last_start_timestamp_seconds",
        "When a crawl last began",
        _seconds(began),
        outlet=name,
    )
    gauges.set(
        "crawl_last_success_timestamp_seconds",
        "When a crawl last succeeded",
        _seconds(state.done_at),
        outlet=name,
    )
    gauges.set(
        "articles_new_last_day",
        "Articles new to crawls of the last 24 hours",
        figures.new,
        outlet=name,
    )
    gauges.set(
        "articles_paywalled_last_day",
        "How many of those are not free to read",
        figures.paywalled,
        outlet=name,
    )
    gauges.set(
        "articles_generic_last_day",
        "Pages of the last 24 hours that show an article no layout has read",
        figures.generic,
        outlet=name,
    )
    gauges.set(
        "articles_new_daily_mean",
        "New articles a day in the 7 days before",
        figures.daily,
        outlet=name,
    )
    gauges.set(
        "articles_expected_per_day",
        "Articles a day that the outlet's file declares",
        state.expected,
        outlet=name,
    )
    last_new = _seconds(figures.last_new_at)
    gauges.set(
        "article_last_new_timestamp_seconds",
        "When an outlet last had a new article",
        last_new,
        outlet=name,
    )
    for what, number in figures.outcomes.items():
        outcome, _, reason = what.partition("/")
        labels = {"outlet": name, "outcome": outcome, "reason": reason}
        gauges.set(
            "outcomes_last_day",
            "Outcomes of the crawls of the last 24 hours",
            number,
            **labels,
        )
    for field, rate in figures.rates.items():
        labels = {"outlet": name, "field": field}
        gauges.set(
            "fill_rate",
            "Share of the last day's new articles that have the field",
            rate.last_day,
            **labels,
        )
        gauges.set("fill_rate_before", "The same of the four weeks before", rate.before, **labels)
    gauges.set(
        "fill_articles",
        "New articles that the fill rates are computed from",
        figures.articles.last_day,
        outlet=name,
    )


class _Gauges:
    """Gauges with the prefix ``sacho_``, created with their first sample."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, meaning: str, value: float | None, **labels: str) -> None:
        """Set a sample; nothing for None."""
        if value is None:
            return
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                f"sacho_{name}", f"{meaning}.", list(labels), registry=self.registry
            )
        gauge = self._gauges[name]
        # The format has no form for half a character, and escapes neither what a terminal obeys
        # nor the line ends of old Macs, at which its readers in Python part lines.
        shown = {label: printable_lines(text) for label, text in labels.items()}
        (gauge.labels(**shown) if labels else gauge).set(value)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
