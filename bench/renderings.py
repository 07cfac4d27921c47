"""Text renderings of the fixtures by common tools, against the article of the fixture's own page.

Run ``python -m bench.renderings [FOLDER]``; the folder holds ``OUTLET/FIXTURE--TOOL.txt``, by
default those that the tests use; ``python -m bench.render FOLDER`` makes them of all fixtures with
14 tools. A row for each tool: how many renderings give an article, of these
how many have the page's body and no field that differs, how many would make a revision, and why the
others give none. Renderings of an outlet whose file has no text form are no inputs; they are counted
in a line of their own.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archive.differences.comparison import CONTENT_FIELDS, compare
from crawler.extraction.reading import read_exchange
from crawler.outlets import outlet_named
from tests.support.documents import SEEDS, read_fixture

if TYPE_CHECKING:
    from archive.model.article import Article

FOLDER = SEEDS.parent / "tests/crawler/extraction/renderings"


@dataclass(slots=True)
class Row:
    """What became of one tool's renderings."""

    inputs: int = 0
    articles: int = 0
    same_body: int = 0
    right: int = 0
    revisions: int = 0
    lacking: Counter[str] = field(default_factory=Counter)


def main() -> None:
    """Print a row for each tool."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, metavar="FOLDER")
    folder: Path = parser.parse_args().folder
    rows: dict[str, Row] = defaultdict(Row)
    without_form: Counter[str] = Counter()
    for path in sorted(folder.glob("*/*--*.txt")):
        if outlet_named(path.parent.name).text is None:
            without_form[path.parent.name] += 1
            continue
        tool = path.stem.partition("--")[2]
        _read(path, rows[tool])
        _read(path, rows["all"])
    print(f"{'tool':24} inputs articles  body right revisions  without an article")
    for tool in sorted(rows, key=lambda name: (name == "all", name)):
        row = rows[tool]
        figures = f"{row.inputs:6} {row.articles:8} {row.same_body:5} {row.right:5}"
        reasons = ", ".join(f"{count} {reason}" for reason, count in row.lacking.items())
        print(f"{tool:24} {figures} {row.revisions:9}  {reasons}")
    if without_form:
        passed = ", ".join(f"{count} of {name}" for name, count in without_form.items())
        print(f"passed over, as the outlet's file has no text form: {passed}")


def _read(path: Path, row: Row) -> None:
    """Count one rendering."""
    page = read_fixture(SEEDS / path.parent.name / f"{path.stem.partition('--')[0]}.html")
    known = page.article
    if known is None:
        raise SystemExit(f"{path}: its fixture is no article")
    exchange = replace(
        page.exchange, url=known.url, head=b"", body=path.read_bytes(), media_type="text/plain"
    )
    read = read_exchange(exchange, outlet_named(page.outlet), str(path))
    row.inputs += 1
    if read.article is None:
        row.lacking[str(read.verdict.reason) if read.verdict else ""] += 1
        return
    row.articles += 1
    row.same_body += read.article.body == known.body
    row.right += not any(_differs(name, known, read.article) for name in CONTENT_FIELDS)
    row.revisions += bool(compare(known, [known.layout], read.article).changed)


def _differs(name: str, known: Article, read: Article) -> bool:
    """Whether a field that both readings have is another; a picture's address is in no text."""
    if name == "images":
        return [(i.caption, i.credit) for i in read.images] not in (
            [],
            [(i.caption, i.credit) for i in known.images],
        )
    return bool(
        getattr(known, name) and getattr(read, name) and getattr(known, name) != getattr(read, name)
    )


if __name__ == "__main__":
    main()
