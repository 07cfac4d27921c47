"""A power cut, as far as processes go: the scheduler and all that it started are killed at one moment."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.database import Index
from tests.support.faults.competing_schedulers import Tally, examine
from tests.support.processes.schedules import Schedule, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.support.mock_site.server import MockSite


def cut_power(folder: Path, sites: Sequence[MockSite], cuts: int, dice: Random) -> Tally:
    """Start a scheduler, kill it with its runs after so many requests or so long, start it again; then to the end."""
    tally = Tally()
    schedule = Schedule(folder, sites)
    schedule.jobs(*(f'outlet = "{site.outlet}"\nevery = "1m"\nbackoff = "1s"' for site in sites))
    Index(schedule.workspace.index_url).close()
    with (folder / "said.log").open("wb") as result:
        for _ in range(cuts):
            for site in sites:
                site.publish(3)
            wanted = sum(len(site.log) for site in sites) + dice.randrange(1, 60)
            scheduler = schedule.start(said=result)
            # Now and then nothing falls due for long: then it is killed while it waits.
            with suppress(AssertionError):
                wait_for(
                    lambda wanted=wanted: sum(len(site.log) for site in sites) >= wanted,
                    dice.uniform(5, 70),
                )
            kill_tree(scheduler.pid)
            scheduler.wait(300)
            tally.kills += 1
        scheduler = schedule.start(said=result)
        done = {site.outlet: schedule.endings(site.outlet).count("succeeded") for site in sites}
        wait_for(
            lambda: all(
                schedule.endings(job).count("succeeded") > number + 1
                for job, number in done.items()
            ),
            300,
        )
        scheduler.terminate()
        scheduler.wait(300)
    examine(schedule, tally, one_at_a_time=False)
    return tally


def kill_tree(pid: int) -> None:
    """Kill a process and all that descend from it, none of which has the time to see another one die."""
    stopped: list[int] = []
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGSTOP)
            stopped.append(one)
        waiting += _children(one)
    for one in stopped:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found
