"""Kill replay, reindex and crawl at their N-th fsync, write, rename …, for every N (F2).

strace kills at the entry of the call, so the N-th is the first that did not happen. What was killed
is run again to its end, and compared with a run that nothing harmed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.faults.fault_trials import Tally, Work
from tests.support.faults.kills_at_calls import KILLS, kill_at_each
from tests.support.faults.strace import why_not


def main() -> int:
    """Print a line for each verb and call; return 1 for any loss or difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10, help="of the mock site that is crawled")
    parser.add_argument(
        "--every", type=int, default=5, help="of the writes, every so-manieth; of the rest, all"
    )
    parser.add_argument("--verb", choices=("replay", "crawl", "reindex"), help="only this one")
    options = parser.parse_args()
    if why_not():
        raise SystemExit(why_not())
    clean = True
    with site_of_today("etoday", options.articles, age=SETTLED) as site:
        for verb, outlet in (("replay", None), ("reindex", None), ("crawl", site)):
            if options.verb in (None, verb):
                with (
                    tempfile.TemporaryDirectory() as folder,
                    Work(Path(folder), outlet, verb=verb) as work,
                ):
                    for name in KILLS:
                        began, tally = monotonic(), Tally()
                        step = options.every if name in ("write", "pwrite64") else 1
                        kill_at_each(work, name, tally, step=step)
                        took = monotonic() - began
                        print(
                            f"{verb} {name} every {step}: {tally.line()} in {took:.0f} s",
                            flush=True,
                        )
                        clean = clean and tally.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
