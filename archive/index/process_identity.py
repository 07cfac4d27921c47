"""Who holds a lease: a process, named so that another one on the same machine can tell whether it still lives."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """The name of the running process: machine, process id, and when it was started (``-`` if that can't be told)."""
    _, start = _look_up(os.getpid())
    return f"{_machine()} {os.getpid()} {start or '-'}"


def is_here(holder: str) -> bool:
    """Whether the process of that name is, or was, one of this machine since it was started: then `is_gone` knows."""
    machine, _, process = holder.partition(" ")
    return machine == _machine() and process.partition(" ")[0].isdecimal()


def is_gone(holder: str) -> bool:
    """Whether the process of that name is certainly dead; False where it can't be known from here."""
    machine, _, process = holder.partition(" ")
    pid, _, started = process.partition(" ")
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's, and alive unless its number is used again
    state, start = _look_up(int(pid))
    # A killed process whose parent has not asked after it yet is a zombie: dead for all we care.
    # And a process id is used again one day; with its start it isn't.
    return state in ("Z", "X") or bool(start and started != "-" and start != started)


def _machine() -> str:
    """What a process id is unique within: this boot of this kernel, and this container of it."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return platform.node().replace(" ", "-")


def _look_up(pid: int) -> tuple[str, str]:
    """The state and the start (clock ticks since boot) of a process, both ``""`` where the system won't say."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return "", ""
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[0], fields[19]
