"""Names of processes, by which another process on the machine can check whether one is alive."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """Return the name of this process: machine, process id and start (``-`` if it is unknown)."""
    _, start = _look_up(os.getpid())
    return f"{_machine()} {os.getpid()} {start or '-'}"


def is_here(holder: str) -> bool:
    """Return whether the process is or was one of this machine since it was booted."""
    machine, _, process = holder.partition(" ")
    return machine == _machine() and process.partition(" ")[0].isdecimal()


def is_gone(holder: str) -> bool:
    """Return whether the process is certainly dead; False if that can't be known from here."""
    machine, _, process = holder.partition(" ")
    pid, _, started = process.partition(" ")
    if machine != _machine() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # another user's process, and alive unless its id was reused
    state, start = _look_up(int(pid))
    # A killed process whose parent has not waited for it is a zombie, which does nothing any more.
    # A process id may be reused; together with its start it is unique.
    return state in ("Z", "X") or bool(start and started != "-" and start != started)


def _machine() -> str:
    """Return what a process id is unique within: the boot of this kernel, and its container."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return platform.node().replace(" ", "-")


def _look_up(pid: int) -> tuple[str, str]:
    """Return the state and the start of a process, both ``""`` if they are unknown.

    The start is in clock ticks since boot.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return "", ""
    fields = stat.rpartition(")")[2].split()  # the name before it may contain anything
    return fields[0], fields[19]
