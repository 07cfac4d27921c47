"""Measure memory and descriptors over a long crawl, and that no page is lost (F14).

The pages, their server and the crawl's settings are those of `bench.crawl`: 32 requests at a time.
Every 250 pages in the index the process is looked at: resident memory, open files and sockets, as
the system counts them. The slope is the median of the second half's, when caches are full and the
interpreter has its working set.

Resident memory rises by steps in the first 7,000 pages or so. Where the C library tells what the
process has allocated, `--allocated` has an extension in the crawl count that, after a collection of
garbage: 2,000 pages tell whether something of each page is kept. Python then takes all its memory
from the C library, which costs some CPU.

    python -m bench.soak [--pages 10000] [--most 200] [--light] [--allocated]

`tests/faults/test_soak.py` crawls light pages, without what is around the articles.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from scrapy import signals

from bench.crawl import ours, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scrapy.crawler import Crawler

#: Captures between two samples.
STEP = 250


#: Answers between two counts of what the crawl has allocated.
ANSWERS = 50
#: Names the file into which the crawl writes its counts.
COUNTS = "BENCH_ALLOCATED"


class Mallinfo(ctypes.Structure):
    """What glibc says of its allocations (mallinfo2, since 2.33); see malloc.h."""

    _fields_: ClassVar[list[tuple[str, type]]] = [
        ("arena", ctypes.c_size_t),
        ("ordblks", ctypes.c_size_t),
        ("smblks", ctypes.c_size_t),
        ("hblks", ctypes.c_size_t),
        ("hblkhd", ctypes.c_size_t),
        ("usmblks", ctypes.c_size_t),
        ("fsmblks", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),
        ("fordblks", ctypes.c_size_t),
        ("keepcost", ctypes.c_size_t),
    ]


def allocated() -> int | None:
    """Return the bytes that this process has allocated and not freed; None if nothing tells it."""
    tell = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if tell is None:
        return None
    tell.restype = Mallinfo
    found = tell()
    return int(found.uordblks + found.hblkhd)


class Allocated:
    """An extension of Scrapy that writes down what a crawl has allocated and open, by its answers."""

    def __init__(self, file: Path) -> None:
        """Write into a file, a line for each count: answers, bytes and open files."""
        self._file = file
        self._answers = 0

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Return the extension of a crawl."""
        extension = cls(Path(os.environ[COUNTS]))
        crawler.signals.connect(extension.count, signals.response_received)
        return extension

    def count(self) -> None:
        """Count an answer."""
        self._answers += 1
        if self._answers % ANSWERS == 0:
            gc.collect()
            files = sum(not name.startswith("socket:") for name in _opened(os.getpid()))
            with self._file.open("a") as file:
                file.write(f"{self._answers} {allocated()} {files}\n")


class Count(NamedTuple):
    """What a crawl had after so many answers: bytes allocated, files open."""

    answers: int
    allocated: int
    files: int


@dataclass(frozen=True, slots=True)
class Look:
    """A sample of a process: pages indexed, resident MiB, open files and sockets."""

    pages: int
    memory: float
    files: int
    sockets: int


@dataclass(frozen=True, slots=True)
class Soak:
    """A crawl that was watched: samples, its exit status, the pages that it did not store, counts."""

    looks: list[Look]
    code: int
    lost: int
    counts: list[Count] = field(default_factory=list)

    @property
    def most(self) -> float:
        """The most memory at any look, MiB."""
        return max((one.memory for one in self.looks), default=0.0)


def more_files(files: Sequence[int]) -> float:
    """Return how many more were open in the second half of samples than in the first, by medians.

    A file that is open for a moment only is in a sample or two; one that is never closed is in all
    that follow.
    """
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


def slope(looks: Sequence[Look]) -> float:
    """Return MiB of resident memory for 10,000 more pages, of the second half of the samples."""
    half = looks[len(looks) // 2 :]
    return 10_000 * _rise([(one.pages, one.memory) for one in half])


def kept_of_a_page(counts: Sequence[Count]) -> float:
    """Return the bytes that stay allocated for each page, of the second half of the counts."""
    half = counts[len(counts) // 2 :]
    return _rise([(one.answers, one.allocated) for one in half])


def _rise(points: Sequence[tuple[int, float]]) -> float:
    """Return the median of the slopes between all pairs of points.

    The last point counts less than by least squares: the crawl is ending then, and has in memory
    what it writes last.
    """
    slopes = [(high - low) / (more - few) for (few, low), (more, high) in combinations(points, 2)]
    return statistics.median(slopes) if slopes else 0.0


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


def soak(pages: int, *, light: bool = False, count: bool = False) -> Soak:
    """Serve so many pages from a process of its own, crawl them, and watch the crawl.

    ``count`` counts what it has allocated, too.
    """
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
            counts = place / "allocated"
            if count:
                command += ["-s", f'EXTENSIONS={{"bench.soak.{Allocated.__name__}": 0}}']
                environment |= {"PYTHONMALLOC": "malloc", COUNTS: str(counts)}
            with subprocess.Popen(
                command, env=os.environ | environment, stdout=subprocess.DEVNULL
            ) as process:
                looks = watch(process, place / "index.sqlite3")
            server.stdin.close()
        return Soak(looks, process.returncode, pages - stored(place), _counts(counts))


def _counts(file: Path) -> list[Count]:
    """Read what `Allocated` wrote."""
    if not file.exists():
        return []
    return [Count(*map(int, line.split())) for line in file.read_text().splitlines()]


def main() -> int:
    """Print the samples; return 1 if pages were lost, memory or descriptors grew too far."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--light", action="store_true", help="pages of 5 KB, not of 80 KB")
    parser.add_argument("--allocated", action="store_true", help="count what is allocated, too")
    parser.add_argument(
        "--most", type=float, default=200.0, help="MiB that it may hold at any look"
    )
    options = parser.parse_args()
    if options.allocated and allocated() is None:
        parser.error("this C library does not tell what is allocated (glibc does, since 2.33)")
    found = soak(options.pages, light=options.light, count=options.allocated)
    for one in found.looks:
        print(
            f"{one.pages:6} captures: {one.memory:6.1f} MiB, {one.files} files, {one.sockets} sockets"
        )
    print(
        f"{options.pages} pages, {found.lost} lost; at most {found.most:.1f} MiB (allowed "
        f"{options.most:.0f}); {slope(found.looks):+.1f} MiB in 10,000 pages; "
        f"{more_files([one.files for one in found.looks]):+.1f} open files in the second half"
    )
    if found.counts:
        print(f"{kept_of_a_page(found.counts):.0f} bytes stay allocated for each page")
    return 1 if found.lost or found.most > options.most else 0


if __name__ == "__main__":
    raise SystemExit(main())
