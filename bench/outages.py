"""A scheduler and its crawls killed together 20 times, and started again: what is lost, kept twice, or unsound."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic

from tests.crawling import twin_of_today
from tests.outages import cut_power

#: So that catching up with today finds yesterday, too, among the numbers that it walks.
APART = timedelta(minutes=30)


def main() -> int:
    """Print the tally; 1 if anything was lost, kept twice or is unsound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        twins = [
            stack.enter_context(twin_of_today(name, 90, between=APART, latency=0.02)) for name in ("etoday", "newspim")
        ]
        tally = cut_power(folder, twins, options.cuts, Random(options.seed))
    print(f"{tally.line()}; {monotonic() - began:.0f} s")
    for wrong in (*tally.together, *tally.twice, *tally.lost, *tally.unsound)[:20]:
        print(wrong)
    return 0 if tally.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
