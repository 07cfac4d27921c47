"""Measure memory and descriptors over a long crawl, and that no page is lost (F14).

The pages, their server and the crawl's settings are those of `bench.crawl`: 32 requests at a time.
Every 1,000 pages in the index the process is looked at: resident memory and open descriptors, as
the system counts them. The slope is of the second half, by least squares, when caches are full and
the interpreter has its working set.

    python -m bench.soak [--pages 10000] [--most 200]
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.crawl import ours, stored

STEP = 1_000


@dataclass(frozen=True, slots=True)
class Look:
    """A sample of a process: pages indexed, resident MiB, open descriptors."""

    pages: int
    memory: float
    descriptors: int


def look(pid: int, pages: int) -> Look:
    """Sample a running process.

    :raises OSError: it has ended.
    """
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    return Look(pages, kib / 1024, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def watch(process: subprocess.Popen[bytes], index: Path, step: int = STEP) -> list[Look]:
    """Sample a crawl each time its index has grown by so many captures, until it ends."""
    looks: list[Look] = []
    while process.poll() is None:
        time.sleep(0.05)  # how often it is looked at; nothing waits for it
        pages = _captures(index)
        if pages >= (len(looks) + 1) * step:
            try:
                looks.append(look(process.pid, pages))
            except (OSError, StopIteration):  # it has just ended
                break
    process.wait()
    return looks


def slope(looks: list[Look]) -> float:
    """Return MiB for 10,000 more pages, by least squares over the second half of the samples."""
    half = looks[len(looks) // 2 :]
    if len(half) < 2:
        return 0.0
    return (
        10_000
        * statistics.linear_regression(
            [one.pages for one in half], [one.memory for one in half]
        ).slope
    )


def _captures(index: Path) -> int:
    if not index.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{index}?mode=ro", uri=True)) as connection:
            return int(
                connection.execute("SELECT coalesce(max(id), 0) FROM captures").fetchone()[0]
            )
    except sqlite3.OperationalError:  # it is being made
        return 0


def main() -> int:
    """Print the samples; return 1 if pages were lost, memory or descriptors grew too far."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument(
        "--most", type=float, default=200.0, help="MiB that it may hold at any look"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        serve = [
            sys.executable,
            "-m",
            "bench.crawl",
            "--pages",
            str(options.pages),
            "--serve",
            folder,
        ]
        with subprocess.Popen(
            serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            place = Path(folder, "crawl")
            place.mkdir()
            command, environment = ours(int(server.stdout.readline()), place)
            with subprocess.Popen(
                command, env=os.environ | environment, stdout=subprocess.DEVNULL
            ) as process:
                looks = watch(process, place / "index.sqlite3")
            server.stdin.close()
        lost = options.pages - stored(place)
    for one in looks:
        print(f"{one.pages:6} captures: {one.memory:6.1f} MiB, {one.descriptors} descriptors")
    most = max((one.memory for one in looks), default=0.0)
    descriptors = (
        max(one.descriptors for one in looks) - min(one.descriptors for one in looks)
        if looks
        else 0
    )
    print(
        f"{options.pages} pages, {lost} lost; at most {most:.1f} MiB (allowed {options.most:.0f}); "
        f"{slope(looks):+.1f} MiB in 10,000 pages; descriptors differ by {descriptors}"
    )
    return 1 if lost or most > options.most else 0


if __name__ == "__main__":
    raise SystemExit(main())
