"""Measure crawls of many outlets in one process: what a core carries at 1 request a second a host.

Each outlet has a host of its own on a server on loopback, and so many articles of 80 KB, over TLS.
All are crawled by one process on one core, the server runs on another. CPU seconds are those of the
crawling process alone. How late a request is, is its distance to the one before it, as the server
sees it, without the second that it has to wait. Then the same few articles by a process for each
outlet and by one process: what a start, and a further outlet, cost.

    python -m bench.together [--outlets 10 50 100] [--pages 45] [--processes 1 5 10]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bench import pages
from tests.support.fault_server.certificates import authority
from tests.support.processes.cli import ROOT
from tests.support.sites.made_outlets import host_of, state_outlets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

#: Seconds between two requests to a host.
DELAY = 1.0
#: The requests to a host that are no articles: robots.txt, the sitemap.
OTHERS = 2
#: A core that is busier than this makes requests late.
_BUSY = 0.8
_SITEMAP = (
    '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
)


def names(number: int) -> list[str]:
    """Return the names of so many outlets."""
    return [f"o{one:03}" for one in range(number)]


@dataclass(frozen=True)
class Spent:
    """What a process took: CPU seconds, seconds and the most memory in MiB."""

    cpu: float
    seconds: float
    memory: float


async def serve(number: int, count: int, place: Path) -> None:
    """Serve the outlets until stdin closes; print the port first, and last when each was asked."""
    hosts = [host_of(name) for name in names(number)]
    bodies: dict[str, bytes] = {}
    for page in range(count):
        url, html = pages.page(2 * page)  # the even ones are Etoday's
        path = "/" + url.partition("//")[2].partition("/")[2]
        bodies[path] = _answer(gzip.compress(html.encode(), 6), "text/html; charset=utf-8")
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    times: dict[str, list[float]] = {host: [] for host in hosts}

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                found = re.search(r"(?mi)^host: ([^\r:]+)", head)
                host = found[1] if found is not None else ""
                times[host].append(time.monotonic())
                if path.endswith("/sitemap.xml"):
                    writer.write(_sitemap(host, bodies))
                else:
                    writer.write(bodies.get(path, missing))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = authority(place, hosts).context
    server = await asyncio.start_server(answer_all, "127.0.0.1", 0, ssl=context, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(times), flush=True)
    os._exit(0)  # whoever still holds a connection has gone too


def _sitemap(host: str, bodies: dict[str, bytes]) -> bytes:
    entries = "".join(f"<url><loc>https://{host}{path}</loc></url>" for path in bodies)
    return _answer(gzip.compress(_SITEMAP.format(entries).encode()), "application/xml")


def _answer(body: bytes, media_type: str) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: {media_type}\r\nContent-Encoding: gzip\r\n"
        f"Connection: keep-alive\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Served:
    """The server in a process of its own, on the last core; a context manager."""

    def __init__(self, number: int, count: int, folder: Path) -> None:
        self.number, self.count, self.folder = number, count, folder
        self.times: dict[str, list[float]] = {}

    def __enter__(self) -> Served:
        command = [sys.executable, "-m", "bench.together", "--serve", str(self.folder)]
        command += ["--outlets", str(self.number), "--pages", str(self.count)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        out, _ = self._process.communicate("")
        self.times = json.loads(out)

    def crawl(self, outlets: Sequence[str], place: Path) -> subprocess.Popen[bytes]:
        """Start a crawl of outlets by one process on the first core."""
        place.mkdir(parents=True, exist_ok=True)
        stated = state_outlets(place, {name: host_of(name) for name in names(self.number)})
        mapped = {f"{host_of(name)}:443": f"127.0.0.1:{self.port}" for name in outlets}
        settings = {
            "ALLOW_LOOPBACK": "1",
            "RESOLVER_MAP": json.dumps(mapped),
            "DOWNLOAD_DELAY": str(DELAY),
            "DOWNLOAD_DELAY_JITTER": "0",
            # It takes our own start for slowness of the hosts, and waits longer for a while.
            "AUTOTHROTTLE_ENABLED": "0",
        }
        options = [part for name, value in settings.items() for part in ("-s", f"{name}={value}")]
        environment = (
            os.environ
            | stated
            | {
                "ARCHIVE_URL": str(place / "archive"),
                "INDEX_URL": f"sqlite:///{place / 'index.sqlite3'}",
                "SSL_CERT_FILE": str(self.folder / "ca.pem"),
                "CONTACT": "bench@example.org",
            }
        )
        command = [sys.executable, "-m", "scrapy", "crawl", *outlets, "-L", "ERROR", *options]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        return process


class Watched:
    """The CPU seconds of a process over time, looked at every second until it ends."""

    def __init__(self, pid: int) -> None:
        self.looks: list[tuple[float, float]] = []
        self._stat = Path(f"/proc/{pid}/stat")
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def cpu_between(self, begin: float, end: float) -> float:
        """Return the CPU seconds that the process took between two moments."""
        return self._cpu_at(end) - self._cpu_at(begin)

    def _cpu_at(self, moment: float) -> float:
        """Return the CPU seconds until a moment, in proportion between two looks."""
        for (before, cpu), (after, more) in pairwise(self.looks):
            if before <= moment < after:
                return cpu + (more - cpu) * (moment - before) / (after - before)
        raise SystemExit("the crawl was too short to be looked at")

    def _watch(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        while True:
            try:
                fields = self._stat.read_text().rpartition(")")[2].split()
            except OSError:
                return
            if fields[0] == "Z":
                return
            self.looks.append((time.monotonic(), (int(fields[11]) + int(fields[12])) / ticks))
            time.sleep(1)


def spent(process: subprocess.Popen[bytes], began: float) -> Spent:
    """Wait for a process; return what it took."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a crawl ended with {process.returncode}")
    seconds = time.monotonic() - began
    return Spent(usage.ru_utime + usage.ru_stime, seconds, usage.ru_maxrss / 1024)


def middle(times: dict[str, list[float]]) -> tuple[float, float]:
    """Return from when to when all outlets were asked for articles."""
    begin = max(asked[OTHERS] for asked in times.values())
    return begin, min(asked[-1] for asked in times.values())


def lateness(times: dict[str, list[float]], begin: float, end: float) -> list[float]:
    """Return how many seconds late each request between two moments was, sorted."""
    return sorted(
        after - before - DELAY
        for asked in times.values()
        for before, after in pairwise(asked[OTHERS:])
        if begin <= before and after < end
    )


def stored(place: Path) -> int:
    """Return how many articles an index holds."""
    with closing(sqlite3.connect(place / "index.sqlite3")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM articles").fetchone()
    return int(count)


def measure_together(number: int, count: int) -> None:
    """Crawl so many outlets in one process, and print what that took."""
    with _folder() as folder:
        served = Served(number, count, folder)
        with served:
            began = time.monotonic()
            process = served.crawl(names(number), folder / "crawl")
            watched = Watched(process.pid)
            took = spent(process, began)
        found = stored(folder / "crawl")
        if found != number * count:
            raise SystemExit(f"{number * count - found} of {number * count} pages were lost")
        begin, end = middle(served.times)
        cpu = watched.cpu_between(begin, end)
        asked = [moment for times in served.times.values() for moment in times]
        number_asked = sum(begin <= moment < end for moment in asked)
        rate, each = number_asked / (end - begin), cpu / number_asked
        late = lateness(served.times, begin, end)
        print(
            f"{number} outlets, {found} pages: {rate:.1f} pages/s, {each * 1000:.2f} CPU ms/page, "
            f"{cpu / (end - begin) * 100:.0f} % of a core, {took.memory:.0f} MiB, "
            f"{took.cpu:.1f} CPU s in all; late by "
            f"{_at(late, 0.5) * 1000:.0f} ms (middle), {_at(late, 0.95) * 1000:.0f} ms (p95), "
            f"{late[-1] * 1000:.0f} ms (most); at {_BUSY:.0%} a core carries "
            f"{_BUSY * DELAY / each:.0f} outlets at 1 request in {DELAY:.0f} s; load "
            f"{os.getloadavg()[0]:.1f}",
            flush=True,
        )


def measure_starts(number: int, count: int) -> None:
    """Crawl outlets by a process each, then by one; print what each takes."""
    with _folder() as folder, Served(number, count, folder) as served:
        began = time.monotonic()
        processes = [served.crawl([name], folder / "each") for name in names(number)]
        each = [spent(process, began) for process in processes]
        began = time.monotonic()
        one = spent(served.crawl(names(number), folder / "one"), began)
    cpu, memory = sum(took.cpu for took in each), sum(took.memory for took in each)
    print(
        f"{number} outlets, {count} pages each: a process each {cpu:.2f} CPU s, {memory:.0f} MiB in "
        f"all ({cpu / number:.2f} s, {memory / number:.0f} MiB an outlet); one process "
        f"{one.cpu:.2f} CPU s, {one.memory:.0f} MiB",
        flush=True,
    )


def _folder() -> AbstractContextManager[Path]:
    return _TemporaryPath()


class _TemporaryPath(tempfile.TemporaryDirectory):  # type: ignore[type-arg]
    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())


def _at(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def _numbers(given: Sequence[int]) -> Iterator[int]:
    yield from (number for number in given if number)


def main() -> None:
    """Print a line for each number of outlets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--outlets", type=int, nargs="*", default=[10, 50, 100])
    parser.add_argument("--pages", type=int, default=45, help="articles of each outlet")
    parser.add_argument(
        "--processes", type=int, nargs="*", default=[1, 5, 10], help="of few pages each"
    )
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.outlets[0], options.pages, options.serve))
        return
    for number in _numbers(options.processes):
        measure_starts(number, 2)
    for number in _numbers(options.outlets):
        measure_together(number, options.pages)


if __name__ == "__main__":
    main()
