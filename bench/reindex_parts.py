"""Measure a reindex into PostgreSQL by one process, by one worker and by two, of the same archive.

The pages (80 KB each) are of two outlets in one segment, as an import makes, which is the worst for
parts: each opens all of it. Times are of the reading alone, by the slower part, and of the whole
command with the start of all processes; CPU is that of all processes of ours, their start included,
and, apart, of the server. Each index must be equal to the first.

    python -m bench.reindex_parts [--count 2000] [--processes 1]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import psycopg

from archive.index.copy import copy_index
from archive.index.database import Index, file_url
from bench import pages
from tests.support.databases.index_comparison import difference, tables_of
from tests.support.databases.postgres import new_database, server
from tests.support.processes.forked_verbs import start_afresh
from tests.support.processes.workers import end

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a reindex makes from the WARC files alone.
DERIVED = ("captures", "articles", "aliases", "revisions", "search")
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Print the figures; return 1 if an index is not equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    start_afresh()
    unequal = 0
    with tempfile.TemporaryDirectory() as name:
        folder, expected = Path(name), None
        _make_archive(folder, options.count)
        for workers in (0, 1, 2):
            url = new_database()
            environment = _environment(folder, url)
            _measure(environment, workers, options.count, options.processes)
            found = _tables(folder, url)
            expected = expected or found
            unequal += bool(difference(expected, found, *DERIVED))
    print(f"indexes that were not equal: {unequal}")
    return 1 if unequal else 0


def _make_archive(folder: Path, count: int) -> None:
    warc = folder / "pages.warc.gz"
    with warc.open("wb") as out:
        pages.write(out, count)
    environment = _environment(folder, file_url(folder / "index.sqlite3"))
    _run(environment, "replay", str(warc))
    warc.unlink()


def _environment(folder: Path, url: str) -> dict[str, str]:
    own = {"ARCHIVE_URL": str(folder / "archive"), "INDEX_URL": url}
    own |= {"CONTACT": "desk@example.org", "LOG_FOLDER": str(folder / "log")}
    return os.environ | own


def _measure(environment: Mapping[str, str], workers: int, count: int, processes: int) -> None:
    """Print what a reindex by so many workers takes; by none it is this machine's one process."""
    Index(environment["INDEX_URL"]).close()
    load, served, used = os.getloadavg()[0], _cpu_of_server(), _cpu_of_children()
    began = monotonic()
    running = [_start(environment, "worker", "--at-once", "1") for _ in range(workers)]
    words = ["--workers", str(workers)] if workers else []
    said = _run(environment, "reindex", "--processes", str(processes), *words)
    seconds, of_server = monotonic() - began, _cpu_of_server() - served
    for process in running:
        end(process)
    cpu = _cpu_of_children() - used
    logs = re.findall(r"(?m)^part .*; (\S+)$", said)
    texts = [Path(log).read_text("utf-8") for log in logs] or [said]
    reading = max(float(found) for text in texts for found in re.findall(r"read in (\S+) s", text))
    print(
        f"{workers or 'no'} workers: {count} captures read in {reading:.1f} s, {count / reading:.0f} a second,"
        f" whole command {seconds:.1f} s; CPU"
        f" {1000 * cpu / count:.2f} ms a capture, of the server {1000 * of_server / count:.2f}; load {load:.1f}",
        flush=True,
    )


def _start(environment: Mapping[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "scrapy", *words]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _run(environment: Mapping[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "scrapy", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


@cache
def _postmaster() -> int:
    with psycopg.connect(server(), autocommit=True) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int(Path(row[0], "postmaster.pid").read_text().split()[0])


def _cpu_of_server() -> float:
    """Return the seconds of our server's processes, ended ones too."""
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # no process, or it has ended
        if _postmaster() in (int(entry.name), int(fields[1])):
            ticks += sum(map(int, fields[11:15]))
    return ticks / _TICKS


def _tables(folder: Path, url: str) -> dict[str, list[str]]:
    """Return what an index holds."""
    copy = folder / "copy.sqlite3"
    with Index(url, read_only=True) as source, Index(file_url(copy)) as target:
        copy_index(source, target)
    found = tables_of(copy)
    copy.unlink()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
