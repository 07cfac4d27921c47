"""What a monitor sees of a crawl with our settings, beside one of the same pages with Scrapy's."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from typing import TYPE_CHECKING, Any

from tests.support.crawling.scrapy_crawls import response, serve
from tests.support.processes.cli import ROOT
from tests.support.sites.raw_servers import run

if TYPE_CHECKING:
    from pathlib import Path

#: What docs/scrapy.md names as different, and what depends on the time of day or the machine.
DIFFERENT = (
    "downloader/request_bytes",
    "downloader/response_bytes",
    "downloader/exception_",
    "httpclient/",
    "log_count/INFO",
    "signal/bytes_received",
    "signal/scheduler_empty",
    "elapsed_time_seconds",
    "finish_time",
    "items_per_minute",
    "memusage/",
    "responses_per_minute",
    "start_time",
)


async def stats(whose: str, address: str, feed: Path) -> dict[str, Any]:
    """Crawl in a process of its own; return what is the same whenever it is done."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.crawling.beside_scrapy", whose, address, str(feed)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return {name: value for name, value in seen.items() if not name.startswith(DIFFERENT)}


@run
async def test_signals_and_stats_are_those_of_scrapy(tmp_path: Path) -> None:
    answers = {
        "/robots.txt": response(b"User-agent: *\nDisallow: /private\n"),
        "/moved": response(b"", "302 Found", "Location: /target"),
        "/404": response(b"", "404 Not Found"),
        "/500": response(b"", "500 Internal Server Error"),
        "/empty": response(b""),
        "/gzip": response(gzip.compress(b"<p>1</p>"), "200 OK", "Content-Encoding: gzip"),
    }
    async with serve(answers) as site:
        address = f"http://127.0.0.1:{site.port}"
        scrapys, ours = [
            await stats(whose, address, tmp_path / f"{whose}.jsonl") for whose in ("scrapy", "ours")
        ]
    assert ours == scrapys
    assert ours["item_scraped_count"] == 4
    assert ours["robotstxt/forbidden"] == 1
    feeds = [sorted(path.read_text().splitlines()) for path in tmp_path.glob("*.jsonl")]
    assert feeds[0] == feeds[1] != []
