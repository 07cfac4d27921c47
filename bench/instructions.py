"""Count the instructions of starting, of a replayed page and of a crawled one, by valgrind.

A replay's count wanders by a hundredth where CPU time wanders by a tenth, so a machine that others
use too will do; a crawl, which has timers, takes a tenth more or less. Counted are a replay, and a
crawl from a loopback server over HTTPS, each of few and of many made-up pages of 80 KB: what the
many take more is that of the pages, the rest is start-up.

Instructions are no time: waiting for memory is not in them, nor what the system does, and under
valgrind OpenSSL computes digests without the processor's own instructions for them. Compare counts
with counts.

    python -m bench.instructions [ANOTHER_CHECKOUT] [--pages 20 220] [--no-crawl]

Another checkout, say of an earlier commit, is counted beside this one, and needs a .venv of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import pages
from bench.crawl import ours

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent.parent
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
_TOTAL = re.compile(r"I *refs: *([\d,]+)")


def count(
    checkout: Path,
    arguments: list[str],
    environment: dict[str, str],
    accept: frozenset[int] = frozenset({0}),
) -> int:
    """Return the instructions of a run of a checkout's Python; end the bench on a bad status."""
    command = [str(_python(checkout)), *arguments]
    # The same hashes in each run: else dictionaries and sets collide now more, now less.
    variables = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": ""} | environment
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling is no part of starting
    done = subprocess.run(
        [*VALGRIND, *command],
        cwd=checkout,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    total = _TOTAL.search(done.stderr)
    if done.returncode not in accept or total is None:
        raise SystemExit(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return int(total[1].replace(",", ""))


def count_replay(checkout: Path, number: int, folder: Path) -> int:
    """Return the instructions of replaying so many pages into a new archive."""
    warc = folder / f"{number}.warc.gz"
    if not warc.exists():
        with warc.open("wb") as out:
            pages.write(out, number)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        environment = {"ARCHIVE_URL": place, "INDEX_URL": f"sqlite:///{place}/index.sqlite3"}
        return count(checkout, ["-m", "scrapy", "replay", str(warc)], environment)


def count_crawl(checkout: Path, number: int, folder: Path) -> int:
    """Return the instructions of crawling so many pages into a new archive, without the server's."""
    with _server(number, folder) as port, tempfile.TemporaryDirectory(dir=folder) as place:
        command, environment = ours(port, Path(place))
        # A crawl that finds nothing wrong with the outlet ends with 0; 1 is an alarm of few pages.
        return count(checkout, command[1:], environment, frozenset({0, 1}))


@contextmanager
def _server(number: int, folder: Path) -> Iterator[int]:
    """Yield the port of a server of so many pages, in a process of its own."""
    command = [sys.executable, "-m", "bench.crawl", "--pages", str(number), "--serve", str(folder)]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def _python(checkout: Path) -> Path:
    return checkout / ".venv" / "bin" / "python"


def _refuse_missing(checkouts: list[Path]) -> None:
    """Exit with a sentence if anything that is needed is not there."""
    if shutil.which("valgrind") is None:
        sys.exit(
            "bench.instructions needs valgrind, which counts them. On Debian: apt install valgrind"
        )
    for checkout in checkouts:
        if not _python(checkout).exists():
            sys.exit(
                f"{checkout} is no checkout with a .venv: run python3 run.py scrapy list there"
            )


def main() -> None:
    """Count, and print what a start and a page take, with the ratios of the checkouts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("another", nargs="?", type=Path, help="a checkout to compare with")
    parser.add_argument("--pages", nargs=2, type=int, default=[20, 220], metavar=("FEW", "MANY"))
    parser.add_argument("--no-crawl", action="store_true", help="count replays only")
    options = parser.parse_args()
    few, many = options.pages
    if not 0 < few < many:
        parser.error("--pages takes a number of pages and a greater one")
    checkouts = [HERE, *([options.another.resolve()] if options.another else [])]
    _refuse_missing(checkouts)
    kinds = {"replay": count_replay}
    if not options.no_crawl:
        kinds["crawl"] = count_crawl
    with tempfile.TemporaryDirectory() as folder:
        for kind, counted in kinds.items():
            found: list[tuple[float, float]] = []
            for checkout in checkouts:
                counted(checkout, 1, Path(folder))  # compiles what is not compiled yet
                fewer, more = (counted(checkout, number, Path(folder)) for number in (few, many))
                page = (more - fewer) / (many - few)
                found.append((fewer - few * page, page))
                start = found[-1][0]
                print(
                    f"{kind}, {checkout}: start {start / 1e9:.2f} G, page {page / 1e6:.2f} M",
                    flush=True,
                )
            if len(found) > 1:
                start, page = (other / own for own, other in zip(*found, strict=True))
                print(f"{kind}, the other / this one: start {start:.2f}, page {page:.2f}")


if __name__ == "__main__":
    main()
