"""The alarm of an archive in which a scheduled verification found an error."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.files import open_regular
from archive.model.program import PROGRAM
from archive.runs.alarms import AlarmKind, Cause
from archive.runs.history import whole_verification
from archive.runs.record import Ending
from crawler.cli.output.plural import counted
from crawler.cli.output.times import kst_minute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archive.index.database import Snapshot
    from archive.runs.record import RunRecord
    from crawler.alarms.changes import AlarmChanges
    from crawler.jobs.job import Job

_FOUND = 1
#: The last line of `crawler.cli.output.findings` if there was an error.
_FINDINGS = re.compile(r"^verified .*: (\d+) findings?$", re.MULTILINE)
#: Bytes read of a log from either end; characters of a finding in the alarm.
_LOG, _FINDING = 65536, 200


class VerificationAlarms:
    """Judges what verifications found, within one check of the monitor.

    ``archive`` is the scheduler's; ``archives`` are those that jobs verify, by job.
    """

    def __init__(
        self,
        connection: Snapshot,
        changes: AlarmChanges,
        now: datetime,
        archive: str,
        archives: Mapping[str, str],
    ) -> None:
        self._connection, self._changes, self._now = connection, changes, now
        self._archive, self._archives = archive, archives

    def end_verified(self) -> None:
        """End the alarms of archives that a complete verification has found correct since."""
        for alarm in self._changes.open(AlarmKind.UNVERIFIED):
            if self._is_verified(alarm.subject, alarm.began_at):
                self._changes.end([alarm])

    def explains(self, job: Job, failure: RunRecord) -> bool:
        """Return whether a verification failed because it found an error; raise its alarm."""
        if failure.ending is not Ending.FAILED or failure.exit_code != _FOUND:
            return False
        archive = self._archives[job.name]
        cause = findings_cause(failure, archive)
        if cause is None and _has_log(failure):
            return False  # it failed for another reason
        if self._is_known(archive, failure.started_at):
            return True
        self._changes.add(cause)
        return cause is not None

    def _is_known(self, archive: str, at: datetime) -> bool:
        """Return whether the findings of that time have an alarm, or are over."""
        moved = (
            alarm.subject
            for alarm in self._changes.open(AlarmKind.UNVERIFIED)
            if not self._is_in_use(alarm.subject)
        )
        if any(self._changes.will_be_open(AlarmKind.UNVERIFIED, one) for one in (archive, *moved)):
            return True
        return self._is_verified(archive, at)

    def _is_in_use(self, archive: str) -> bool:
        return archive == self._archive or archive in self._archives.values()

    def _is_verified(self, archive: str, since: datetime) -> bool:
        """Return whether all of an archive was verified since: a sample may miss the error.

        An archive that no job uses has been moved: it is what jobs without ARCHIVE_URL verify.
        """
        wanted = archive if self._is_in_use(archive) else self._archive
        elsewhere = [job for job, its in self._archives.items() if its != wanted]
        return whole_verification(self._connection, since, self._now, elsewhere)


def findings_cause(failure: RunRecord, archive: str) -> Cause | None:
    """Return the cause of an alarm, None if the log names no finding."""
    number, finding = _findings(failure.log)
    if not number:
        return None
    sentence = (
        f"{failure.job} found {counted(number, 'error')} in the archive or its index on "
        f"{kst_minute(failure.started_at)} KST; the first: {finding} Read {failure.log}, repair "
        f"it, then verify all of it: {PROGRAM} verify"
    )
    return Cause(
        kind=AlarmKind.UNVERIFIED, subject=archive, sentence=sentence, began_at=failure.started_at
    )


def _has_log(attempt: RunRecord) -> bool:
    """Return whether the log can be read; old logs are deleted, and their findings unknown."""
    return bool(attempt.log) and os.access(attempt.log.encode(), os.R_OK)


def _findings(log: str) -> tuple[int, str]:
    """Return the number of findings in a verification's log, and the first; 0 if there is none."""
    try:
        with open_regular(Path(os.fsdecode(log.encode()))) as file:
            head = file.read(_LOG).decode("utf-8", "replace")
            file.seek(-min(_LOG, file.seek(0, 2)), 2)
            tail = file.read().decode("utf-8", "replace")
    except OSError:
        return 0, ""
    numbers = _FINDINGS.findall(tail)
    if not numbers:
        return 0, ""
    lines = [line for line in head.splitlines() if line and not line.startswith("# ")]
    return int(numbers[-1]), lines[0][:_FINDING] if lines else ""
