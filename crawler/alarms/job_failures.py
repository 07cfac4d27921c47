"""When a job has failed for good, and when a verification has found something."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.article import KST
from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, Cause
from archive.runs.record import FAILURES, Ending

if TYPE_CHECKING:
    from datetime import datetime

    from archive.runs.job_runs import Past
    from archive.runs.record import RunRecord
    from crawler.jobs.job import Job

_WRONG_USAGE, _FOUND = 2, 1
#: `crawler.cli.findings` ends so where it found anything.
_FINDINGS = re.compile(r"^verified .*: (\d+) findings?$", re.MULTILINE)
#: Bytes read of a log, from either end; characters of a finding that are told.
_LOG, _FINDING = 65536, 200


def last_failure(past: Past) -> RunRecord | None:
    """The last attempt that ended by itself or its time limit, if it failed; None if the job was done since."""
    for attempt in past.attempts:
        if attempt.ending is Ending.SUCCEEDED:
            return None
        if attempt.ending in FAILURES:
            return attempt
    return None


def failed(job: Job, past: Past) -> Cause | None:
    """The alarm of a job that failed more often in a row than it is retried, or can't be run as it is written."""
    last = last_failure(past)
    first = past.first_failed
    if last is None or first is None:
        return None
    wrong = last.ending is Ending.FAILED and last.exit_code == _WRONG_USAGE
    if past.failed <= job.retries and not wrong:
        return None
    ended = (
        "its time limit ended the last run"
        if last.ending is Ending.TIMED_OUT
        else f"exit status {last.exit_code}"
    )
    since = (
        f"since it was done {moment(past.succeeded.started_at)}"
        if past.succeeded is not None
        else "and was never done"
    )
    what = "was refused as wrong usage" if wrong else f"failed {past.failed} times {since}"
    sentence = (
        f"{job.name} {what} ({ended}; the first failed {moment(first.started_at)}). Read {last.log or 'its log'}, "
        f"then try: {command(job)}"
    )
    return Cause(
        kind=AlarmKind.JOB_FAILED, subject=job.name, sentence=sentence, began_at=first.started_at
    )


def may_have_found(failure: RunRecord) -> bool:
    """Whether a verification ended as one does that found something."""
    return failure.ending is Ending.FAILED and failure.exit_code == _FOUND


def has_log(attempt: RunRecord) -> bool:
    """Whether its log can be read; logs are deleted after a while, and what was found is then no longer told."""
    return bool(attempt.log) and os.access(attempt.log.encode(), os.R_OK)


def unverified(failure: RunRecord, archive: str) -> Cause | None:
    """The alarm of an archive in which a verification found something; None where it failed for another reason."""
    number, finding = _findings(failure.log)
    if not number:
        return None
    sentence = (
        f"{failure.job} found {number} faults in the archive or its index {moment(failure.started_at)}; the first: "
        f"{finding} Read {failure.log}, mend it, then verify all of it: {PROGRAM} verify"
    )
    return Cause(
        kind=AlarmKind.UNVERIFIED, subject=archive, sentence=sentence, began_at=failure.started_at
    )


def command(job: Job) -> str:
    """What to type to run it by hand."""
    settings = (word for name, value in job.settings for word in ("-s", f"{name}={value}"))
    return shlex.join(["scrapy", job.verb, *job.words, *settings])


def moment(at: datetime) -> str:
    """A time as a person reads it."""
    return f"{at.astimezone(KST):%Y-%m-%d %H:%M} KST"


def _findings(log: str) -> tuple[int, str]:
    """How many faults a verification's log tells of, and the first of them; 0 where it tells of none."""
    try:
        with Path(os.fsdecode(log.encode())).open("rb") as file:
            head = file.read(_LOG)
            file.seek(-min(_LOG, file.seek(0, 2)), 2)
            tail = file.read()
    except OSError:
        return 0, ""
    told = _FINDINGS.findall(tail.decode("utf-8", "replace"))
    lines = (
        line
        for line in head.decode("utf-8", "replace").splitlines()
        if line and not line.startswith("# ")
    )
    return int(told[-1]) if told else 0, next(lines, "")[:_FINDING]
