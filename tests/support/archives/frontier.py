"""What the frontier's tests share: an index of their own, a clock they turn, links, and results."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from archive.frontier.frontier import Frontier
from archive.frontier.visits import FrontierLink, VisitResult
from archive.index.database import Index
from archive.index.schema import frontier, leases
from archive.index.writers.leases import Leases
from archive.index.writers.process_identity import this_process
from archive.model.article import KST
from archive.model.outcome import Outcome, Reason, Verdict
from tests.support.databases.postgres import url_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=KST)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Clock:
    """A clock that stands until it is turned."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        self.now += by


class FrontierIndex:
    """An index in a file, runs at it, and a clock for all of them."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self.path = path
        self.index = Index(url_of(path))
        self.clock = clock or Clock()

    def run(self, name: str = "a", outlet: str = "etoday") -> Frontier:
        """The frontier of a run that holds a lease."""
        Leases(self.index, [f"run {name}"], name, self.clock).take()
        return Frontier(self.index, outlet, name, self.clock)

    def renew(self, name: str) -> None:
        Leases(self.index, [f"run {name}"], name, self.clock).renew()

    def set_holder(self, name: str, process: str = "elsewhere 1 1") -> None:
        """Let the lease of a run be held by a process, one of another machine by default."""
        with self.index.writing() as connection:
            connection.execute(update(leases).where(leases.c.run_id == name).values(holder=process))

    def holder(self, name: str) -> str:
        """The process that holds the lease of a run."""
        with self.index.reading() as connection:
            return str(connection.scalar(select(leases.c.holder).where(leases.c.run_id == name)))

    def settle(self, run: Frontier, *results: VisitResult) -> int:
        with self.index.writing() as connection:
            return run.settle(connection, results)

    def row(self, article_id: str) -> Any:
        return self.rows()[article_id]

    def rows(self) -> dict[str, Any]:
        with self.index.reading() as connection:
            return {row.article_id: row for row in connection.execute(select(frontier))}


@contextmanager
def frontier_index(path: Path) -> Iterator[FrontierIndex]:
    made = FrontierIndex(path)
    try:
        yield made
    finally:
        made.index.close()


def link(
    number: int | str, published_at: datetime | None = None, channel: str = "feed"
) -> FrontierLink:
    return FrontierLink(str(number), address(number), published_at, channel)


def leased_ids(run: Frontier, limit: int = 100) -> list[str]:
    """Lease articles; return their ids."""
    return [visit.article_id for visit in run.lease(limit)]


def links(numbers: Iterable[int]) -> list[FrontierLink]:
    return [link(number) for number in numbers]


def address(number: int | str) -> str:
    return f"https://www.etoday.co.kr/news/view/{number}"


def new(article_id: str, **facts: Any) -> VisitResult:
    return VisitResult(article_id=article_id, verdict=Verdict(Outcome.NEW), status=200, **facts)


def changed(article_id: str, **facts: Any) -> VisitResult:
    return VisitResult(article_id=article_id, verdict=Verdict(Outcome.CHANGED), status=200, **facts)


def unchanged(article_id: str, **facts: Any) -> VisitResult:
    return VisitResult(
        article_id=article_id, verdict=Verdict(Outcome.UNCHANGED), status=304, **facts
    )


def failed(article_id: str, reason: Reason = Reason.TIMEOUT, **facts: Any) -> VisitResult:
    return VisitResult(article_id=article_id, verdict=Verdict(Outcome.FAILED, reason), **facts)


def skipped(article_id: str, reason: Reason, **facts: Any) -> VisitResult:
    return VisitResult(article_id=article_id, verdict=Verdict(Outcome.SKIPPED, reason), **facts)


def unparsed(article_id: str, reason: Reason) -> VisitResult:
    return VisitResult(article_id=article_id, verdict=Verdict(Outcome.UNPARSED, reason), status=200)


def a_dead_process() -> str:
    """The name of a process that ran and ended."""
    program = (
        "from archive.index.writers.process_identity import this_process; print(this_process())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() != this_process()
    return done.stdout.strip()


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
