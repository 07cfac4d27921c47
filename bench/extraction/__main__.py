"""Compare what we read of pages with what other tools read of them.

    python -m bench.extraction [--tools NAMES] [--environments FOLDER] [--real-pages FOLDER]

The pages are our fixtures, the same distorted as real sites do (`bench.mutations`), and real pages
with a gold of others, where they are at hand. Each tool is installed into an environment of its own,
by pinned versions, and reads the pages in a process of its own; one that cannot be had is named with
the reason. The tables are printed and, if all tools were asked for, written into docs/benchmark.md.

    python -m bench.extraction --pin REASON

pins our own scores on fixtures and mutants; a test fails when they fall below that.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.extraction import ours
from bench.extraction.cases import Case, Corpus, corpora
from bench.extraction.measures import Reading, Score
from bench.extraction.page import page
from bench.extraction.pins import PinError, pin
from bench.extraction.tables import FALLBACK, OURS, Result, printed, rows_of
from bench.extraction.tools import TOOLS, ToolError, ToolProcess, prepared
from crawler.extraction import generic
from tests.support.processes.cli import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE = ROOT / "docs" / "benchmark.md"
_ENVIRONMENTS = ROOT / "build" / "extraction"
_REAL_PAGES = Path(os.environ.get("REAL_PAGES", ROOT.parent / "shared" / "pages"))
_NAMES = tuple(tool.name for tool in TOOLS)


def main() -> int:
    """Measure and print; return 1 if scores may not be pinned."""
    options = _options()
    real_pages = options.real_pages if (options.real_pages / "manifest.tsv").exists() else None
    if options.pin:
        return _pin(options.pin)
    if real_pages is None:
        print(f"no real pages: there is no {options.real_pages / 'manifest.tsv'}")
    missing: dict[str, str] = {}
    results = [_measured_by_us(corpus, missing) for corpus in corpora(real_pages)]
    for tool, process in prepared(options.environments, options.tools):
        if isinstance(process, ToolError):
            missing[tool.name] = str(process)
            continue
        for result in results:
            result.scores[tool.name] = _measured_by(process, result.corpus)
    for result in results:
        print(f"\n{result.corpus.title}, sha256 {result.corpus.digest}\n")
        print(printed(rows_of(result)))
        print(result.lead())
    for name, reason in missing.items():
        print(f"{name} was not run: {reason}")
    if set(options.tools) == set(_NAMES):
        version = ".".join(platform.python_version_tuple()[:2])
        options.page.write_text(page(results, missing, version), "utf-8")
        print(f"written: {options.page}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.extraction",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--tools",
        type=_names,
        default=_NAMES,
        metavar="NAMES",
        help=f"the other tools, with commas between them, or none (default: {','.join(_NAMES)})",
    )
    parser.add_argument(
        "--environments",
        type=Path,
        default=_ENVIRONMENTS,
        metavar="FOLDER",
        help="where the tools are installed, and kept (default: build/extraction)",
    )
    parser.add_argument(
        "--real-pages",
        type=Path,
        default=_REAL_PAGES,
        metavar="FOLDER",
        help="real pages with manifest.tsv, html/ and gold/ (default: ../shared/pages)",
    )
    parser.add_argument(
        "--page",
        type=Path,
        default=_PAGE,
        metavar="FILE",
        help="the page to write (default: docs/benchmark.md)",
    )
    parser.add_argument(
        "--pin", metavar="REASON", help="pin our scores, and say why they are as they are"
    )
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, text.split(",")))
    if names == ("none",):
        return ()
    unknown = sorted(set(names) - set(_NAMES))
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {_NAMES}")
    return names


def _measured_by_us(corpus: Corpus, missing: dict[str, str]) -> Result:
    """Measure the layouts and, where its tool is installed, the fallback."""
    result = Result(corpus, {OURS: _score_of(corpus, ours.by_layout)})
    if generic.version():
        result.scores[FALLBACK] = _score_of(corpus, ours.by_fallback)
    else:
        missing[FALLBACK] = f"its tool is not installed: {generic.INSTALL}"
    return result


def _score_of(corpus: Corpus, read: Callable[[Case], Reading]) -> Score:
    score = Score()
    for case in corpus.cases:
        score.add(read(case), case.expected)
    return score


def _measured_by(process: ToolProcess, corpus: Corpus) -> Score:
    print(f"{process.tool.name} reads {len(corpus.cases)} pages", file=sys.stderr, flush=True)
    score = Score()
    for case in corpus.cases:
        reading = process.read(case)
        if reading is not None:
            score.add(reading, case.expected)
    return score


def _pin(reason: str) -> int:
    scores = {each.name: _score_of(each, ours.by_layout).values() for each in corpora(None)}
    try:
        pin(scores, reason)
    except PinError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
