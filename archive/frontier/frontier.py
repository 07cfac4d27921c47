"""The frontier: what an outlet was seen to have, what of it to fetch next, and who is fetching it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from archive.articles.blocklist import blocked_among
from archive.frontier import revisit_policy
from archive.frontier.accounting import Balance, balance_of
from archive.frontier.revisit_policy import State, VisitKind
from archive.frontier.settle import after_visit
from archive.frontier.visits import GIVEN_UP, FrontierLink, Visit, VisitResult
from archive.index.bulk import one_of
from archive.index.process_identity import is_gone, this_process
from archive.index.schema import frontier
from archive.model.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from archive.index.database import Index

#: How long a lease holds without `Frontier.renew`; renew it three times as often.
LEASE = timedelta(seconds=120)


class Frontier:
    """One outlet's frontier in the hands of one run.

    Any number of processes may share an outlet: a lease is one run's alone until it is settled,
    released, left without `renew` for `LEASE`, or its holder's process is known dead. Each method
    but `settle` is a transaction of its own. ``clock`` gives aware times.
    """

    def __init__(
        self,
        index: Index,
        outlet: str,
        run_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._index = index
        self._outlet = outlet
        self._own = frontier.c.outlet == outlet
        self._run = run_id
        self._clock = clock
        self._holder = this_process()

    def discover(self, links: Iterable[FrontierLink]) -> int:
        """Take note of links; give how many articles are new, which are due now unless they were removed.

        Known ones gain the channel, and the time of publication where none was known. What another
        run has given up, or put off before it was ever served, is due once more when a further
        channel names it: an id that was guessed may have been published since. Nothing else
        changes.
        """
        found: dict[str, _Found] = {}
        for link in links:
            found.setdefault(link.article_id, _Found(link.url)).add(link)
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        revived: list[dict[str, Any]] = []
        with self._index.writing() as connection:
            columns = [frontier.c[name] for name in _DISCOVERED]
            known = {row.article_id: row for row in self._rows(connection, found, *columns)}
            now = self._clock()
            removed = blocked_among(connection, self._outlet, found.keys() - known.keys())
            for article_id, seen in found.items():
                row = known.get(article_id)
                if row is None:
                    new.append(
                        self._new_row(article_id, seen, now)
                        | (GIVEN_UP if article_id in removed else {})
                    )
                    continue
                channels = [
                    *row.channels,
                    *(channel for channel in seen.channels if channel not in row.channels),
                ]
                published_at = row.published_at or seen.published_at
                if channels != row.channels or published_at != row.published_at:
                    changed.append(
                        {"pk": row.id, "channels": channels, "published_at": published_at}
                    )
                given_up = row.state == State.DEAD and row.reason != Reason.REMOVED
                waits = row.state == State.DUE and row.due_at > now and not row.visits
                if channels != row.channels and (given_up or waits) and row.last_run != self._run:
                    revived.append({"pk": row.id})
            if new:
                connection.execute(insert(frontier), new)
            if changed:
                connection.execute(
                    update(frontier).where(frontier.c.id == bindparam("pk")), changed
                )
            if revived:
                again = update(frontier).where(frontier.c.id == bindparam("pk"))
                connection.execute(again.values(state=State.DUE, due_at=now, failures=0), revived)
        return len(new)

    def known(self, article_ids: Collection[str]) -> set[str]:
        """Those of the ids that the frontier holds, in whatever state."""
        with self._index.reading() as connection:
            return {
                row.article_id for row in self._rows(connection, article_ids, frontier.c.article_id)
            }

    def held_by_others(self) -> set[str]:
        """The articles that other runs are visiting now."""
        others = (frontier.c.lease != self._run, frontier.c.leased_until >= self._clock())
        with self._index.reading() as connection:
            return set(
                connection.scalars(select(frontier.c.article_id).where(self._leased(), *others))
            )

    def take(self, n: int) -> list[Visit]:
        """Lease up to ``n`` articles that are due, the longest due first, those never stored before all others.

        What failed by our own fault (`revisit_policy.OURS`) in this run is left to the next one.
        """
        with self._index.writing() as connection:
            now = self._clock()
            self._reclaim(connection, now)
            due = (
                select(frontier.c.id, *_VISIT)
                .where(self._own, frontier.c.state == State.DUE, frontier.c.due_at <= now)
                .where(
                    or_(
                        frontier.c.last_run != self._run,
                        frontier.c.reason.not_in(revisit_policy.OURS),
                    )
                )
                .order_by(frontier.c.due_at, frontier.c.id)
            )
            rows = list(connection.execute(due.where(frontier.c.visits == 0).limit(n)))
            if len(rows) < n:
                rows += connection.execute(due.where(frontier.c.visits > 0).limit(n - len(rows)))
            lease = {
                "state": State.LEASED,
                "lease": self._run,
                "leased_until": now + LEASE,
                "holder": self._holder,
            }
            if rows:
                chosen = update(frontier).where(frontier.c.id == bindparam("pk")).values(lease)
                connection.execute(chosen, [{"pk": row.id} for row in rows])
        return [Visit(*row[1:]) for row in rows]

    def settle(self, connection: Connection, results: Sequence[VisitResult]) -> int:
        """Write what visits gave, within the transaction that keeps their captures; give how many counted.

        A result of an article that another run has in hand or has finished since does not count,
        nor does a failure of one that this run no longer holds: their state is the other run's to
        say.

        :raises ValueError: an article that the frontier does not hold.
        """
        now = self._clock()
        ids = [result.article_id for result in results]
        rows = {row.article_id: row for row in self._rows(connection, ids, *_SETTLED)}
        changes: dict[str, dict[str, Any]] = {}
        for result in results:
            row = rows.get(result.article_id)
            if row is None:
                raise ValueError(f"{self._outlet}: {result.article_id!r} is not in the frontier")
            kind = revisit_policy.visit_kind(result.verdict, result.status)
            held = row.lease == self._run
            if held or (row.state == State.DUE and kind is VisitKind.SERVED):
                changes[result.article_id] = after_visit(row, result, kind, now, self._run)
        if changes:
            connection.execute(
                update(frontier).where(frontier.c.id == bindparam("pk")), list(changes.values())
            )
        return len(changes)

    def renew(self) -> int:
        """Hold this run's leases for another `LEASE`; give how many there are."""
        with self._index.writing() as connection:
            mine = update(frontier).where(self._leased(), frontier.c.lease == self._run)
            return connection.execute(mine.values(leased_until=self._clock() + LEASE)).rowcount

    def release(self, run_id: str = "") -> int:
        """Give back the leases of a run (this one if none is named), due at once; give how many there were."""
        with self._index.writing() as connection:
            return self._free(connection, frontier.c.lease == (run_id or self._run))

    def adopt_orphans(self) -> int:
        """Make due what lapsed leases and dead processes hold; `take` does so too. Give how many there were."""
        with self._index.writing() as connection:
            return self._reclaim(connection, self._clock())

    def revive(self, reasons: Collection[Reason]) -> int:
        """Make due now what was given up for one of these reasons (its cause is gone); give how many."""
        return self._due_now(frontier.c.state == State.DEAD, frontier.c.reason.in_(set(reasons)))

    def again(self, article_ids: Collection[str]) -> int:
        """Make these due now, whatever became of them, unless they are in hand or were removed; give how many."""
        which = (frontier.c.state != State.LEASED, frontier.c.reason != Reason.REMOVED)
        return self._due_now(*which, frontier.c.article_id.in_(article_ids))

    def due_count(self) -> int:
        """How many articles are due now, those under other runs' lapsed leases with them."""
        now = self._clock()
        due = and_(frontier.c.state == State.DUE, frontier.c.due_at <= now)
        lapsed = and_(self._leased(), frontier.c.lease != self._run, frontier.c.leased_until < now)
        count = select(func.count()).select_from(frontier).where(self._own)
        with self._index.reading() as connection:
            return sum(connection.scalar(count.where(which)) or 0 for which in (due, lapsed))

    def last_new(self) -> datetime | None:
        """When an article was first looked at that was not known before; None if that never was."""
        with self._index.reading() as connection:
            found: datetime | None = connection.scalar(
                select(func.max(frontier.c.first_visit_at)).where(self._own)
            )
        return found

    def balance(self, run_id: str = "") -> Balance:
        """The books of a run (this one if none is named) at this outlet."""
        with self._index.reading() as connection:
            return balance_of(connection, self._outlet, run_id or self._run)

    def _new_row(self, article_id: str, seen: _Found, now: datetime) -> dict[str, Any]:
        return {
            "outlet": self._outlet,
            "article_id": article_id,
            "url": seen.url,
            "published_at": seen.published_at,
            "discovered_at": now,
            "channels": seen.channels,
            "state": State.DUE,
            "due_at": now,
            "discovered_run": self._run,
        } | _BLANK

    def _rows(
        self, connection: Connection, ids: Iterable[str], *columns: Any
    ) -> Iterable[Row[Any]]:
        query = select(*columns).where(self._own)
        return connection.execute(query.where(one_of(frontier.c.article_id, ids)))

    def _due_now(self, *which: ColumnElement[bool]) -> int:
        values = {"state": State.DUE, "due_at": self._clock(), "failures": 0}
        with self._index.writing() as connection:
            return connection.execute(
                update(frontier).where(self._own, *which).values(values)
            ).rowcount

    def _leased(self) -> ColumnElement[bool]:
        return and_(self._own, frontier.c.state == State.LEASED)

    def _reclaim(self, connection: Connection, now: datetime) -> int:
        # This run's own leases, even lapsed, are of articles on their way: given back only by
        # `release`.
        others = frontier.c.lease != self._run
        holders = connection.scalars(
            select(frontier.c.holder).distinct().where(self._leased(), others)
        )
        dead = [holder for holder in holders if is_gone(holder)]
        return self._free(
            connection,
            and_(others, or_(frontier.c.leased_until < now, frontier.c.holder.in_(dead))),
        )

    def _free(self, connection: Connection, which: ColumnElement[bool]) -> int:
        given_back = update(frontier).where(self._leased(), which)
        return connection.execute(
            given_back.values(state=State.DUE, lease="", leased_until=None, holder="")
        ).rowcount


@dataclass(slots=True)
class _Found:
    """What a batch of links says of one article."""

    url: str
    published_at: datetime | None = None
    channels: list[str] = field(default_factory=list)

    def add(self, link: FrontierLink) -> None:
        self.published_at = self.published_at or link.published_at
        if link.channel not in self.channels:
            self.channels.append(link.channel)


#: A `Visit`'s fields, and what `Frontier.settle` has to know, in columns.
_VISIT = tuple(
    frontier.c[name]
    for name in ("article_id", "url", "failures", "visits", "etag", "last_modified", "published_at")
)
_DISCOVERED = (
    "id",
    "article_id",
    "channels",
    "published_at",
    "state",
    "last_run",
    "reason",
    "due_at",
    "visits",
)
_ALSO = ("id", "state", "lease", "last_run", "outcome", "first_visit_at")
_SETTLED = (*_VISIT, *(frontier.c[name] for name in _ALSO))
#: What a new row knows of visits: nothing.
_BLANK = {
    "failures": 0,
    "visits": 0,
    "first_visit_at": None,
    "outcome": "",
    "reason": "",
    "etag": "",
    "last_modified": "",
    "lease": "",
    "leased_until": None,
    "holder": "",
    "last_run": "",
}
