"""A command in parts: each is deferred as a job of its own, and workers run them side by side."""

from __future__ import annotations

import sys
import threading
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from archive.index.database import IndexUnusableError
from archive.index.writers.leases import RENEWAL, LeaseLostError, Leases, parts_lease
from archive.model.errors import PartsError
from archive.model.program import PROGRAM
from archive.runs.history import run_record
from archive.runs.job_runs import past
from archive.runs.queue import queued
from archive.runs.record import FAILURES, Ending
from archive.runs.workers import live_workers
from crawler.cli.memory import start_thread
from crawler.cli.output.plural import counted
from crawler.jobs.due import Order
from crawler.jobs.job import Job
from crawler.jobs.queue.procrastinate_queue import JobQueue
from crawler.jobs.schedule import once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archive.index.database import Index
    from archive.runs.record import RunRecord

#: Seconds between looks whether a part has ended, and whether a worker lives.
_LOOK, _LOOK_FOR_WORKERS = 1.0, 5.0
#: Seconds without a worker until that is said, and until the parts are given up.
SILENCE, PATIENCE = 10.0, 600.0
#: A part has no limit that it could reach unless it hangs: how much it has to do is not known here.
_LIMIT = timedelta(days=7)
#: The priority of jobs that somebody waits for.
_PRIORITY = 3
_ENDED = FAILURES | {Ending.SUCCEEDED}


def new_mark() -> str:
    """Return the mark of parts that belong together."""
    return uuid.uuid4().hex[:12]


class Parts:
    """Parts of a command that workers run: deferred when this is entered as a context manager.

    ``words`` are the arguments of each part. While this is entered, a lease says that somebody
    waits for the parts with this ``mark``: see `check_awaited`. Parts that no worker has begun by
    its end are cancelled, and those that still run are named on stderr; so is that no worker runs.
    ``prepare`` is called when the lease is taken and nothing is deferred yet. ``left`` is said of a
    part that still runs then: what becomes of its work.

    :raises IndexUnusableError: the index is a file, or the queue can't be used.
    """

    def __init__(
        self,
        index: Index,
        verb: str,
        words: Sequence[Sequence[str]],
        mark: str = "",
        prepare: Callable[[], None] = lambda: None,
        left: str = "nobody reads its result",
    ) -> None:
        mark = mark or new_mark()
        self._index, self._verb, self._prepare = index, verb, prepare
        self._said_of_left = left
        self._due_at = datetime.now(UTC).replace(microsecond=0)
        self._deferred: set[str] = set()
        self._queue = JobQueue(index)
        self._jobs = [
            Job(
                name=f"{verb}-{mark}-{number}",
                verb=verb,
                words=tuple(own),
                schedule=once(self._due_at),
                time_limit=_LIMIT,
                retries=0,
                alert=False,
                part_of=verb,
            )
            for number, own in enumerate(words, 1)
        ]
        self._left = {job.name for job in self._jobs}
        self._lease = Leases(index, [parts_lease(mark)], mark)
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="parts", daemon=True)
        self._given_up = False

    def __enter__(self) -> Parts:
        self._lease.take()
        start_thread(self._watcher)
        try:
            self._prepare()
            for job in self._jobs:
                self._defer(job)
        except BaseException:  # raised again: what was begun is ended as after the block
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._watcher.join()
        try:
            self._lease.release()
            if self._left:
                self._cancel()
        except IndexUnusableError as error:
            self._say(f"{error} Parts that wait in the queue end as soon as a worker takes them.")

    def ended(self, look: Callable[[], None] = lambda: None) -> Iterator[RunRecord]:
        """Yield the run of each part when it has ended, one that was interrupted when repeated.

        ``look`` is called every second meanwhile.

        :raises PartsError: no worker has run for `PATIENCE` seconds.
        :raises IndexUnusableError: the index can't be read.
        """
        while self._left:
            # A part is in the queue until its log is where its run says.
            queue = self._in_queue()
            for job in [job for job in self._jobs if job.name in self._left - queue]:
                run = self._last_run(job.name)
                if run is not None and run.ending in _ENDED:
                    self._left.remove(job.name)
                    yield run
                else:  # its worker was told to stop it
                    self._defer(job)
            if self._given_up:
                minutes = round(PATIENCE / 60)
                raise PartsError(f"no worker has run for {minutes} minutes; nobody does the parts.")
            if self._left:
                look()
                self._ending.wait(_LOOK)

    def number_of(self, run: RunRecord) -> int:
        """Return which part a run is of, from 1."""
        return [job.name for job in self._jobs].index(run.job) + 1

    def line(self, run: RunRecord) -> str:
        """Return a line about how a part has ended, and where its log is."""
        ended = str(run.ending)
        if run.exit_code:
            ended += f" (exit {run.exit_code})"
        log = f"; {run.log}" if run.log else ""
        return f"part {self.number_of(run)}/{len(self._jobs)} on {run.host}: {ended}{log}"

    def _defer(self, job: Job) -> None:
        order = Order(job=job, due_at=self._due_at, attempt=1)
        self._deferred.add(job.name)
        self._queue.defer(order, f"job {job.name}", _PRIORITY)

    def _in_queue(self) -> set[str]:
        """Return the names of the jobs that wait in the queue, or that a worker has."""
        with self._index.reading() as connection:
            return {lock.partition(" ")[0] for lock in queued(connection)}

    def _last_run(self, name: str) -> RunRecord | None:
        now = datetime.now(UTC)
        with self._index.reading() as connection:
            last = past(connection, name, now).last
            return run_record(connection, last.run_id, now) if last is not None else None

    def _watch(self) -> None:
        """Renew the lease until the end, and say so where no worker runs."""
        renewed = seen = monotonic()
        is_said = False
        while not self._ending.wait(_LOOK_FOR_WORKERS):
            with suppress(IndexUnusableError):  # that is reported where the end of parts is read
                if monotonic() - renewed >= RENEWAL:
                    self._renew()
                    renewed = monotonic()
                if self._has_worker():
                    seen, is_said = monotonic(), False
            silence = monotonic() - seen
            if silence >= SILENCE and not is_said:
                self._say(
                    f"no worker runs; start `{PROGRAM} worker` here or on another machine. "
                    f"Without one it is given up after {round(PATIENCE / 60)} minutes."
                )
                is_said = True
            self._given_up = silence >= PATIENCE

    def _renew(self) -> None:
        try:
            self._lease.renew()
        except LeaseLostError:  # the server was away for long
            self._lease.take()

    def _has_worker(self) -> bool:
        with self._index.reading() as connection:
            return bool(live_workers(connection, datetime.now(UTC)))

    def _cancel(self) -> None:
        """Cancel the parts that no worker has begun, and say what becomes of the others."""
        left = sorted(self._left & self._deferred)
        cancelled = self._queue.cancel(left)
        if cancelled:
            verb = "is" if len(cancelled) == 1 else "are"
            self._say(f"{counted(len(cancelled), 'part')} not yet begun {verb} cancelled.")
        for name in left:
            run = self._last_run(name)
            if name in cancelled or (run is not None and run.ending in _ENDED):
                continue
            part = f"part {name.rpartition('-')[2]}/{len(self._jobs)}"
            where = f" on {run.host}" if run is not None else ""
            self._say(f"{part} still runs{where}; it ends by itself, and {self._said_of_left}.")

    def _say(self, sentence: str) -> None:
        print(f"{PROGRAM} {self._verb}: {sentence}", file=sys.stderr, flush=True)
