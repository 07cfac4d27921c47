"""Crawls that are killed and gone on with, again and again, until one ends by itself; what was lost or kept twice."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import OperationalError

from tests.support.crawling.crawls import Crawls
from tests.support.faults.fork_server import ForkServer, RequestLog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.mock_site.server import MockSite
    from tests.support.processes.cli import Workspace
    from tests.support.sites.made_outlets import ManyCrawls

#: The crawls write their batches this often, seconds: the more writes, the more a kill can hit.
_WAIT = 0.05
#: A kill follows a request by up to so many seconds: what follows it is where things can be torn.
_LATER = 0.08


@dataclass(slots=True)
class Tally:
    """What kills did to crawls; ``lost`` and ``twice`` are articles."""

    kills: int = 0
    crawls: int = 0
    lost: int = 0
    twice: int = 0
    refetched: int = 0
    unequal: int = 0


def kill_crawls(folder: Path, site: MockSite, kills: int, seed: int) -> Tally:
    """Kill crawls of the mock site at random moments, go on with each until it ends; compare all with one left alone.

    :raises AssertionError: a crawl did not end well, or its archive and index disagree.
    """
    pick, tally = random.Random(seed), Tally()
    request_log = site.log = RequestLog()
    with ForkServer(request_log) as fork_server:
        alone = _one(Crawls.into(_made(folder / "alone"), site), fork_server, pick, Tally(), 0, 0)
        length = len(request_log)
        while tally.kills < kills:
            crawls = Crawls.into(_made(folder / f"{tally.crawls}"), site)
            most = min(kills - tally.kills, 8)
            told = _one(crawls, fork_server, pick, tally, most, length)
            tally.crawls += 1
            tally.lost += len(set(alone) - set(told))
            tally.unequal += sum(
                told[article_id] != alone[article_id] for article_id in set(alone) & set(told)
            )
    return tally


def _one(
    crawls: Crawls,
    fork_server: ForkServer,
    pick: random.Random,
    tally: Tally,
    kills: int,
    length: int,
) -> dict[str, list[dict[str, Any]]]:
    """One crawl, killed so many times; its articles' revisions."""
    result = crawls.workspace.folder / "said"
    log, stored = crawls.site.log, set[str]()
    before = len(log)
    for left in range(kills, -1, -1):
        started = len(log)
        fork_server.start(crawls.command(), crawls.workspace.environment(), result, _WAIT)
        if left and fork_server.arrived(started + pick.randrange(length // 2)):
            fork_server.over(pick.random() * _LATER)
            fork_server.kill(signal.SIGKILL)
            tally.kills += fork_server.code() == -signal.SIGKILL
        assert fork_server.code() in (0, -signal.SIGKILL), result.read_text("utf-8")
        again = set(crawls.fetched(started)) & stored
        tally.refetched += len(again)
        stored |= _stored(crawls)
        if fork_server.code() == 0:
            break
    assert fork_server.code() == 0, result.read_text("utf-8")
    assert {path.suffix for path in crawls.segments()} == {".gz"}
    crawls.check_captures()
    assert _unread(crawls.workspace) == []
    received = Counter(entry.raw for entry in log[before:])
    kept = Counter(record.block for record in crawls.records() if record.kind == "request")
    assert not kept - received
    news = Counter(
        row["source"] for row in crawls.workspace.rows("outcomes") if row["outcome"] == "new"
    )
    tally.twice += sum(number > 1 for number in news.values())
    assert set(crawls.outcomes().values()) <= {"new", "unchanged"}
    return crawls.revisions()


def kill_crawls_of_many(many: ManyCrawls, kills: int, seed: int) -> Tally:
    """Kill a crawl of several outlets in one process, again and again, go on with it until it ends.

    If it ends before it is killed, as on a busy machine, the outlets publish more.

    :raises AssertionError: it did not end well, or its archive and index disagree.
    """
    pick, tally = random.Random(seed), Tally(crawls=1)
    log = many.sites.log = RequestLog()
    said = many.folder / "said"
    length = sum(many.published().values())
    stored: set[tuple[str, str]] = set()
    with ForkServer(log) as fork_server:
        while True:
            started, left = len(log), kills - tally.kills
            environment = many.workspace.environment()
            fork_server.start(many.command(), environment, said, _WAIT)
            if left and fork_server.arrived(started + 1 + pick.randrange(length // (kills + 1))):
                fork_server.over(pick.random() * _LATER)
                fork_server.kill(signal.SIGKILL)
                tally.kills += fork_server.code() == -signal.SIGKILL
            assert fork_server.code() in (0, -signal.SIGKILL), said.read_text("utf-8")
            tally.refetched += len(set(many.fetched(started)) & stored)
            stored |= _stored_of_many(many)
            if not left:
                break
            if fork_server.code() == 0:
                for catalogue in many.sites.catalogues.values():
                    catalogue.publish(length // (kills + 1))
    assert fork_server.code() == 0, said.read_text("utf-8")
    tally.lost = len(set(many.published()) - _stored_of_many(many))
    news = Counter(
        row["source"] for row in many.workspace.rows("outcomes") if row["outcome"] == "new"
    )
    tally.twice = sum(number > 1 for number in news.values())
    assert {path.suffix for path in many.crawls.segments()} == {".gz"}
    many.crawls.check_captures()
    assert _unread(many.workspace) == []
    return tally


def _unread(workspace: Workspace) -> list[dict[str, Any]]:
    """Return the rows of captures that were stored and never read."""
    return [row for row in workspace.rows("captures") if row["reason"] == "internal_error"]


def _stored_of_many(many: ManyCrawls) -> set[tuple[str, str]]:
    """Return what the frontier takes for stored, by outlet's host and id: outlets have ids in common."""
    try:
        rows = many.workspace.rows("frontier")
    except OperationalError:
        return set()
    hosts = many.sites.hosts_by_name
    done = ("new", "changed", "unchanged")
    return {(hosts[row["outlet"]], row["article_id"]) for row in rows if row["outcome"] in done}


def _stored(crawls: Crawls) -> set[str]:
    """The articles that the frontier takes for stored; none where a kill came before there was one."""
    try:
        rows = crawls.frontier().items()
    except OperationalError:
        return set()
    return {
        article_id for article_id, row in rows if row["outcome"] in ("new", "changed", "unchanged")
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def line(tally: Tally) -> str:
    """The tally in one line."""
    return json.dumps({name: getattr(tally, name) for name in Tally.__slots__})
