"""Run verbs under limits of file size, memory and descriptors: what each says, and what is lost.

    python -m bench.limits [--verb NAME]

Each ends with 0 or 1 and a sentence, never with a traceback or by a signal. Without the limit the
same command then completes; nothing is lost, and verify finds nothing. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.faults.limits import LIMITS, VERBS, Limited


def main() -> int:
    """Print a line a verb and limit; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--verb", choices=VERBS)
    options = parser.parse_args()
    trials = refused = faults = 0
    with tempfile.TemporaryDirectory() as folder, site_of_today("newspim", 12, age=SETTLED) as site:
        limited = Limited(Path(folder), site)
        for verb in [options.verb] if options.verb else VERBS:
            for kind, (_, limits) in LIMITS.items():
                for limit in limits:
                    code, wrong = limited.run(verb, kind, limit)
                    trials, refused, faults = (
                        trials + 1,
                        refused + (code == 1),
                        faults + bool(wrong),
                    )
                    print(
                        f"{verb:12} {kind:12} {limit:11,}: exit {code} {'; '.join(wrong)}",
                        flush=True,
                    )
    print(f"{trials} trials, {refused} ended with a sentence and 1, faults {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
