"""Measure the dry run of a reindex beside the reindex: captures per CPU second, and memory.

The pages (80 KB each, an article of 1,500 characters) are replayed into an archive first. Each
round runs both commands with the same number of processes; CPU seconds are those of the command and
all its processes, start included. The dry run must find that nothing would change.

    python -m bench.dry_run [--count 4000] [--rounds 3] [--processes 1]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import pages


def run(environment: dict[str, str], *arguments: str) -> tuple[float, int, str]:
    """Run a verb; return its CPU seconds, the MiB of its largest process, and its output.

    It runs below a process of its own, whose children's use is then that of this command alone.
    """
    command = [sys.executable, "-m", "bench.dry_run", "--only", *arguments]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments} ended with {done.returncode}: {done.stderr}")
    *output, figures = done.stdout.splitlines()
    seconds, size = json.loads(figures)
    return seconds, size, "\n".join(output)


def only(arguments: list[str]) -> None:
    """Run a verb, and print the use of all its processes behind its output."""
    subprocess.run([sys.executable, "-m", "scrapy", *arguments], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss // 1024]))


def main() -> int:
    """Run the comparison and print it; return 1 if the dry run says that something would change."""
    if sys.argv[1:2] == ["--only"]:
        only(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    factors: list[float] = []
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        warc = Path(folder, "pages.warc.gz")
        with warc.open("wb") as out:
            pages.write(out, options.count)
        environment = {
            "ARCHIVE_URL": str(Path(folder, "archive")),
            "INDEX_URL": f"sqlite:///{Path(folder, 'index.sqlite3')}",
        }
        run(environment, "replay", str(warc))
        warc.unlink()
        processes = ("--processes", str(options.processes))
        for number in range(options.rounds):
            rates: list[float] = []
            for dry in ((), ("--dry-run",)):
                seconds, size, output = run(environment, "reindex", *dry, *processes)
                rates.append(options.count / seconds)
                name = " ".join(("reindex", *dry))
                print(
                    f"round {number + 1}: {name}: {rates[-1]:.0f} captures per CPU second, "
                    f"largest process {size} MiB",
                    flush=True,
                )
            different += "nothing would change" not in output
            factors.append(rates[1] / rates[0])
    print(f"dry run against reindex, median: {statistics.median(factors):.2f}")
    print(f"dry runs that found a change: {different}")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())
