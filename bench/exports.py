"""Time and memory of exports: every format, the folder of Parquet, and a search's articles.

    python -m bench.exports [--count 100000] [--keep FOLDER]

The index is the one that bench.growth measures; with --keep it stays in the folder and is used
again: a million articles take half an hour and some 12 GB. Each export is a process of its own,
start-up included. Printed are articles a CPU second, the wall's seconds, the most memory, and the
size of what was written. The Parquet is read back by DuckDB, pandas and Polars: each has to count
as many articles as were written.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas
import polars

from bench.growth.index import made
from bench.growth.measures import ended

if TYPE_CHECKING:
    from tests.support.cli import Workspace

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
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the index here")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
        workspace = made(folder, options.count)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            return _measure(workspace, options.count, Path(scratch))


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
    rows = duckdb.sql(f"SELECT count(published_at) FROM read_parquet('{files}')").fetchall()
    counts = {
        "DuckDB": rows[0][0],
        "pandas": len(pandas.read_parquet(path, columns=["published_at"])),
        "Polars": polars.scan_parquet(path).select(polars.len()).collect().item(),
    }
    print("          read by " + ", ".join(f"{name}: {found}" for name, found in counts.items()))
    return set(counts.values()) == {number}


if __name__ == "__main__":
    raise SystemExit(main())
