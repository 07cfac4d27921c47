"""Measure pages a second that processes write side by side into an index in PostgreSQL.

Each process discovers, leases and settles articles of an outlet of its own, and enters the captures
as a deposit does, in small batches as a crawl's. The anchor is the same with one transaction at a
time in the whole index, as SQLite has them. The server makes each commit durable.

    python -m bench.writers [--count 400] [--batch 10] [--processes 1 2 4 8]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg

from archive.articles.batch import enter
from archive.articles.ingest_model import CaptureEntry
from archive.captures.rows import location_columns
from archive.frontier.frontier import Frontier
from archive.frontier.visits import FrontierLink, VisitResult
from archive.index.database import Index
from archive.index.writers import conflicts
from archive.index.writers.leases import Leases, outlet_lease
from archive.model.exchange import Location
from bench.rows import readings
from pipelines.deposit import columns_of
from tests.support.databases.postgres import new_database, server

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

    from archive.articles.ingest_model import CaptureEntry as Entry
    from pipelines.page import Page


def write(
    url: str, outlet: str, given: list[Page], batch: int, alone: bool, begin: Barrier
) -> None:
    """Write the pages as articles of an outlet, after all processes have come so far."""
    begin.wait()
    with Index(url) as index:
        Leases(index, [outlet_lease(outlet)], outlet).take()
        frontier = Frontier(index, outlet, outlet)
        parts = () if alone else (frontier.part,)
        for first in range(0, len(given), batch):
            pages = given[first : first + batch]
            ids = [page.article.article_id for page in pages if page.article]
            frontier.discover(
                FrontierLink(one, f"https://{outlet}/{one}", None, "feed") for one in ids
            )
            visits = frontier.lease(batch)
            entries = [_entry(page, outlet, first + n) for n, page in enumerate(pages)]
            with index.writing(*parts) as connection:
                entered = enter(connection, entries)
                frontier.settle(
                    connection,
                    [
                        VisitResult(article_id=visit.article_id, verdict=one.verdict, status=200)
                        for visit, one in zip(visits, entered, strict=True)
                    ],
                )
    assert not conflicts.repeated, conflicts.repeated


def _entry(page: Page, outlet: str, number: int) -> Entry:
    assert page.article is not None
    article = replace(page.article, outlet=outlet, url=f"https://{outlet}/{number}")
    page = replace(page, outlet=outlet, article=article)
    location = Location(f"{outlet}.warc.gz", number * 9, 9, f"<urn:{outlet}:{number}>", "sha256:0")
    return CaptureEntry(columns_of(page) | location_columns(location), article, page.verdict)


def measure(processes: int, count: int, batch: int, *, alone: bool) -> float:
    """Return how many pages a second so many processes write, each so many."""
    url = new_database()
    Index(url).close()
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(processes + 1)
    given = readings(count)
    those = [
        context.Process(target=write, args=(url, f"outlet{n}", given, batch, alone, begin))
        for n in range(processes)
    ]
    for one in those:
        one.start()
    begin.wait()
    began = time.perf_counter()
    for one in those:
        one.join()
        assert one.exitcode == 0
    return processes * count / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    given = parser.parse_args()
    with psycopg.connect(server(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")
    print("processes   one at a time   side by side   pages/s")
    for processes in given.processes:
        one, many = (
            measure(processes, given.count, given.batch, alone=alone) for alone in (True, False)
        )
        print(f"{processes:9}   {one:13.0f}   {many:12.0f}", flush=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"CPU of the writers: {used.ru_utime + used.ru_stime:.0f} s")


if __name__ == "__main__":
    main()
