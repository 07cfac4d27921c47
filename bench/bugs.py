"""Give each function on the way of a page a bug, crawl, and crawl again without it (F9).

    python -m bench.bugs [--stage frontier] [--calls tenth,1,5] [--articles 30]

``tenth`` is a bug that meets a tenth of the articles, or of the calls; a number is the one call that
it meets; ``all`` is every call. Exit status 1 if a bug goes unreported, leaves counts that do not add
up, a run without an end or a lease, or if the next crawl does not complete, or does anything twice.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.support.faults.bug_trials import PLACES, Trial, try_bug


def main() -> int:
    """Print a line a trial and the sum; return 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--stage", choices=PLACES, help="only this one")
    parser.add_argument("--place", default="", help="only places that contain this text")
    parser.add_argument("--calls", default="tenth,1,5")
    parser.add_argument("--articles", type=int, default=30)
    options = parser.parse_args()
    print(f"{'exit':>4} {'met':>3} {'even':4} {'end':3} {'whole':5} {'twice':>5} {'s':>5}  where")
    trials = []
    for stage, places in PLACES.items():
        if options.stage not in (None, stage):
            continue
        for place in places:
            if options.place not in place:
                continue
            for calls in options.calls.split(","):
                which = "" if calls == "tenth" else calls
                with tempfile.TemporaryDirectory() as folder:
                    trial = try_bug(Path(folder), stage, place, which, options.articles)
                print(_line(stage, trial), flush=True)
                trials.append(trial)
    bad = [trial for trial in trials if not trial.is_good]
    met = [trial for trial in trials if trial.met]
    longest = max((trial.seconds for trial in trials), default=0.0)
    print(
        f"{len(trials)} trials at {len({trial.place for trial in trials})} places, {len(met)} met a "
        f"bug: {len(bad)} went wrong; twice {sum(trial.twice for trial in trials)}; longest "
        f"{longest:.0f} s"
    )
    return 1 if bad else 0


def _line(stage: str, trial: Trial) -> str:
    code = "hang" if trial.first is None else str(trial.first)
    marks = [
        f"{'yes' if is_so else 'NO':{width}}"
        for is_so, width in ((trial.is_even, 4), (trial.has_ended, 3), (trial.is_complete, 5))
    ]
    mark = "" if trial.is_good else f"  WRONG (the next crawl's exit {trial.second})"
    where = f"{stage}: {trial.place} {trial.calls or 'tenth'}: {trial.figures}"
    return (
        f"{code:>4} {trial.met:3} {' '.join(marks)} {trial.twice:5} {trial.seconds:5.1f}  "
        f"{where}{mark}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
