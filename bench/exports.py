"""Time and memory of exports: every format, the folder of Parquet, and a search's articles.

    python -m bench.exports [--count 100000] [--keep FOLDER] [--copies 10]

The index is the one that bench.growth measures; with --keep it stays in the folder and is used
again: a million articles take half an hour and some 12 GB. With --copies its articles are copied in
SQL under other ids, so many times in all, which takes minutes; full-text search has the first copy
only. Each export is a process of its own,
start-up included. Printed are articles a CPU second, the wall's seconds, the most memory, and the
size of what was written. The Parquet is read back by DuckDB, pandas and Polars: each has to count
as many articles as were written.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sqlite3
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import duckdb
import pandas
import polars

from bench.growth.index import made
from bench.growth.measures import ended
from tests.support.processes.cli import Workspace

#: The ids of two copies of a row are so far apart.
_APART = 10_000_000
#: The name of what is written, and the options.
EXPORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("articles.jsonl", ()),
    ("articles.csv", ()),
    ("articles.parquet", ()),
    ("articles", ("--partition",)),
    ("query.jsonl", ("--query", "quality:any")),
    ("query.parquet", ("--query", "quality:any")),
    ("few.jsonl", ("--query", "푸틴")),
    ("all.parquet", ("--revisions", "all")),
)


def main() -> int:
    """Export in every way, and print what each took."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.exports",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=100_000, metavar="N")
    parser.add_argument("--copies", type=int, default=1, metavar="N", help="of each article")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the index here")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
        workspace = made(folder, options.count)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            if options.copies > 1:
                workspace = _copied(workspace, Path(scratch), options.copies)
            return _measure(workspace, options.count * options.copies, Path(scratch))


def _copied(workspace: Workspace, scratch: Path, copies: int) -> Workspace:
    """Return a copy of the index in which each article is so many times."""
    more = Workspace(scratch)
    with closing(sqlite3.connect(workspace.index)) as old:
        old.execute("VACUUM INTO ?", (str(more.index),))
    with closing(sqlite3.connect(more.index, isolation_level=None)) as new:
        new.execute("PRAGMA journal_mode = OFF")
        new.execute("PRAGMA synchronous = OFF")
        for table in ("captures", "articles", "revisions"):
            (step,) = new.execute(f"SELECT max(id) FROM {table}").fetchone()
            names = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
            for number in range(1, copies):
                values = ", ".join(_copied_value(name, number) for name in names)
                new.execute(f"INSERT INTO {table} SELECT {values} FROM {table} WHERE id <= {step}")
    return more


def _copied_value(name: str, number: int) -> str:
    """Return the SQL of a column's value in a copy of a row."""
    if name in ("id", "article", "capture_id", "revision_id"):
        return f"{name} + {number * _APART}"
    if name in ("article_id", "url", "record_id", "content_key", "payload_digest"):
        return f"{name} || '.{number}'"
    return "NULL" if name.startswith("search_") else name


def _measure(workspace: Workspace, count: int, scratch: Path) -> int:
    bad = 0
    for name, how in EXPORTS:
        path = scratch / name
        command = [sys.executable, "-m", "scrapy", "export", *how, str(path)]
        taken = ended(command, workspace.environment(), scratch, frozenset({0}))
        found = re.search(r"(\d+) (?:article|revision)s? written", taken.out)
        number = int(found[1]) if found else 0
        files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
        size = sum(one.stat().st_size for one in files)
        print(
            f"{count:>9,} export {' '.join([*how, name])}: {number:,} written, "
            f"{number / taken.cpu:,.0f} per CPU s, {taken.seconds:.1f} s, "
            f"{taken.memory // 1024} MiB, {size / 2**20:,.0f} MiB in {len(files)} files",
            flush=True,
        )
        if path.suffix in ("", ".parquet"):
            bad += not _is_read(path, number)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return 1 if bad else 0


def _is_read(path: Path, number: int) -> bool:
    """Return whether each reader counts so many articles."""
    files = f"{path}/**/*.parquet" if path.is_dir() else str(path)
    rows = duckdb.sql(f"SELECT count(*) FROM read_parquet('{files}')").fetchall()
    counts = {
        "DuckDB": rows[0][0],
        "pandas": len(pandas.read_parquet(path, columns=["published_at"])),
        "Polars": polars.scan_parquet(path).select(polars.len()).collect().item(),
    }
    print("          read by " + ", ".join(f"{name}: {found}" for name, found in counts.items()))
    return set(counts.values()) == {number}


if __name__ == "__main__":
    raise SystemExit(main())
