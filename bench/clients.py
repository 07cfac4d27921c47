"""Exports, opened by the programs that others open them with.

    python -m bench.clients [--environment FOLDER] [--records NUMBER]

Exports as WACZ: the seeds; two crawls of a mock site, with pictures, a redirect, revisits and a 304;
a part of them by ``--since``; and an archive of so many records. Each is opened in ReplayWeb.page
itself (in Chromium), in pywb, by ``wacz validate``, warcio and FastWARC. Printed is, of pages and of
records, in how many the headline was seen, and how many had the same payload by SHA-256. Of a large
export the players are asked for some pages, the first and the last among them.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archive.index.database import Index
from archive.model.exchange import Exchange
from archive.runs.recorder import RunRecorder
from archive.segments.writer import SegmentWriter
from bench.playback import COLLECTION, by_fastwarc, by_warcio, environment, ours, played, pywb
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from pipelines.deposit import CaptureStore
from tests.support.archives.exports import PRINTED, crawled_twice
from tests.support.processes.cli import Workspace
from tests.support.readers.browser import started_browser
from tests.support.readers.playback import ETODAY, UTF8, at, head
from tests.support.readers.replay_web_page import missing, player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from playwright.sync_api import Browser

#: Pages and records that the players are asked for, of one export.
MOST = 12


@dataclass(frozen=True)
class Figure:
    """How many were right, of how many."""

    right: int
    of: int

    def __str__(self) -> str:
        """Return it as it is printed."""
        return f"{self.right}/{self.of}"

    @property
    def is_good(self) -> bool:
        """Whether all were, and there were any."""
        return self.right == self.of > 0


def seeds(folder: Path) -> Path:
    """Export the seeds whose pages print their headlines as they are exported."""
    workspace = Workspace(folder)
    assert workspace.call("replay", *PRINTED).code == 0
    return exported(workspace)


def exported(workspace: Workspace, *arguments: str) -> Path:
    """Export a workspace's captures."""
    package = workspace.folder / f"export{len(arguments)}.wacz"
    said = workspace.run("export", package, *arguments)
    assert said.code == 0, said.err
    return package


def many(folder: Path, number: int) -> Path:
    """Export so many records, each of an article of its own."""
    workspace = Workspace(folder)
    with (
        Index(f"sqlite:///{workspace.index}") as index,
        SegmentWriter(workspace.archive, job="clients", host="t") as segments,
    ):
        store = CaptureStore(segments, index, RunRecorder("clients"), lambda _: None)
        for count in range(number):
            article = str(9_000_000_002 + count)
            body = UTF8.replace(b"9000000002", article.encode())
            answer = head("Content-Type: text/html; charset=utf-8", f"Content-Length: {len(body)}")
            moment = at(1) + timedelta(seconds=count)
            exchange = Exchange(url=ETODAY + article, captured_at=moment, head=answer, body=body)
            store.add_page(read_exchange(exchange, outlet_named("etoday")))
        store.close()
    return exported(workspace)


def some(found: Sequence[Any]) -> list[Any]:
    """Return at most so many of them, evenly spread, the first and the last among them."""
    if len(found) <= MOST:
        return list(found)
    return [found[round(step * (len(found) - 1) / (MOST - 1))] for step in range(MOST)]


def pages_of(package: Path) -> list[dict[str, Any]]:
    """Return the pages that a package lists."""
    with zipfile.ZipFile(package) as opened:
        lines = opened.read("pages/pages.jsonl").decode().splitlines()[1:]
    return [json.loads(line) for line in lines]


def index_of(package: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return moment and fields of each line of the package's index."""
    with zipfile.ZipFile(package) as opened:
        lines = gzip.decompress(opened.read("indexes/index.cdx.gz")).decode().splitlines()
    return [(line.split(" ")[1], json.loads(line[line.index("{") :])) for line in lines]


def moment_of(page: dict[str, Any]) -> str:
    return "".join(char for char in page["ts"] if char.isdigit())[:14]


def in_replay_web_page(browser: Browser, package: Path, folder: Path) -> Figure:
    """Return in how many pages ReplayWeb.page shows the headline."""
    asked = some(pages_of(package))
    seen = 0
    with player(browser, package, folder) as opened:
        for page in asked:
            seen += page["title"] in opened.show(page["url"], moment_of(page), page["title"]).text
    return Figure(seen, len(asked))


def in_pywb(programs: Path, package: Path, folder: Path) -> tuple[Figure, Figure]:
    """Return in how many pages pywb's answer has the headline, and how many payloads are equal."""
    folder.mkdir()
    pages, lines = some(pages_of(package)), some(index_of(package))
    seen = equal = 0
    with pywb(programs, folder, package) as port:
        for page in pages:
            seen += page["title"] in _text(port, moment_of(page), page["url"])
        for moment, fields in lines:
            _, found = played(port, moment, fields["url"])
            equal += found == fields["digest"]
    return Figure(seen, len(pages)), Figure(equal, len(lines))


def _text(port: int, moment: str, url: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", f"/{COLLECTION}/{moment}mp_/{url}")
        answer = connection.getresponse()
        charset = answer.headers.get_content_charset() or "utf-8"
        return answer.read().decode(charset, "replace")
    finally:
        connection.close()


def by_reader(package: Path, folder: Path, read: Callable[[Path], dict[str, str]]) -> Figure:
    """Return how many payloads another reader has as ours has them."""
    right = of = 0
    for path in _warcs(package, folder):
        mine, theirs = ours(path), read(path)
        right += sum(theirs.get(name) == value for name, value in mine.items())
        of += len(mine)
    return Figure(right, of)


def _warcs(package: Path, folder: Path) -> Iterator[Path]:
    with zipfile.ZipFile(package) as opened:
        for name in opened.namelist():
            if name.endswith(".warc.gz"):
                yield Path(opened.extract(name, folder))


def is_valid(programs: Path, package: Path) -> Figure:
    """Return whether ``wacz validate`` passes."""
    command = [programs / "wacz", "validate", "-f", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    passes = done.returncode == 0 and "Validation succeeded" in done.stdout
    return Figure(int(passes), 1)


def main() -> int:
    """Print the table; return 1 if anything was not seen or not equal."""
    parser = argparse.ArgumentParser(prog="bench.clients", description="Open exports elsewhere.")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--environment", type=Path, default=cache / "sacho" / "playback")
    parser.add_argument("--records", type=int, default=3000)
    asked = parser.parse_args()
    if missing():
        print(f"cannot be asked: {missing()}")
        return 1
    programs = environment(asked.environment)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        crawls = crawled_twice(folder / "crawl", 6)
        days = sorted(row["published_at"] for row in crawls.workspace.export())
        exports = {
            "seeds": seeds(folder / "seeds"),
            "two crawls": exported(crawls.workspace),
            "a part by --since": exported(crawls.workspace, "--since", days[-1][:10]),
            f"{asked.records:,} records": many(folder / "many", asked.records),
        }
        return show(exports, programs, folder)


def show(exports: dict[str, Path], programs: Path, folder: Path) -> int:
    """Print the table of all exports; return 1 if anything was not right."""
    titles = ["export", "records", "pages", "ReplayWeb.page: headline", "pywb: headline"]
    titles += ["pywb: sha256", "wacz validate", "warcio: sha256", "FastWARC: sha256"]
    print("| " + " | ".join(titles) + " |")
    print("| --- |" + " ---: |" * (len(titles) - 1))
    is_good = True
    for number, (name, package) in enumerate(exports.items()):
        with started_browser() as browser:
            shown = in_replay_web_page(browser, package, folder / f"site{number}")
        headline, payloads = in_pywb(programs, package, folder / f"pywb{number}")
        warcs = folder / f"warcs{number}"
        figures = [shown, headline, payloads, is_valid(programs, package)]
        figures += [by_reader(package, warcs, read) for read in (by_warcio, by_fastwarc)]
        is_good = is_good and all(figure.is_good for figure in figures)
        counts = [str(len(index_of(package))), str(len(pages_of(package)))]
        print("| " + " | ".join([name, *counts, *map(str, figures)]) + " |", flush=True)
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
