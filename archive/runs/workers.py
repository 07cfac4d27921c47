"""The workers that are alive: each is a run, with a lease that it renews, and runs of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.schema import leases, runs
from archive.index.writers.leases import WORKER, all_held

if TYPE_CHECKING:
    from datetime import datetime

    from archive.index.database import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """A worker that is alive: where and since when, when it last said so, and the jobs it runs."""

    run_id: str
    host: str
    version: str
    started_at: datetime
    seen_at: datetime
    jobs: tuple[str, ...]


def live_workers(connection: Snapshot, now: datetime) -> list[WorkerState]:
    """Return the workers that are alive, the oldest first."""
    alive = [
        held.run_id for name, held in all_held(connection, now).items() if name.startswith(WORKER)
    ]
    if not alive:
        return []
    query = (
        select(runs, leases.c.renewed_at)
        .join(leases, leases.c.run_id == runs.c.id)
        .where(runs.c.id.in_(alive))
    )
    found = connection.execute(query.order_by(runs.c.started_at, runs.c.id)).all()
    own = select(runs.c.job).where(runs.c.ending == "", runs.c.job != "").order_by(runs.c.job)
    return [
        WorkerState(
            run_id=row.id,
            host=row.host,
            version=row.version,
            started_at=row.started_at,
            seen_at=row.renewed_at,
            jobs=tuple(connection.scalars(own.where(runs.c.holder == row.holder))),
        )
        for row in found
    ]
