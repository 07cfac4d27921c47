"""Compare an archive in a bucket with one in a folder: pages a second, and requests of S3 by their kind.

Both replay the same pages (80 KB each before compression), in turn; times are of the clock
and of the processors, start-up included. The bucket is moto's, a process of its own, on loopback. Then one article is shown, the archive is verified and its
index rebuilt.

    python -m bench.s3 [--count 1000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from bench import pages
from tests.support.databases import s3_server
from tests.support.databases.s3_server import CREDENTIALS, Door
from tests.support.processes.cli import Workspace
from tests.support.processes.forked_verbs import start_afresh

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


def _serve(said: Connection) -> None:
    """Serve S3 with a bucket, until the process ends."""
    bucket = s3_server.new_bucket()
    said.send((s3_server.server(), bucket))
    said.recv()


def _seconds(workspace: Workspace, *args: str | Path) -> tuple[float, float]:
    """Seconds of the clock and of the processors that a verb takes, with the processes it starts."""
    began, before = monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = workspace.start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, said = process.communicate()
    if process.returncode:
        raise SystemExit(f"{args}: {said.decode()[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return monotonic() - began, used


def _kinds(door: Door, since: int) -> str:
    found: Counter[str] = Counter()
    for one in door.seen[since:]:
        found["PUT part" if "partNumber" in one.query else one.method] += 1
    return ", ".join(f"{number} {kind}" for kind, number in sorted(found.items()))


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    start_afresh()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    server.start()
    address, bucket = here.recv()
    with tempfile.TemporaryDirectory() as place, closing(Door(address)) as door:
        _compare(Path(place), door, bucket, options.count, options.rounds)
    here.send("end")
    server.join()
    return 0


def _compare(place: Path, door: Door, bucket: str, count: int, rounds: int) -> None:
    warc = place / "pages.warc.gz"
    with warc.open("wb") as out:
        pages.write(out, count)
    ratios = []
    for number in range(rounds):
        folder, ours = place / f"folder-{number}", place / f"bucket-{number}"
        settings = {
            "ARCHIVE_URL": f"s3://{bucket}/{number}",
            "S3_ENDPOINT": door.url,
            "SACHO_HOME": str(ours),
            **CREDENTIALS,
        }
        for path in (folder, ours):
            path.mkdir()
        local, remote = Workspace(folder), Workspace(ours, settings)
        (first, own), since = _seconds(local, "replay", warc), len(door.seen)
        second, theirs = _seconds(remote, "replay", warc)
        ratios.append(own / theirs)
        print(
            f"round {number + 1}: folder {count / first:.0f} pages/s, {count / own:.0f} a CPU s; "
            f"bucket {count / second:.0f} pages/s, {count / theirs:.0f} a CPU s; ratio "
            f"{first / second:.2f}, by CPU {own / theirs:.2f}; requests: {_kinds(door, since)}",
            flush=True,
        )
    print(f"median ratio by CPU {statistics.median(ratios):.2f}")
    article = remote.rows("articles")[0]
    for verb in (
        ("show", f"{article['outlet']}/{article['article_id']}"),
        ("verify",),
        ("reindex",),
    ):
        since = len(door.seen)
        (first, own), (second, theirs) = _seconds(local, *verb), _seconds(remote, *verb)
        ranges = [one.range for one in door.seen[since:] if one.range]
        print(
            f"{verb[0]}: folder {first:.1f} s ({own:.1f} CPU s), bucket {second:.1f} s "
            f"({theirs:.1f} CPU s); "
            f"requests: {_kinds(door, since)}; {len(ranges)} ranges {' '.join(ranges[:2])}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
