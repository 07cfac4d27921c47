"""The frontier against a model: random steps of several runs give the same state."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from archive.frontier.revisit_policy import BACK_OFF, REVISITS
from archive.index.database import Index
from archive.index.writers.leases import LAPSE
from archive.model.outcome import Reason
from archive.model.visit_policy import CONFIRM_AFTER
from tests.support.archives.frontier import (
    DAY,
    HOUR,
    MINUTE,
    Clock,
    FrontierIndex,
    a_dead_process,
    failed,
    link,
    new,
    skipped,
    unchanged,
)
from tests.support.databases.postgres import url_of
from tests.support.examples import of_costly

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from archive.frontier.frontier import Frontier
    from archive.frontier.visits import VisitResult

pytestmark = pytest.mark.sqlite_only(reason="it copies a file for each of its many histories")

IDS = st.sampled_from([str(n) for n in range(12)])
HANDS = st.integers(0, 2)
RESULTS: dict[str, Any] = {
    "new": new,
    "unchanged": unchanged,
    "timeout": failed,
    "busy": lambda n: failed(n, Reason.HOST_BUSY),
    "ours": lambda n: failed(n, Reason.INTERNAL_ERROR),
    "gone": lambda n: skipped(n, Reason.HTTP_STATUS, status=410),
}
LOOKS = ("new", "unchanged")

dead_process = cache(a_dead_process)


@cache
def empty_index() -> Path:
    """Return an index to copy: making one takes longer than the steps of a test."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "index.sqlite3"
    Index(url_of(path)).close()
    return path


@dataclass
class Hand:
    """A run, and the articles that it takes for leased by it."""

    run: Frontier
    name: str
    believes: set[str]


@dataclass
class Known:
    """State of an article in the model; ``due`` is None if it is never fetched again."""

    due: datetime | None
    published: datetime | None
    first_look: datetime | None = None
    visits: int = 0
    failures: int = 0
    holder: str = ""
    not_for: str = ""
    served: datetime | None = None
    gone: datetime | None = None


class Frontiers(RuleBasedStateMachine):
    """Three runs at one outlet."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(empty_index(), self.folder / "index.sqlite3")
        self.clock = Clock()
        self.at = FrontierIndex(self.folder / "index.sqlite3", self.clock)
        # the pool's one; power loss isn't what is shown here
        with self.at.index.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
        self.model: dict[str, Known] = {}
        self.dead: set[str] = set()
        self.renewed: dict[str, datetime] = {}
        self.born = 0
        self.hands = [self.hand() for _ in range(3)]

    def hand(self) -> Hand:
        self.born += 1
        name = f"run-{self.born}"
        run = self.at.run(name)
        self.at.set_holder(name)
        self.renewed[name] = self.clock.now
        return Hand(run, name, set())

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.at.index.close()
            shutil.rmtree(self.folder)

    @rule(
        ids=st.lists(IDS, max_size=6),
        age=st.sampled_from([None, -HOUR, 30 * MINUTE, 2 * HOUR, 8 * DAY]),
        by=HANDS,
    )
    def discover(self, ids: list[str], age: timedelta | None, by: int) -> None:
        published = self.clock.now - age if age is not None else None
        fresh = {n for n in ids if n not in self.model}
        assert self.hands[by].run.discover([link(n, published) for n in ids]) == len(fresh)
        for n in ids:
            known = self.model.setdefault(n, Known(self.clock.now, published))
            known.published = known.published or published

    @rule(by=HANDS, n=st.integers(1, 8))
    def take(self, by: int, n: int) -> None:
        hand, now = self.hands[by], self.clock.now
        self.reclaim(hand)
        due = {
            i: k
            for i, k in self.model.items()
            if not k.holder and k.due is not None and k.due <= now and k.not_for != hand.name
        }
        taken = hand.run.lease(n)
        ids = [visit.article_id for visit in taken]
        assert len(ids) == len(set(ids)) == min(n, len(due))
        assert set(ids) <= due.keys()
        order = [(due[i].visits > 0, due[i].due) for i in ids]
        assert order == sorted((k.visits > 0, k.due) for k in due.values())[: len(ids)]
        for visit in taken:
            known = self.model[visit.article_id]
            assert (visit.visits, visit.failures) == (known.visits, known.failures)
            known.holder = hand.name
            hand.believes.add(visit.article_id)

    @rule(by=HANDS, which=st.sampled_from(list(RESULTS)), n=st.integers(1, 5), kept=st.booleans())
    def settle(self, by: int, which: str, n: int, kept: bool) -> None:
        hand = self.hands[by]
        ids = sorted(hand.believes)[:n]
        results: list[VisitResult] = [RESULTS[which](i) for i in ids]
        counts = [i for i in ids if self.counts(i, hand, which)]
        if not kept:
            self.roll_back(hand, results, len(counts))
            return
        assert self.at.settle(hand.run, *results) == len(counts)
        for i in counts:
            self.step(self.model[i], hand, which)
        hand.believes -= set(ids)

    @rule(by=HANDS)
    def release(self, by: int) -> None:
        hand = self.hands[by]
        held = [k for k in self.model.values() if k.holder == hand.name]
        assert hand.run.release() == len(held)
        for known in held:
            known.holder = ""
        hand.believes.clear()

    @rule(by=HANDS)
    def renew(self, by: int) -> None:
        self.at.renew(self.hands[by].name)
        self.renewed[self.hands[by].name] = self.clock.now

    @rule(by=HANDS, seen=st.booleans())
    def crash(self, by: int, seen: bool) -> None:
        """Kill the process of a run, visibly for others or not."""
        hand = self.hands[by]
        if seen:
            self.dead.add(hand.name)
            self.at.set_holder(hand.name, dead_process())
        self.hands[by] = self.hand()

    @rule(by=st.sampled_from([LAPSE / 3, MINUTE, LAPSE, 11 * MINUTE, HOUR, 7 * HOUR, DAY, 8 * DAY]))
    def wait(self, by: timedelta) -> None:
        self.clock.turn(by)

    @precondition(lambda self: self.model)
    @invariant()
    def nothing_is_lost_or_unaccounted_for(self) -> None:
        rows = self.at.rows()
        assert rows.keys() == self.model.keys()
        for n, known in self.model.items():
            row = rows[n]
            states = (
                ("leased",)
                if known.holder
                else ("due",)
                if known.due is not None
                else ("done", "dead")
            )
            assert row.state in states
            assert (row.lease, row.visits, row.failures, row.due_at) == (
                known.holder,
                known.visits,
                known.failures,
                known.due,
            )
        for hand in self.hands:
            balance = hand.run.balance()
            held = sum(known.holder == hand.name for known in self.model.values())
            assert len(balance.missing) == held
            assert balance.is_even == (held == 0)

    def counts(self, n: str, hand: Hand, which: str) -> bool:
        known = self.model[n]
        return known.holder == hand.name or (
            not known.holder and known.due is not None and which in LOOKS
        )

    def step(self, known: Known, hand: Hand, which: str) -> None:
        now = self.clock.now
        known.holder = known.not_for = ""
        if which in LOOKS:
            known.first_look = known.first_look or now
            known.served, known.gone = now, None
            counted_from = min(known.published or now, known.first_look)
            times = [counted_from + delay for delay in REVISITS if counted_from + delay > now]
            known.due, known.failures, known.visits = (
                (times[0] if times else None),
                0,
                known.visits + 1,
            )
        elif which == "busy":
            known.due = now + BACK_OFF[0]
        else:
            known.failures += 1
            wait = BACK_OFF[min(known.failures, len(BACK_OFF)) - 1]
            if which == "gone":
                wait = max(wait, CONFIRM_AFTER)
                known.gone = known.gone or now
            elif which == "ours" and known.failures <= 4:
                wait = 0 * HOUR
            known.due = None if self.is_confirmed(known, which) else now + wait
            known.not_for = hand.name if which == "ours" else ""

    def is_confirmed(self, known: Known, which: str) -> bool:
        """Return whether a look is the second that finds an article gone, others served since."""
        if which != "gone" or known.gone is None or self.clock.now - known.gone < CONFIRM_AFTER:
            return False
        return any(k.served is not None and k.served > known.gone for k in self.model.values())

    def reclaim(self, hand: Hand) -> None:
        for known in self.model.values():
            if known.holder in ("", hand.name):
                continue
            lapsed = self.clock.now - self.renewed[known.holder] >= LAPSE
            if known.holder in self.dead or lapsed:
                known.holder = ""

    def roll_back(self, hand: Hand, results: list[VisitResult], counts: int) -> None:
        with self.at.index.database.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            assert hand.run.settle(connection, results) == counts
            connection.rollback()

    def finish(self) -> None:
        """Let a run that outlives all others finish every article."""
        last, ends = self.hand(), 0
        for _ in range(len(REVISITS) + 2):
            self.clock.turn(30 * DAY)
            self.reclaim(last)
            visits = last.run.lease(100)
            assert len(visits) == sum(k.due is not None for k in self.model.values())
            self.at.settle(last.run, *(new(visit.article_id) for visit in visits))
            for visit in visits:
                self.step(self.model[visit.article_id], last, "new")
            ends = sum(row.state in ("done", "dead") for row in self.at.rows().values())
        assert ends == len(self.model)


TestFrontiers = Frontiers.TestCase
TestFrontiers.settings = settings(
    max_examples=of_costly(60),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
