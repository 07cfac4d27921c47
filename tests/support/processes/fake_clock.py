"""Schedulers under a clock of our own (libfaketime): what fires when the time of day jumps (F13)."""

from __future__ import annotations

import math
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.article import KST
from tests.support.processes.schedules import Schedule, wait_for_output

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Moments in Seoul, in the order they are lived through; what fires then, and from which day on it
#: catches up. Through midnight, the end of the year, a day ahead and back again.
NEW_YEAR = (
    ("2026-12-31T22:10:00", ("2026-12-31T22:00", None)),
    ("2026-12-31T22:40:00", None),
    ("2026-12-31T23:58:30", ("2026-12-31T23:00", None)),
    ("2027-01-01T00:00:01", ("2027-01-01T00:00", None)),
    ("2027-01-01T00:30:00", None),
    ("2027-01-02T00:30:00", ("2027-01-02T00:00", "2027-01-01")),  # a day ahead
    ("2027-01-01T00:45:00", None),  # and back
    ("2027-01-01T01:10:00", ("2027-01-01T01:00", None)),
    ("2026-12-31T23:30:00", None),  # a day back
    ("2027-01-01T01:20:00", None),
    ("2027-01-01T04:20:00", ("2027-01-01T04:00", "2027-01-01")),  # slept through
    ("2027-01-02T00:40:00", None),
)
#: The same in short.
SHORT = (
    ("2026-12-31T23:10:00", ("2026-12-31T23:00", None)),
    ("2027-01-01T00:00:01", ("2027-01-01T00:00", None)),
    ("2027-01-02T00:30:00", ("2027-01-02T00:00", "2027-01-01")),
    ("2027-01-01T00:45:00", None),
    ("2027-01-01T01:10:00", ("2027-01-01T01:00", None)),
    ("2026-12-31T23:30:00", None),
)
ZONES = ("UTC", "Asia/Seoul", "America/New_York")


def library() -> Path | None:
    """Where libfaketime lies; None where it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def clock(zone: str, **how: str) -> dict[str, str]:
    """The environment of a process whose time of day is ours; the time that only runs on is left alone."""
    return {"LD_PRELOAD": str(library()), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": zone, **how}


def live_through(
    schedule: Schedule, moments: Sequence[tuple[str, tuple[str, str | None] | None]] = NEW_YEAR
) -> list[str]:
    """Run ``--once`` at each moment, the zones taking turns; a line for each at which it did not do what it should."""
    wrong: list[str] = []
    known: set[str] = set()
    for step, (moment, wanted) in enumerate(moments):
        zone = ZONES[step % len(ZONES)]
        there = datetime.fromisoformat(moment).replace(tzinfo=KST)
        ahead = math.ceil(there.timestamp() - time.time())
        result = schedule.run("--once", env=clock(zone, FAKETIME=f"{ahead:+d}"))
        new = [row for row in schedule.runs() if row["id"] not in known]
        known |= {row["id"] for row in new}
        fired = [(_seoul(row["due_at"]), _since(row["arguments"]), row["ending"]) for row in new]
        expected = [] if wanted is None else [(*wanted, "succeeded")]
        if fired != expected or result.code:
            wrong.append(
                f"{moment} in {zone}: {fired}, not {expected}; exit {result.code} {result.err}"
            )
    return wrong


def jump(schedule: Schedule, folder: Path) -> list[tuple[str, str]]:
    """Let a running scheduler's clock jump a day ahead, back, and an hour ahead; what fell due, and how it ended."""
    offset = folder / "offset"

    def set_clock(text: str) -> None:
        new = folder / "offset.new"
        new.write_text(text)
        new.replace(offset)

    set_clock("+0")
    how = {"FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    daemon = schedule.start(env=clock("UTC", **how))
    wait_for_output(daemon, ": succeeded")
    set_clock("+1d")
    wait_for_output(daemon, ": succeeded")
    set_clock("+0")
    # Two rounds without anything due: a reload is logged at a round.
    for text in ("a", "b"):
        schedule.jobs(f'name = "j"\ncommand = "verify"\nevery = "1h"\ntime_limit = "1h" # {text}')
        wait_for_output(daemon, ": 1 job")
    set_clock("+1h")
    wait_for_output(daemon, ": succeeded")
    daemon.terminate()
    daemon.communicate(timeout=300)
    assert daemon.returncode == 0
    return [(_seoul(row["due_at"]), row["ending"]) for row in schedule.runs()]


def _seoul(text: str) -> str:
    moment = datetime.fromisoformat(text) + timedelta(hours=9)
    return moment.isoformat(timespec="minutes")


def _since(words: list[str]) -> str | None:
    return next((word.removeprefix("since=") for word in words if word.startswith("since=")), None)
