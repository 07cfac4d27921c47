"""Run four writers, eight readers and one held lock on one index (F8)."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import monotonic

from tests.support.faults.contention import run_concurrently, saved_pages


def main() -> int:
    """Print the counts; return 1 if a process failed on a lock or a row is missing or double."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--hold", type=float, default=20.0, help="seconds that one process holds the write lock"
    )
    parser.add_argument(
        "--folders", type=int, default=41, help="of pages: one comes first, the rest are shared out"
    )
    parser.add_argument("--pages", type=int, default=25, help="in each folder")
    options = parser.parse_args()
    began = monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        contention = run_concurrently(
            folder, saved_pages(folder, options.folders, options.pages), hold=options.hold
        )
    print(
        f"contention: {json.dumps(asdict(contention), ensure_ascii=False)} in {monotonic() - began:.0f} s"
    )
    return 0 if contention.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
