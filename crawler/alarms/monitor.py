"""The scheduler's watch: looks at what it leads to, raises an alarm once, and says when it is over."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import index_path
from archive.runs.alarms import Alarm, AlarmKind, Cause, end_alarm, open_alarms, raise_alarm
from archive.runs.history import whole_verification
from archive.runs.job_runs import past
from archive.runs.readings import crawls_of
from crawler.alarms.disk import file_number, growth, rooms, sentence
from crawler.alarms.drift import UNPARSED
from crawler.alarms.job_failures import (
    failed,
    has_log,
    last_failure,
    may_have_found,
    moment,
    unverified,
)
from crawler.alarms.outlets import beat_of, drifted, heard_again, silent, usual_again
from crawler.alarms.silence import is_silent_for_a_day
from crawler.model.text import as_text
from crawler.outlets import outlet_named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from archive.index.database import Index, Snapshot
    from archive.runs.job_runs import Past
    from crawler.alarms.outlets import Beat
    from crawler.alarms.webhook import Post
    from crawler.jobs.job import Job
    from crawler.jobs.runner import FinishedRun

_log = logging.getLogger(__name__)
#: Seconds between looks at everything, where no run of ours has ended meanwhile.
EVERY = 300.0
#: An alarm of a job that nobody runs any more is over so long after its last run.
_FORGOTTEN = timedelta(days=7)
#: Pages that can't be read are kept, so a crawl that fails of them alone loses nothing. They have
#: so long to show that they are a drift, which takes nine of them, before it is their job that has
#: failed.
_UNREAD = timedelta(hours=6)
#: What began later than this is of a clock that was ahead of its time: nothing that is done now
#: would come after it.
_AHEAD = timedelta(hours=1)


class Watch:
    """Judges the jobs with ``alert``, their outlets, the archive at ``archive`` and its index.

    ``post`` tells ALERT_URL, if there is one. ``least`` bytes must be free on the disks, 0: the
    usual. ``raised`` is how many alarms this one raised. ``clock`` gives aware times.
    """

    def __init__(
        self,
        index: Index,
        archive: str,
        post: Post | None = None,
        least: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._index, self._archive, self._post, self._least, self._clock = (
            index,
            archive,
            post,
            least,
            clock,
        )
        self._next = 0.0
        self._judged: dict[str, tuple[object, ...]] = {}
        self.raised = 0

    def ended(self, run: FinishedRun) -> None:
        """Hear that a run has ended: the next look is a whole one."""
        self._next = 0.0
        self._judged.pop(run.order.job.outlet, None)

    def look(self, jobs: Sequence[Job]) -> None:
        """Look around, if it is time: after a run, and every few minutes; and let ALERT_URL know.

        :raises IndexUnusableError: the index can't be read or written.
        """
        if monotonic() >= self._next:
            self._look(jobs)
            self._next = monotonic() + EVERY
            if self._post is not None:
                self._post.wake()
        if self._post is not None:
            self._post.look()

    def close(self) -> None:
        """Let what is being told be told."""
        if self._post is not None:
            self._post.wait()

    def _look(self, jobs: Sequence[Job]) -> None:
        with self._index.reading() as connection:
            seen = _Seen(
                connection, self._archive, self._index.url, self._least, self._clock(), self._judged
            )
            over, causes = seen.judge(jobs)
        if over or causes:
            self._write(over, causes)

    def _write(self, over: Sequence[Alarm], causes: Sequence[Cause]) -> None:
        now, ended, begun = self._clock(), [], []
        with self._index.writing() as connection:
            ended = [alarm for alarm in over if end_alarm(connection, alarm, now)]
            begun = [cause for cause in causes if raise_alarm(connection, cause)]
        for alarm in ended:
            _log.info("over: %s of %s, since %s", alarm.kind, alarm.subject, moment(alarm.began_at))
        for cause in begun:
            _log.error("ALARM %s: %s", cause.kind, cause.sentence)
        self.raised += len(begun)


class _Seen:
    """One look, in one read transaction. ``judged`` remembers outlets in which nothing has changed since."""

    def __init__(
        self,
        connection: Snapshot,
        archive: str,
        url: str,
        least: int,
        now: datetime,
        judged: dict[str, tuple[object, ...]],
    ) -> None:
        self._connection, self._archive, self._least, self._now = connection, archive, least, now
        self._index, self._judged = index_path(url), judged
        self._name = as_text(archive)
        self._open = {(a.kind, a.subject, a.fields): a for a in open_alarms(connection)}
        #: Which archive each job is about.
        self._archives: dict[str, str] = {}
        self._over: list[Alarm] = []
        self._causes: list[Cause] = []

    def judge(self, jobs: Sequence[Job]) -> tuple[list[Alarm], list[Cause]]:
        """The alarms that are over, and what is to be one."""
        self._archives = {
            job.name: dict(job.settings).get("ARCHIVE_URL", self._name) for job in jobs
        }
        self._set_right()
        for alarm in self._of(AlarmKind.UNVERIFIED):
            if self._verified(alarm.subject, alarm.began_at):
                self._over.append(alarm)
        by_outlet: dict[str, list[Job]] = {}
        for job in jobs:
            if job.alert:
                by_outlet.setdefault(job.outlet, []).append(job)
        for outlet, its in by_outlet.items():
            # Pages that can't be read are why a crawl fails, so they are told first; a silence may
            # be its failure.
            beat = self._beat(outlet) if outlet else None
            self._drift(outlet, beat)
            for job in its:
                self._job(job, past(self._connection, job.name, self._now))
            self._silence(outlet, beat)
        self._forget({job.name: job.alert for job in jobs}, by_outlet.keys())
        self._disk()
        return self._over, self._causes

    def _of(self, kind: AlarmKind, subject: str | None = None) -> Iterator[Alarm]:
        """The open alarms of a kind, and of a subject."""
        yield from (
            a for a in self._open.values() if a.kind is kind and subject in (None, a.subject)
        )

    def _lasting(self, kind: AlarmKind, subject: str) -> bool:
        """Whether an alarm will be open after this look."""
        lasting = [a for a in self._of(kind, subject) if a not in self._over]
        return bool(lasting) or any(c.kind is kind and c.subject == subject for c in self._causes)

    def _beat(self, outlet: str) -> Beat | None:
        """The outlet's crawls, where there is anything to judge anew."""
        alarms = [*self._of(AlarmKind.SILENT, outlet), *self._of(AlarmKind.DRIFT, outlet)]
        beat = beat_of(
            self._connection, outlet, self._now, min((a.began_at for a in alarms), default=None)
        )
        state = (file_number(self._index), beat.latest, *(a.id for a in alarms))
        if self._judged.get(outlet) == state and not any(a.kind is AlarmKind.DRIFT for a in alarms):
            return None
        self._judged[outlet] = state
        return beat

    def _drift(self, outlet: str, beat: Beat | None) -> None:
        if beat is None:
            return
        told: list[str] = []
        for alarm in self._of(AlarmKind.DRIFT, outlet):
            if usual_again(self._connection, beat, alarm, self._now):
                self._over.append(alarm)
            else:
                told += alarm.fields
        if any(alarm.subject == outlet and alarm.kind is AlarmKind.DRIFT for alarm in self._over):
            return  # what has just become usual is judged at the next look
        cause = drifted(self._connection, beat, told)
        if cause is not None:
            self._causes.append(cause)

    def _job(self, job: Job, before: Past) -> None:
        failure = last_failure(before)
        if before.succeeded is not None and failure is None:
            since = before.succeeded.started_at
            self._over += [
                a for a in self._of(AlarmKind.JOB_FAILED, job.name) if a.began_at < since
            ]
        if failure is not None and job.verb == "verify" and may_have_found(failure):
            archive = self._archives[job.name]
            found = unverified(failure, archive)
            if (found is not None or not has_log(failure)) and self._is_found(
                archive, failure.started_at
            ):
                return
            if found is not None:
                self._causes.append(found)
                return
        cause = failed(job, before)
        if cause is None or (cause.kind, cause.subject, ()) in self._open:
            return
        if job.outlet and failure is not None and self._is_told(job, before):
            return
        self._causes.append(cause)

    def _is_found(self, archive: str, at: datetime) -> bool:
        """Whether what was found then is told, or over: that does not begin again."""
        same = (
            archive,
            *(a.subject for a in self._of(AlarmKind.UNVERIFIED) if not self._is_named(a.subject)),
        )
        return any(
            self._lasting(AlarmKind.UNVERIFIED, subject) for subject in same
        ) or self._verified(archive, at)

    def _is_named(self, archive: str) -> bool:
        return archive == self._name or archive in self._archives.values()

    def _verified(self, archive: str, since: datetime) -> bool:
        """Whether all of an archive was verified since: a sample may have passed by what was found.

        One that nobody names any more has been moved: it is what those jobs verify that name none.
        """
        wanted = archive if self._is_named(archive) else self._name
        elsewhere = [job for job, its in self._archives.items() if its != wanted]
        return whole_verification(self._connection, since, self._now, elsewhere)

    def _set_right(self) -> None:
        """End what a clock that was ahead has raised; what lasts is raised again at the same look."""
        for key, alarm in list(self._open.items()):
            if alarm.began_at - self._now > _AHEAD:
                self._over.append(alarm)
                del self._open[key]

    def _is_told(self, job: Job, before: Past) -> bool:
        """Whether the outlet's own alarm is what its crawl fails of: pages without an article, or none that are new."""
        failure = last_failure(before)
        assert failure is not None, "it failed"
        counts = failure.counts.get(job.outlet, {})
        if any(name.startswith("failed") for name in counts) or failure.exit_code != 1:
            return False
        if any(name.startswith("unparsed") for name in counts):
            first = before.first_failed
            waits = first is not None and self._now - first.started_at < _UNREAD
            return waits or self._lasting(AlarmKind.DRIFT, job.outlet)
        # Where no page can be read nothing is new either, and after a day a crawl that finds none
        # to look at says so.
        told = [
            *self._of(AlarmKind.SILENT, job.outlet),
            *(a for a in self._of(AlarmKind.DRIFT, job.outlet) if UNPARSED in a.fields),
        ]
        began = min((alarm.began_at for alarm in told if alarm not in self._over), default=None)
        if began is None:
            return False
        # The crawl counts from the last article, which an earlier one found before the alarm's
        # cause.
        crawls = crawls_of(self._connection, job.outlet, began - _FORGOTTEN, failure.started_at)
        since = max((crawl.started_at for crawl in crawls if crawl.new), default=began)
        return is_silent_for_a_day(
            outlet_named(job.outlet).per_day, since, failure.ended_at or self._now
        )

    def _silence(self, outlet: str, beat: Beat | None) -> None:
        if beat is None:
            return
        open_ones = list(self._of(AlarmKind.SILENT, outlet))
        self._over += [alarm for alarm in open_ones if heard_again(beat, alarm)]
        failing = any(
            self._lasting(AlarmKind.JOB_FAILED, job) for job in {c.job for c in beat.crawls} if job
        )
        if open_ones or failing or self._lasting(AlarmKind.DRIFT, outlet):
            self._judged.pop(outlet, None)
            return
        cause = silent(self._connection, beat)
        if cause is not None:
            self._causes.append(cause)

    def _forget(self, jobs: Mapping[str, bool], outlets: Collection[str]) -> None:
        """End the alarms of jobs that have none any more, and of jobs and outlets that nobody runs any more."""
        lately = self._now - _FORGOTTEN
        for alarm in self._of(AlarmKind.JOB_FAILED):
            last = past(self._connection, alarm.subject, self._now).attempts[:1]
            gone = alarm.subject not in jobs and all(
                attempt.started_at < lately for attempt in last
            )
            if gone or not jobs.get(alarm.subject, True):
                self._over.append(alarm)
        for alarm in (*self._of(AlarmKind.SILENT), *self._of(AlarmKind.DRIFT)):
            if alarm.subject not in outlets and not crawls_of(
                self._connection, alarm.subject, lately, self._now
            ):
                self._over.append(alarm)

    def _disk(self) -> None:
        places = (self._archive, self._index)
        known = rooms(places, self._least)
        paths = {
            alarm.id: os.fsdecode(alarm.subject.encode()) for alarm in self._of(AlarmKind.DISK)
        }
        lying = {
            number: [room.device for room in rooms([path], 0)] for number, path in paths.items()
        }
        for room in known:
            # Whatever it is called: archive and index may have been moved since, or share a disk
            # now.
            open_ones = [
                a
                for a in self._of(AlarmKind.DISK)
                if a.subject == room.place or room.device in lying[a.id]
            ]
            if room.ample:
                self._over += open_ones
            elif room.short and not open_ones:
                a_day = growth(Path(self._archive), self._index, both=len(known) == 1)
                text = sentence(room, a_day)
                self._causes.append(
                    Cause(
                        kind=AlarmKind.DISK, subject=room.place, sentence=text, began_at=self._now
                    )
                )
        ours = {room.device for room in known}
        for alarm in self._of(AlarmKind.DISK):
            # Neither lies there any more; what can't be looked at is no less full for that.
            if alarm.subject not in (as_text(str(place)) for place in places) and not ours & set(
                lying[alarm.id]
            ):
                self._over.append(alarm)
