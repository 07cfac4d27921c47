"""The same work by tools that do one part of it, in the same run: Scrapy, trafilatura, warcio, FastWARC."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archive.model.exchange import Exchange
from bench import pages, warc
from crawler.extraction.reading import read_exchange
from crawler.extraction.recognise import outlet_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CRAWL = re.compile(
    r"sacho (?P<ours>[\d.]+) CPU ms/page, .* bare Scrapy (?P<theirs>[\d.]+) CPU ms/page"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """CPU milliseconds of ours and of a peer for one page or exchange, in the middle one of the rounds."""

    work: str
    peer: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Ours over theirs: below one, ours takes less."""
        return self.ours / self.theirs


def compared(count: int, rounds: int) -> Iterator[Compared]:
    """Yield the comparisons, with so many pages and rounds; leave out tools that are not installed."""
    yield from _crawl(count, rounds)
    yield from _reading(min(count, 200), rounds)
    yield from _warcs(rounds)


def _crawl(count: int, rounds: int) -> Iterator[Compared]:
    command = [sys.executable, "-m", "bench.crawl"]
    command += ["--pages", str(count), "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = [
        (float(line["ours"]), float(line["theirs"]))
        for line in map(_CRAWL.search, done.stdout.splitlines())
        if line is not None
    ]
    if done.returncode or not found:
        print(f"bench.crawl ended with {done.returncode}: {done.stderr[-2000:]}", file=sys.stderr)
        return
    work = "crawl: fetch, keep, read and index, against fetching only"
    yield _middle(work, "Scrapy", found)


def _reading(count: int, rounds: int) -> Iterator[Compared]:
    try:
        import trafilatura
    except ImportError:
        print("trafilatura is not installed; its row is left out", file=sys.stderr)
        return
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    made = [pages.page(number) for number in range(count)]

    def ours() -> None:
        for url, html in made:
            exchange = Exchange(url, moment, html.encode(), media_type="text/html")
            outlet = outlet_for(exchange)
            assert outlet is not None
            assert read_exchange(exchange, outlet).article is not None

    def theirs() -> None:
        for url, html in made:
            trafilatura.bare_extraction(html, url=url, with_metadata=True)

    found = [(_cpu(ours, count), _cpu(theirs, count)) for _ in range(rounds)]
    yield _middle("read an article of a page of 80 KB", "trafilatura", found)


def _warcs(rounds: int) -> Iterator[Compared]:
    sample = warc.exchanges()
    writing: list[tuple[float, float]] = []
    reading: dict[str, list[tuple[float, float]]] = {"warcio": [], "FastWARC": []}
    with tempfile.TemporaryDirectory() as top:
        for number in range(rounds):
            ours, theirs = Path(top, f"ours{number}"), Path(top, f"theirs{number}")
            theirs.mkdir()
            writing.append(
                (
                    _cpu(lambda to=ours: warc.write_ours(to, sample), len(sample)),
                    _cpu(lambda to=theirs: warc.write_warcio(to, sample), len(sample)),
                )
            )
            (path,) = ours.glob("*.warc.gz")
            own = _cpu(lambda at=path: warc.read_ours(at), len(sample))
            for name, reader in (
                ("warcio", warc.read_warcio_verified),
                ("FastWARC", warc.read_fastwarc_verified),
            ):
                other = _cpu(lambda at=path, read=reader: read(at), len(sample))
                reading[name].append((own, other))
    yield _middle("write a response and its request to a WARC", "warcio", writing)
    for name, found in reading.items():
        yield _middle("read them, digests compared", name, found)


def _cpu(action: Callable[[], object], count: int) -> float:
    began = time.process_time()
    action()
    return (time.process_time() - began) * 1000 / count


def _middle(work: str, peer: str, found: list[tuple[float, float]]) -> Compared:
    """Return the round whose ratio is the middle one."""
    ordered = sorted(found, key=lambda pair: pair[0] / pair[1])
    ours, theirs = ordered[len(ordered) // 2]
    return Compared(work, peer, ours, theirs)
