"""Run replay, reindex and crawl on full disks and failing disk calls (F4).

Small disks are tmpfs, growing until the verb has room; failing calls are strace's. Each run must
end with 1 and a sentence, or do without what failed; the same command must then complete it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.crawling import SETTLED, twin_of_today
from tests.support.faults import stracing
from tests.support.faults.full_disks import FAILURES, SMALL, fail_at_each, fill_each, why_not
from tests.support.faults.ordeal import Tally, Work


def main() -> int:
    """Print a line for each verb and fault; return 1 for a loss or a missing message."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10, help="of the twin that is crawled")
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
    if stracing.why_not() or why_not():
        raise SystemExit(stracing.why_not() or why_not())
    clean = True
    with twin_of_today("etoday", options.articles, age=SETTLED) as twin:
        for verb, outlet in (("replay", None), ("reindex", None), ("crawl", twin)):
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
