"""Compare a whole crawl with bare Scrapy: CPU per page, ratio in one run, memory.

Both fetch the same pages (80 KB, gzipped as served) over HTTPS from a server process on loopback,
32 at a time. Bare Scrapy 2.19 is at its defaults and keeps nothing. Ours discovers them in a
sitemap, leases, fetches, archives every exchange, reads the articles and indexes them, with its own
middlewares on. Each is a process of its own, in turn; CPU seconds are the operating system's,
start-up included.

    python -m bench.crawl [--pages 2000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import pages
from bench.replay import measure
from tests.support.fault_server.certificates import authority

CONCURRENT = 32
#: The id of the first page that `bench.pages` makes.
FIRST_ID = 2_200_000
PER_SITEMAP = 40_000
HOSTS = ("www.etoday.co.kr", "rss.etoday.co.kr", "m.etoday.co.kr")


async def serve(count: int, place: Path, *, light: bool = False) -> None:
    """Serve the pages and a sitemap of them, until stdin closes; print the port first.

    ``light`` leaves out what is around the articles.
    """
    answers: dict[bytes, bytes] = {}
    entries: list[str] = []
    for number in range(count):
        # the even ones are Etoday's
        url, html = pages.light_page(2 * number) if light else pages.page(2 * number)
        path = url.partition("//")[2].partition("/")[2]
        answers[f"/{path}".encode()] = _answer(
            gzip.compress(html.encode(), 6), "text/html; charset=utf-8"
        )
        entries.append(f"<url><loc>{url}</loc></url>")
    answers |= _sitemaps(entries)
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(answers.get(head.split(b" ", 2)[1], missing))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    context = authority(place, HOSTS).context
    server = await asyncio.start_server(answer_all, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whoever still holds a connection has gone too


def bare(port: int, count: int) -> None:
    """Fetch the pages with Scrapy as it comes."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Fetch(scrapy.Spider):
        name = "fetch"
        fetched = 0

        async def start(self):
            for number in range(count):
                yield scrapy.Request(f"https://127.0.0.1:{port}/news/view/{FIRST_ID + 2 * number}")

        def parse(self, response):
            Fetch.fetched += len(response.body) > 50_000

    limits = {"CONCURRENT_REQUESTS": CONCURRENT, "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENT}
    process = CrawlerProcess({"LOG_LEVEL": "WARNING", **limits})
    process.crawl(Fetch)
    process.start()
    if Fetch.fetched != count:
        raise SystemExit(f"bare Scrapy got {Fetch.fetched} of {count} pages")


def _sitemaps(entries: list[str]) -> dict[bytes, bytes]:
    """Return one sitemap, or an index of several: none may name more than 50,000 pages."""
    form = '<?xml version="1.0"?><{0} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{1}</{0}>'
    parts = [entries[at : at + PER_SITEMAP] for at in range(0, len(entries), PER_SITEMAP)]
    texts = {
        f"/rss/part-{number}": form.format("urlset", "".join(part))
        for number, part in enumerate(parts)
    }
    named = "".join(f"<sitemap><loc>https://{HOSTS[0]}{path}</loc></sitemap>" for path in texts)
    texts["/rss/news_sitemap"] = (
        texts["/rss/part-0"] if len(texts) == 1 else form.format("sitemapindex", named)
    )
    return {
        path.encode(): _answer(gzip.compress(text.encode()), "application/xml")
        for path, text in texts.items()
    }


def _answer(body: bytes, media_type: str) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\nServer: nginx\r\n"
        f"Content-Type: {media_type}\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
        f"Cache-Control: no-cache\r\nConnection: keep-alive\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def ours(port: int, place: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment of our crawl into a fresh archive."""
    mapped = {f"{host}:443": f"127.0.0.1:{port}" for host in HOSTS}
    settings = {
        "ALLOW_LOOPBACK": "1",
        "RESOLVER_MAP": json.dumps(mapped),
        "CONCURRENT_REQUESTS": str(CONCURRENT),
        "CONCURRENT_REQUESTS_PER_DOMAIN": str(CONCURRENT),
        "DOWNLOAD_DELAY": "0",
        "AUTOTHROTTLE_START_DELAY": "0",
        "AUTOTHROTTLE_TARGET_CONCURRENCY": str(CONCURRENT),
    }
    options = [part for name, value in settings.items() for part in ("-s", f"{name}={value}")]
    environment = {
        "ARCHIVE_URL": str(place / "archive"),
        "INDEX_URL": f"sqlite:///{place / 'index.sqlite3'}",
        "SSL_CERT_FILE": str(place.parent / "ca.pem"),
        "CONTACT": "bench@example.org",
    }
    return [sys.executable, "-m", "scrapy", "crawl", "etoday", "-L", "ERROR", *options], environment


def stored(place: Path) -> int:
    """Return how many articles the index of a crawl holds."""
    with sqlite3.connect(place / "index.sqlite3") as connection:
        (count,) = connection.execute("SELECT count(*) FROM articles").fetchone()
    connection.close()
    return int(count)


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--light", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.pages, options.serve, light=options.light))
        return
    if options.bare:
        bare(options.bare, options.pages)
        return
    itself = [sys.executable, "-m", "bench.crawl", "--pages", str(options.pages)]
    with tempfile.TemporaryDirectory() as folder:
        command = [*itself, "--serve", folder]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            port = int(server.stdout.readline())
            ratios: list[float] = []
            for number in range(options.rounds):
                place = Path(folder, str(number))
                place.mkdir()
                began = time.monotonic()
                mine, memory = measure(*ours(port, place), accept=frozenset({0, 1}))
                seconds = time.monotonic() - began
                if stored(place) != options.pages:
                    raise SystemExit(
                        f"{options.pages - stored(place)} of {options.pages} pages were lost"
                    )
                began = time.monotonic()
                theirs, bare_memory = measure([*itself, "--bare", str(port)], {})
                ratios.append(mine / theirs)
                print(
                    f"round {number + 1}: sacho {mine / options.pages * 1000:.2f} CPU ms/page, "
                    f"{options.pages / seconds:.0f} pages/s, {memory // 1024} MiB; bare Scrapy "
                    f"{theirs / options.pages * 1000:.2f} CPU ms/page, "
                    f"{options.pages / (time.monotonic() - began):.0f} pages/s, {bare_memory // 1024} MiB; "
                    f"ratio {ratios[-1]:.2f}",
                    flush=True,
                )
            server.stdin.close()
    print(
        f"CPU per page, sacho / bare Scrapy, median: {statistics.median(ratios):.2f} (at most 0.75, aim 0.60)"
    )


if __name__ == "__main__":
    main()
