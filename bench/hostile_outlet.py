"""Crawl an outlet that answers as no server should, at our pace's width and at 64 at a time.

    python -m bench.hostile_outlet

Prints how many answers were tried, which had another outcome than they should have, the most memory
and the longest answer. Fails if one has, if a proper page was lost, or if a crawl took more than 300
MiB or an answer more than the timeout and 5 s.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.faults.hostile_answers import ANSWERS, crawl_hostile_outlet

TIMEOUT, MEBIBYTES = 8, 300


def main() -> int:
    """Print a line a crawl; return 1 if one is not as it should be."""
    failed = False
    print(f"{'at once':>7} {'answers':>7} {'wrong':>5} {'stored':>6} {'MiB':>4} {'longest':>7}")
    for at_once in (1, 8, 64):
        with tempfile.TemporaryDirectory() as folder:
            ended = crawl_hostile_outlet(
                Path(folder),
                DOWNLOAD_TIMEOUT=str(TIMEOUT),
                RETRY_TIMES="0",
                CONCURRENT_REQUESTS_PER_DOMAIN=str(at_once),
            )
        print(
            f"{at_once:7} {len(ANSWERS):7} {len(ended.wrong):5} {ended.stored:6} "
            f"{ended.memory:4.0f} {ended.longest:6.1f}s",
            flush=True,
        )
        for name, outcome in ended.wrong.items():
            print(f"        {name}: {outcome}")
        failed |= bool(ended.wrong) or ended.stored != ended.plain or "Traceback" in ended.err
        failed |= ended.memory > MEBIBYTES or ended.longest > TIMEOUT + 5
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
