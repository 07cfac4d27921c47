"""Requests a second, times and memory of the reading room, beside Datasette on the same index.

    python -m bench.serve [--count 100000] [--keep FOLDER] [--seconds 15] [--clients 8]
        [--requests 100000] [--datasette COMMAND]

The index is the one that bench.growth measures. wrk (Debian: wrk) asks for the addresses of one
kind in turn, from so many connections. Datasette is asked for the same searches as SQL: the words
as the index has them, newest first, a page of 20, as JSON. At the end so many requests of all kinds
are made, and the server's memory is printed ten times meanwhile. With --datasette, as in
``--datasette /path/to/venv/bin/datasette``, that program is measured, too.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from archive.articles.queries import newest_articles
from archive.index.database import Index
from archive.index.search.match import but_not, match_of
from archive.index.search.query import parse_query
from bench.growth.index import made
from bench.growth.queries import QUERIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.support.processes.cli import Workspace

#: What wrk runs: it asks for the addresses of a file in turn, and prints what it measured.
_SCRIPT = """
local paths = {}
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
local at = tonumber(os.getenv("BEGIN"))
request = function() at = at % #paths + 1; return wrk.format("GET", paths[at]) end
done = function(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  io.write(string.format("measured %d %d %.2f %.2f %d\\n", summary.requests, summary.duration,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, bad))
end
"""
_SQL = (
    "SELECT revisions.id, revisions.headline, substr(revisions.body, 1, 200) AS text,"
    " revisions.published_at FROM search"
    " CROSS JOIN revisions ON revisions.search_position = search.rowid"
    " WHERE search MATCH :match ORDER BY search.rowid DESC LIMIT 20"
)


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk measured: requests a second, milliseconds of the middle one and of 95 %."""

    rate: float
    p50: float
    p95: float
    failed: int


def main() -> int:
    """Measure, and print a line for each kind of address."""
    options = _options()
    with ExitStack() as stack:
        folder = options.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
        workspace = made(folder, options.count)
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        command = [sys.executable, "-m", "crawler", "serve", "--port", "0", "--searches", "0"]
        with _started(command, workspace, scratch) as (address, process):
            kinds = _kinds(workspace)
            bad = sum(
                _print(name, _load(address, paths, scratch, options))
                for name, paths in kinds.items()
            )
            everything = [path for paths in kinds.values() for path in paths]
            bad += _soak(address, everything, process.pid, scratch, options)
        if options.datasette:
            with _datasette(options.datasette, workspace, scratch) as address:
                paths = _datasette_paths(workspace)
                bad += _print("Datasette, search as JSON", _load(address, paths, scratch, options))
    return 1 if bad else 0


def _kinds(workspace: Workspace) -> dict[str, list[str]]:
    """Return addresses of each kind."""
    searches = [urlencode({"q": query}) for query in QUERIES]
    url = f"sqlite:///{workspace.index}"
    with Index(url, read_only=True) as index, index.reading() as connection:
        found = newest_articles(connection, "", 500, judged=False)
    articles = [f"/articles/{one.article.outlet}/{quote(one.article.article_id)}" for one in found]
    return {
        "start": ["/"],
        "search": [f"/search?{one}" for one in searches],
        "search as JSON": [f"/search.json?{one}" for one in searches],
        "article": articles,
        "article as JSON": [f"{path}.json" for path in articles],
        "history": [f"{path}/history" for path in articles],
    }


def _datasette_paths(workspace: Workspace) -> list[str]:
    path = f"/{workspace.index.stem}.json"
    matches = [match_of(parse_query(query)) for query in QUERIES]
    words = [but_not(match.required, match.excluded) for match in matches if match.required]
    return [
        f"{path}?{urlencode({'sql': _SQL, 'match': one, '_shape': 'objects'})}" for one in words
    ]


@contextmanager
def _started(
    command: list[str], workspace: Workspace, scratch: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    log = (scratch / "log").open("wb")
    process = subprocess.Popen(
        command, env=workspace.environment(), stdout=subprocess.PIPE, stderr=log, cwd=Path.cwd()
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r"(http://\S+:\d+)/", line)
        if found is None:
            raise SystemExit(f"{command} said {line!r}")
        yield found[1], process
    finally:
        process.terminate()
        process.wait()
        log.close()


@contextmanager
def _datasette(program: str, workspace: Workspace, scratch: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "serve", str(workspace.index), "--port", str(port)]
    with (scratch / "datasette").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        until = monotonic() + 60
        while monotonic() < until and not _answers(address):
            sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/-/versions.json", timeout=5):
            return True
    except OSError:
        return False


def _load(
    address: str, paths: Sequence[str], scratch: Path, options: argparse.Namespace, begin: int = 0
) -> Load:
    wrk = shutil.which("wrk")
    if wrk is None:
        raise SystemExit("wrk is not installed (Debian: apt install wrk)")
    (scratch / "script.lua").write_text(_SCRIPT)
    (scratch / "paths").write_text("\n".join(paths) + "\n")
    command = [wrk, "-t", "1", "-c", str(options.clients), "-d", f"{options.seconds}s"]
    command += ["--timeout", "30s", "-s", str(scratch / "script.lua"), address]
    asked = {"PATHS": str(scratch / "paths"), "BEGIN": str(begin), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=asked, capture_output=True, text=True, check=True)
    found = re.search(r"^measured (\d+) (\d+) (\S+) (\S+) (\d+)$", done.stdout, re.M)
    if found is None:
        raise SystemExit(f"wrk said {done.stdout!r}")
    rate = int(found[1]) / (int(found[2]) / 1e6)
    return Load(rate, float(found[3]), float(found[4]), int(found[5]))


def _print(name: str, load: Load) -> bool:
    """Print a line; return whether any request failed."""
    print(
        f"{name}: {load.rate:,.0f} requests/s, p50 {load.p50:.1f} ms, p95 {load.p95:.1f} ms, "
        f"{load.failed} failed",
        flush=True,
    )
    return bool(load.failed)


def _soak(
    address: str, paths: Sequence[str], pid: int, scratch: Path, options: argparse.Namespace
) -> bool:
    """Make so many requests of all kinds, and print the memory; return whether any failed."""
    done, failed, printed = 0, 0, 0
    while done < options.requests:
        load = _load(address, paths, scratch, options, begin=done % len(paths))
        done += round(load.rate * options.seconds)
        failed += load.failed
        if done * 10 // options.requests > printed or done >= options.requests:
            printed = done * 10 // options.requests
            print(f"after {done:,} requests: {_memory(pid):.1f} MiB, {failed} failed", flush=True)
    return bool(failed)


def _memory(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found is not None
    return int(found[1]) / 1024


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=100_000, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the index here")
    parser.add_argument("--seconds", type=int, default=15, metavar="N")
    parser.add_argument("--clients", type=int, default=8, metavar="N")
    parser.add_argument("--requests", type=int, default=100_000, metavar="N")
    parser.add_argument("--datasette", default="", metavar="COMMAND")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
