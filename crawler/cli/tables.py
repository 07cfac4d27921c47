"""Tables on stdout: fitted to a terminal, not wrapped in a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from crawler.cli.printable import printable, raw_stream
from crawler.cli.times import kst_minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.text import Text

    from archive.articles.queries import StoredArticle

#: Wider than any table's line: in a pipe or a file, a row is one line.
_UNWRAPPED = 10_000


class _Pipe(Console):
    """A console that leaves a closed pipe to the command; rich's own exits with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", figures: int = 0
) -> None:
    """Print a table to stdout; nothing if there are no rows.

    The last ``figures`` columns are right-aligned.
    """
    table = Table(title=title or None, title_justify="left")
    for at, name in enumerate(columns):
        justify: Literal["left", "right"] = "right" if at >= len(columns) - figures else "left"
        no_wrap = figures > 0 or at < len(columns) - 1
        # Folding keeps every syllable; rich's other overflow methods drop some of them next to
        # wide characters.
        table.add_column(name, justify=justify, overflow="fold", no_wrap=no_wrap)
    for row in rows:
        table.add_row(*map(printable, row))
    if table.row_count:
        _console().print(table)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, last: int = 24) -> None:
    """Print rows as a table, or as a block of lines each where the terminal is too narrow.

    The last column is folded to at least ``last`` columns' width. A cell is one line; an empty one
    is ``–``.
    """
    console = _console()
    widths = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    needed = sum(widths[:-1]) + min(widths[-1], last) + 3 * len(columns) + 1
    if needed <= console.width:
        print_table(columns, rows)
        return
    for row in rows:
        for name, cell in zip(columns, row, strict=True):
            if cell != "–":
                console.print(f"{name}: {printable(cell)}", soft_wrap=True)
        console.print()


def print_text(text: Text) -> None:
    """Print a line, safe already, without wrapping it; with colours on a terminal only."""
    _Pipe(file=raw_stream(sys.stdout), markup=False, highlight=False).print(text, soft_wrap=True)


def print_articles(found: Iterable[StoredArticle]) -> None:
    """Print articles in a table: name, publication time, revision, headline."""
    rows = []
    for stored in found:
        article = stored.article
        name = f"{article.outlet}/{article.article_id}"
        published = kst_minute(article.published_at) if article.published_at else ""
        rows.append((name, published, str(stored.revision), article.headline))
    print_table(("article", "published", "rev", "headline"), rows)


def _console() -> Console:
    """Return a console of the terminal's width, or of unlimited width for a pipe or a file."""
    width = None if sys.stdout.isatty() else _UNWRAPPED
    return _Pipe(file=raw_stream(sys.stdout), width=width, markup=False, highlight=False)
