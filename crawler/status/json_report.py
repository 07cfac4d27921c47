"""The JSON of `status --json`: the status, and runs. Keys are stable; times are KST, ISO 8601."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crawler import VERSION
from crawler.cli.output.times import kst_iso

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from archive.runs.alarms import Alarm
    from archive.runs.figures import Example
    from archive.runs.queue import QueueState
    from archive.runs.record import RunRecord
    from archive.runs.workers import WorkerState
    from crawler.jobs.due import NextRun
    from crawler.status.overview import JobState, OutletState, Overview


def overview_object(overview: Overview) -> dict[str, Any]:
    """Return the overview as a JSON object."""
    return {
        "at": _time(overview.at),
        "version": VERSION,
        "ok": overview.ok,
        "problems": list(overview.problems),
        "outlets": [outlet_object(state) for state in overview.outlets],
        "jobs": [_job(state) for state in overview.jobs],
        "alarms": [alarm_object(alarm) for alarm in overview.alarms],
        "room": {
            "archive_bytes": overview.room.archive,
            "index_bytes": overview.room.index,
            "disk_free_bytes": overview.room.free,
        },
        "queue": _queue(overview.queue) if overview.queue is not None else None,
        "workers": [_worker(worker) for worker in overview.workers],
    }


def _queue(queue: QueueState) -> dict[str, Any]:
    return {
        "waiting": queue.waiting,
        "running": queue.running,
        "oldest_at": _time(queue.oldest),
    }


def _worker(worker: WorkerState) -> dict[str, Any]:
    return {
        "run": worker.run_id,
        "host": worker.host or None,
        "version": worker.version,
        "started_at": _time(worker.started_at),
        "seen_at": _time(worker.seen_at),
        "jobs": list(worker.jobs),
    }


def runs_object(
    records: Sequence[RunRecord],
    at: datetime,
    *,
    since: date | None,
    until: date | None,
    outlet: str,
    counts: Mapping[str, int],
    last: Mapping[tuple[str, str], Example],
) -> dict[str, Any]:
    """Return a part of the history as a JSON object.

    ``last`` are examples by outcome and reason.
    """
    return {
        "at": _time(at),
        "version": VERSION,
        "since": since.isoformat() if since is not None else None,
        "until": until.isoformat() if until is not None else None,
        "outlet": outlet or None,
        "runs": [run_object(record) for record in records],
        "counts": dict(counts),
        "examples": {
            "/".join(filter(None, what)): {"source": example.source, "detail": example.detail}
            for what, example in last.items()
        },
    }


def run_object(record: RunRecord) -> dict[str, Any]:
    """Return a run as a JSON object."""
    ended = record.ended_at
    return {
        "run": record.run_id,
        "verb": record.verb,
        "arguments": list(record.arguments),
        "outlet": record.outlet or None,
        "job": record.job or None,
        "due_at": _time(record.due_at),
        "attempt": record.attempt or None,
        "started_at": _time(record.started_at),
        "ended_at": _time(ended),
        "seconds": (ended - record.started_at).total_seconds() if ended is not None else None,
        "under_way": record.under_way,
        "ending": record.ending,
        "exit_code": record.exit_code,
        "host": record.host or None,
        "version": record.version or None,
        "log": record.log or None,
        "counts": record.counts,
    }


def outlet_object(state: OutletState) -> dict[str, Any]:
    """Return an outlet with its figures as a JSON object."""
    figures = state.figures
    return {
        "outlet": state.name,
        "jobs": list(state.jobs),
        "last_run": run_object(state.last) if state.last is not None else None,
        "last_done_at": _time(state.done_at),
        "new_last_day": figures.new,
        "paywalled_last_day": figures.paywalled,
        "generic_last_day": figures.generic,
        "new_daily_mean": figures.daily,
        "expected_per_day": state.expected,
        "last_new_at": _time(figures.last_new_at),
        "outcomes_last_day": dict(figures.outcomes),
        "unparsed_or_failed_share": figures.error_rate,
        "fill": {
            name: {
                "last_day": rate.last_day,
                "four_weeks_before": rate.before,
                "far_off": rate.far_off,
            }
            for name, rate in figures.rates.items()
        },
        "fill_articles": {
            "last_day": figures.articles.last_day,
            "four_weeks_before": figures.articles.before,
        },
        **_coming(state.coming),
        "alarms": [alarm_object(alarm) for alarm in state.alarms],
    }


def _job(state: JobState) -> dict[str, Any]:
    job = state.job
    return {
        "job": job.name,
        "verb": job.verb,
        "arguments": list(job.words),
        "outlet": job.outlet or None,
        "when": job.schedule.text,
        "last_run": run_object(state.last) if state.last is not None else None,
        "last_done_at": _time(state.done_at),
        **_coming(state.coming),
    }


def _coming(coming: NextRun | None) -> dict[str, Any]:
    if coming is None:
        return {"next": None, "next_run_at": None, "running_since": None}
    return {
        "next": coming.how,
        "next_run_at": _time(coming.at),
        "running_since": _time(coming.since),
    }


def alarm_object(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as a JSON object."""
    return {
        "kind": alarm.kind,
        "subject": alarm.subject,
        "sentence": alarm.sentence,
        "began_at": _time(alarm.began_at),
    }


def _time(moment: datetime | None) -> str | None:
    return kst_iso(moment) if moment is not None else None
