"""Compare bulk replay with a bare loop: pages per CPU second, ratio in one run, memory.

The bare loop does what nobody could leave out: FastWARC reads the file, lexbor parses each page,
the same selectors are asked, and a row a page goes to SQLite in batches. Ours besides keeps the
bytes in a WARC of its own, verifies digests, normalises, drops widgets, decides on revisions, and
fills the search index. Each is a process of its own, in turn; CPU seconds are the operating
system's, start-up included.

    python -m bench.replay [--count 5000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import pages
from crawler.extraction.html.reader import NO_SELECTORS
from crawler.outlets import outlet_named

OK = frozenset({0})
FIELDS = ("headline", "subheadlines", "published", "modified", "times", "bylines", "emails", "tags")


def _selectors() -> dict[str, list[str]]:
    """Return by body container what ours asks a page of that layout, one query a selector.

    They are those of the two outlets whose pages `bench.pages` makes.
    """
    selectors: dict[str, list[str]] = {}
    for outlet in map(outlet_named, ("etoday", "newspim")):
        for layout in outlet.layouts:
            wanted = [
                source.partition("@")[0]
                for name in FIELDS
                for source in getattr(layout, name)
                if not source.startswith(NO_SELECTORS)
            ]
            wanted += [figure.box for figure in layout.figures]
            wanted += [outlet.rules.widgets.css, "meta[content]"]
            for body in layout.body:
                selectors.setdefault(body, wanted)
    return selectors


def bare(warc: Path, database: Path) -> None:
    """Read the WARC with nothing but the bare necessities."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from isal import isal_zlib
    from selectolax.lexbor import LexborHTMLParser

    selectors = _selectors()
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE article (url TEXT, facts TEXT, body TEXT)")
    rows: list[tuple[str, str, str]] = []
    with warc.open("rb") as stream:
        for record in ArchiveIterator(
            stream, record_types=WarcRecordType.response, parse_http=True
        ):
            html = isal_zlib.decompress(record.reader.read(), 31).decode()
            tree = LexborHTMLParser(html)
            body, wanted = next(
                (n, wanted) for css, wanted in selectors.items() if (n := tree.css_first(css))
            )
            facts = "\n".join(node.text() for selector in wanted for node in tree.css(selector))
            text = "\n\n".join(p.text() for p in body.css("p"))
            rows.append((record.headers["WARC-Target-URI"], facts, text))
            if len(rows) == 100:
                connection.executemany("INSERT INTO article VALUES (?, ?, ?)", rows)
                connection.commit()
                rows.clear()
    connection.executemany("INSERT INTO article VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()


def measure(
    command: list[str], environment: dict[str, str], accept: frozenset[int] = OK
) -> tuple[float, int]:
    """Return CPU seconds and peak memory (KiB) of a process; end the bench on a bad status."""
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in accept:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bare", nargs=2, metavar=("WARC", "DATABASE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        bare(Path(options.bare[0]), Path(options.bare[1]))
        return
    with tempfile.TemporaryDirectory() as place:
        warc, small = Path(place, "pages.warc.gz"), Path(place, "few.warc.gz")
        for path, count in ((warc, options.count), (small, max(options.count // 5, 1))):
            with path.open("wb") as out:
                pages.write(out, count)
        ratios: list[float] = []
        for number in range(options.rounds):
            archive = Path(place, f"archive-{number}")
            environment = {"ARCHIVE_URL": str(archive), "INDEX_URL": f"sqlite:///{archive}.sqlite3"}
            ours, memory = measure(
                [sys.executable, "-m", "scrapy", "replay", str(warc)], environment
            )
            database = Path(place, f"bare-{number}.sqlite3")
            theirs, bare_memory = measure(
                [sys.executable, "-m", "bench.replay", "--bare", str(warc), str(database)], {}
            )
            ratios.append(theirs / ours)
            print(
                f"round {number + 1}: sacho {options.count / ours:.0f} pages/CPU s ({memory // 1024} MiB), "
                f"bare loop {options.count / theirs:.0f} pages/CPU s ({bare_memory // 1024} MiB), "
                f"ratio {theirs / ours:.2f}",
                flush=True,
            )
        environment = {
            "ARCHIVE_URL": str(Path(place, "few")),
            "INDEX_URL": f"sqlite:///{Path(place, 'few')}.sqlite3",
        }
        _, little = measure([sys.executable, "-m", "scrapy", "replay", str(small)], environment)
        print(
            f"ratio of pages per CPU second, median: {statistics.median(ratios):.2f} (at least 0.60, aim 0.85)"
        )
        print(
            f"peak memory: {little // 1024} MiB for {options.count // 5} pages, {memory // 1024} for {options.count}"
        )


if __name__ == "__main__":
    main()
