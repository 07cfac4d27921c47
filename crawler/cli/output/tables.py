"""Tables on stdout: fitted to a terminal, not wrapped in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from archive.model.article import Quality
from crawler.cli.output.printable import printable, raw_stream
from crawler.cli.output.times import kst_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

    from archive.articles.queries import StoredArticle

#: Wider than any table's line: in a pipe or a file, a row is one line.
_UNWRAPPED = 10_000
#: The cells that a text in the last column may be folded to.
_FOLDED = 24
#: Cells without anything to say.
_EMPTY = ("", "–")


class _Pipe(Console):
    """A console that leaves a closed pipe to the command; rich's own exits with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, figures: int = 0) -> None:
    """Print rows as a table, or as a block of lines each where the terminal is too narrow for it.

    The last ``figures`` columns are right-aligned. If there are none, the last column is folded to
    `_FOLDED` cells where it has to be; no other text is ever folded or cut. Without rows, nothing
    is printed.
    """
    if not rows:
        return
    shown = [[printable(cell) for cell in row] for row in rows]
    console = _console()
    if _least_width(columns, shown, figures) <= console.width:
        console.print(_table(columns, shown, figures))
    else:
        _print_blocks(console, columns, shown)


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[str]], figures: int) -> int:
    """Return the width of the narrowest table in which nothing but the last column is folded."""
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    last = widths[-1] if figures else min(widths[-1], _FOLDED)
    return sum(widths[:-1]) + last + 3 * len(columns) + 1


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], figures: int) -> Table:
    table = Table()
    for at, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if at >= len(columns) - figures else "left"
        no_wrap = figures > 0 or at < len(columns) - 1
        # Folding keeps every syllable; rich's other overflow methods drop some of them next to
        # wide characters.
        table.add_column(name, justify=justify, overflow="fold", no_wrap=no_wrap)
    for row in rows:
        table.add_row(*row)
    return table


def _print_blocks(console: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a line for each cell that says anything, and an empty line behind each row."""
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell not in _EMPTY:
                console.print(f"{name}: {cell}", soft_wrap=True)
        console.print()


def print_text(text: Text) -> None:
    """Print a line, safe already, without wrapping it; with colours on a terminal only."""
    _Pipe(file=raw_stream(sys.stdout), markup=False, highlight=False).print(text, soft_wrap=True)


def print_articles(found: Iterable[StoredArticle]) -> None:
    """Print articles in a table: name, publication time, revision, headline.

    Those that no layout read are marked in a column that is left out without them.
    """
    rows = []
    articles = list(found)
    has_generic = any(one.article.quality is Quality.GENERIC for one in articles)
    for stored in articles:
        article = stored.article
        name = f"{article.outlet}/{article.article_id}"
        published = kst_minute(article.published_at) if article.published_at else ""
        quality = (article.quality.value,) if has_generic else ()
        rows.append((name, published, str(stored.revision), *quality, article.headline))
    quality = ("quality",) if has_generic else ()
    print_table(("article", "published", "rev", *quality, "headline"), rows)


def _console() -> Console:
    """Return a console of the terminal's width, or of unlimited width for a pipe or a file."""
    width = None if sys.stdout.isatty() else _UNWRAPPED
    return _Pipe(file=raw_stream(sys.stdout), width=width, markup=False, highlight=False)
