"""Measure memory and descriptors over a long crawl, and that no page is lost (F14).

The pages, their server and the crawl's settings are those of `bench.crawl`: 32 requests at a time.
Every 250 pages in the index the process is looked at: resident memory, open files and sockets, as
the system counts them. The slope is the median of the second half's, when caches are full and the
interpreter has its working set.

    python -m bench.soak [--pages 10000] [--most 200] [--light]

`tests/faults/test_soak.py` crawls 4,000 light pages, without what is around the articles.
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
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from bench.crawl import ours, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Captures between two samples.
STEP = 250


@dataclass(frozen=True, slots=True)
class Look:
    """A sample of a process: pages indexed, resident MiB, open files and sockets."""

    pages: int
    memory: float
    files: int
    sockets: int


@dataclass(frozen=True, slots=True)
class Soak:
    """A crawl that was watched: the samples, its exit status, and the pages that it did not store."""

    looks: list[Look]
    code: int
    lost: int

    @property
    def most(self) -> float:
        """The most memory at any look, MiB."""
        return max((one.memory for one in self.looks), default=0.0)

    @property
    def more_files(self) -> float:
        """How many more files were open in the second half than in the first, by their medians.

        A file that is open for a moment only is in a sample or two; one that is never closed is in
        all that follow.
        """
        files = [one.files for one in self.looks]
        half = len(files) // 2
        if not half:
            return 0.0
        return statistics.median(files[half:]) - statistics.median(files[:half])


def look(pid: int, pages: int) -> Look:
    """Sample a running process.

    :raises OSError: it has ended.
    """
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    opened = list(_opened(pid))
    sockets = sum(name.startswith("socket:") for name in opened)
    return Look(pages, kib / 1024, len(opened) - sockets, sockets)


def _opened(pid: int) -> Iterator[str]:
    """Yield what the process has open; what it closes meanwhile is left out."""
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(path.readlink())


def watch(process: subprocess.Popen[bytes], index: Path, step: int = STEP) -> list[Look]:
    """Sample a crawl each time its index has grown by so many captures, until it ends."""
    looks: list[Look] = []
    while process.poll() is None:
        time.sleep(0.05)  # how often it is looked at; nothing waits for it
        pages = _captures(index)
        if pages >= step + (looks[-1].pages if looks else 0):
            try:
                looks.append(look(process.pid, pages))
            except (OSError, StopIteration):  # it has just ended
                break
    process.wait()
    return looks


def slope(looks: list[Look]) -> float:
    """Return MiB for 10,000 more pages: the median over all pairs of samples of the second half.

    The last sample counts less than by least squares: the crawl is ending then, and has in memory
    what it writes last.
    """
    half = looks[len(looks) // 2 :]
    slopes = [
        (later.memory - earlier.memory) / (later.pages - earlier.pages)
        for earlier, later in combinations(half, 2)
    ]
    return 10_000 * statistics.median(slopes) if slopes else 0.0


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


def soak(pages: int, *, light: bool = False) -> Soak:
    """Serve so many pages from a process of its own, crawl them, and watch the crawl."""
    with tempfile.TemporaryDirectory() as folder:
        serve = [sys.executable, "-m", "bench.crawl", "--pages", str(pages), "--serve", folder]
        with subprocess.Popen(
            serve + ["--light"] * light, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        return Soak(looks, process.returncode, pages - stored(place))


def main() -> int:
    """Print the samples; return 1 if pages were lost, memory or descriptors grew too far."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--light", action="store_true", help="pages of 5 KB, not of 80 KB")
    parser.add_argument(
        "--most", type=float, default=200.0, help="MiB that it may hold at any look"
    )
    options = parser.parse_args()
    found = soak(options.pages, light=options.light)
    for one in found.looks:
        print(
            f"{one.pages:6} captures: {one.memory:6.1f} MiB, {one.files} files, {one.sockets} sockets"
        )
    print(
        f"{options.pages} pages, {found.lost} lost; at most {found.most:.1f} MiB (allowed "
        f"{options.most:.0f}); {slope(found.looks):+.1f} MiB in 10,000 pages; "
        f"{found.more_files:+.1f} open files in the second half"
    )
    return 1 if found.lost or found.most > options.most else 0


if __name__ == "__main__":
    raise SystemExit(main())
