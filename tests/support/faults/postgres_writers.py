"""Crawls without a network that write to one archive and one index in PostgreSQL at once, some of them killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field, replace
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from archive.frontier.frontier import Frontier
from archive.frontier.revisit_policy import State
from archive.frontier.visits import FrontierLink
from archive.index.database import Index
from archive.index.schema import articles, frontier, revisions
from archive.index.writers import conflicts
from archive.index.writers.leases import Leases
from archive.runs.recorder import RunRecorder
from archive.segments.archive_url import store_at
from archive.segments.writer import SegmentWriter
from crawler.extraction.reading import read_exchange
from crawler.offline.recovery import recover
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.archives.captures import SOFTWARE, exchange
from tests.support.sites.outlet_twins import TwinArticle, articles_of

if TYPE_CHECKING:
    from pathlib import Path

    from archive.runs.recorder import Result

#: Seconds in which all of it ends.
PATIENCE = 240
#: Articles that a crawl leases at a time.
_MANY = 3


@dataclass(slots=True)
class WritersResult:
    """What came of it; ``lost`` and ``twice`` are articles."""

    killed: int = 0
    lost: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    unfinished: int = 0
    deadlocks: int = 0
    exit_codes: Counter[int | None] = field(default_factory=Counter)


class Gate:
    """What processes wait at before they end, until the one that started them opens it.

    A pipe: nothing that a killed process could hold.
    """

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        self._is_open = False

    def inherit(self) -> None:
        """Leave it to the process that started this one to open it."""
        if not self._is_open:
            os.close(self._write_end)

    def wait(self) -> None:
        """Return when it is open."""
        os.read(self._read_end, 1)

    def open(self) -> None:
        """Let all pass."""
        self._is_open = True
        os.close(self._write_end)

    def close(self) -> None:
        """Close what is left of it."""
        os.close(self._read_end)


def crawl(
    url: str, archive: Path, outlet: str, known: list[TwinArticle], seed: int, gate: Gate
) -> None:
    """Do what a crawl does with an index, until no article of the outlet is due any more."""
    gate.inherit()
    conflicts.repeated.clear()  # those of the process that forked this one
    pick = random.Random(seed)
    kept = store_at(str(archive))
    run = RunRecorder("crawl", outlet=outlet)
    pages = {one.article_id: one for one in known}
    links = [FrontierLink(one.article_id, one.url, None, "feed") for one in known]
    pick.shuffle(links)
    with (
        Index(url) as index,
        SegmentWriter(kept, software=SOFTWARE, job=run.id, host="here") as segments,
    ):
        lease = Leases(index, [f"run {run.id}"], run.id)
        lease.take()
        its = Frontier(index, outlet, run.id)
        store = CaptureStore(segments, index, run, _ignore, its)
        recover(kept, index, store, its, outlet)
        its.discover(links)
        while visits := its.lease(_MANY):
            for visit in visits:
                given = exchange(pages[visit.article_id].url, pages[visit.article_id].page)
                page = read_exchange(given, outlet_named(outlet))
                store.append(replace(page, article=None, visit=visit.article_id, final=False))
                store.add_page(replace(page, visit=visit.article_id))
            store.flush()
            lease.renew()
        gate.wait()
        store.close()
        lease.release()
    assert not conflicts.repeated, conflicts.repeated


def _ignore(_: Result) -> None:
    pass


def write_concurrently(
    url: str, archive: Path, outlets: list[str], each: int, kills: int, processes: int = 8
) -> WritersResult:
    """Crawl the outlets by so many processes at once; kill some of them at any moment, others go on.

    None ends before the last kill, so that each kill meets a process. At the end one process does
    what is left of each outlet.
    """
    known = {name: list(articles_of(outlet_named(name), each)) for name in outlets}
    Index(url).close()
    result, gate = WritersResult(), Gate()
    context = multiprocessing.get_context("fork")
    pick = random.Random(20261130)

    def start(outlet: str, seed: int) -> multiprocessing.process.BaseProcess:
        its = (url, archive, outlet, known[outlet], seed, gate)
        process = context.Process(target=crawl, args=its, name=outlet)
        process.start()
        return process

    running = [start(outlets[n % len(outlets)], n) for n in range(processes)]
    deadline = monotonic() + PATIENCE
    while result.killed < kills:
        assert monotonic() < deadline, "nothing is stored"
        sleep(pick.uniform(0.02, 0.1))  # a kill is to come at any moment
        if not _has_rows(url, result.killed + 1):
            continue
        victim = pick.choice(running)
        victim.kill()
        _end(victim, result)
        assert victim.exitcode == -signal.SIGKILL, "it ended by itself"
        running[running.index(victim)] = start(victim.name, 100 + result.killed)
    gate.open()
    for process in running:
        _end(process, result)
    for name in outlets:
        _end(start(name, 1000), result)
    gate.close()
    _examine(url, known, result)
    return result


def _end(process: multiprocessing.process.BaseProcess, result: WritersResult) -> None:
    """Wait until the process has ended, and count how."""
    process.join(PATIENCE)
    result.exit_codes[process.exitcode] += 1
    result.killed += process.exitcode == -signal.SIGKILL


def _has_rows(url: str, number: int) -> bool:
    """Whether so many articles are stored: what is killed before has written nothing."""
    with Index(url, brief=True) as index, index.reading() as connection:
        return (connection.scalar(select(func.count()).select_from(articles)) or 0) >= number


def _examine(url: str, known: dict[str, list[TwinArticle]], result: WritersResult) -> None:
    wanted = Counter(f"{name}/{one.article_id}" for name, those in known.items() for one in those)
    with Index(url, brief=True) as index, index.reading() as connection:
        query = select(articles.c.outlet, articles.c.article_id).join(revisions)
        found = Counter(f"{row.outlet}/{row.article_id}" for row in connection.execute(query))
        left = frontier.c.state.in_((State.DUE, State.LEASED)) & (frontier.c.visits == 0)
        count = select(func.count()).select_from(frontier)
        result.unfinished = connection.scalar(count.where(left)) or 0
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        result.deadlocks = connection.exec_driver_sql(deadlocks).scalar_one()
    result.lost, result.twice = set(wanted - found), set(found - wanted)
