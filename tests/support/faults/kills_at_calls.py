"""Verbs that are killed at their N-th call of a kind, for each N until none is met."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

from tests.support.faults.strace import kill_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.faults.fault_trials import Tally, Work

#: Calls at which what is kept changes, or is made sure of.
KILLS = ("fsync", "fdatasync", "rename", "link", "unlink", "ftruncate", "write", "pwrite64")


def kill_at_each(
    work: Work, name: str, tally: Tally, *, step: int = 1, numbers: Iterable[int] | None = None
) -> None:
    """Kill at the first call, the ``step``-th after that and so on, or at the ``numbers`` given; a run each.

    It is over when a run meets no such call any more.
    """
    for number in numbers or range(1, 10_000, step):
        trial = work.trial()
        code = work.run(trial, kill_at(name, number), telling=True)
        if code == 0:
            tally.unharmed += 1
            shutil.rmtree(trial.top)
            if numbers is None:
                return
            continue
        if code != -signal.SIGKILL:
            tally.complaints.append(f"{name} {number}: {code}: {trial.last_words()[-2000:]}")
        tally.harmed += 1
        work.recover(trial, tally, f"{name} {number}")
        shutil.rmtree(trial.top)
