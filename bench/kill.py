"""Kill crawls 200 times at random moments: articles lost, articles kept twice (F1)."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.crawling.crawls import site_of_today
from tests.support.faults.killed_crawls import kill_crawls, line


def main() -> int:
    """Print the tally; return 1 if an article was lost, doubled, refetched or changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--articles", type=int, default=60)
    parser.add_argument("--outlet", choices=("etoday", "newspim"), default="etoday")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        site_of_today(options.outlet, options.articles) as site,
    ):
        tally = kill_crawls(Path(folder), site, options.kills, options.seed)
    print(f"kills: {line(tally)} in {monotonic() - began:.0f} s")
    return 1 if tally.lost or tally.twice or tally.refetched or tally.unequal else 0


if __name__ == "__main__":
    raise SystemExit(main())
