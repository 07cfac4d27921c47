"""Measure what many outlets cost: reindexing with all of them against two, and the start of a verb.

The pages are those of `bench.pages`, of two outlets. They are reindexed by one process in this
checkout, and in a copy of it that knows these two alone, in turn. Seconds are those of the
processor, so a busy machine changes the ratio little.

    python -m bench.outlets [--count 2000] [--rounds 5]
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

from bench import pages
from crawler.outlets import known_outlets
from tests.support.documents import MADE_SITES
from tests.support.package_sources import copy_sources
from tests.support.processes.cli import ROOT

#: The least pages a second with all outlets, for each with two.
LEAST = 0.95


def run(checkout: Path, environment: dict[str, str], *words: str) -> tuple[float, int]:
    """Run a verb in a checkout; return its seconds of the processor and its memory in MiB."""
    command = [sys.executable, "-m", "scrapy", *words]
    own = os.environ | environment | {"PYTHONPATH": str(checkout)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=checkout, env=own, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss // 1024


def measure(count: int, rounds: int) -> float:
    """Print the figures; return the ratio of pages a second, the median of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder, "two")
        few.mkdir()
        copy_sources(few, "scrapy.cfg")
        for name in known_outlets().keys() - set(MADE_SITES):
            (few / "crawler" / "outlets" / f"{name}.py").unlink()
        warc = Path(folder, "pages.warc.gz")
        with warc.open("wb") as out:
            pages.write(out, count)
        environment = {
            "ARCHIVE_URL": str(Path(folder, "archive")),
            "INDEX_URL": f"sqlite:///{Path(folder, 'index.sqlite3')}",
        }
        run(ROOT, environment, "replay", str(warc))
        ratios: list[float] = []
        starts: list[float] = []
        for number in range(rounds):
            words = ("reindex", "--processes", "1")
            # In turn, and each round the other way about.
            order = (few, ROOT) if number % 2 else (ROOT, few)
            seconds = {checkout: run(checkout, environment, *words)[0] for checkout in order}
            begun = {checkout: run(checkout, environment, "list")[0] for checkout in order}
            ratios.append(seconds[few] / seconds[ROOT])
            starts.append(begun[ROOT] - begun[few])
            print(
                f"round {number + 1}: {count / seconds[ROOT]:.0f} pages per CPU s with all, "
                f"{count / seconds[few]:.0f} with two: {ratios[-1]:.3f}",
                flush=True,
            )
    print(f"a start with all takes {statistics.median(starts) * 1000:+.0f} ms of the processor")
    return statistics.median(ratios)


def main() -> int:
    """Measure; return 1 if reading with all outlets is too slow."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    ratio = measure(options.count, options.rounds)
    print(f"{len(known_outlets())} outlets against 2: {ratio:.3f} (at least {LEAST})")
    return 0 if ratio >= LEAST else 1


if __name__ == "__main__":
    raise SystemExit(main())
