"""Hold searches against the former way: ask for all hits, join them with their rows, and sort.

The articles are of few syllables, so that queries hit; a third of them share three moments, some
have no time, some are edited or removed meanwhile. Each query must give the same articles in the
same order, whole and page by page, and the same number.

    python -m bench.search_order [--articles 100000] [--queries 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING

from sqlalchemy import select

from archive.index.database import Index
from archive.index.schema import revisions
from archive.index.search.hit import Hit
from archive.index.search.newest_hits import newest_ids, number_of_hits
from archive.index.search.query import parse_query
from tests.support.archives.search_trial import FormerSearch, Trial

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from archive.index.search.query import Query

_LIMIT, _PARTS = 20, 10


def made(index: Index, count: int, seed: int) -> None:
    """Enter so many captures in parts, and remove articles after each."""
    trial = Trial(seed)
    bounds = [count * part // _PARTS for part in range(_PARTS + 1)]
    for begin, end in pairwise(bounds):
        with index.writing() as connection:
            trial.enter(connection, end - begin)
            trial.remove(connection, (end - begin) // 100)


def differences(
    connection: Connection, query: Query, expected: list[int], moments: dict[int, Hit]
) -> list[str]:
    """Return in what a search differs from the former one."""
    found = []
    if number_of_hits(connection, query) != len(expected):
        found.append("number")
    if newest_ids(connection, query, len(expected) + 1) != expected:
        found.append("order")
    size = max(7, len(expected) // 9)
    pages: list[int] = []
    before: Hit | None = None
    while page := newest_ids(connection, query, size, before):
        pages += page
        before = moments[page[-1]]
    if pages != expected:
        found.append("pages")
    return found


def main() -> int:
    """Run the comparison and print it; return 1 if a search differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = hits = 0
    taken: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Index(f"sqlite:///{Path(folder, 'index.sqlite3')}", lasting=False) as index,
    ):
        made(index, options.articles, options.seed)
        with index.reading() as connection, FormerSearch(connection) as former:
            times = select(revisions.c.id, revisions.c.published_at)
            moments = {row.id: Hit(row.published_at, row.id) for row in connection.execute(times)}
            trial = Trial(options.seed + 1)
            for _ in range(options.queries):
                words = trial.query()
                query = parse_query(words)
                began = perf_counter()
                expected = former.ids(query)
                between = perf_counter()
                first = newest_ids(connection, query, _LIMIT)
                taken.append((between - began, perf_counter() - between))
                hits += len(expected)
                found = differences(connection, query, expected, moments)
                if first != expected[:_LIMIT]:
                    found.append("first page")
                if found:
                    wrong += 1
                    print(f"{words}: other {', '.join(found)}", flush=True)
    print(f"{len(moments)} revisions, {options.queries} queries, {hits} hits; that differ: {wrong}")
    for name, side in zip(("former", "newest first"), zip(*taken, strict=True), strict=True):
        cuts = quantiles(side, n=20)
        print(
            f"{name}: the first {_LIMIT} in {cuts[9] * 1e3:.1f} ms (p50), {cuts[18] * 1e3:.1f} ms (p95)"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
