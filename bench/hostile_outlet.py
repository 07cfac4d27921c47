"""Crawl an outlet that answers as no server should, at our pace's width and at 64 at a time.

    python -m bench.hostile_outlet [--crawl NAME] [--at-once N]

One crawl has hostile pages, robots.txt and TLS, another hostile sitemaps, two a list and indexes
of sitemaps that lead on without an end. Prints how many cases were
tried, which ended otherwise than they should have, the most memory and the longest answer. Fails if
one did, if a proper page was lost, or if a crawl took more than 300 MiB or an answer more than the
timeout, the time that the crawl held one back, and 5 s.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.support.fault_server.crawls import (
    HostileCrawl,
    crawl_endless_sources,
    crawl_hostile_outlet,
    crawl_hostile_sitemaps,
    page_cases,
)
from tests.support.fault_server.source_answers import long_sources, sources

MEBIBYTES = 300
#: Requests at once, from our pace's width on.
WIDTHS = (1, 8, 64)
#: Pages of a list without an end, and sitemaps. A crawl's own limit of pages is some times as high.
MOST = 200


def _crawl_sitemaps(folder: Path, **settings: str) -> HostileCrawl:
    """Crawl an outlet of all hostile sitemaps."""
    return crawl_hostile_sitemaps(folder, more=long_sources(), **settings)


#: The crawl, its cases and its timeout: sitemaps of 50 MB are waited for longer.
CRAWLS = {
    "pages": (crawl_hostile_outlet, page_cases, 8),
    "endless chain": (partial(crawl_endless_sources, branches=1, most=MOST), lambda: 2, 60),
    "endless tree": (partial(crawl_endless_sources, branches=50, most=MOST), lambda: 2, 60),
    "sitemaps": (_crawl_sitemaps, lambda: len(sources()) + len(long_sources()), 60),
}


def main() -> int:
    """Print a line a crawl; return 1 if one is not as it should be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--crawl", choices=CRAWLS, action="append", help="all if not given")
    parser.add_argument("--at-once", type=int, action="append", help="1, 8 and 64 if not given")
    options = parser.parse_args()
    # The server writes to connections that the crawl has closed, which asyncio warns of.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    failed = False
    print(
        f"{'crawl':13} {'at once':>7} {'cases':>5} {'wrong':>5} {'stored':>6} {'MiB':>4} {'longest':>7} {'held':>5}"
    )
    for at_once in options.at_once or WIDTHS:
        for name in options.crawl or CRAWLS:
            crawl, cases, timeout = CRAWLS[name]
            with tempfile.TemporaryDirectory() as folder:
                ended = crawl(
                    Path(folder),
                    DOWNLOAD_TIMEOUT=str(timeout),
                    RETRY_TIMES="0",
                    CONCURRENT_REQUESTS_PER_DOMAIN=str(at_once),
                )
            print(
                f"{name:13} {at_once:7} {cases():5} {len(ended.wrong):5} {ended.stored:6} "
                f"{ended.memory:4.0f} {ended.longest:6.1f}s {ended.held:4.1f}s",
                flush=True,
            )
            for what, became in ended.wrong.items():
                print(f"        {what}: {became}")
            failed |= bool(ended.wrong) or ended.stored != ended.plain or "Traceback" in ended.err
            failed |= ended.memory > MEBIBYTES
            failed |= ended.longest > timeout + ended.held + 5
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
