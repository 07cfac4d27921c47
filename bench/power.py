"""Cut the power of a replay and a crawl after any of their writes (F3).

What was not synced is gone or half written.

The disk is simulated from strace's log of one run (tests/support/faults/lost_power.py says what it
keeps and what it forgets); what lies on it then is real files, and the same command is run on them
to its end.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from random import Random
from time import monotonic

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.faults.fault_trials import Tally, Work
from tests.support.faults.lost_power import lose_power_at
from tests.support.faults.strace import why_not


def main() -> int:
    """Print a line for each verb; return 1 for any loss or difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10, help="of the mock site that is crawled")
    parser.add_argument(
        "--most", type=int, default=0, help="so many moments at random; 0: after every change"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--verb", choices=("replay", "crawl"), help="only this one")
    options = parser.parse_args()
    if why_not():
        raise SystemExit(why_not())
    clean = True
    with site_of_today("etoday", options.articles, age=SETTLED) as site:
        for verb, outlet in (("replay", None), ("crawl", site)):
            if options.verb in (None, verb):
                began, tally = monotonic(), Tally()
                with tempfile.TemporaryDirectory() as folder, Work(Path(folder), outlet) as work:
                    changes = lose_power_at(work, tally, Random(options.seed), most=options.most)
                print(
                    f"{verb}, {changes} changes: {tally.line()} in {monotonic() - began:.0f} s",
                    flush=True,
                )
                clean = clean and tally.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
