"""Measure reindexing by one process and by more: captures a second, speed-up, memory.

The pages (80 KB each, an article of 1,500 characters) are replayed into an archive of one segment
first; every reindex reads all of it into a new index, which must be equal to the one that the
replay made. Seconds are the wall's: on a machine that does nothing else.

    python -m bench.reindex [--count 10000] [--rounds 3] [--processes 2]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from bench import pages
from tests.support.databases.index_comparison import difference, tables_of

DERIVED = ("captures", "articles", "aliases", "revisions", "search")


def timed(environment: dict[str, str], processes: int) -> tuple[float, str]:
    """Return the seconds of a reindex by so many processes, and its summary."""
    command = [sys.executable, "-m", "scrapy", "reindex", "--processes", str(processes)]
    began = monotonic()
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    seconds = monotonic() - began
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")
    return seconds, next(line for line in done.stdout.splitlines() if "captures read" in line)


def main() -> int:
    """Run the comparison and print it; return 1 if an index is not equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    unequal = 0
    with tempfile.TemporaryDirectory() as folder:
        warc, index = Path(folder, "pages.warc.gz"), Path(folder, "index.sqlite3")
        with warc.open("wb") as out:
            pages.write(out, options.count)
        environment = {
            "ARCHIVE_URL": str(Path(folder, "archive")),
            "INDEX_URL": f"sqlite:///{index}",
        }
        replay = [sys.executable, "-m", "scrapy", "replay", str(warc)]
        subprocess.run(replay, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
        warc.unlink()
        expected = tables_of(index)
        factors: list[float] = []
        for number in range(options.rounds):
            seconds: list[float] = []
            for processes in (1, options.processes):
                wall, result = timed(environment, processes)
                seconds.append(wall)
                print(f"round {number + 1}: {result}; whole command {wall:.1f} s", flush=True)
                unequal += bool(difference(expected, tables_of(index), *DERIVED))
            factors.append(seconds[0] / seconds[1])
            print(
                f"round {number + 1}: {factors[-1]:.2f} times as fast by {options.processes} processes",
                flush=True,
            )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{options.count} captures, indexes that were not equal: {unequal}")
    print(
        f"{options.processes} processes against one, median: {statistics.median(factors):.2f} (at least 1.6)"
    )
    print(f"largest process that writes an index: {peak} MiB")
    return 1 if unequal else 0


if __name__ == "__main__":
    raise SystemExit(main())
