"""Measure every verb on an index of a thousand to a million articles, and peers in the same run.

    python -m bench.growth [--sizes 1000 10000 100000] [--keep FOLDER] [--page docs/performance.md]
    python -m bench.growth --sizes 100000 --keep FOLDER --index postgresql+psycopg://USER@HOST/DATABASE

The index of each size is made first: words as frequent as news has them, 30,000 articles a day of
all outlets, one in twenty edited. With --keep it stays in the folder and is used again: a million
articles take half an hour and some 10 GB. Times are the wall's, start-up included, on a machine
that does nothing else. Where records have to be read (verify, remove, backup, reindex) the archive
holds real pages of one article in ten, 10,000 at most; the other rows point to segments that do not
exist. With --index the verbs that read, and backup, are measured on a copy of the index in that
database, which is made if it holds none; it has one size. The table and a plot (with matplotlib: pip install 'sacho[bench]') go into the page.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bench.growth.index import copied, made, parts_of
from bench.growth.peers import compared
from bench.growth.report import Results, plot, printed, write_page
from bench.growth.verbs import GROUPS, READING, Verbs, usual_repeats

if TYPE_CHECKING:
    from bench.growth.measures import Measure

SIZES = (1000, 10_000, 100_000)


def main() -> int:
    """Measure, print, and write the page if one is named."""
    options = _options()
    results = Results()
    with ExitStack() as stack:
        keep = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for size in sorted(options.sizes):
            folder = keep / str(size)
            results.sizes[size] = _measured(folder, size, options)
            results.parts[size] = parts_of(folder)
            if options.keep is None:
                shutil.rmtree(folder)
    if not options.no_peers:
        results.peers = list(compared(options.peer_pages, options.rounds))
    print(printed(results.rows()))
    print(printed(results.size_rows()))
    if results.peers:
        print(printed(results.peer_rows()))
    _write(options, results)
    return 0


def _measured(folder: Path, size: int, options: argparse.Namespace) -> dict[str, Measure]:
    workspace = made(folder, size)
    if options.index:
        workspace = copied(workspace, options.index)

    def report(name: str, taken: Measure) -> None:
        print(
            f"{size:>9,} {name}: {taken.p50:.4f} s, {taken.p95:.4f} s, CPU {taken.cpu:.2f} s, "
            f"{taken.memory // 1024} MiB",
            flush=True,
        )

    # Beside the index: a backup of it would not fit in a small /tmp.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        repeats = options.repeats or usual_repeats(size)
        verbs = Verbs(workspace, size, Path(scratch), repeats)
        names = set(options.verbs) & READING if options.index else options.verbs
        verbs.measure(names, report)
    return verbs.found


def _write(options: argparse.Namespace, results: Results) -> None:
    if options.json:
        options.json.write_text(results.as_json(), "utf-8")
    if options.page is None:
        return
    has_plot = plot(options.page.with_suffix(".svg"), results)
    if not has_plot:
        print("no plot: matplotlib is not installed (pip install 'sacho[bench]')")
    write_page(options.page, results, has_plot=has_plot)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", type=_size, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the indexes here")
    parser.add_argument("--index", default="", metavar="URL", help="a copy of the index here")
    parser.add_argument("--verbs", nargs="+", choices=tuple(GROUPS), default=tuple(GROUPS))
    parser.add_argument("--repeats", type=int, default=0, metavar="N", help="of what only reads")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the results into it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to it")
    parser.add_argument("--no-peers", action="store_true", help="measure no other tools")
    parser.add_argument("--peer-pages", type=int, default=1000, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparisons (default: 3)")
    return parser.parse_args()


def _size(text: str) -> int:
    size = int(text)
    if size < 20:
        raise argparse.ArgumentTypeError("an index of fewer than 20 articles tells nothing")
    return size


if __name__ == "__main__":
    raise SystemExit(main())
