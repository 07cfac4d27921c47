"""Which of many jobs are due now and run nowhere, by the history of all runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from archive.index.writers.leases import all_held
from archive.runs.job_runs import end_crashed, past
from crawler.jobs.due import due

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from archive.index.database import Index
    from archive.runs.job_runs import Past
    from crawler.jobs.due import Order
    from crawler.jobs.job import Job

_log = logging.getLogger(__name__)


class DueNow(NamedTuple):
    """The orders to carry out, the longest overdue first, and the past of each job looked at."""

    orders: list[Order]
    pasts: Mapping[str, Past]


def report_crashed(index: Index, now: datetime) -> None:
    """Mark the runs whose process has died as crashed, and log them: only jobs are repeated.

    :raises IndexUnusableError: the index can't be read or written.
    """
    for run_id, job in end_crashed(index, now).items():
        if job:
            _log.warning(
                "%s: run %s crashed with the process that ran it; it is repeated", job, run_id
            )
        else:
            _log.warning("run %s, by hand, crashed with the process that ran it", run_id)


def due_now(
    index: Index, jobs: Sequence[Job], now: datetime, running: Container[str] = ()
) -> DueNow:
    """Return what is due and not running anywhere; the jobs ``running`` here are left out.

    :raises IndexUnusableError: the index can't be read or written.
    """
    report_crashed(index, now)
    orders: list[Order] = []
    pasts: dict[str, Past] = {}
    with index.reading() as connection:
        leased = all_held(connection, now).keys()
        for job in jobs:
            if job.name in running or not leased.isdisjoint(job.leases):
                continue
            pasts[job.name] = past(connection, job.name, now)
            order = due(job, pasts[job.name], now)
            if order is not None:
                orders.append(order)
    return DueNow(sorted(orders, key=lambda order: order.due_at), pasts)
