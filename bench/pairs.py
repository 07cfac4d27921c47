"""Run every two verbs at once on one archive and index, one of them killed at times.

    python -m bench.pairs [--rounds 1] [--only crawl+remove] [--seed 1]

Afterwards what was killed or refused is run again. Nothing may be lost, verify has to find nothing,
backups have to restore, and of a removed article no file may hold a trace. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from random import Random
from time import monotonic

from tests.support.crawling.crawls import site_of_today
from tests.support.faults.verb_pairs import PAIRS, Pairs, Tally


def main() -> int:
    """Print a line a pair and the tally; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default="", metavar="VERB+VERB")
    parser.add_argument("--articles", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wanted = [tuple(options.only.split("+"))] if options.only else list(PAIRS)
    tally, began, dice = Tally(), monotonic(), Random(options.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        site_of_today("etoday", options.articles) as site,
    ):
        pairs = Pairs(Path(folder), site)
        for first, second in wanted * options.rounds:
            known = len(tally.wrong)
            one, other = (first, second) if dice.random() < 0.5 else (second, first)
            pairs.run(one, other, dice, tally)
            for fault in tally.wrong[known:]:
                print(fault, flush=True)
            print(f"{one}+{other}: {len(tally.wrong) - known} faults", flush=True)
    print(f"{tally.line()}; {monotonic() - began:.0f} s")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
