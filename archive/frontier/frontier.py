"""The frontier of an outlet: discovered articles, when each is due, and which run fetches it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from archive.articles.blocklist import blocked_among
from archive.frontier import discover
from archive.frontier.accounting import Balance, balance_of
from archive.frontier.clock_errors import undo_future
from archive.frontier.gone_looks import GoneLooks, Look
from archive.frontier.revisit_policy import State, is_second_look, next_visit
from archive.frontier.settle import after_visit
from archive.frontier.visits import FrontierLink, Visit, VisitResult
from archive.index.dialect import one_of
from archive.index.schema import frontier
from archive.index.writers.conflicts import repeated_on_conflict
from archive.index.writers.leases import live_runs
from archive.index.writers.parts import outlet_part
from archive.model.outcome import Outcome, Reason
from archive.model.visit_policy import OURS, READ, VisitKind, visit_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row

    from archive.frontier.discover import ArticleLinks
    from archive.index.database import Index

_log = logging.getLogger(__name__)


class Frontier:
    """The frontier of an outlet, for one run.

    Any number of processes may use the same outlet. A run that leases an article has it alone until
    it is settled or released, or the run no longer holds any lease in
    `archive.index.writers.leases`: a run that uses a frontier must hold one. Each method except
    `settle` and `set_aside` is one transaction. ``clock`` returns aware times.
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
        #: The part of the index that whoever calls `settle` or `set_aside` must have.
        self.part = outlet_part(outlet)
        self._run = run_id
        self._clock = clock
        self._looks = GoneLooks(run_id)
        self._is_checked = False

    def discover(self, links: Iterable[FrontierLink]) -> int:
        """Add discovered links; return how many articles are new.

        New articles are due now, unless they were removed. Known ones gain the channel, and the
        time of publication if they have none; some are due again (see `discover.is_revived`).
        """
        return self._enter(discover.by_article(links))

    @repeated_on_conflict
    def _enter(self, found: Mapping[str, ArticleLinks]) -> int:
        columns = [frontier.c[name] for name in discover.COLUMNS]
        new: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        revived: list[dict[str, Any]] = []
        with self._index.writing(self.part) as connection:
            known = {row.article_id: row for row in self._rows(connection, found, *columns)}
            now = self._clock()
            removed = blocked_among(connection, self._outlet, found.keys() - known.keys())
            for article_id, of_article in found.items():
                row = known.get(article_id)
                if row is None:
                    new.append(
                        discover.new_row(
                            self._outlet,
                            article_id,
                            of_article,
                            now,
                            self._run,
                            is_removed=article_id in removed,
                        )
                    )
                    continue
                update_values = discover.update_of(row, of_article)
                if update_values is not None:
                    changed.append(update_values)
                if discover.is_revived(row, of_article, now, self._run):
                    revived.append({"pk": row.id, "due_at": now} | _REVIVED)
            if new:
                connection.execute(insert(frontier), new)
            _update(connection, changed)
            _update(connection, revived)
        return len(new)

    def known_ids(self, article_ids: Collection[str]) -> set[str]:
        """Return those of the ids that are in the frontier, in any state."""
        with self._index.reading() as connection:
            rows = self._rows(connection, article_ids, frontier.c.article_id)
            return {row.article_id for row in rows}

    def leased_by_others(self) -> set[str]:
        """Return the ids of the articles that other runs are fetching now."""
        query = select(frontier.c.article_id, frontier.c.lease).where(self._is_of_others())
        with self._index.reading() as connection:
            dead = self._dead_runs(connection, self._clock())
            return {row.article_id for row in connection.execute(query) if row.lease not in dead}

    @repeated_on_conflict
    def lease(self, limit: int) -> list[Visit]:
        """Lease up to ``limit`` articles that are due.

        Those never served come first, then those that are due for the longest time. Articles that
        failed in this run by an error of our own (`VisitKind.OURS`) are left to the next run.
        """
        with self._index.writing(self.part) as connection:
            now = self._clock()
            self._release_expired(connection, now)
            undone = self._undo_future(connection, now)
            rows = self._due_rows(connection, limit, now)
            lease = {"state": State.LEASED, "lease": self._run}
            _update(connection, [{"pk": row.id} | lease for row in rows])
        self._note_undone(undone)
        return [_visit(row) for row in rows]

    def settle(self, connection: Connection, results: Sequence[VisitResult]) -> int:
        """Write the results of visits; return how many counted.

        Call it within the transaction that stores their captures. A result does not count if
        another run has leased or fetched the article since; the result of a failure only counts
        while this run has the lease. An article that was found gone stays due until `end_gone`.

        :raises ValueError: an article is not in the frontier.
        """
        now = self._clock()
        ids = [result.article_id for result in results]
        rows = {row.article_id: row for row in self._rows(connection, ids, *_SETTLED)}
        served_at = self._served_at(connection, results, rows, now)
        changes: dict[str, dict[str, Any]] = {}
        looks: list[Look] = []
        for result in results:
            row = rows.get(result.article_id)
            if row is None:
                raise ValueError(f"{self._outlet}: {result.article_id!r} is not in the frontier")
            kind = visit_kind(result.verdict, result.status)
            is_leased = row.lease == self._run
            if is_leased or (row.state == State.DUE and kind is VisitKind.SERVED):
                changes[result.article_id] = after_visit(row, result, kind, now, self._run)
                is_second = is_second_look(row.gone_at, served_at, now)
                looks.append(Look.of_visit(row, result, kind, now, is_second=is_second))
        _update(connection, list(changes.values()))
        self._looks.add(looks)
        return len(changes)

    def set_aside(self, connection: Connection, article_id: str) -> None:
        """End this run's visit of an article at which a bug was met, as one of `VisitKind.OURS`.

        Call it within a transaction of the caller's. Nothing is written that the visit showed.
        """
        its = and_(self._own, frontier.c.article_id == article_id, frontier.c.lease == self._run)
        failures = connection.scalar(select(frontier.c.failures).where(its))
        if failures is None:
            return
        now = self._clock()
        step = next_visit(
            VisitKind.OURS, failures=failures, visits=0, counted_from=now, now=now, retry_at=None
        )
        failed = {
            "state": step.state,
            "due_at": step.due_at,
            "failures": step.failures,
            "visited_at": now,
            "outcome": str(Outcome.FAILED),
            "reason": str(Reason.INTERNAL_ERROR),
            "lease": "",
            "last_run": self._run,
        }
        connection.execute(update(frontier).where(its).values(failed))

    @repeated_on_conflict
    def end_gone(self, walks: Collection[str] = ()) -> int:
        """End the articles that this run found gone at a second look; return how many.

        Looks that show an outage of the outlet say nothing of the articles. ``walks`` are the names
        of the channels that guess ids: a guess that is not there is no sign of an outage. Call it
        when the run has settled all visits; one that crashes before ends no article by its looks.
        """
        confirmed, void = self._looks.judge(frozenset(walks))
        with self._index.writing(self.part) as connection:
            ended = self._change_looked_at(connection, confirmed, _ENDED)
            self._change_looked_at(connection, void, {"gone_at": None})
        return ended

    def _change_looked_at(
        self, connection: Connection, row_ids: Collection[int], values: Mapping[str, Any]
    ) -> int:
        """Change rows of articles that this run was the last to look at; return how many."""
        which = and_(
            one_of(frontier.c.id, row_ids),
            frontier.c.last_run == self._run,
            frontier.c.state == State.DUE,
            frontier.c.gone_at.is_not(None),
        )
        return connection.execute(update(frontier).where(which).values(values)).rowcount

    @repeated_on_conflict
    def release(self, run_id: str = "") -> int:
        """Release the leases of a run (default: this one); return how many there were.

        The articles are due at once.
        """
        with self._index.writing(self.part) as connection:
            return self._release(connection, frontier.c.lease == (run_id or self._run))

    @repeated_on_conflict
    def release_expired(self) -> int:
        """Release the articles of runs that hold no lease, as `lease` does; return how many."""
        with self._index.writing(self.part) as connection:
            return self._release_expired(connection, self._clock())

    def revive(self, reasons: Collection[Reason]) -> int:
        """Make due the articles that were given up for one of the reasons; return how many."""
        return self._make_due(frontier.c.state == State.DEAD, frontier.c.reason.in_(set(reasons)))

    def make_due(self, article_ids: Collection[str]) -> int:
        """Make articles due in any state, unless they are leased or removed; return how many."""
        return self._make_due(
            frontier.c.state != State.LEASED,
            frontier.c.reason != Reason.REMOVED,
            frontier.c.article_id.in_(article_ids),
        )

    def due_count(self) -> int:
        """Return how many articles are due now, including those leased by runs that are dead."""
        now = self._clock()
        due = and_(frontier.c.state == State.DUE, frontier.c.due_at <= now)
        count = select(func.count()).select_from(frontier).where(self._own)
        with self._index.reading() as connection:
            expired = and_(
                self._is_leased(), one_of(frontier.c.lease, self._dead_runs(connection, now))
            )
            return sum(connection.scalar(count.where(which)) or 0 for which in (due, expired))

    def last_new_at(self) -> datetime | None:
        """Return when an article was last served for the first time; None if none ever was."""
        query = select(func.max(frontier.c.first_visit_at)).where(self._own)
        with self._index.reading() as connection:
            moment: datetime | None = connection.scalar(query)
        return moment

    def balance(self, run_id: str = "") -> Balance:
        """Return the accounting of a run (default: this one) at this outlet."""
        with self._index.reading() as connection:
            return balance_of(connection, self._outlet, run_id or self._run)

    def _undo_future(self, connection: Connection, now: datetime) -> int:
        """Undo, at the first lease of a run, what a clock that was ahead has left."""
        return 0 if self._is_checked else undo_future(connection, self._outlet, now)

    def _note_undone(self, number: int) -> None:
        """Note what `_undo_future` has done, once it is committed."""
        self._is_checked = True
        if number:
            _log.warning(
                "%s: %d articles were looked at by a clock that was ahead; they are due again",
                self._outlet,
                number,
            )

    def _due_rows(self, connection: Connection, limit: int, now: datetime) -> Sequence[Any]:
        is_allowed = or_(frontier.c.last_run != self._run, frontier.c.reason.not_in(OURS))
        due = select(frontier.c.id, *_VISIT).where(
            self._own, frontier.c.state == State.DUE, frontier.c.due_at <= now, is_allowed
        )
        due = due.order_by(frontier.c.due_at, frontier.c.id)
        rows = list(connection.execute(due.where(frontier.c.visits == 0).limit(limit)))
        if len(rows) < limit:
            rest = due.where(frontier.c.visits > 0).limit(limit - len(rows))
            rows += connection.execute(rest)
        return rows

    def _rows(
        self, connection: Connection, ids: Iterable[str], *columns: Any
    ) -> Iterable[Row[Any]]:
        query = select(*columns).where(self._own)
        return connection.execute(query.where(one_of(frontier.c.article_id, ids)))

    @repeated_on_conflict
    def _make_due(self, *which: ColumnElement[bool]) -> int:
        values = {"state": State.DUE, "due_at": self._clock(), "failures": 0}
        chosen = update(frontier).where(self._own, *which).values(values)
        with self._index.writing(self.part) as connection:
            return connection.execute(chosen).rowcount

    def _served_at(
        self,
        connection: Connection,
        results: Sequence[VisitResult],
        rows: Mapping[str, Row[Any]],
        now: datetime,
    ) -> datetime | None:
        """Return when any article was last served since one of these was first found gone.

        None if none was, or none of them was found gone before.
        """
        known = (rows[result.article_id] for result in results if result.article_id in rows)
        since = min((row.gone_at for row in known if row.gone_at is not None), default=None)
        if since is None:
            return None
        if any(one.verdict.outcome in READ for one in results):
            return now
        query = select(func.max(frontier.c.served_at)).where(
            self._own, frontier.c.served_at > since, frontier.c.served_at <= now
        )
        moment: datetime | None = connection.scalar(query)
        return moment

    def _is_leased(self) -> ColumnElement[bool]:
        return and_(self._own, frontier.c.state == State.LEASED)

    def _is_of_others(self) -> ColumnElement[bool]:
        return and_(self._is_leased(), frontier.c.lease != self._run)

    def _dead_runs(self, connection: Connection, now: datetime) -> set[str]:
        """Return the other runs that leased articles and hold no lease any more."""
        query = select(frontier.c.lease).distinct().where(self._is_of_others())
        others = set(connection.scalars(query))
        return others - live_runs(connection, others, now) if others else others

    def _release_expired(self, connection: Connection, now: datetime) -> int:
        dead = self._dead_runs(connection, now)
        return self._release(connection, one_of(frontier.c.lease, dead)) if dead else 0

    def _release(self, connection: Connection, which: ColumnElement[bool]) -> int:
        released = update(frontier).where(self._is_leased(), which)
        return connection.execute(released.values(state=State.DUE, lease="")).rowcount


def _visit(row: Any) -> Visit:
    return Visit(**{column.name: row._mapping[column] for column in _VISIT})


def _update(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Update rows by id: ``pk`` is the id, the other keys are columns, the same in all rows."""
    if rows:
        connection.execute(update(frontier).where(frontier.c.id == bindparam("pk")), rows)


#: The columns of an article that is gone.
_ENDED = {"state": State.DEAD, "due_at": None}
#: The columns of an article that is due again: what was found before does not count.
_REVIVED = {"state": State.DUE, "failures": 0, "gone_at": None}
#: The columns of the fields of a `Visit`.
_VISIT = tuple(
    frontier.c[name]
    for name in ("article_id", "url", "failures", "visits", "etag", "last_modified", "published_at")
)
#: The columns that `Frontier.settle` reads.
_SETTLED = (
    *_VISIT,
    *(
        frontier.c[name]
        for name in (
            "id",
            "state",
            "channels",
            "lease",
            "last_run",
            "outcome",
            "first_visit_at",
            "served_at",
            "gone_at",
        )
    ),
)
