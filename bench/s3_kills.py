"""Kill replays into a bucket at 50 requests of their uploads: captures lost or kept twice, uploads left."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.faults.killed_uploads import kill_uploads


def main() -> int:
    """Print the tally; return 1 if anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_uploads(Path(folder), options.kills, options.seed)
    print(f"kills in uploads: {tally.line()} in {monotonic() - began:.0f} s")
    return 0 if tally.clean and tally.kills == options.kills else 1


if __name__ == "__main__":
    raise SystemExit(main())
