"""Leases: what only one run at a time may do, over all processes that share an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from archive.index.dialect import one_of
from archive.index.schema import leases
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.parts import lease_part
from archive.index.writers.process_identity import is_gone, is_here, this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from archive.index.database import Index

#: A holder on another machine counts as dead if its lease was not renewed for so long; of a holder
#: on this machine the process itself is checked.
LAPSE = timedelta(seconds=45)
#: The begin of the names of workers' leases.
WORKER = "worker "
#: The begin of the names of leases of processes that wait for parts which workers run.
PARTS = "parts "
#: Seconds between renewals.
RENEWAL = 15.0


class LeaseHeldError(Exception):
    """Another process holds the lease; the message is a sentence with what to do."""


class LeaseLostError(Exception):
    """A lease was not renewed in time, and another run may have taken it; the message says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease whose holder is alive, or renewed it less than `LAPSE` ago."""

    name: str
    run_id: str
    holder: str
    taken_at: datetime


def held(connection: Connection, names: Sequence[str], now: datetime) -> Held | None:
    """Return who holds the first of these leases that is held; None if no live process does."""
    rows = connection.execute(select(leases).where(one_of(leases.c.name, names)))
    found = {row.name: row for row in rows if _is_alive(row, now)}
    return next((_held(found[name]) for name in names if name in found), None)


def all_held(connection: Connection, now: datetime) -> dict[str, Held]:
    """Return every lease that is held, by its name."""
    rows = connection.execute(select(leases))
    return {row.name: _held(row) for row in rows if _is_alive(row, now)}


def take(connection: Connection, names: Sequence[str], run_id: str, now: datetime) -> Held | None:
    """Take all these leases for this process, within the caller's write transaction.

    Return None; or, with none of them taken, another run that holds one.
    """
    rows = connection.execute(select(leases).where(one_of(leases.c.name, names)))
    others = [row for row in rows if row.run_id != run_id and _is_alive(row, now)]
    if others:
        return _held(min(others, key=lambda row: names.index(row.name)))
    own = {"run_id": run_id, "holder": this_process(), "taken_at": now, "renewed_at": now}
    connection.execute(delete(leases).where(one_of(leases.c.name, names)))
    connection.execute(insert(leases), [own | {"name": name} for name in names])
    return None


def outlets_held(connection: Connection, now: datetime) -> list[str]:
    """Return the outlets of which a live process holds the lease, on whatever machine."""
    prefix = outlet_lease("")
    names = sorted(all_held(connection, now))
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def live_runs(connection: Connection, run_ids: Iterable[str], now: datetime) -> set[str]:
    """Return those of the runs that hold a lease."""
    rows = connection.execute(select(leases).where(one_of(leases.c.run_id, run_ids)))
    return {row.run_id for row in rows if _is_alive(row, now)}


class Leases:
    """The leases of one run, which are taken together. ``clock`` returns aware times."""

    def __init__(
        self,
        index: Index,
        names: Sequence[str],
        run_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._index, self._names, self._run_id, self._clock = index, names, run_id, clock
        self._parts = [*map(lease_part, names)]
        self._own = one_of(leases.c.name, names) & (leases.c.run_id == run_id)

    @repeated_on_conflict
    def take(self) -> Held | None:
        """Take the leases; return None, or another run that holds one of them.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing(*self._parts) as connection:
            return take(connection, self._names, self._run_id, self._clock())

    @repeated_on_conflict
    def renew(self) -> None:
        """Write that the holder is alive.

        :raises LeaseLostError: this run holds one of them no more.
        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing(*self._parts) as connection:
            renewal = update(leases).where(self._own).values(renewed_at=self._clock())
            left: int = connection.execute(renewal).rowcount
        if left < len(self._names):
            raise LeaseLostError(
                f"the leases ({', '.join(self._names)}) were not renewed for too long, and "
                "another run may have them now; what this run has stored is kept."
            )

    @repeated_on_conflict
    def release(self) -> None:
        """Free the leases, those that this run still holds.

        :raises IndexUnusableError: the index can't be written.
        """
        with self._index.writing(*self._parts) as connection:
            connection.execute(delete(leases).where(self._own))


def outlet_lease(outlet: str) -> str:
    """Return the name of the lease that a crawl of the outlet holds."""
    return f"outlet {outlet}"


def host_lease(host: str) -> str:
    """Return the name of the lease of a host, which a crawl of any of its outlets holds."""
    return f"host {host}"


def worker_lease(run_id: str) -> str:
    """Return the name of the lease by which others see that a worker is alive."""
    return f"{WORKER}{run_id}"


def parts_lease(mark: str) -> str:
    """Return the name of the lease by which parts with this mark see that they are waited for."""
    return f"{PARTS}{mark}"


def _held(row: Any) -> Held:
    return Held(name=row.name, run_id=row.run_id, holder=row.holder, taken_at=row.taken_at)


def _is_alive(row: Any, now: datetime) -> bool:
    """Return whether the holder of a row of ``leases`` is alive."""
    if is_here(row.holder):
        return not is_gone(row.holder)
    # The clock may have been set either way since the renewal.
    renewed_at: datetime = row.renewed_at
    return abs(now - renewed_at) < LAPSE
