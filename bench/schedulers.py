"""Kill schedulers during crawls: one of two, or one with all its child processes (F16).

Run ``python -m bench.schedulers holder`` (F16: two on one index, whichever runs a crawl is killed)
or ``power`` (a power cut, as far as processes go).
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic

from tests.support.crawling.crawls import site_of_today
from tests.support.faults.competing_schedulers import kill_holders
from tests.support.faults.power_cuts import cut_power

#: So that catching up with today finds yesterday, too, among the numbers that it walks.
APART = timedelta(minutes=30)
#: What is done to them, and how long an outlet takes to answer, seconds.
WAYS = {"holder": (kill_holders, 0.05), "power": (cut_power, 0.02)}


def main() -> int:
    """Print the tally; return 1 for an overlap, a double, a loss, a finding or a late takeover."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kill, latency = WAYS[options.way]
    began = monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sites = [
            stack.enter_context(site_of_today(name, 90, between=APART, latency=latency))
            for name in ("etoday", "newspim")
        ]
        tally = kill(folder, sites, options.kills, Random(options.seed))
    print(f"{tally.line()}; {monotonic() - began:.0f} s")
    if tally.takeovers:
        print(f"takeovers: {' '.join(f'{seconds:.1f}' for seconds in tally.takeovers)} s")
    for wrong in (*tally.together, *tally.twice, *tally.lost, *tally.unsound)[:20]:
        print(wrong)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
