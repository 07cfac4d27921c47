"""Crawl a loopback outlet with what a user adds to the settings, beside a crawl without (F21).

    python -m bench.user_parts [--articles 20]

One component of each kind is added by -s, then all of them by each way a user has. Requests, user
agent, warcinfo and articles have to equal those without, robots.txt has to be asked for, and each
component has to have run. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support.crawling.crawls import SETTLED, site_of_today
from tests.support.crawling.user_crawls import TEXTS, USED, WAYS, observed

HEAD = ("added", "by", "used", "requests", "a second", "robots.txt", "articles", "agent", "same")


def main() -> int:
    """Print the table; return 1 if a crawl differs from the one without."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=int, default=20)
    options = parser.parse_args()
    crawls = [("nothing", "", {}, {})]
    crawls += [(name, "-s", {}, {name: text}) for name, text in TEXTS.items()]
    crawls += [("all of them", way, env, settings) for way, (env, settings) in WAYS.items()]
    table = Table(*HEAD)
    without, differing = None, 0
    with (
        tempfile.TemporaryDirectory() as folder,
        site_of_today("newspim", options.articles, age=SETTLED) as site,
    ):
        for number, (what, way, env, settings) in enumerate(crawls):
            seen = observed(Path(folder) / str(number), site, env, **settings)
            without = without or seen
            expected = {"nothing": 0, "all of them": len(USED)}.get(what, 1)
            asked = sum(
                count for (_, path), count in seen.requests.items() if path == "/robots.txt"
            )
            same = seen == without and len(seen.used) == expected and asked > 0
            differing += not same
            table.add_row(
                what,
                way,
                f"{len(seen.used)} of {expected}",
                str(seen.requests.total()),
                f"{seen.rate:.2f}",
                str(asked),
                str(len(seen.articles)),
                ", ".join(seen.agents),
                "yes" if same else "NO",
            )
    Console(width=150).print(table)
    print(f"warcinfo without: {without.warcinfo[0] if without else {}}")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
