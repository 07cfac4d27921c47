"""Leases: what only one run at a time may do, over all processes that share an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from archive.index.dialect import one_of
from archive.index.process_identity import is_gone, is_here, this_process
from archive.index.schema import leases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from archive.index.database import Index

#: A holder on another machine counts as dead if its lease was not renewed for so long; of a holder
#: on this machine the process itself is checked.
LAPSE = timedelta(seconds=45)
#: Seconds between renewals.
RENEWAL = 15.0


class LeaseHeldError(Exception):
    """Another process holds the lease; the message is a sentence with what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease whose holder is alive, or renewed it less than `LAPSE` ago."""

    name: str
    run_id: str
    holder: str
    taken_at: datetime


def held(connection: Connection, name: str, now: datetime) -> Held | None:
    """Return who holds the lease; None if no live process does."""
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if row is None or not _is_alive(row, now):
        return None
    return Held(name=name, run_id=row.run_id, holder=row.holder, taken_at=row.taken_at)


def take(connection: Connection, name: str, run_id: str, now: datetime) -> Held | None:
    """Take the lease for this process, within the caller's write transaction.

    Return None, or the other run that holds it.
    """
    other = held(connection, name, now)
    if other is not None and other.run_id != run_id:
        return other
    connection.execute(delete(leases).where(leases.c.name == name))
    connection.execute(
        insert(leases).values(
            name=name, run_id=run_id, holder=this_process(), taken_at=now, renewed_at=now
        )
    )
    return None


def live_runs(connection: Connection, run_ids: Iterable[str], now: datetime) -> set[str]:
    """Return those of the runs that hold a lease."""
    rows = connection.execute(select(leases).where(one_of(leases.c.run_id, run_ids)))
    return {row.run_id for row in rows if _is_alive(row, now)}


class Lease:
    """One lease of one run. ``clock`` returns aware times."""

    def __init__(
        self,
        index: Index,
        name: str,
        run_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._index, self._name, self._run_id, self._clock = index, name, run_id, clock
        self._own = (leases.c.name == name) & (leases.c.run_id == run_id)

    def take(self) -> Held | None:
        """Take the lease; return None, or the other run that holds it.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            return take(connection, self._name, self._run_id, self._clock())

    def renew(self) -> None:
        """Write that the holder is alive.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            connection.execute(update(leases).where(self._own).values(renewed_at=self._clock()))

    def release(self) -> None:
        """Free the lease, if this run still holds it.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            connection.execute(delete(leases).where(self._own))


def outlet_lease(outlet: str) -> str:
    """Return the name of the lease that a crawl of the outlet holds."""
    return f"outlet {outlet}"


def _is_alive(row: Any, now: datetime) -> bool:
    """Return whether the holder of a row of ``leases`` is alive."""
    if is_here(row.holder):
        return not is_gone(row.holder)
    # The clock may have been set either way since the renewal.
    renewed_at: datetime = row.renewed_at
    return abs(now - renewed_at) < LAPSE
