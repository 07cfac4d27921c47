"""Two schedulers on one index, whichever runs a crawl killed: takeover, overlaps, what was done twice (F16)."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic

from tests.crawling import twin_of_today
from tests.rivals import kill_holders

#: So that catching up with today finds yesterday, too, among the numbers that it walks.
APART = timedelta(minutes=30)


def main() -> int:
    """Print the tally; 1 if anything ran at one time, was done twice, was lost, or was taken over too late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        twins = [
            stack.enter_context(twin_of_today(name, 90, between=APART, latency=0.05)) for name in ("etoday", "newspim")
        ]
        tally = kill_holders(folder, twins, options.kills, Random(options.seed))
    print(f"{tally.line()}; {monotonic() - began:.0f} s")
    print(f"takeovers: {' '.join(f'{seconds:.1f}' for seconds in tally.takeovers)} s")
    for wrong in (*tally.together, *tally.twice, *tally.lost, *tally.unsound)[:20]:
        print(wrong)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
