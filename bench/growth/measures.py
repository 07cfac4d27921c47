"""What is measured of a verb: the wall's seconds of each repetition, and the most memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EITHER = frozenset({0, 1})


@dataclass(slots=True)
class Measure:
    """Seconds of each repetition, CPU seconds of the last process or 0, and the most memory in KiB.

    ``items`` is how many things one repetition handled, where a rate says more; ``note`` is what
    has to be known about the measure.
    """

    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    memory: int = 0
    items: int = 0
    note: str = ""

    @property
    def p50(self) -> float:
        """The middle of the repetitions."""
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        """All but one of twenty repetitions take less; of a few, the longest."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]

    def values(self) -> dict[str, Any]:
        """Return what a JSON file of the results holds."""
        return {
            "p50": self.p50,
            "p95": self.p95,
            "repeats": len(self.seconds),
            "cpu": self.cpu,
            "memory_kib": self.memory,
            "items": self.items,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended: the wall's seconds, CPU seconds, KiB of memory, what it printed."""

    seconds: float
    cpu: float
    memory: int
    out: str


#: Runs a command and writes what it took. A process begins with the peak memory of the one that
#: started it, so a small one has to.
_LAUNCH = """
import json, os, sys, time
began = time.perf_counter()
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
seconds = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as out:
    json.dump([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss], out)
"""


def ended(
    command: list[str], environment: Mapping[str, str], scratch: Path, accept: frozenset[int]
) -> Ended:
    """Run a command to its end, with files in a folder; end the bench on a bad status."""
    out, taken = scratch / "printed", scratch / "taken"
    launched = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(taken), *command]
    with out.open("w+b") as file:
        subprocess.run(
            launched, env=dict(environment), stdout=file, stderr=subprocess.STDOUT, check=True
        )
        file.seek(max(0, file.tell() - 10_000))
        printed = file.read().decode("utf-8", "replace")
    code, seconds, cpu, memory = json.loads(taken.read_text())
    if code not in accept:
        raise SystemExit(f"{command} ended with {code}: {printed}")
    return Ended(seconds, cpu, memory, printed)
