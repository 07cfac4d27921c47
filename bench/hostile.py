"""Replay hostile archives, each in its own process: CPU seconds, memory, messages.

    python -m bench.hostile

Fails if one takes more than 5 s or 200 MB, or gives other articles or reasons than it should. The
figures hold the process's own start, about a second and 90 MB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.faults.hostile_archives import CASES
from tests.support.processes.cli import Workspace

SECONDS, MEGABYTES = 5.0, 200.0


def replay(workspace: Workspace, path: Path) -> tuple[float, float, int]:
    """Return CPU seconds, peak memory in MB and the exit status."""
    process = workspace.start("replay", path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode


def make(name: str, path: Path) -> None:
    """Write the file in its own process: a child's peak memory starts at its parent's."""
    code = "import pathlib, sys; from tests.support.faults.hostile_archives import CASES; n, p = sys.argv[1:]; "
    code += "pathlib.Path(p).write_bytes(CASES[n][0]())"
    subprocess.run([sys.executable, "-c", code, name, str(path)], check=True)


def main() -> int:
    """Print a line a case; return 1 if one is over a bound or gave other outcomes."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    failed = False
    print(f"{'file':20} {'bytes':>10} {'s':>6} {'MB':>6}  said")
    for name, (_, expected, articles) in CASES.items():
        with tempfile.TemporaryDirectory() as place:
            workspace = Workspace(Path(place))
            path = workspace.folder / name
            make(name, path)
            seconds, memory, code = replay(workspace, path)
            reasons = (
                {row["reason"] for row in workspace.rows("outcomes")}
                if workspace.index.exists()
                else {"no index"}
            )
            found = len(workspace.rows("articles")) if workspace.index.exists() else -1
            good = seconds < SECONDS and memory < MEGABYTES and found == articles and code in (0, 1)
            good = good and (not expected or bool(reasons & expected))
            failed |= not good
            what = f"exit {code}, {found} articles, {', '.join(sorted(filter(None, reasons)))}"
            what = what if good else f"NOT AS IT SHOULD BE: {what}"
            print(
                f"{name:20} {path.stat().st_size:10,} {seconds:6.1f} {memory:6.0f}  {what}",
                flush=True,
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
