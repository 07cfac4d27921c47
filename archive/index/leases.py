"""Leases: what one process at a time may do, over all processes that share an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from archive.index.process_identity import is_gone, is_here, this_process
from archive.index.schema import leases

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from archive.index.database import Index

#: A holder on another machine counts as dead when it was not heard of for so long; on this one its
#: process is looked at. Seconds between renewals: a third of it.
LAPSE = timedelta(seconds=45)
RENEWAL = 15.0


class LeaseHeldError(Exception):
    """Another process has the lease; the message is a sentence with what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease in the hands of a live process, or of one that was heard of a moment ago."""

    name: str
    run_id: str
    holder: str
    taken_at: datetime


def held(connection: Connection, name: str, now: datetime) -> Held | None:
    """Who has the lease; None if nobody has, or nobody who lives."""
    row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
    if row is None:
        return None
    # The clock may have jumped either way since it was renewed, and says nothing of a process that
    # can be looked at.
    alive = not is_gone(row.holder) if is_here(row.holder) else abs(now - row.renewed_at) < LAPSE
    return (
        Held(name=name, run_id=row.run_id, holder=row.holder, taken_at=row.taken_at)
        if alive
        else None
    )


def take(connection: Connection, name: str, run_id: str, now: datetime) -> Held | None:
    """Take the lease for this process within the caller's write transaction; who has it, if somebody else does."""
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


class Lease:
    """A lease that a run holds, or is to hold. ``clock`` gives aware times."""

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
        """Take it; who has it, if somebody else does.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            return take(connection, self._name, self._run_id, self._clock())

    def renew(self) -> None:
        """Be heard of.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            connection.execute(update(leases).where(self._own).values(renewed_at=self._clock()))

    def release(self) -> None:
        """Leave it to others, if it is still ours.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing() as connection:
            connection.execute(delete(leases).where(self._own))


def outlet_lease(outlet: str) -> str:
    """The lease of whoever crawls an outlet: one run at a time."""
    return f"outlet {outlet}"
