"""A power cut, as far as processes go: the scheduler and all that it started are killed at one moment."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from archive.index.database import Index
from tests.support.faults.rivals import Tally, examine
from tests.support.scheduling import Board, wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.support.twin.server import Twin


def cut_power(folder: Path, twins: Sequence[Twin], cuts: int, dice: Random) -> Tally:
    """Start a scheduler, kill it with its runs after so many requests or so long, start it again; then to the end."""
    tally = Tally()
    board = Board(folder, twins)
    board.jobs(*(f'outlet = "{twin.outlet}"\nevery = "1m"\nbackoff = "1s"' for twin in twins))
    Index(f"sqlite:///{board.desk.index}").close()
    with (folder / "said.log").open("wb") as said:
        for _ in range(cuts):
            for twin in twins:
                twin.publish(3)
            wanted = sum(len(twin.log) for twin in twins) + dice.randrange(1, 60)
            scheduler = board.start(said=said)
            # Now and then nothing falls due for long: then it is killed while it waits.
            with suppress(AssertionError):
                wait_for(
                    lambda wanted=wanted: sum(len(twin.log) for twin in twins) >= wanted,
                    dice.uniform(5, 70),
                )
            kill_tree(scheduler.pid)
            scheduler.wait(60)
            tally.kills += 1
        scheduler = board.start(said=said)
        done = {twin.outlet: board.endings(twin.outlet).count("succeeded") for twin in twins}
        wait_for(
            lambda: all(
                board.endings(job).count("succeeded") > number + 1 for job, number in done.items()
            ),
            300,
        )
        scheduler.terminate()
        scheduler.wait(60)
    examine(board, tally, one_at_a_time=False)
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
