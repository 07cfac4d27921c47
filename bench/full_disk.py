"""Run replay, reindex and crawl on full disks and failing disk calls (F4).

Small disks are tmpfs, growing until the verb has room; failing calls are strace's. Each run must
end with 1 and a sentence, or do without what failed; the same command must then complete it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.faults import strace
from tests.support.faults.fault_trials import Tally, Work
from tests.support.faults.full_disks import FAILURES, SMALL, fail_at_each, fill_each, why_not


def main() -> int:
    """Print a line for each verb and fault; return 1 for a loss or a missing message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10, help="of the mock site that is crawled")
    parser.add_argument(
        "--every",
        type=int,
        default=7,
        help="of the reads and writes, every so-manieth; of the rest, all",
    )
    parser.add_argument(
        "--grow", type=int, default=64, help="KiB that a disk is larger than the one before it"
    )
    parser.add_argument("--verb", choices=("replay", "crawl", "reindex"), help="only this one")
    options = parser.parse_args()
    if strace.why_not() or why_not():
        raise SystemExit(strace.why_not() or why_not())
    clean = True
    with site_of_today("etoday", options.articles, age=SETTLED) as site:
        for verb, outlet in (("replay", None), ("reindex", None), ("crawl", site)):
            if options.verb not in (None, verb):
                continue
            with (
                tempfile.TemporaryDirectory() as folder,
                Work(Path(folder), outlet, verb=verb) as work,
            ):
                for name, error in FAILURES:
                    began, tally = monotonic(), Tally()
                    step = options.every if name in ("write", "pwrite64", "pread64") else 1
                    fail_at_each(work, name, error, tally, step=step)
                    print(
                        f"{verb} {name} {error}: {tally.line()} in {monotonic() - began:.0f} s",
                        flush=True,
                    )
                    clean = clean and tally.clean
                for small in SMALL:
                    began, tally = monotonic(), Tally()
                    fill_each(work, small, range(4, 2**14, options.grow), tally)
                    print(
                        f"{verb} full, {small}: {tally.line()} in {monotonic() - began:.0f} s",
                        flush=True,
                    )
                    clean = clean and tally.clean
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
