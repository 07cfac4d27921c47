"""What fetching costs: Scrapy's own handler against ours, CPU seconds a 1,000 pages.

``python bench/wire.py [--pages 1000] [--rounds 3]``. Both fetch the same gzipped pages from a
server process on loopback, in alternating order, each in a process of its own. Quote the ratios,
never the seconds. The last arm is the floor: the engine, its middlewares and their gunzip with
nothing fetched at all.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

OURS = {
    "http": "crawler.httpclient.ArchivingDownloadHandler",
    "https": "crawler.httpclient.ArchivingDownloadHandler",
}
ARMS: dict[str, dict[str, object]] = {
    "scrapy": {},
    "scrapy, CONCURRENT_ITEMS=1": {"CONCURRENT_ITEMS": 1},
    "ours": {"DOWNLOAD_HANDLERS": OURS, "ALLOW_LOOPBACK": True},
    "ours, CONCURRENT_ITEMS=1": {
        "DOWNLOAD_HANDLERS": OURS,
        "ALLOW_LOOPBACK": True,
        "CONCURRENT_ITEMS": 1,
    },
    "no network, CONCURRENT_ITEMS=1": {
        "DOWNLOAD_HANDLERS": {"http": "wire.NoNetwork"},
        "CONCURRENT_ITEMS": 1,
    },
}


def page() -> bytes:
    """Return one page of about 80 KB that gzips to about 19 KB, as the outlets' do."""
    chance = random.Random(1)
    words = [
        "".join(chance.choices("가나다라마바사아자차카타파하 ", k=chance.randint(2, 6)))
        for _ in range(1600)
    ]
    html = b"<html><head><title>t</title></head><body>"
    while len(html) < 80_000:
        text = " ".join(chance.choices(words, k=14))
        html += f'<div class="item c{chance.randint(1, 40)}"><p><a href="/{len(html)}">{text}</a></p></div>\n'.encode()
    return html + b"</body></html>"


class NoNetwork:
    """Answer at once with the page: the cost of engine and middlewares without fetching."""

    lazy = False

    def __init__(self):
        self._body = gzip.compress(page(), 6)

    async def download_request(self, request):
        from scrapy.http import HtmlResponse

        await asyncio.sleep(0)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Encoding": "gzip"}
        return HtmlResponse(request.url, headers=headers, body=self._body)

    async def close(self):
        pass


async def serve() -> None:
    """Answer every request with the page, until stdin closes; print the port first."""
    body = gzip.compress(page(), 6)
    answer = (
        b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\nServer: nginx\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
        b"Cache-Control: no-cache\r\nX-Frame-Options: SAMEORIGIN\r\nConnection: keep-alive\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], len(page()), len(body), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whoever still holds a connection has gone too


def crawl(arm: str, port: int, pages: int) -> None:
    """Fetch the pages with one arm's settings; print the CPU seconds between opening and closing."""
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Fetch(scrapy.Spider):
        name = "fetch"

        async def start(self):
            self.before = time.process_time()
            for number in range(pages):
                yield scrapy.Request(f"http://127.0.0.1:{port}/{number}")

        def parse(self, response):
            assert len(response.body) > 80_000

        def closed(self, reason):
            seconds = time.process_time() - self.before
            count = self.crawler.stats.get_value("response_received_count")
            print(json.dumps({"seconds": seconds * 1000 / pages, "pages": count, "reason": reason}))

    settings = {
        "LOG_LEVEL": "WARNING",
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
    }
    process = CrawlerProcess({**settings, **ARMS[arm]})
    if profile := os.environ.get("PROFILE"):
        import cProfile

        profiler = cProfile.Profile()
        process.crawl(Fetch)
        profiler.runcall(process.start)
        profiler.dump_stats(profile)
        return
    process.crawl(Fetch)
    process.start()


def measure(arm: str, port: int, pages: int) -> float:
    """Return CPU seconds per 1,000 pages of one crawl in a new process."""
    out = subprocess.run(
        [sys.executable, __file__, "--arm", arm, "--port", str(port), "--pages", str(pages)],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
    ).stdout
    result = json.loads(out)
    assert result["pages"] == pages, result
    return result["seconds"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--arm", choices=ARMS, help=argparse.SUPPRESS)
    options.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        asyncio.run(serve())
        return
    if given.arm:
        crawl(given.arm, given.port, given.pages)
        return
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        port, size, gzipped = map(int, server.stdout.readline().split())
        print(f"pages of {size} bytes, {gzipped} gzipped; {given.pages} a crawl")
        seconds = {arm: [] for arm in ARMS}
        for number in range(given.rounds):
            order = list(ARMS) if number % 2 == 0 else list(reversed(ARMS))
            for arm in order:
                seconds[arm].append(measure(arm, port, given.pages))
        server.stdin.close()
    for arm, taken in seconds.items():
        ratios = [one / base for one, base in zip(taken, seconds["scrapy"], strict=True)]
        print(
            f"{arm:30} {statistics.median(taken):6.2f} CPU s/1,000   ratio {statistics.median(ratios):.2f}"
            f"   rounds {' '.join(f'{ratio:.2f}' for ratio in ratios)}"
        )


if __name__ == "__main__":
    main()
