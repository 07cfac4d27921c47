"""Name addresses of this machine's own network by every door of a crawl; count the connections (F7).

    python -m bench.guard

Each address, in every notation, is named by redirects of pages, pictures, sitemaps and robots.txt,
meta refresh, fields of response heads, canonical links, pictures, sitemap indexes, entries of
feeds, lists and sitemaps, and the Sitemap lines of robots.txt: a crawl for each door, direct and
through a proxy. Listeners on 127.0.0.1 and ::1 count what reaches them, and the proxy what it is
asked to fetch of them. Exit status 1 if anything does, if a door was not opened, or if a crawl ended in a traceback.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import monotonic

from tests.support.sites.guard_trials import DOORS, HOSTS, try_doors


def main() -> int:
    """Print a line for each door and way; return 1 if a connection was opened."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    began = monotonic()
    cases = connections = faults = 0
    for way in ("direct", "proxied"):
        for name in DOORS:
            with tempfile.TemporaryDirectory() as folder:
                trial = try_doors(Path(folder), [name], proxied=way == "proxied")
            wrong = trial.wrong()
            cases += trial.cases
            connections += trial.connections
            faults += bool(wrong)
            ends = ", ".join(f"{ended or 'none'} {n}" for ended, n in trial.outcomes.most_common())
            print(
                f"{name:24} {way:8} {trial.cases:4} cases, {trial.connections} connections; "
                f"articles: {ends}",
                *wrong,
                sep="  ",
                flush=True,
            )
    print(
        f"{len(HOSTS)} notations at 2 listeners, {len(DOORS)} doors, direct and proxied: "
        f"{cases} cases, {connections} connections, {faults} faults; {monotonic() - began:.0f} s"
    )
    return 1 if connections or faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
