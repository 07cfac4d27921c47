"""Where things stand: each outlet and job with its figures, open alarms, room; for table, JSON and metrics alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive.articles.captures import check_archive
from archive.index.database import index_path
from archive.model.article import KST
from archive.model.errors import SegmentError, describe_os_error
from archive.runs.alarms import AlarmKind, open_alarms
from archive.runs.history import last_run, outlets_seen, run_record
from archive.runs.job_runs import past
from archive.runs.record import FAILURES, Ending
from archive.segments import disk
from crawler.jobs.due import How, failures, held_by, next_run, retry_at
from crawler.outlets import known_outlets
from crawler.status.outlet_figures import Standings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from archive.index.database import Index, Snapshot
    from archive.runs.alarms import Alarm
    from archive.runs.job_runs import Past
    from archive.runs.record import RunRecord
    from crawler.jobs.due import NextRun
    from crawler.jobs.job import Job
    from crawler.status.outlet_figures import Standing

#: A job that has missed two of its moments, the first so long ago, has nobody who runs it.
_OVERDUE = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """A job of JOBS_FILE: its last run, when it was last done, and when it is run next."""

    job: Job
    last: RunRecord | None
    done_at: datetime | None
    coming: NextRun


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletState:
    """An outlet that has a job, was ever crawled, or has articles.

    ``last`` is its last crawl, by a job or by hand, ``done_at`` when one was last done. ``coming``
    is the next run of the first of its ``jobs`` to come, None without jobs. ``expected`` articles a
    day are None where unknown.
    """

    name: str
    expected: int | None
    jobs: tuple[str, ...]
    last: RunRecord | None
    done_at: datetime | None
    standing: Standing
    coming: NextRun | None
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes of the archive's files and of the index, and those free where the archive lies; None: can't be told."""

    archive: int | None
    index: int
    free: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All of it, at one moment. ``problems`` are sentences of what somebody must see besides the alarms."""

    at: datetime
    outlets: tuple[OutletState, ...]
    jobs: tuple[JobState, ...]
    alarms: tuple[Alarm, ...]
    problems: tuple[str, ...]
    room: Room

    @property
    def ok(self) -> bool:
        """Whether nobody need look at anything."""
        return not self.alarms and not self.problems


def survey(
    index: Index,
    archive: str,
    jobs: Sequence[Job],
    now: datetime,
    problems: Sequence[str] = (),
    only: str = "",
) -> Overview:
    """Where things stand now; of one outlet ``only``, if it is named. ``archive`` is the folder of the segments.

    :raises IndexUnusableError: the index can't be read.
    """
    with index.reading() as connection:
        pasts = {job.name: past(connection, job.name, now) for job in jobs}
        states = tuple(_job(connection, job, pasts[job.name], now) for job in jobs)
        alarms = tuple(open_alarms(connection))
        names = sorted({*outlets_seen(connection), *(job.outlet for job in jobs if job.outlet)})
        standings, lost = Standings(connection, now), _lost(connection, archive)
        outlets = tuple(
            _outlet(connection, name, states, alarms, standings, now)
            for name in names
            if only in ("", name)
        )
    told = {alarm.subject for alarm in alarms if alarm.kind == AlarmKind.JOB_FAILED}
    wrong = [
        _wrong(state, pasts[state.job.name], now, told=state.job.name in told) for state in states
    ]
    room, out_of_reach = _room(Path(archive), index_path(index.url))
    said = [*problems, *filter(None, [*wrong, out_of_reach or lost])]
    return Overview(
        at=now, outlets=outlets, jobs=states, alarms=alarms, problems=tuple(said), room=room
    )


def _lost(connection: Snapshot, archive: str) -> str:
    try:
        check_archive(archive, connection)
    except SegmentError as error:
        return str(error)
    return ""


def _job(connection: Snapshot, job: Job, before: Past, now: datetime) -> JobState:
    last = before.attempts[0] if before.attempts else None
    return JobState(
        job=job,
        last=run_record(connection, last.run_id, now) if last is not None else None,
        done_at=before.succeeded.ended_at if before.succeeded is not None else None,
        coming=next_run(job, before, now, held_by(connection, job, now)),
    )


def _outlet(
    connection: Snapshot,
    name: str,
    states: Sequence[JobState],
    alarms: Sequence[Alarm],
    standings: Standings,
    now: datetime,
) -> OutletState:
    own = [state for state in states if state.job.outlet == name]
    names = tuple(state.job.name for state in own)
    to_come = [state.coming for state in own if state.coming.at is not None]
    done = last_run(connection, name, now, Ending.SUCCEEDED)
    known = known_outlets().get(name)
    return OutletState(
        name=name,
        expected=(known.per_day or None) if known is not None else None,
        jobs=names,
        last=last_run(connection, name, now),
        done_at=done.ended_at if done is not None else None,
        standing=standings.of(name),
        coming=min(to_come, key=lambda one: (one.at is None, one.at)) if to_come else None,
        alarms=tuple(alarm for alarm in alarms if alarm.subject in (name, *names)),
    )


def _wrong(state: JobState, before: Past, now: datetime, *, told: bool) -> str:
    """Why somebody must look at a job: nobody runs it, or it has failed for good, if not ``told``; ``""``: no need."""
    job, last = state.job, state.last
    if last is None or last.due_at is None:
        return ""
    missed = job.schedule.next(last.due_at)
    then = job.schedule.next(missed) if missed is not None else None
    if state.coming.how is How.NOW and missed and then and then <= now and now - missed > _OVERDUE:
        return (
            f"{job.name} was due {_kst(missed)} and has not been run since: is a scheduler running?"
        )
    if told or not job.alert:
        return ""
    if last.ending in FAILURES and retry_at(job, before) is None:
        tries = failures(before, last.due_at)
        how = (
            "ran out of time"
            if last.ending is Ending.TIMED_OUT
            else f"failed (exit {last.exit_code})"
        )
        times = f", {tries} times" if tries > 1 else ""
        return f"{job.name} {how}{times}, at what fell due {_kst(last.due_at)}" + (
            f": {last.log}" if last.log else ""
        )
    return ""


def _kst(moment: datetime) -> str:
    return f"{moment.astimezone(KST):%Y-%m-%d %H:%M} KST"


def _room(archive: Path, index: Path) -> tuple[Room, str]:
    """The room there is, and why somebody must look at the archive: it is out of reach; ``""``: it is not."""
    beside = sum(_size(index.with_name(index.name + ending)) for ending in ("", "-wal"))
    try:
        free = disk.free(archive)
        # Where nothing has been kept yet there is nothing to count.
        kept = (
            sum(_size(Path(entry.path)) for entry in os.scandir(archive)) if archive.exists() else 0
        )
    except OSError as error:  # no rights, a stale mount, a file in the folder's place
        return Room(archive=None, index=beside, free=None), describe_os_error(archive, error)
    return Room(archive=kept, index=beside, free=free), ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0  # a segment that was closed, or removed, while we looked
