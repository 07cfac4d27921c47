"""The status: each outlet and job with its figures, open alarms, disk space.

Tables, JSON and metrics show the same overview.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from archive.captures.rows import check_archive
from archive.model.errors import SegmentError, describe_os_error
from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, open_alarms
from archive.runs.history import last_run, outlets_seen, run_record
from archive.runs.job_runs import past
from archive.runs.queue import queue_state
from archive.runs.record import FAILURES, Ending
from archive.runs.workers import live_workers
from archive.segments.store import store_of
from crawler.alarms.outlet_blocked import blocked_articles
from crawler.cli.output.plural import counted
from crawler.cli.output.times import kst_minute
from crawler.jobs.due import How, failures, held_by, next_run, retry_at
from crawler.outlets import find_outlet
from crawler.status.outlet_figures import FiguresReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from archive.index.database import Index, Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.job_runs import Past
    from archive.runs.queue import QueueState
    from archive.runs.record import RunRecord
    from archive.runs.workers import WorkerState
    from archive.segments.store import Store, StoreOrFolder
    from crawler.jobs.due import NextRun
    from crawler.jobs.job import Job
    from crawler.status.outlet_figures import OutletFigures

#: A job that missed two due times, the first so long ago, is not run by any scheduler.
_OVERDUE = timedelta(hours=2)
#: Deferred jobs may wait so long for the first worker.
_UNTAKEN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job of JOBS_FILE: its last run, when it last succeeded, and when it is run next."""

    job: Job
    last: RunRecord | None
    done_at: datetime | None
    coming: NextRun


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletState:
    """An outlet that has a job, a crawl or articles.

    ``last`` is its last crawl, by a job or by hand, ``done_at`` the end of the last one that
    succeeded. ``coming`` is the next run of all its ``jobs``, None without jobs. ``expected`` is
    the declared number of articles a day, None if unknown.
    """

    name: str
    expected: int | None
    jobs: tuple[str, ...]
    last: RunRecord | None
    done_at: datetime | None
    figures: OutletFigures
    coming: NextRun | None
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes of the archive's files, of the index, and free for the archive; None if unknown."""

    archive: int | None
    index: int
    free: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The status at one moment. ``problems`` are sentences about what needs attention.

    Open alarms need attention too, and are not repeated in ``problems``. ``queue`` is that of
    deferred jobs, None without one.
    """

    at: datetime
    outlets: tuple[OutletState, ...]
    jobs: tuple[JobState, ...]
    alarms: tuple[Alarm, ...]
    problems: tuple[str, ...]
    room: Room
    queue: QueueState | None = None
    workers: tuple[WorkerState, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing needs attention."""
        return not self.alarms and not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class States:
    """The jobs, with their past by name, and the outlets at one moment, and all open alarms."""

    jobs: tuple[JobState, ...]
    pasts: Mapping[str, Past]
    outlets: tuple[OutletState, ...]
    alarms: tuple[Alarm, ...]


def survey(
    index: Index,
    archive: StoreOrFolder,
    jobs: Sequence[Job],
    now: datetime,
    problems: Sequence[str] = (),
    only: str = "",
    seconds: float | None = None,
) -> Overview:
    """Return the status now, with all outlets or ``only`` one.

    ``archive`` holds the segments, ``problems`` are sentences that are known already.
    The queries may take so many ``seconds``, any time with None.

    :raises IndexUnusableError: the index cannot be read.
    :raises QueryTooSlowError: a query was cut off.
    """
    with index.reading(seconds) as connection:
        found = read_states(connection, jobs, now, only)
        lost = _lost(connection, archive)
        blocked = [_blocked(connection, state) for state in found.outlets]
        queue, workers = queue_state(connection), live_workers(connection, now)
    room, out_of_reach = _room(store_of(archive), index.size())
    of_jobs = _job_problems(found.jobs, found.pasts, found.alarms, now)
    sentences = [*problems, *of_jobs, *blocked, _not_taken(queue, workers, now)]
    sentences.append(out_of_reach or lost)
    return Overview(
        at=now,
        outlets=found.outlets,
        jobs=found.jobs,
        alarms=found.alarms,
        problems=tuple(filter(None, sentences)),
        room=room,
        queue=queue,
        workers=tuple(workers),
    )


def read_states(connection: Snapshot, jobs: Sequence[Job], now: datetime, only: str = "") -> States:
    """Return the jobs and open alarms, and all outlets or ``only`` one."""
    pasts = {job.name: past(connection, job.name, now) for job in jobs}
    states = tuple(_job(connection, job, pasts[job.name], now) for job in jobs)
    alarms = tuple(open_alarms(connection))
    names = {*outlets_seen(connection), *(job.outlet for job in jobs if job.outlet)}
    figures = FiguresReader(connection, now, only)
    outlets = tuple(
        _outlet(connection, name, states, alarms, figures.of(name), now)
        for name in sorted(names)
        if only in ("", name)
    )
    return States(jobs=states, pasts=pasts, outlets=outlets, alarms=alarms)


def _job_problems(
    states: Sequence[JobState], pasts: Mapping[str, Past], alarms: Sequence[Alarm], now: datetime
) -> Iterator[str]:
    """Yield a sentence or ``""`` for each job; a failed job with an alarm needs none."""
    alarming = {alarm.subject for alarm in alarms if alarm.kind is AlarmKind.JOB_FAILED}
    for state in states:
        sentence = _not_run(state, now)
        if not sentence and state.job.name not in alarming:
            sentence = _failed(state, pasts[state.job.name])
        yield sentence


def _not_taken(queue: QueueState | None, workers: Sequence[WorkerState], now: datetime) -> str:
    """Return a sentence if deferred jobs wait and no worker takes them, else ``""``."""
    if queue is None or workers or queue.oldest is None or now - queue.oldest < _UNTAKEN:
        return ""
    return (
        f"{counted(queue.waiting, 'deferred job')} waiting since {kst_minute(queue.oldest)} KST, "
        f"and no worker runs; start {PROGRAM} worker."
    )


def _blocked(connection: Snapshot, state: OutletState) -> str:
    """Return a sentence if the last crawl was blocked and no alarm says so, else ``""``."""
    last = state.last
    if last is None or last.ended_at is None:
        return ""
    if any(alarm.kind is AlarmKind.BLOCKED for alarm in state.alarms):
        return ""
    found = blocked_articles(connection, state.name, last)
    return found.sentence(state.name) if found.blocked else ""


def _lost(connection: Snapshot, archive: StoreOrFolder) -> str:
    """Return a sentence if the archive does not hold what the index knows, else ``""``."""
    try:
        check_archive(archive, connection)
    except SegmentError as error:
        return str(error)
    return ""


def _job(connection: Snapshot, job: Job, runs: Past, now: datetime) -> JobState:
    last = runs.attempts[0] if runs.attempts else None
    return JobState(
        job=job,
        last=run_record(connection, last.run_id, now) if last is not None else None,
        done_at=runs.succeeded.ended_at if runs.succeeded is not None else None,
        coming=next_run(job, runs, now, held_by(connection, job, now)),
    )


def _outlet(
    connection: Snapshot,
    name: str,
    states: Sequence[JobState],
    alarms: Sequence[Alarm],
    figures: OutletFigures,
    now: datetime,
) -> OutletState:
    own = [state for state in states if state.job.outlet == name]
    jobs = tuple(state.job.name for state in own)
    succeeded = last_run(connection, name, now, Ending.SUCCEEDED)
    known = find_outlet(name)
    return OutletState(
        name=name,
        expected=(known.per_day or None) if known is not None else None,
        jobs=jobs,
        last=last_run(connection, name, now),
        done_at=succeeded.ended_at if succeeded is not None else None,
        figures=figures,
        coming=_next(own),
        alarms=tuple(alarm for alarm in alarms if alarm.subject in (name, *jobs)),
    )


def _next(states: Iterable[JobState]) -> NextRun | None:
    """Return the earliest run to come of these jobs."""
    dated = [(state.coming.at, state.coming) for state in states if state.coming.at is not None]
    return min(dated, key=lambda pair: pair[0])[1] if dated else None


def _not_run(state: JobState, now: datetime) -> str:
    """Return a sentence if a job is due for long and no scheduler runs it, else ``""``."""
    job, last = state.job, state.last
    if last is None or last.due_at is None or state.coming.how is not How.NOW:
        return ""
    missed = job.schedule.next(last.due_at)
    if missed is None or now - missed <= _OVERDUE:
        return ""
    following = job.schedule.next(missed)
    if following is None or following > now:
        return ""
    return (
        f"Job {job.name} was due at {kst_minute(missed)} KST and has not been run since; is a "
        "scheduler running?"
    )


def _failed(state: JobState, runs: Past) -> str:
    """Return a sentence if a job has failed and is not retried, else ``""``."""
    job, last = state.job, state.last
    if last is None or last.due_at is None or not job.alert:
        return ""
    if last.ending not in FAILURES or retry_at(job, runs) is not None:
        return ""
    how = f"failed (exit {last.exit_code})"
    if last.ending is Ending.TIMED_OUT:
        how = "timed out"
    tries = failures(runs, last.due_at)
    attempts = f" in {tries} attempts" if tries > 1 else ""
    log = f": {last.log}" if last.log else ""
    return f"Job {job.name} {how}{attempts}, scheduled for {kst_minute(last.due_at)} KST{log}"


def _room(store: Store, index_size: int) -> tuple[Room, str]:
    """Return the used and free space, and a sentence if the archive cannot be read, else ``""``."""
    try:
        free, used = store.free(), store.used()
    except OSError as error:  # no permission, a stale mount, a file in place of the folder
        unknown = Room(archive=None, index=index_size, free=None)
        return unknown, describe_os_error(store.place(), error)
    return Room(archive=used, index=index_size, free=free), ""
