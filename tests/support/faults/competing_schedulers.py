"""Schedulers that share an index, and are killed: what the outlets saw of it, and what became of every moment (F16)."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from archive.index.database import Index
from tests.support.processes.schedules import Schedule, done_once, overlaps, wait_for

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

    from tests.support.mock_site.server import MockSite


@dataclass
class Tally:
    """What was seen. Everything but ``kills``, ``takeovers`` (seconds) and ``moments`` has to be nothing."""

    kills: int = 0
    moments: int = 0
    takeovers: list[float] = field(default_factory=list)
    together: list[Any] = field(default_factory=list)
    twice: list[Any] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing went wrong."""
        return (
            not (self.together or self.twice or self.lost or self.unsound)
            and max(self.takeovers, default=0) <= 60
        )

    def line(self) -> str:
        """The figures."""
        slowest = max(self.takeovers, default=0.0)
        return (
            f"{self.kills} kills, {self.moments} moments done, slowest takeover {slowest:.1f} s, runs at one time "
            f"{len(self.together)}, done twice {len(self.twice)}, articles lost {len(self.lost)}, "
            f"findings {len(self.unsound)}"
        )


def kill_holders(folder: Path, sites: Sequence[MockSite], kills: int, dice: Random) -> Tally:
    """Two schedulers; whichever runs a crawl is killed in the midst of it, and started anew when it was taken over."""
    tally = Tally()
    schedule = Schedule(folder, sites, {"CONCURRENT_REQUESTS_PER_DOMAIN": "1"})
    schedule.jobs(*(f'outlet = "{site.outlet}"\nevery = "1m"' for site in sites))
    # so that there is a history to look at from the first moment on
    Index(schedule.workspace.index_url).close()
    with (folder / "said.log").open("wb") as result:
        schedulers = {
            process.pid: process for process in (schedule.start(said=result) for _ in range(2))
        }
        try:
            for _ in range(kills):
                for site in sites:
                    site.publish(3)
                tally.takeovers.append(_kill_one(schedule, schedulers, dice))
                tally.kills += 1
                new = schedule.start(said=result)
                schedulers[new.pid] = new
            for site in sites:
                site.latency = 0.0
            jobs = [site.outlet for site in sites]
            done = {job: schedule.endings(job).count("succeeded") for job in jobs}
            wait_for(
                lambda: all(
                    schedule.endings(job).count("succeeded") > done[job] + 1 for job in jobs
                ),
                300,
            )
        finally:
            for process in schedulers.values():
                process.send_signal(signal.SIGTERM)
            for process in schedulers.values():
                process.wait(300)
    examine(schedule, tally)
    return tally


def _kill_one(
    schedule: Schedule, schedulers: dict[int, subprocess.Popen[bytes]], dice: Random
) -> float:
    """Kill the scheduler of a run under way; the seconds until its job is at work again."""
    wanted = dice.randrange(1, 20)
    asked = [len(site.log) for site in schedule.sites]

    def going() -> list[dict[str, Any]]:
        busy = [
            site.outlet
            for site, before in zip(schedule.sites, asked, strict=True)
            if len(site.log) >= before + wanted
        ]
        return [row for row in schedule.runs() if not row["ending"] and row["outlet"] in busy]

    wait_for(lambda: bool(going()), 200)
    row = dice.choice(going())
    pid = int(row["holder"].split()[1])
    schedulers.pop(pid).kill()
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    key = (row["due_at"], row["attempt"])
    return wait_for(
        lambda: any((one["due_at"], one["attempt"]) > key for one in schedule.runs(row["job"])), 120
    )


def examine(schedule: Schedule, tally: Tally, *, one_at_a_time: bool = True) -> None:
    """Look at the history, the archive and the index; and at the outlets' own logs, where one crawl asks one thing."""
    rows = [row for row in schedule.runs() if row["job"]]
    tally.together += overlaps(rows)
    for site in schedule.sites if one_at_a_time else ():
        for host in site.hosts:
            spans = sorted(
                (one.started, one.ended)
                for one in site.requests()
                if one.host == host and one.ended
            )
            tally.together += [
                (host, one, other) for one, other in pairwise(spans) if other[0] < one[1]
            ]
    done = done_once(rows)
    tally.moments = len(done)
    tally.twice += [key for key, times in done.items() if times > 1]
    verified = schedule.workspace.run("verify")
    tally.unsound += verified.out.splitlines() if verified.code else []
    for crawls in schedule.crawls:
        kept = crawls.revisions()
        tally.lost += [article for article in crawls.site.ids() if len(kept.get(article, ())) != 1]
        stored = Counter(
            row["source"] for row in crawls.workspace.rows("outcomes") if row["outcome"] == "new"
        )
        tally.twice += [source for source, times in stored.items() if times > 1]
