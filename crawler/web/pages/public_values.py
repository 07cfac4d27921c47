"""Runs and sentences without what tells readers about the server: its name and its folders."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archive.runs.alarms import Alarm
    from archive.runs.record import RunRecord
    from crawler.status.overview import JobState, OutletState, Overview

#: The folders of an absolute path before its last part; what stands behind a host is none.
_FOLDERS = re.compile(r"(?:(?<=://)|(?<=:///)|(?<![\w/:.%~\]-]))(?:/[^/\s]+)*/(?=[^/\s])")


def public_text(text: str) -> str:
    """Return a text in which absolute paths are the names of their files."""
    return _FOLDERS.sub("", text)


def public_run(record: RunRecord) -> RunRecord:
    """Return a run without host and process, and with the name of its log only."""
    return replace(
        record,
        host="",
        holder="",
        log=PurePath(record.log).name,
        arguments=tuple(map(public_text, record.arguments)),
    )


def public_alarm(alarm: Alarm) -> Alarm:
    """Return an alarm without folders."""
    return replace(alarm, subject=public_text(alarm.subject), sentence=public_text(alarm.sentence))


def public_outlet(state: OutletState) -> OutletState:
    """Return an outlet's state with runs and alarms as readers may see them."""
    return replace(
        state,
        last=public_run(state.last) if state.last is not None else None,
        alarms=tuple(map(public_alarm, state.alarms)),
    )


def public_overview(overview: Overview) -> Overview:
    """Return the status as readers may see it."""
    return replace(
        overview,
        outlets=tuple(map(public_outlet, overview.outlets)),
        jobs=tuple(map(_public_job, overview.jobs)),
        alarms=tuple(map(public_alarm, overview.alarms)),
        problems=tuple(map(public_text, overview.problems)),
        workers=tuple(replace(worker, host="") for worker in overview.workers),
    )


def _public_job(state: JobState) -> JobState:
    words = tuple(map(public_text, state.job.words))
    last = public_run(state.last) if state.last is not None else None
    return replace(state, job=replace(state.job, words=words), last=last)
