"""A worker: it takes deferred jobs from the queue of an index, and runs them."""

from __future__ import annotations

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import procrastinate
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.worker import Worker as QueueWorker

from archive.index.database import IndexUnusableError
from archive.index.writers.leases import RENEWAL, LeaseLostError, held
from archive.runs.job_runs import past
from crawler.cli.output.times import kst_minute
from crawler.jobs.due import due
from crawler.jobs.due_now import report_crashed
from crawler.jobs.execution.runner import run_job
from crawler.jobs.queue.message import MessageError, job_of
from crawler.jobs.queue.patience import PatientConnector
from crawler.jobs.queue.procrastinate_queue import TASK, JobQueue, reason
from crawler.jobs.signals import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archive.index.writers.leases import Leases
    from crawler.jobs.due import Order
    from crawler.jobs.execution.runner import FinishedRun, RunnerContext
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)
#: Seconds between heartbeats of a worker; without one for so long, its jobs are given to others.
_HEARTBEAT, _STALLED = 5.0, 20.0
#: Seconds between looks for jobs of workers that have died, and for jobs to run.
_LOOK, _POLL = 5.0, 2.0
#: Seconds until a job is looked at again whose leases another run holds.
_BUSY = 5
#: Seconds after which a dead worker is forgotten.
_FORGOTTEN = 3600.0


class _BusyError(Exception):
    """The job can't be run now: another run holds a lease of it, or the index is away."""


def _is_no_side_task(record: logging.LogRecord) -> bool:
    """Return whether a record of Procrastinate's is about something else than its own tasks."""
    return getattr(record, "action", "") != "side_task_failed"


def _report_task(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log why a task that nobody waits for has failed, as one of the queue's library may."""
    error = context.get("exception")
    if isinstance(error, ConnectorException):
        _log.error(
            "the queue could not be told how a job has ended (%s); it is given to another worker",
            reason(error),
        )
    else:
        loop.default_exception_handler(context)


class Worker:
    """Takes deferred jobs and runs them, ``at_once`` at a time, until SIGTERM or Ctrl-C.

    It then takes no more, and its runs may end; after ``grace`` seconds, or at a second signal,
    they are stopped. Each ended run is passed to ``ended``, by any thread. ``sign`` is the lease by
    which others see that the worker is alive.

    :raises IndexUnusableError: the index is a file, or its queue can't be used.
    """

    def __init__(
        self,
        context: RunnerContext,
        at_once: int,
        grace: float,
        ended: Callable[[FinishedRun], None],
        sign: Leases,
    ) -> None:
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        # That it stops is reported here, without where it happened.
        logging.getLogger("procrastinate.worker.worker").addFilter(_is_no_side_task)
        logging.getLogger("procrastinate.utils").setLevel(logging.CRITICAL)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # see `PatientConnector`
        self._context = context
        self._at_once = at_once
        self._grace = grace
        self._ended = ended
        self._sign = sign
        self._stop = Stop()
        self._is_draining = False
        self._running: set[int] = set()
        self._stray: set[int] = set()
        self._queue = JobQueue(context.index).name
        connector: Any = PatientConnector(context.index.url, self._may_wait)
        self._app = procrastinate.App(connector=connector)
        self._worker: QueueWorker | None = None
        self._app.task(
            name=TASK,
            pass_context=True,
            retry=procrastinate.RetryStrategy(wait=_BUSY, retry_exceptions=[_BusyError]),
        )(self._run_deferred)

    def run(self) -> bool:
        """Work until it is stopped; return False if the queue could not be told of the end."""
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="run") as self._threads:
            return asyncio.run(self._work())

    async def _work(self) -> bool:
        asyncio.get_running_loop().set_exception_handler(_report_task)
        async with self._app.open_async():
            work = asyncio.create_task(self._take_jobs())
            others = [asyncio.create_task(self._look_after()), asyncio.create_task(self._show())]
            with self._handled_signals(work):
                # Who reads this may tell it to stop: before, a signal would end the process.
                _log.info("ready, %s at once", self._at_once)
                try:
                    await work
                except asyncio.CancelledError:  # by a signal
                    pass
                except ConnectorException as error:
                    _log.error(
                        "the queue could not be told that this worker has ended (%s)",
                        reason(error),
                    )
                    return False
                finally:
                    for task in others:
                        task.cancel()
                    await asyncio.gather(*others, return_exceptions=True)
        return True

    async def _take_jobs(self) -> None:
        while not self._is_draining:
            worker: Any = QueueWorker(
                self._app,
                queues=[self._queue],
                concurrency=self._at_once,
                delete_jobs="always",
                install_signal_handlers=False,
                fetch_job_polling_interval=_POLL,
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_FORGOTTEN,
            )
            self._worker = worker
            try:
                await worker.run()
            except ConnectorException as error:  # it was forgotten while it could not be heard
                if self._is_draining:
                    raise
                _log.error("the queue fails (%s); this worker begins anew", reason(error))
            await asyncio.sleep(_POLL)

    @contextmanager
    def _handled_signals(self, work: asyncio.Task[None]) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def handle() -> None:
            if self._is_draining:
                self._stop.request()
                return
            self._is_draining = True
            _log.info("no more jobs are taken; %s running", len(self._running))
            loop.call_later(self._grace, self._stop.request)
            work.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, handle)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _may_wait(self) -> bool:
        """Whether the worker may wait for the database: a last run may have to be recorded."""
        return not self._is_draining or bool(self._running and not self._stop.requested)

    async def _run_deferred(self, context: Any, job: dict[str, Any]) -> None:
        """Run a deferred job, if it is still due."""
        number = int(context.job.id)
        self._running.add(number)
        try:
            loop = asyncio.get_running_loop()
            await asyncio.shield(loop.run_in_executor(self._threads, self._run_message, job))
        finally:
            self._running.discard(number)

    def _run_message(self, message: dict[str, Any]) -> None:
        try:
            job = job_of(message)
        except MessageError as error:
            # It must not wait for a worker of that version: there may be none any more.
            _log.error(
                "%s; it is dropped, and deferred again. Run workers and schedulers of one version.",
                error,
            )
            return
        try:
            order = self._order(job)
            if order is None:
                return  # another worker has seen to it
            _log.info(
                "%s: starting attempt %s (scheduled for %s)",
                job.name,
                order.attempt,
                kst_minute(order.due_at),
            )
            run = run_job(order, self._context, self._stop)
        except IndexUnusableError as error:
            _log.error("%s could not be started: %s", job.name, error)
            raise _BusyError(job.name) from error
        if run is None:
            raise _BusyError(job.name)
        self._ended(run)

    def _order(self, job: Job) -> Order | None:
        """Return what to run of the job now, None if nothing; it may have waited for long.

        :raises _BusyError: another run holds a lease of it.
        :raises IndexUnusableError: the index can't be read or written.
        """
        index, now = self._context.index, datetime.now(UTC)
        report_crashed(index, now)
        with index.reading() as connection:
            if held(connection, job.leases, now) is not None:
                raise _BusyError(job.name)
            return due(job, past(connection, job.name, now), now)

    async def _show(self) -> None:
        """Show, until this is cancelled, that the worker is alive."""
        while True:
            await asyncio.sleep(RENEWAL)
            await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        with suppress(IndexUnusableError):  # that is reported where jobs are taken
            try:
                self._sign.renew()
            except LeaseLostError:  # the server was away for long, and it was taken for dead
                self._sign.take()

    async def _look_after(self) -> None:
        """Give back to the queue, until this is cancelled, the jobs of workers that have died."""
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self._give_back()
            except ConnectorException as error:
                # Another worker may have given the same job back, or one has taken it since.
                _log.debug("%s", reason(error))

    async def _give_back(self) -> None:
        jobs = self._app.job_manager
        stalled = await jobs.get_stalled_jobs(
            queue=self._queue, task_name=TASK, seconds_since_heartbeat=_STALLED
        )
        for job in stalled:
            if job.id is not None and job.id not in self._running:
                _log.warning("job %s is taken from a worker that has died", job.queueing_lock)
                await jobs.retry_job_by_id_async(job_id=job.id, retry_at=datetime.now(UTC))
        await self._give_back_strays()

    async def _give_back_strays(self) -> None:
        """Give back jobs that this worker was given and never got: the connection had broken."""
        if self._worker is None or self._worker.worker_id is None:
            return
        doing = await self._app.job_manager.list_jobs_async(
            queue=self._queue, status=Status.DOING.value, worker_id=self._worker.worker_id
        )
        strays = {job.id for job in doing if job.id is not None} - self._running
        for number in strays & self._stray:
            await self._app.job_manager.retry_job_by_id_async(
                job_id=number, retry_at=datetime.now(UTC)
            )
        self._stray = strays
