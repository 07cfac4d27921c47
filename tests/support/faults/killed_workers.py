"""Workers that share a queue, and are killed: what the outlets saw of it, and what became of every moment."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import Fleet, end
from tests.support.sites.shared_hosts import SharedHosts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

#: What of the delay is left at least between five requests in a row: each may be late on a busy
#: machine.
_LEFT = 0.8


@dataclass
class WorkerTally:
    """What was seen. Everything but the first five, ``gap`` and ``asked_again`` has to be nothing.

    ``delay`` are the seconds between two requests to a host that were asked for; ``takeovers`` are the seconds from a kill to the next attempt of each job that it ended; ``gap``
    is the least time between requests to a host, over five in a row; ``asked_again`` counts requests
    for articles of which an answer was never stored.
    """

    delay: float
    kills: int = 0
    articles: int = 0
    moments: int = 0
    takeovers: list[float] = field(default_factory=list)
    gap: float = 0.0
    asked_again: int = 0
    together: list[Any] = field(default_factory=list)
    twice: list[Any] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        in_time = max(self.takeovers, default=0.0) <= 180 and self.gap >= self.delay * _LEFT
        return in_time and not (self.together or self.twice or self.lost or self.unsound)

    def line(self) -> str:
        """The figures."""
        return (
            f"{self.kills} kills, {len(self.takeovers)} jobs taken over, slowest after "
            f"{max(self.takeovers, default=0.0):.1f} s; {self.articles} articles, {self.asked_again} asked for "
            f"again, stored twice or moments done twice {len(self.twice)}, lost {len(self.lost)}; {self.moments} "
            f"moments; requests to a host at one time {len(self.together)}, least time between them {self.gap:.2f} s of "
            f"{self.delay} s; findings {len(self.unsound)}"
        )


def kill_workers(
    folder: Path,
    *,
    outlets: int,
    hosts: int,
    articles: int,
    workers: int,
    kills: int,
    apart: float,
    every: str = "1m",
    delay: float = 0.25,
) -> WorkerTally:
    """Let workers crawl outlets at intervals; kill one every ``apart`` seconds and start it again.

    The outlets publish meanwhile, unless the interval is so long that one crawl is all.
    """
    tally = WorkerTally(delay)
    settings = {
        "DOWNLOAD_DELAY": str(delay),
        "DOWNLOAD_DELAY_JITTER": "0",
        "CONCURRENT_REQUESTS_PER_DOMAIN": "1",
    }
    with SharedHosts(outlets, hosts, articles) as site:
        fleet = Fleet(folder, site, settings)
        fleet.crawl_every(every)
        goes_on = every.endswith("m")
        running: list[subprocess.Popen[bytes]] = []
        try:
            running = [fleet.start("schedule")]
            running += [fleet.start("worker", "--at-once", "4") for _ in range(workers)]
            wait_for(lambda: len(site.fetched()) > outlets, 300)
            for number in range(kills):
                for name in site.feeds if goes_on else ():
                    site.publish(name)
                _kill_in(fleet, running, 1 + number % workers, tally, apart)
            wait_for(lambda: set(site.fetched()) == site.urls(), 300)
            _wait_for_takeovers(fleet, tally)
            if not goes_on:
                wait_for(lambda: not _under_way(fleet), 300)
            else:  # in every outlet's next run nothing is left to do
                begun = {row["job"]: row["due_at"] for row in _of_jobs(fleet)}
                wait_for(lambda: _succeeded_after(fleet, begun), 300)
        finally:
            for process in reversed(running):
                end(process)
        _examine(fleet, site, tally)
    return tally


_KILLED: dict[int, tuple[float, list[dict[str, Any]]]] = {}


def _kill_in(
    fleet: Fleet,
    running: list[subprocess.Popen[bytes]],
    which: int,
    tally: WorkerTally,
    seconds: float,
) -> None:
    """Kill a worker after so many seconds, and start it again; one that has jobs, if any has."""
    time.sleep(seconds)  # the time of the kill is what is asked for, and waits for nothing
    workers = [*range(which, len(running)), *range(1, which)]
    under_way = _under_way(fleet)
    which = next((number for number in workers if _its(under_way, running[number])), which)
    victim = running[which]
    its = {row["id"] for row in _its(under_way, victim)}
    victim.kill()
    victim.wait()
    killed_at = time.time()
    # Not those that it has ended since it was looked at.
    ended = [row for row in _of_jobs(fleet) if row["ending"] in (None, "", "crashed")]
    _KILLED[victim.pid] = (killed_at, [row for row in ended if row["id"] in its])
    running[which] = fleet.start("worker", "--at-once", "4")
    tally.kills += 1


def _its(rows: Sequence[dict[str, Any]], worker: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """Return those of the runs that a worker holds."""
    return [row for row in rows if row["holder"].split()[1] == str(worker.pid)]


def _of_jobs(fleet: Fleet) -> list[dict[str, Any]]:
    return [row for row in fleet.runs() if row["job"]]


def _under_way(fleet: Fleet) -> list[dict[str, Any]]:
    return [row for row in _of_jobs(fleet) if not row["ending"]]


def _wait_for_takeovers(fleet: Fleet, tally: WorkerTally) -> None:
    """Measure how long each job of a killed worker waited for its next attempt."""
    for at, its in _KILLED.values():
        for row in its:
            key = (row["due_at"], row["attempt"])
            begun = partial(_begun_after, fleet, row["job"], key)
            wait_for(begun, 300)
            tally.takeovers.append(begun()[0].timestamp() - at)
    _KILLED.clear()


def _begun_after(fleet: Fleet, job: str, key: tuple[Any, int]) -> list[Any]:
    """When attempts of a job after this one began."""
    return [
        row["started_at"]
        for row in _of_jobs(fleet)
        if row["job"] == job and (row["due_at"], row["attempt"]) > key
    ]


def _succeeded_after(fleet: Fleet, begun: dict[str, Any]) -> bool:
    done = {row["job"]: row["due_at"] for row in _of_jobs(fleet) if row["ending"] == "succeeded"}
    return all(job in done and done[job] > due_at for job, due_at in begun.items())


def _examine(fleet: Fleet, site: SharedHosts, tally: WorkerTally) -> None:
    """Look at the history, the archive and the index, and at the outlets' own logs."""
    rows = _of_jobs(fleet)
    done = Counter((row["job"], row["due_at"]) for row in rows if row["ending"] == "succeeded")
    tally.moments = len(done)
    tally.twice += [key for key, times in done.items() if times > 1]
    tally.together += _at_one_time(rows)
    tally.together += site.overlaps()
    tally.gap = site.shortest_gap()
    tally.articles = len(site.urls())
    tally.asked_again = len(site.fetched()) - len(set(site.fetched()))
    kept = fleet.rows(
        "SELECT a.url, count(*) AS number FROM articles a JOIN revisions r ON r.article = a.id "
        "GROUP BY a.url"
    )
    tally.lost += sorted(site.urls() - {row["url"] for row in kept})
    tally.twice += [row["url"] for row in kept if row["number"] != 1]
    new = fleet.rows(
        "SELECT source, count(*) AS number FROM outcomes WHERE outcome = 'new' GROUP BY source"
    )
    tally.twice += [row["source"] for row in new if row["number"] != 1]
    verified = fleet.run("verify")
    tally.unsound += verified.out.splitlines() if verified.code else []


def _at_one_time(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Pairs of runs of one outlet of which one began before the other had ended."""
    spans = sorted((row["job"], row["started_at"], row["ended_at"], row["id"]) for row in rows)
    return [
        (one[3], other[3])
        for one, other in pairwise(spans)
        if one[0] == other[0] and other[1] < one[2]
    ]
