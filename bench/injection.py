"""Put strings that a terminal or a table obeys where strangers write; look for them in all we print (F17).

    python -m bench.injection

Control and escape sequences, bidirectional overrides and isolates, tag characters, NUL, lone
surrogates, line ends, formulas, markup and quotes stand in headlines, bylines, sections, captions,
addresses, response heads, file names, the origin of web archives, alarms and names of jobs; secrets
in requests and cookies. A line for each sink with what leaked. Exit status 1 if anything did.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.injection import PLACES, STRINGS, Injection, leaks
from tests.support.processes.cli import Workspace


def main() -> int:
    """Print a line for each sink; return 1 if a string or a secret came through."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        injection = Injection(workspace, tuple(STRINGS), workspace.run)
        injection.fill()
        injection.speak()
        injection.crawl()
        found = leaks(injection)
        articles = len(workspace.rows("articles"))
    for sink, wrong in found.items():
        print(f"{sink:24} {len(wrong):3} leaks", *wrong[:5], sep="  ")
    total = sum(map(len, found.values()))
    print(
        f"{len(STRINGS)} strings in {len(PLACES)} places, {articles} articles, "
        f"{len(injection.outcomes)} addresses crawled, {len(found)} sinks: {total} leaks; "
        f"{monotonic() - began:.0f} s"
    )
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main())
