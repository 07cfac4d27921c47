"""Kill workers that share a queue in PostgreSQL, or measure how many pages they crawl.

Run ``python -m bench.workers kill`` (one of four is killed every ten seconds for two minutes, over
twelve outlets on five hosts), or ``pages`` (pages a second, and the processors' time for each, by
one, two and four workers).
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.faults.killed_workers import kill_workers
from tests.support.processes.forked_verbs import start_afresh
from tests.support.processes.schedules import wait_for
from tests.support.processes.workers import Fleet, end
from tests.support.sites.shared_hosts import SharedHosts


def main() -> int:
    """Print the figures; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=("kill", "pages"))
    parser.add_argument("--outlets", type=int, default=12)
    parser.add_argument("--hosts", type=int, default=5)
    parser.add_argument("--articles", type=int, default=100, help="of each outlet at the begin")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--apart", type=float, default=10.0, help="seconds between two kills")
    options = parser.parse_args()
    start_afresh()
    with tempfile.TemporaryDirectory() as folder:
        return (
            _kill(Path(folder), options) if options.way == "kill" else _pages(Path(folder), options)
        )


def _kill(folder: Path, options: argparse.Namespace) -> int:
    began = monotonic()
    tally = kill_workers(
        folder,
        outlets=options.outlets,
        hosts=options.hosts,
        articles=options.articles,
        workers=options.workers,
        kills=options.kills,
        apart=options.apart,
    )
    print(f"{tally.line()}; {monotonic() - began:.0f} s")
    print(f"takeovers: {' '.join(f'{seconds:.1f}' for seconds in sorted(tally.takeovers))} s")
    for wrong in (*tally.together, *tally.twice, *tally.lost, *tally.unsound)[:20]:
        print(wrong)
    return 0 if tally.clean else 1


def _pages(folder: Path, options: argparse.Namespace) -> int:
    for workers in (1, 2, 4):
        place = folder / str(workers)
        place.mkdir()
        # Each outlet has its own host for its feed: none waits for another.
        with SharedHosts(options.outlets, options.outlets, options.articles) as site:
            fleet = Fleet(place, site)
            fleet.crawl_every("1d")
            assert fleet.run("schedule", "--once").code == 0
            before, began = os.times(), monotonic()
            running = [fleet.start("worker", "--at-once", "1") for _ in range(workers)]

            def done(fleet: Fleet = fleet) -> bool:
                ended = [row for row in fleet.runs() if row["ending"] == "succeeded"]
                return len(ended) == options.outlets

            wait_for(done, 900)
            seconds = monotonic() - began
            for process in running:
                end(process)
            after = os.times()
            processor = after.children_user + after.children_system
            processor -= before.children_user + before.children_system
            pages = len(site.fetched())
            print(
                f"{workers} workers: {pages} pages in {seconds:.1f} s, {pages / seconds:.1f} a second, "
                f"{processor / pages * 1000:.1f} ms of processors a page, start of workers and crawls included",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
