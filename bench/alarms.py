"""Measure false alarms and detection delay over a simulated year of made-up outlets.

Outlets are crawled each hour (or as said) for a year; every crawl is judged as the scheduler does
it. Then each is made to fall silent, or to change its pages, at random moments, and the time until
that is told is measured.

    python -m bench.alarms [--days 365] [--moments 40] [--changes 10] [--seed 1]
"""

from __future__ import annotations

import argparse
from time import monotonic

from tests.support.sites.outlet_models import DRIFTS, HOUR, OUTLET_MODELS, drift_year, silence_year


def main() -> int:
    """Print a line an outlet; return 1 for a false alarm or a silence that raised none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = 0
    for room in OUTLET_MODELS:
        began = monotonic()
        told = silence_year(room, options.days, options.moments, options.seed)
        wrong += len(told.false) + told.never
        print(f"silent  {room.name:34} {told} ({monotonic() - began:.0f} s)", flush=True)
    for room in OUTLET_MODELS:
        if room.surprise or room.every < HOUR:
            continue  # its pages are another's
        began = monotonic()
        told = drift_year(room, options.days, 0, options.seed)
        wrong += len(told.false)
        print(f"drift   {room.name:34} {told} ({monotonic() - began:.0f} s)", flush=True)
        for change in DRIFTS:
            began = monotonic()
            told = drift_year(room, 0, options.changes, options.seed, change)
            print(f"   {change.name:39} {told} ({monotonic() - began:.0f} s)", flush=True)
    print(f"alarms: {wrong} false, or silences never told")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
